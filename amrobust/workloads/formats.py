"""Readers of data formats, to arrays or a UserError in one line: idx, CIFAR's records, text, folders of JPEGs."""

from __future__ import annotations

import hashlib
import math
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError

IDX_UNSIGNED_BYTES = 0x08


def parse_idx(content: bytes, name: str, axes: int) -> NDArray[np.uint8]:
    """The array in ``content``, a view of it with ``axes`` axes. ``name`` names the file in errors.

    The idx format of MNIST and Fashion-MNIST: a magic number, the lengths of the axes, then unsigned bytes.

    Raises UserError unless the magic number announces unsigned bytes on so many axes, and as many bytes follow as the
    lengths of the axes say.
    """
    header = 4 + 4 * axes
    if len(content) < header or content[:4] != bytes([0, 0, IDX_UNSIGNED_BYTES, axes]):
        raise UserError(f"{name} is no idx file of unsigned bytes on {axes} axes")
    shape = struct.unpack(f">{axes}I", content[4:header])
    if math.prod(shape) != len(content) - header:
        lengths = " x ".join(map(str, shape))
        raise UserError(f"{name} announces {lengths} bytes and holds {len(content) - header:,}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


CIFAR_PIXELS = 3 * 32 * 32


def parse_cifar(
    content: bytes, name: str, label_bytes: int, classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (n, 3, 32, 32), a view of ``content``, and labels (n,): the last of each record's label bytes.

    The binary layout of CIFAR: label bytes, then the red, green and blue plane of 32 × 32 each.
    CIFAR-10 has one label byte, CIFAR-100 two, the coarse label first. ``name`` names the file in errors. Raises UserError
    unless the content is one or more whole records with labels below ``classes``.
    """
    length = label_bytes + CIFAR_PIXELS
    if not content or len(content) % length:
        raise UserError(f"{name} is not made of records of {length:,} bytes: it has {len(content):,} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, length)
    labels = records[:, label_bytes - 1].astype(np.int64)
    if labels.max() >= classes:
        raise UserError(f"{name} holds a label {labels.max()}, and there are {classes} classes")
    return records[:, label_bytes:].reshape(-1, 3, 32, 32), labels


END = "<eos>"
MAX_WORDS = 1_000_000
"""Different words: an embedding of more is not usable."""


@dataclass(frozen=True)
class Corpus:
    """Each text as word numbers, and the words in the order of their numbers."""

    texts: tuple[NDArray[np.int64], ...]
    words: tuple[str, ...]


def parse_text(contents: Sequence[tuple[str, bytes]]) -> Corpus:
    """The texts of (name, UTF-8 content), words numbered in the order in which they first appear.

    Words are separated by spaces, and every line that holds one ends with ``<eos>``. Raises UserError on a text that is not
    UTF-8, that holds no words, or where there are more than a million different words.
    """
    numbers: dict[str, int] = {}
    texts = []
    for name, content in contents:
        try:
            lines = content.decode().splitlines()
        except UnicodeDecodeError as error:
            raise UserError(f"{name} is not UTF-8 text: byte {error.start:,} is wrong") from None
        tokens = [
            numbers.setdefault(word, len(numbers))
            for line in lines
            if line.strip()
            for word in (*line.split(), END)
        ]
        if not tokens:
            raise UserError(f"{name} holds no words")
        if len(numbers) > MAX_WORDS:
            raise UserError(f"{name} holds too many different words: more than {MAX_WORDS:,}")
        texts.append(np.array(tokens, np.int64))
    return Corpus(tuple(texts), tuple(numbers))


EXTENSIONS = (".jpeg", ".jpg")
MAX_IMAGES = 20_000_000


@dataclass(frozen=True)
class ImageFolder:
    """One split: where its images lie, sorted by class and name, their class numbers, and the classes' names."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    digest: str
    """SHA-256 of every image's class, name and length in bytes; the images themselves are not read."""


def scan_folders(folder: Path) -> ImageFolder:
    """List the split in ``folder``, in ImageNet's layout CLASS/IMAGE; classes are numbered in the order of their names.

    Raises UserError where there are no classes, or one without images."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
        paths: list[Path] = []
        labels: list[int] = []
        digest = hashlib.sha256()
        for label, name in enumerate(names):
            images = sorted(
                (entry.name, entry.stat().st_size)
                for entry in os.scandir(folder / name)
                if entry.name.lower().endswith(EXTENSIONS) and entry.is_file()
            )
            if not images:
                raise UserError(
                    f"{folder / name} holds no JPEGs, and every folder there is taken for a class"
                )
            paths += [folder / name / image for image, _ in images]
            labels += [label] * len(images)
            if len(paths) > MAX_IMAGES:
                raise UserError(f"{folder} holds more than {MAX_IMAGES:,} images")
            digest.update(repr((name, images)).encode())
    except OSError as error:
        raise UserError(f"cannot list {error.filename or folder}: {error.strerror or error}") from None
    if not paths:
        raise UserError(f"{folder} holds no folders of JPEGs, one per class")
    return ImageFolder(tuple(paths), tuple(labels), tuple(names), digest.hexdigest())
