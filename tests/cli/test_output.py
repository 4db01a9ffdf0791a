"""Where the command line writes: every -o by the same rules, and standard output that is closed, full or read no more."""

import csv
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.cli.main import COMMANDS, command_of
from amrobust.cli.output import OutputPath, WritingCommand

COMMAND = (sys.executable, "-c", "from amrobust.cli import main; main()")
WRITERS = {
    "compare": ["table.csv"],
    "export": ["table.csv"],
    "report": ["table.csv"],
    "analyze": ["demo"],
    "plan": ["--ratio", "2"],
    "theory": ["--sigma", "1", "--L", "1", "--V", "1"],
    "tune": ["--opt", "sgd"],
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a table of two methods, 6 seeds, 3 steps."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    with Path("table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "seed", "step", "accuracy"])
        for method, scale in (("adam", 1.0), ("am1", 0.2)):
            for seed in range(6):
                writer.writerows([method, seed, step, 90 + scale * rng.normal()] for step in (1, 2, 3))
    return tmp_path


def options_of(name: str) -> list[click.Option]:
    return [param for param in command_of(name).params if isinstance(param, click.Option)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_that_names_an_output_is_of_one_kind(name: str) -> None:
    for option in options_of(name):
        if {"-o", "--output", "--figures"} & set(option.opts):
            assert isinstance(option.type, OutputPath)
            assert option.type.directory or name in WRITERS


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_reads_and_writes_files_never_writes_what_it_reads(name: str) -> None:
    paths = [param.type for param in command_of(name).params if isinstance(param.type, click.Path)]
    reads = any(path.file_okay for path in paths if not isinstance(path, OutputPath))
    writes = any(isinstance(path, OutputPath) for path in paths)
    assert isinstance(command_of(name), WritingCommand) == (reads and writes)


@pytest.mark.parametrize("given", ["table.csv", "link.csv", "hard.csv", "./below/../table.csv"])
@pytest.mark.parametrize("name", ["compare", "export"])
def test_the_table_that_is_read_is_not_overwritten(here: Path, name: str, given: str) -> None:
    (here / "below").mkdir()
    (here / "link.csv").symlink_to("table.csv")
    (here / "hard.csv").hardlink_to("table.csv")
    before = (here / "table.csv").read_bytes()
    done = CliRunner().invoke(main, [name, "table.csv", "-o", given])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "it is read too, and would be lost; choose another file" in line
    assert (here / "table.csv").read_bytes() == before


def test_nor_is_any_other_file_that_a_command_reads(here: Path) -> None:
    claims = here / "claims.toml"
    claims.write_text('[[claims]]\nkind = "less spread"\nmethod = "am1"\n')
    done = CliRunner().invoke(main, ["compare", "table.csv", "--claims", "claims.toml", "-o", "claims.toml"])
    assert done.exit_code == 2
    assert claims.read_text().startswith("[[claims]]")


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("path", "message"),
    [("", "without a name"), ("no/a.pdf", "there is no directory"), ("folder.pdf", "it is a directory")],
)
def test_a_place_that_is_none_is_found_before_anything_is_read_or_trained(
    here: Path, name: str, path: str, message: str
) -> None:
    (here / "table.csv").write_text("this is no table")
    (here / "folder.pdf").mkdir()
    done = CliRunner().invoke(main, [name, *WRITERS[name], "-o", path])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: cannot write")
    assert message in line
    assert {entry.name for entry in here.iterdir()} == {"table.csv", "folder.pdf"}


@pytest.mark.parametrize("arguments", [["calibrate", "-o", ""], ["report", "table.csv", "--figures", ""]])
def test_a_directory_has_a_name_too(here: Path, arguments: list[str]) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "without a name" in done.stderr
    assert [entry.name for entry in here.iterdir()] == ["table.csv"]


def test_a_figure_s_ending_is_found_wrong_before_its_numbers_are_computed(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amrobust.judge.planning.seeds_for_power", lambda *_, **__: pytest.fail("computed"))
    done = CliRunner().invoke(main, ["plan", "--ratio", "2", "-o", "a.docx"])
    assert done.exit_code == 2
    assert "the name of a figure must end in .pdf or .svg or .png" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a device")
@pytest.mark.parametrize("name", ["compare", "export", "report", "theory"])
def test_a_copy_of_the_null_device_stays_one(here: Path, name: str) -> None:
    os.mknod("null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    arguments = [*WRITERS[name], *(["--iterations", "10", "--m", "1"] if name == "theory" else [])]
    done = CliRunner().invoke(main, [name, *arguments, "-o", "null"])
    assert done.exit_code == 0, done.output
    assert stat.S_ISCHR(Path("null").stat().st_mode)


def test_a_report_to_standard_output_by_its_name_is_a_pdf_and_nothing_else(here: Path) -> None:
    with Path("out").open("wb") as out:
        subprocess.run([*COMMAND, "report", "table.csv", "-o", "/dev/stdout"], stdout=out, check=True)
    data = Path("out").read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "table.csv"], ["report", "table.csv", "-o", "-"], ["export", "table.csv", "--format", "parquet"],
        ["--help"], ["--version"], ["compare", "--help"],
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("how", "message"),
    [
        (">/dev/full", "No space left on device"), (">&-", "it is closed"), ("| true", "Broken pipe"),
    ],
)  # fmt: skip
def test_standard_output_that_takes_nothing_is_one_line_and_status_1(
    here: Path, arguments: list[str], how: str, message: str
) -> None:
    # The other end of the pipe is closed for certain before anything is written.
    script = 'set -o pipefail; run() { sleep "$1"; shift; "$@"; }; '
    script += f'run {0.3 if "|" in how else 0} "$@" {how}'
    done = subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    (line,) = (line for line in done.stderr.splitlines() if not line.startswith("read: "))
    assert line.startswith("Error: cannot write to standard output: ")
    assert message in line


class TestConfigurationThatIsFound:
    """Of a directory above, which somebody else may write to."""

    @pytest.mark.parametrize(
        ("text", "arguments"),
        [
            ("[tool.amrobust.compare]\noutput = 'mine.tex'", ["compare", "table.csv"]),
            ("[tool.amrobust]\noutput = 'mine.tex'", ["compare", "table.csv"]),
            ("[tool.amrobust.report]\nfigures = 'here'", ["report", "table.csv"]),
            ("[tool.amrobust.calibrate]\noutput = '.'", ["list"]),
        ],
    )
    def test_it_names_nothing_to_overwrite(self, here: Path, text: str, arguments: list[str]) -> None:
        (here / "pyproject.toml").write_text(text)
        (here / "below").mkdir()
        os.chdir(here / "below")
        Path("mine.tex").write_text("mine")
        (here / "table.csv").rename("table.csv")
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 2
        assert "says what to overwrite" in done.stderr
        assert Path("mine.tex").read_text() == "mine"
        assert {entry.name for entry in Path().iterdir()} == {"mine.tex", "table.csv"}

    @pytest.mark.parametrize("key", ["accept-new-code", "accept_new_code"])
    def test_it_does_not_take_edited_code_for_what_it_was(self, here: Path, key: str) -> None:
        (here / "pyproject.toml").write_text(f"[tool.amrobust.run]\n{key} = true\n")
        done = CliRunner().invoke(main, ["run", "--opt", "sgd", "--workload", "logistic"])
        assert done.exit_code == 2
        (line,) = done.stderr.splitlines()
        assert "every edit of your code" in line
        assert not (here / "runs").exists()

    def test_a_file_that_is_named_may(self, here: Path) -> None:
        (here / "pyproject.toml").write_text("[tool.amrobust.compare]\noutput = 'mine.txt'\n")
        done = CliRunner().invoke(main, ["--config", "pyproject.toml", "compare", "table.csv"])
        assert done.exit_code == 0, done.output
        assert "adam" in (here / "mine.txt").read_text()

    @pytest.mark.parametrize("value", ["3", "['a']", "''", "'no/a.txt'"])
    def test_what_it_names_is_checked_as_on_the_command_line(self, here: Path, value: str) -> None:
        (here / "mine.toml").write_text(f"[compare]\noutput = {value}\n")
        done = CliRunner().invoke(main, ["--config", "mine.toml", "compare", "table.csv"])
        assert done.exit_code == 2, done.output
        assert "Traceback" not in done.output


def test_names_of_every_script_are_read_as_they_are_in_the_json_of_every_command(here: Path) -> None:
    table = here / "table.csv"
    table.write_text(table.read_text().replace("adam", "优化器").replace("am1", "Ж\u202e"), encoding="utf-8")
    for arguments in (
        ["compare", "table.csv"], ["export", "table.csv"], ["import", "table.csv"], ["list"], ["check"],
    ):  # fmt: skip
        done = CliRunner().invoke(main, [*arguments, "--format", "json"])
        assert done.exit_code == 0, done.output
        assert "优化器" in done.stdout or arguments == ["check"]
        assert "\u202e" not in done.stdout
        assert json.loads(done.stdout)
