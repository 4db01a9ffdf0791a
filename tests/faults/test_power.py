"""A machine that loses its power: whatever had not been flushed to the disk is gone, in every way that it can be gone."""

import os
import shutil
from itertools import chain, combinations
from pathlib import Path

import pytest
from made_up_runs import Trainer, describe, spec

from amrobust.runs.find import is_run
from amrobust.runs.store import read_run
from amrobust.runs.validators import CorruptRun
from amrobust.train.engine import execute


class Disk:
    """What a disk may hold of a run at each moment: contents as they were flushed last, names too, or any newer ones."""

    def __init__(self, monkeypatch, base):
        self.base, self.on = base, True
        self.contents, self.names, self.possible = {}, {}, []
        for name in ("fsync", "replace", "unlink"):
            monkeypatch.setattr(os, name, self.watched(name, getattr(os, name)))

    def watched(self, name, operation):
        def replacement(*arguments, **named):
            done = operation(*arguments, **named)
            if name == "fsync":
                self.flushed(arguments[0])
            if self.on:
                self.possible.append(self.images())
            return done

        return replacement

    def flushed(self, descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_dir():
            self.names = self.current()
        else:
            self.contents[path.stat().st_ino] = path.read_bytes()

    def current(self):
        """The file behind each name in the run's directory, where there is one."""
        return {file.name: file.stat().st_ino for run in self.base.glob("*-*-*") for file in run.iterdir()}

    def images(self):
        """Content by name, for each choice of the names that are not flushed."""
        current = self.current()
        names = sorted(self.names.keys() | current.keys())
        changed = [name for name in names if self.names.get(name) != current.get(name)]
        choices = chain.from_iterable(combinations(changed, count) for count in range(len(changed) + 1))
        kept = [self.names | {name: current.get(name) for name in newer} for newer in choices]
        return [
            {n: self.contents.get(file, b"") for n, file in names.items() if file is not None}
            for names in kept
        ]


@pytest.fixture
def disk(monkeypatch, tmp_path):
    if not Path("/proc/self/fd").exists():
        pytest.skip("which file is flushed cannot be found out here")
    return Disk(monkeypatch, tmp_path)


def complete(image, name, directory):
    """The complete seeds in ``image``; none where there is no run. Raises CorruptRun."""
    path = directory / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    for file, content in image.items():
        (path / file).write_bytes(content)
    return set(read_run(path).manifest.complete) if is_run(path) else set()


def run(directory, seeds, **arguments):
    return execute(spec(), range(seeds), directory, train=Trainer(), describe=describe, **arguments)


def test_what_was_complete_is_there_after_any_loss_of_power(disk, tmp_path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("image")
    run(tmp_path, 3)
    begun = len(disk.possible)
    name = run(tmp_path, 5).path.name
    disk.on = False
    later = disk.possible[begun:]
    assert len(later) > 8
    for images in later:
        for image in images:
            assert complete(image, name, elsewhere) in ({0, 1, 2}, {0, 1, 2, 3, 4})
    assert [complete(image, name, elsewhere) for image in later[-1]] == [{0, 1, 2, 3, 4}] * len(later[-1])


def test_a_run_that_loses_its_power_at_first_gives_nothing_false(disk, tmp_path, tmp_path_factory):
    """Until the first seeds are committed it may be all or nothing, or be seen to be broken."""
    elsewhere = tmp_path_factory.mktemp("image")
    name = run(tmp_path, 3).path.name
    disk.on, found = False, []
    for images in disk.possible:
        for image in images:
            try:
                found.append(tuple(sorted(complete(image, name, elsewhere))))
            except CorruptRun:
                found.append(None)
    assert set(found) <= {(), (0, 1, 2), None}
    assert found[0] == (), "begun, it is as if it had not"
    assert found[-1] == (0, 1, 2)


def test_an_empty_manifest_without_curves_is_no_run_yet(tmp_path):
    path = run(tmp_path, 3).path
    for file in path.iterdir():
        file.unlink()
    (path / "manifest.json").touch()
    assert not is_run(path)
    assert run(tmp_path, 3).manifest.complete == (0, 1, 2)
