"""Augmentation of a batch of images: pure functions of the images and a generator, the same draws on every device.

Draws are made where the generator lives (on the CPU, as a rule) and take the same numbers from it whatever they turn out
to be, so that a seed's augmentation does not depend on where its images are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge of a crop in pixels."""


def random_crop(images: Tensor, generator: torch.Generator, padding: int, fill: Tensor) -> Tensor:
    """A crop of each image's own size at a random place of the image padded by ``padding`` pixels on every side.

    ``images`` (n, channels, height, width); ``fill`` (channels,) is the colour of the padding: where images are
    standardised, the value that black has then. Offsets are uniform on 0 … 2·padding, drawn for each image and axis.
    """
    n, channels, height, width = images.shape
    offsets = torch.randint(
        2 * padding + 1, (n, 2), generator=generator, device=generator.device, dtype=torch.int64
    ).to(images.device)
    padded = (
        fill.to(images)[:, None, None].expand(n, channels, height + 2 * padding, width + 2 * padding).clone()
    )
    padded[:, :, padding : padding + height, padding : padding + width] = images
    rows = offsets[:, :1] + torch.arange(height, device=images.device)
    columns = offsets[:, 1:] + torch.arange(width, device=images.device)
    flat = (rows[:, :, None] * padded.shape[3] + columns[:, None, :]).flatten(1)
    cropped = padded.flatten(2).gather(2, flat[:, None, :].expand(n, channels, height * width))
    return cropped.view(n, channels, height, width)


def random_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image mirrored left to right with probability 1/2; ``images`` (n, channels, height, width)."""
    flips = torch.randint(2, (len(images),), generator=generator, device=generator.device).bool()
    return torch.where(flips.to(images.device)[:, None, None, None], images.flip(3), images)


def random_resized_box(
    width: int,
    height: int,
    draws: Tensor,
    scale: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> Box:
    """A random box whose share of the area is uniform on ``scale`` and whose width/height is log-uniform on ``ratio``.

    The Inception crop of PyTorch's ImageNet example, which the paper follows (Appendix D.1): ``draws`` (tries, 4), uniform
    on [0, 1), are share, ratio, and place of each try to fit a box into the image; where none fits, the largest central box
    with an allowed ratio.
    """
    low, high = math.log(ratio[0]), math.log(ratio[1])
    for share, aspect, x, y in draws.tolist():
        area = width * height * (scale[0] + share * (scale[1] - scale[0]))
        form = math.exp(low + aspect * (high - low))
        w, h = round(math.sqrt(area * form)), round(math.sqrt(area / form))
        if 0 < w <= width and 0 < h <= height:
            left, upper = int(x * (width - w + 1)), int(y * (height - h + 1))
            return left, upper, left + w, upper + h
    form = min(max(width / height, ratio[0]), ratio[1])
    w, h = min(width, round(height * form)), min(height, round(width / form))
    return (width - w) // 2, (height - h) // 2, (width - w) // 2 + w, (height - h) // 2 + h


def central_box(width: int, height: int, share: float = 224 / 256) -> Box:
    """The central square whose side is ``share`` of the image's shorter side: resizing to 256 and cropping 224, at once."""
    side = max(1, round(min(width, height) * share))
    left, upper = (width - side) // 2, (height - side) // 2
    return left, upper, left + side, upper + side
