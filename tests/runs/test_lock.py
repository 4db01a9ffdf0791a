"""Locks where the file system has none: an error with a remedy, never a wait for oneself."""

import errno
import fcntl
import os

import pytest

from amrobust.errors import RunError
from amrobust.runs.lock import LOCK, locked
from amrobust.workloads.catalogue import Source
from amrobust.workloads.download import download


@pytest.fixture(params=[errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP], ids=errno.errorcode.get)
def without_locks(request, monkeypatch):
    def refuse(*_):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("without_locks")
@pytest.mark.parametrize("already", [False, True])
def test_a_run_is_not_begun_there(tmp_path, already):
    if already:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / LOCK).touch()
    with (
        pytest.raises(RunError, match=r"file system has no locks.*--runs-dir"),
        locked(tmp_path / "run", lambda: pytest.fail("waits")),
    ):
        pytest.fail("locked")


@pytest.mark.usefixtures("without_locks")
def test_a_data_set_is_not_fetched_there(tmp_path):
    source = Source("http://127.0.0.1:9/set.bin", "0" * 32, 10)
    with pytest.raises(RunError, match=r"file system has no locks.*--data-dir"):
        download(source, tmp_path)
    assert not (tmp_path / "set.bin.part").exists()
