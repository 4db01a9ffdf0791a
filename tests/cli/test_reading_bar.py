"""The bar while a large table is read: on a terminal, on stderr, and nowhere else."""

import io
import sys
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from amrobust.cli import main, reading
from amrobust.cli.reading import reading_bar
from amrobust.ingest import csv_blocks, csv_tables


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def table(tmp_path, monkeypatch):
    path = tmp_path / "large.csv"
    rows = "".join(f"a,{row % 2},{row // 2},{row}\n" for row in range(400))
    path.write_text(f"method,seed,step,value\n{rows}")
    monkeypatch.setattr(csv_tables, "LARGE", 0)
    monkeypatch.setattr(csv_blocks, "BLOCK", 1000)
    monkeypatch.setattr(reading, "LONG", 2000)
    return path


def shown(monkeypatch, stream, path):
    monkeypatch.setattr(sys, "stderr", stream)
    with reading_bar():
        csv_tables.read_table(path, path.name)
    return stream.getvalue()


def test_on_a_terminal_a_large_table_has_one(table, monkeypatch):
    said = shown(monkeypatch, Terminal(), table)
    assert "reading large.csv" in said
    assert csv_blocks.watch.get() is None


def test_a_small_one_has_none(table, monkeypatch):
    monkeypatch.setattr(reading, "LONG", 10**6)
    assert shown(monkeypatch, Terminal(), table) == ""


def test_a_pipe_and_a_log_get_nothing(table, monkeypatch):
    assert shown(monkeypatch, io.StringIO(), table) == ""


def test_after_an_error_it_is_gone(table, monkeypatch):
    table.write_text(table.read_text() + "a,0\n")
    with pytest.raises(Exception, match="number of cells"):
        shown(monkeypatch, Terminal(), table)
    assert csv_blocks.watch.get() is None


def test_quiet_means_quiet(table, monkeypatch):
    monkeypatch.setattr(reading.messages, "is_quiet", lambda: True)
    assert shown(monkeypatch, Terminal(), table) == ""


@pytest.mark.parametrize("command", ["compare", "tails", "report", "export", "import"])
def test_every_command_that_reads_has_it(table, monkeypatch, command, tmp_path):
    watched = []

    @contextmanager
    def bar():
        with monkeypatch.context() as patch:
            patch.setattr(csv_blocks.Rows, "_tell", lambda self, done: watched.append(done))
            yield

    monkeypatch.setattr(reading, "reading_bar", bar)
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(main, [command, str(table), *(["-o", "x.html"] if command == "report" else [])])
    assert watched[-1] == table.stat().st_size
