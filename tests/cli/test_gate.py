"""What nobody foresaw ends in one line, and no standard stream that is missing or full costs the result."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from amrobust.cli import main

COMMAND = (sys.executable, "-c", "from amrobust.cli import main; main()")
TABLE = "method,seed,acc\n" + "".join(
    f"{method},{seed},{90 + len(method) + seed * 0.1}\n" for method in ("a", "bb") for seed in range(5)
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crashes").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "crashes"))
    (tmp_path / "table.csv").write_text(TABLE)
    return tmp_path


def broken(monkeypatch: pytest.MonkeyPatch, error: BaseException, *arguments: str) -> Result:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("amrobust.ingest.load.load_arms", fail)
    return CliRunner().invoke(main, [*arguments, "compare", "table.csv"])


def shell(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


class TestWhatNobodyForesaw:
    def test_is_one_line_status_1_and_a_file_with_the_rest_for_its_owner_alone(
        self, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = broken(monkeypatch, KeyError("seed\n7"))
        assert done.exit_code == 1
        (line,) = done.stderr.splitlines()
        (file,) = (here / "crashes").iterdir()
        assert line.startswith("Error: unexpected KeyError: ")
        assert str(file) in line
        assert file.stat().st_mode & 0o077 == 0
        content = file.read_text()
        assert content.startswith("command: ")
        assert "amrobust, version 0" in content
        assert "in fail" in content

    def test_is_shown_with_v_where_it_comes_from(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        done = broken(monkeypatch, KeyError("seed"), "-v")
        assert "Traceback" in done.stderr
        assert "in fail" in done.stderr

    def test_is_one_line_too_where_no_file_can_be_written(
        self, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(here / "none"))
        done = broken(monkeypatch, RecursionError("maximum recursion depth exceeded"))
        assert done.exit_code == 1
        (line,) = done.stderr.splitlines()
        assert "RecursionError" in line
        assert "-v shows" in line

    @pytest.mark.parametrize(
        ("error", "status", "said"),
        [
            (MemoryError(), 1, "not enough memory"),
            (KeyboardInterrupt(), 130, "interrupted"),
            (OSError(errno.EMFILE, "Too many open files", "x"), 1, "x: Too many open files"),
        ],
    )
    def test_is_not_what_the_system_or_its_user_refuses(
        self, here: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, said: str
    ) -> None:
        done = broken(monkeypatch, error)
        assert done.exit_code == status
        (line,) = done.stderr.splitlines()
        assert said in line
        assert not list((here / "crashes").iterdir())

    def test_ctrl_c_ends_a_simulation_with_status_130(self, here: Path) -> None:
        code = (
            "from amrobust.judge import planning\n"
            "seeds_for_power = planning.seeds_for_power\n"
            "def told(*arguments, **named):\n"
            "    print('it begins', flush=True)\n"
            "    return seeds_for_power(*arguments, **named)\n"
            "planning.seeds_for_power = told\n"
            "from amrobust.cli import main\n"
            "main(['plan', '--ratio', '1.1', '--replications', '1000000'])"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "it begins\n"
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=240)
        assert process.returncode == 130
        assert said.strip().endswith("Error: interrupted")


class TestStandardStreams:
    @pytest.mark.parametrize("how", ["2>&-", "2>/dev/full", "<&-", "<&- 2>&-"])
    def test_that_are_closed_or_full_cost_nothing_of_the_result(self, here: Path, how: str) -> None:
        usual = shell('"$@"', "compare", "table.csv")
        done = shell(f'"$@" {how}', "compare", "table.csv")
        assert done.returncode == usual.returncode == 0
        assert done.stdout == usual.stdout != ""

    @pytest.mark.parametrize("how", ["2>&-", "2>/dev/full", ">&- 2>&-"])
    def test_that_cannot_say_an_error_leave_its_status(self, here: Path, how: str) -> None:
        assert shell(f'"$@" {how}', "compare", "none.csv").returncode == (1 if ">&- 2" in how else 2)

    def test_input_that_is_closed_is_named_where_it_is_to_be_read(self, here: Path) -> None:
        done = shell('"$@" <&-', "compare", "-")
        assert done.returncode == 2
        assert "standard input, which is closed" in done.stderr

    def test_that_are_closed_keep_no_worker_waiting(self, here: Path) -> None:
        train = [
            "run",
            "--opt",
            "sgd",
            "--workload",
            "logistic",
            "--iterations",
            "20",
            "--seeds",
            "2",
            "--jobs",
            "2",
        ]
        done = shell('"$@" <&- 2>&-', *train)
        assert done.returncode == 0
        assert "next: amrobust compare" in done.stdout


class TestPlaces:
    def test_a_working_directory_that_was_deleted_is_named(self, here: Path) -> None:
        script = 'mkdir gone; cd gone; rmdir ../gone; "$@"'
        done = shell(script, "compare", str(here / "table.csv"))
        assert done.returncode == 0, done.stderr
        done = shell(script, "compare", "../table.csv")
        assert done.returncode == 1
        assert done.stderr == "Error: the working directory was deleted: change to one that is there\n"

    @pytest.mark.parametrize(
        "arguments",
        [
            ["compare"],
            ["tails"],
            ["export"],
            ["report"],
            ["list"],
            ["show"],
            ["run", "--opt", "sgd", "--runs-dir"],
        ],
    )
    def test_a_name_beyond_what_file_systems_hold_is_one_line(self, here: Path, arguments: list[str]) -> None:
        done = CliRunner().invoke(main, [*arguments, "x" * 256])
        assert done.exit_code in (1, 2)
        assert "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1].startswith("Error: ")
        assert not list((here / "crashes").iterdir())

    @pytest.mark.parametrize("name", ["x" * 251 + ".txt", "é" * 125 + ".txt"])
    def test_the_longest_name_that_they_hold_can_be_written(self, here: Path, name: str) -> None:
        assert 250 < len(os.fsencode(name)) <= 255
        done = CliRunner().invoke(main, ["compare", "table.csv", "-o", name])
        assert done.exit_code == 0, done.stderr
        assert "claims" in (here / name).read_text()
        assert {entry.name for entry in here.iterdir()} == {name, "table.csv", "crashes"}
