"""The idx format of MNIST and Fashion-MNIST: a magic number, the lengths of the axes, then unsigned bytes."""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError

UNSIGNED_BYTES = 0x08


def parse(content: bytes, name: str, axes: int) -> NDArray[np.uint8]:
    """The array in ``content``, a view of it with ``axes`` axes. ``name`` names the file in errors.

    Raises UserError unless the magic number announces unsigned bytes on so many axes, and as many bytes follow as the
    lengths of the axes say.
    """
    header = 4 + 4 * axes
    if len(content) < header or content[:4] != bytes([0, 0, UNSIGNED_BYTES, axes]):
        raise UserError(f"{name} is no idx file of unsigned bytes on {axes} axes")
    shape = struct.unpack(f">{axes}I", content[4:header])
    if math.prod(shape) != len(content) - header:
        lengths = " x ".join(map(str, shape))
        raise UserError(f"{name} announces {lengths} bytes and holds {len(content) - header:,}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
