"""Downloads against a server on this machine: whole, resumed, cut off, wrong, refused."""

import functools
import hashlib
import http.server
import os
import re
import threading

import pytest

from amrobust.errors import RunError
from amrobust.workloads import download as module
from amrobust.workloads.catalogue import Source
from amrobust.workloads.download import download

CONTENT = bytes(range(256)) * 2000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; ``plan`` holds one entry a request: how many bytes to send before the connection is cut."""

    def __init__(self, state, *args):
        self.state = state
        super().__init__(*args)

    def do_GET(self):
        asked = self.headers.get("Range")
        self.state["ranges"].append(asked)
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        cut = self.state["plan"].pop(0) if self.state["plan"] else None
        body = self.state["content"]
        if asked and self.state["knows_ranges"]:
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            body = body[start:]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def server():
    """State of a server; ``state["url"]`` is its address."""
    state = {"ranges": [], "plan": [], "knows_ranges": True, "content": CONTENT}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Server, state)) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state["url"] = f"http://127.0.0.1:{running.server_port}"
        yield state
        running.shutdown()
        thread.join()


def source(server, name="set.bin"):
    return Source(f"{server['url']}/{name}", MD5, len(CONTENT))


def test_a_file_arrives_whole_and_progress_ends_at_its_length(server, tmp_path):
    seen = []
    path = download(source(server), tmp_path / "deep" / "folder", seen.append)
    assert path.name == "set.bin"
    assert path.read_bytes() == CONTENT
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)
    assert [p.name for p in path.parent.iterdir() if p.suffix != ".lock"] == ["set.bin"]


def test_a_file_that_is_there_is_checked_and_not_fetched_again(server, tmp_path):
    download(source(server), tmp_path)
    download(source(server), tmp_path)
    assert server["ranges"] == [None]
    (tmp_path / "set.bin").write_bytes(b"else")
    with pytest.raises(RunError, match="not the publisher's"):
        download(source(server), tmp_path)
    assert (tmp_path / "set.bin").read_bytes() == b"else"


def test_a_connection_cut_off_is_taken_up_where_it_ended(server, tmp_path):
    server["plan"] = [300_000, 100_000]
    assert download(source(server), tmp_path).read_bytes() == CONTENT
    assert server["ranges"] == [None, "bytes=300000-", "bytes=400000-"]


def test_what_an_earlier_call_left_is_taken_up(server, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1000])
    assert download(source(server), tmp_path).read_bytes() == CONTENT
    assert server["ranges"] == ["bytes=1000-"]


def test_a_server_without_ranges_sends_everything_again(server, tmp_path):
    server["knows_ranges"] = False
    (tmp_path / "set.bin.part").write_bytes(b"x" * 1000)
    assert download(source(server), tmp_path).read_bytes() == CONTENT


def test_a_server_that_keeps_cutting_ends_the_try_but_keeps_what_came(server, tmp_path):
    server["plan"] = [200_000] + [0] * module.ATTEMPTS
    with pytest.raises(RunError, match=r"200,000 of 512,000 bytes are kept"):
        download(source(server), tmp_path)
    assert (tmp_path / "set.bin.part").read_bytes() == CONTENT[:200_000]
    assert not (tmp_path / "set.bin").exists()
    assert download(source(server), tmp_path).read_bytes() == CONTENT


def test_wrong_bytes_never_get_the_files_name(server, tmp_path):
    server["content"] = CONTENT[:-1] + b"?"
    with pytest.raises(RunError, match="not the publisher's file") as caught:
        download(source(server), tmp_path)
    assert MD5 in str(caught.value)
    assert not list(tmp_path.glob("set.bin")) + list(tmp_path.glob("*.part"))


def test_a_file_that_never_ends_is_cut_at_its_length(server, tmp_path):
    server["content"] = CONTENT * 3
    with pytest.raises(RunError, match="longer than"):
        download(source(server), tmp_path)


def test_a_part_past_the_servers_end_is_begun_again_once(server, tmp_path):
    server["content"] = CONTENT[:1000]
    (tmp_path / "set.bin.part").write_bytes(b"x" * 2000)
    with pytest.raises(RunError, match="416"):
        download(source(server), tmp_path)
    assert server["ranges"] == ["bytes=2000-", None, "bytes=1000-"]


def test_refusals_and_unreachable_servers_are_one_line(server, tmp_path):
    with pytest.raises(RunError, match="404"):
        download(source(server, "missing"), tmp_path)
    with pytest.raises(RunError, match="by hand") as caught:
        download(Source("http://127.0.0.1:9/set.bin", MD5, 10), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_one_line(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot write"):
        download(source(server), tmp_path / "file")


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_an_earlier_call_left_is_no_link_to_another_file_and_no_pipe(server, tmp_path, kind):
    (tmp_path / "mine").write_bytes(CONTENT[:1000])
    part = tmp_path / "set.bin.part"
    part.symlink_to(tmp_path / "mine") if kind == "link" else os.mkfifo(part)
    with pytest.raises(RunError, match="no plain file"):
        download(source(server), tmp_path)
    assert (tmp_path / "mine").read_bytes() == CONTENT[:1000]
