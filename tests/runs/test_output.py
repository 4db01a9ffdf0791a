"""Outputs are whole files at the end of their links, and devices and pipes are written in place."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from amrobust.errors import RunError, UserError
from amrobust.runs.output import check_output, ending, is_stream, make_directory, write_output

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="makes a device")
as_user = pytest.mark.skipif(ROOT, reason="everything may be written to")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class TestPlainFiles:
    def test_a_new_file_has_the_mode_that_the_umask_leaves(self, tmp_path):
        before = os.umask(0o027)
        try:
            write_output(tmp_path / "new.csv", b"text")
        finally:
            os.umask(before)
        assert (tmp_path / "new.csv").read_bytes() == b"text"
        assert stat.S_IMODE((tmp_path / "new.csv").stat().st_mode) == 0o640
        assert names(tmp_path) == {"new.csv"}

    @pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
    def test_a_file_that_is_replaced_keeps_its_mode(self, tmp_path, mode):
        path = tmp_path / "old.csv"
        path.write_bytes(b"old")
        path.chmod(mode)
        write_output(path, b"new")
        assert path.read_bytes() == b"new"
        assert stat.S_IMODE(path.stat().st_mode) == mode

    def test_whoever_reads_the_old_file_keeps_it_whole(self, tmp_path):
        path = tmp_path / "old.csv"
        path.write_bytes(b"old")
        with path.open("rb") as reader:
            write_output(path, b"new")
            assert reader.read() == b"old"

    def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch):
        path = tmp_path / "old.csv"
        path.write_bytes(b"old")

        def full(descriptor):
            raise OSError(28, os.strerror(28))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match="No space left on device"):
            write_output(path, b"new")
        assert path.read_bytes() == b"old"
        assert names(tmp_path) == {"old.csv"}


class TestLinks:
    @pytest.mark.parametrize("relative", [True, False])
    def test_the_file_at_the_end_is_replaced_and_the_links_stay(self, tmp_path, relative):
        (tmp_path / "there").mkdir()
        target = tmp_path / "there" / "target.csv"
        target.write_bytes(b"old")
        target.chmod(0o640)
        (tmp_path / "second.csv").symlink_to("there/target.csv" if relative else target)
        link = tmp_path / "first.csv"
        link.symlink_to("second.csv" if relative else tmp_path / "second.csv")
        write_output(link, b"new")
        assert link.is_symlink()
        assert (tmp_path / "second.csv").is_symlink()
        assert target.read_bytes() == b"new"
        assert stat.S_IMODE(target.stat().st_mode) == 0o640
        assert names(tmp_path / "there") == {"target.csv"}

    def test_the_target_of_a_link_that_leads_to_nothing_yet_is_made(self, tmp_path):
        (tmp_path / "link.csv").symlink_to("target.csv")
        write_output(tmp_path / "link.csv", b"new")
        assert (tmp_path / "link.csv").is_symlink()
        assert (tmp_path / "target.csv").read_bytes() == b"new"

    def test_one_into_a_directory_that_is_missing_is_refused(self, tmp_path):
        (tmp_path / "link.csv").symlink_to(tmp_path / "no" / "target.csv")
        with pytest.raises(UserError, match=r"link.csv: there is no directory .*no; make it first"):
            write_output(tmp_path / "link.csv", b"new")

    def test_links_that_lead_to_each_other_are_refused(self, tmp_path):
        (tmp_path / "a").symlink_to("b")
        (tmp_path / "b").symlink_to("a")
        with pytest.raises(UserError, match="symbolic links"):
            write_output(tmp_path / "a", b"new")

    @as_root
    def test_one_of_somebody_else_s_in_a_directory_of_everybody_s_is_refused(self, tmp_path):
        (tmp_path / "mine").write_bytes(b"mine")
        (tmp_path / "all").mkdir()
        (tmp_path / "all").chmod(0o1777)
        for name, target in (("there", "mine"), ("new", "none")):
            link = tmp_path / "all" / name
            link.symlink_to(tmp_path / target)
            os.chown(link, 65534, 65534, follow_symlinks=False)
            with pytest.raises(UserError, match=r"another user's|Permission denied"):
                write_output(link, b"theirs")
        (tmp_path / "all" / "own").symlink_to(tmp_path / "mine")
        write_output(tmp_path / "all" / "own", b"mine")
        assert (tmp_path / "mine").read_bytes() == b"mine"
        assert names(tmp_path) == {"mine", "all"}

    def test_a_directory_that_is_a_link_is_followed_too(self, tmp_path):
        (tmp_path / "there").mkdir()
        (tmp_path / "here").symlink_to("there")
        write_output(tmp_path / "here" / "a.csv", b"new")
        assert (tmp_path / "there" / "a.csv").read_bytes() == b"new"


class TestStreams:
    @as_root
    @pytest.mark.parametrize("linked", [False, True])
    def test_a_device_stays_one(self, tmp_path, linked):
        device = tmp_path / "null"
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        path = device
        if linked:
            path = tmp_path / "link"
            path.symlink_to(device)
        write_output(path, b"text")
        assert stat.S_ISCHR(device.stat().st_mode)
        assert is_stream(path)
        assert names(tmp_path) == {"null", path.name}

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
    def test_a_full_device_is_a_failure_in_one_line(self):
        with pytest.raises(RunError, match=r"^cannot write /dev/full: No space left on device; .*$"):
            write_output("/dev/full", b"text")

    def test_a_pipe_is_written_to_and_stays(self, tmp_path):
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        read = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
        reader.start()
        data = bytes(range(256)) * 1000  # more than a pipe holds
        write_output(pipe, data)
        reader.join()
        assert read == [data]
        assert stat.S_ISFIFO(pipe.stat().st_mode)

    @pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd here")
    @pytest.mark.parametrize("linked", [False, True])
    def test_a_descriptor_is_written_to_where_it_stands(self, tmp_path, linked):
        with (tmp_path / "open.csv").open("wb", buffering=0) as file:
            path = Path(f"/dev/fd/{file.fileno()}")
            if linked:
                (tmp_path / "link").symlink_to(path)
                path = tmp_path / "link"
            file.write(b"before,")
            write_output(path, b"between,")
            file.write(b"after")
        assert (tmp_path / "open.csv").read_bytes() == b"before,between,after"

    @pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no /dev/stdout here")
    def test_standard_output_by_its_name_keeps_its_order(self, tmp_path):
        code = (
            "from amrobust.runs.output import write_output\n"
            "print('first'); write_output('/dev/stdout', b'second\\n'); print('third')"
        )
        with (tmp_path / "out").open("wb") as out:
            subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
        assert (tmp_path / "out").read_text() == "first\nsecond\nthird\n"

    @pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd here")
    def test_a_descriptor_that_is_closed_is_refused(self):
        number = os.dup(1)
        os.close(number)
        with pytest.raises(UserError, match="Bad file descriptor"):
            check_output(f"/dev/fd/{number}")


class TestWhatIsNoPlace:
    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("", "without a name"),
            ("{}", "it is a directory; give the name of a file in it"),
            ("{}/no/a.csv", "there is no directory .*no; make it first"),
            ("{}/file/a.csv", "there is no directory .*file; make it first"),
            ("{}/a\0b.csv", "null"),
            ("{}/" + "x" * 300, "File name too long"),
        ],
    )
    def test_it_is_refused_before_anything_is_computed(self, tmp_path, name, message):
        (tmp_path / "file").write_bytes(b"")
        for act in (check_output, is_stream, lambda path: write_output(path, b"")):
            with pytest.raises(UserError, match=message) as found:
                act(name.format(tmp_path))
            assert len(str(found.value).splitlines()) == 1
        assert names(tmp_path) == {"file"}

    @as_user
    def test_a_file_that_may_not_be_written_to_is_not_replaced(self, tmp_path):
        path = tmp_path / "mine.csv"
        path.write_bytes(b"mine")
        path.chmod(0o444)
        with pytest.raises(UserError, match=r"you may not write to .*mine\.csv"):
            write_output(path, b"another")
        assert path.read_bytes() == b"mine"

    @as_user
    def test_a_directory_that_may_not_be_written_to(self, tmp_path):
        tmp_path.chmod(0o500)
        with pytest.raises(UserError, match="you may not write to"):
            check_output(tmp_path / "a.csv")

    def test_a_file_is_no_directory_for_several(self, tmp_path):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(UserError, match=r"cannot write to .*file"):
            make_directory(tmp_path / "file")


class TestEndings:
    def test_it_says_how_a_file_is_written(self, tmp_path):
        assert ending(tmp_path / "a.PDF", (".html", ".pdf"), "a report ends in") == ".pdf"
        with pytest.raises(UserError, match=r"a report ends in \.html or \.pdf$"):
            ending(tmp_path / "a.csv", (".html", ".pdf"), "a report ends in")

    def test_a_stream_needs_none(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        os.mkfifo(tmp_path / "pipe.html")
        assert ending(tmp_path / "pipe", (".pdf", ".html"), "a report ends in") == ".pdf"
        assert ending(tmp_path / "pipe.html", (".pdf", ".html"), "a report ends in") == ".html"
