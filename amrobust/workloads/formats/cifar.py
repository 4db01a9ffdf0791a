"""The binary layout of CIFAR-10 and CIFAR-100: label bytes, then the red, green and blue plane of 32 × 32 each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError

PIXELS = 3 * 32 * 32


def parse(
    content: bytes, name: str, label_bytes: int, classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (n, 3, 32, 32), a view of ``content``, and labels (n,): the last of each record's label bytes.

    CIFAR-10 has one label byte, CIFAR-100 two, the coarse label first. ``name`` names the file in errors. Raises UserError
    unless the content is one or more whole records with labels below ``classes``.
    """
    length = label_bytes + PIXELS
    if not content or len(content) % length:
        raise UserError(f"{name} is not made of records of {length:,} bytes: it has {len(content):,} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, length)
    labels = records[:, label_bytes - 1].astype(np.int64)
    if labels.max() >= classes:
        raise UserError(f"{name} holds a label {labels.max()}, and there are {classes} classes")
    return records[:, label_bytes:].reshape(-1, 3, 32, 32), labels
