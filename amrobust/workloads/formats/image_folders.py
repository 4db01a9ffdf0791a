"""Folders of JPEGs in ImageNet's layout: SPLIT/CLASS/IMAGE; the classes are numbered in the order of their names."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from amrobust.errors import UserError

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


def scan(folder: Path) -> ImageFolder:
    """List the split in ``folder``. Raises UserError where there are no classes, or one without images."""
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
        raise UserError(f"{folder} holds no folders of JPEGs, one a class")
    return ImageFolder(tuple(paths), tuple(labels), tuple(names), digest.hexdigest())
