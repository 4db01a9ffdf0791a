"""The content of a data set's files, wherever they lie: plain, gzipped, or inside the publisher's archive."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from amrobust.errors import UserError
from amrobust.workloads import data
from amrobust.workloads.catalogue import DataSet

UNREADABLE = (OSError, EOFError, ValueError, zlib.error, tarfile.TarError, zipfile.BadZipFile, RuntimeError)
"""What the standard library raises on damaged files and archives."""


@dataclass(frozen=True)
class Contents:
    """The bytes of each file of a data set, in the order of the catalogue, and which of them are not the publisher's."""

    files: Mapping[str, bytes]
    unofficial: tuple[str, ...]


def locate(dataset: DataSet) -> Mapping[str, Path]:
    """For each file of the set that is there, the path of the file or of the archive that holds it.

    An archive is taken to hold every file; whether it does is seen when it is read.
    """
    archive = data.find(dataset.folder, *dataset.archives)
    found = {}
    for name in dataset.files:
        inner = [f"{dataset.inner}/{name}", f"{dataset.inner}/{name}.gz"] if dataset.inner else []
        path = data.find(dataset.folder, name, f"{name}.gz", *inner) or archive
        if path is not None:
            found[name] = path
    return found


def read(dataset: DataSet) -> Contents:
    """Every file of the set, read whole and compared with the published digests.

    Raises UserError where a file is missing (saying what to fetch and where to put it), damaged, or longer than the set's
    limit: nothing longer is ever held in memory.
    """
    places = locate(dataset)
    missing = [name for name in dataset.files if name not in places]
    if missing:
        raise UserError(missing_line(dataset, missing))
    files: dict[str, bytes] = {}
    for path in dict.fromkeys(places.values()):
        names = [name for name, place in places.items() if place == path]
        files |= (
            _read_archive(dataset, path, names)
            if path.name in dataset.archives
            else _read_file(dataset, path, names)
        )
    unofficial = tuple(
        name for name, published in dataset.files.items() if not _matches(files[name], published)
    )
    return Contents({name: files[name] for name in dataset.files}, unofficial)


def missing_line(dataset: DataSet, missing: list[str]) -> str:
    """What is missing, how to fetch it, and where it may be put by hand."""
    where = data.directory() / dataset.folder
    addresses = ", ".join(source.url for source in dataset.sources)
    return (
        f"{dataset.name}: {missing[0]} is not in {where}: run 'amrobust data fetch {dataset.name}' "
        f"({dataset.megabytes} MB), or put {addresses} there (--data-dir or AMROBUST_DATA name another data directory)"
    )


def _matches(content: bytes, published: str) -> bool:
    algorithm, _, digest = published.partition(":")
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest() == digest


def _read_file(dataset: DataSet, path: Path, names: list[str]) -> dict[str, bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return {name: _bounded(file, dataset, path) for name in names}
    except UNREADABLE as error:
        raise _unreadable(dataset, path, error) from None


def _read_archive(dataset: DataSet, path: Path, names: list[str]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as zipped:
                for member in zipped.infolist():
                    name = PurePosixPath(member.filename).name
                    if name in names and name not in files:
                        with zipped.open(member) as file:
                            files[name] = _bounded(file, dataset, path)
        else:
            with tarfile.open(path, "r|gz") as packed:
                for entry in packed:
                    name = PurePosixPath(entry.name).name
                    if name in names and name not in files and entry.isreg():
                        reader = packed.extractfile(entry)
                        assert reader is not None
                        files[name] = _bounded(reader, dataset, path)
                    if len(files) == len(names):
                        break
    except UNREADABLE as error:
        raise _unreadable(dataset, path, error) from None
    for name in names:
        if name not in files:
            raise UserError(f"{dataset.name}: {path} holds no {name}")
    return files


def _bounded(file: IO[bytes] | gzip.GzipFile, dataset: DataSet, path: Path) -> bytes:
    content = file.read(dataset.limit + 1)
    if len(content) > dataset.limit:
        raise UserError(
            f"{dataset.name}: {path} holds a file of more than {dataset.limit:,} bytes, which is none of this set"
        )
    return content


def _unreadable(dataset: DataSet, path: Path, error: BaseException) -> UserError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return UserError(
        f"{dataset.name}: cannot read {path}: {reason}; remove it and run 'amrobust data fetch {dataset.name}'"
    )
