"""What is the same in every command: quiet and verbose, defaults from a file, exit statuses, the version, completion."""

import json
import os
import subprocess
import sys

import foreign
import numpy as np
import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.cli.main import COMMANDS, command_of


def amrobust(*arguments, **options):
    return CliRunner().invoke(
        main, [str(argument) for argument in arguments], catch_exceptions=False, **options
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    foreign.tidy_csv(tmp_path / "results.csv")
    return tmp_path


class TestQuietAndVerbose:
    @pytest.mark.parametrize("arguments", [["-q", "import", "x.npz"], ["import", "x.npz", "--quiet"]])
    def test_quiet_leaves_results_alone(self, here, arguments):
        foreign.npz(here / "x.npz")
        done = amrobust(*arguments)
        assert done.exit_code == 0
        assert done.stderr == ""
        assert "read as npz" in done.stdout
        assert "read: method = method" in amrobust("import", "x.npz").stderr

    def test_quiet_never_hides_an_error(self, here):
        done = amrobust("-q", "compare", "nowhere.csv")
        assert done.exit_code == 2
        assert "does not exist" in done.stderr

    @pytest.mark.parametrize(
        "arguments", [["-v", "compare", "results.csv"], ["compare", "results.csv", "-v"]]
    )
    def test_verbose_says_what_was_read_and_how_long_it_took(self, here, arguments):
        lines = amrobust(*arguments).stderr.splitlines()
        assert any("results.csv" in line and "2 methods" in line for line in lines)
        assert lines[-1].endswith(" s")
        assert "2 methods" not in amrobust("compare", "results.csv").stderr

    def test_verbose_shows_where_an_error_comes_from_before_it(self, here):
        lines = amrobust("compare", "nowhere.csv", "-v").stderr.splitlines()
        assert lines[0].startswith("Traceback")
        assert lines[-1].startswith("Error: ")

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_has_both(self, name):
        options = {opt for param in command_of(name).params for opt in param.opts}
        assert {"-q", "--quiet", "-v", "--verbose"} <= options


class TestConfiguration:
    def test_defaults_of_a_project_and_options_that_override_them(self, here):
        (here / "pyproject.toml").write_text(
            '[tool.amrobust.compare]\nbaseline = "sgd"\nmetric = "val_loss"\ntest = "levene"\n'
        )
        (here / "below").mkdir()
        os.chdir(here / "below")
        judged = json.loads(amrobust("compare", "../results.csv", "--format", "json").stdout)["groups"][0]
        assert (judged["baseline"], judged["metric"]["name"], judged["test"]) == ("sgd", "val_loss", "levene")
        given = json.loads(amrobust("compare", "../results.csv", "--format", "json", "--test", "f").stdout)
        assert given["groups"][0]["test"] == "f"

    def test_a_key_for_every_command_that_has_the_option(self, here):
        (here / "pyproject.toml").write_text(
            '[tool.amrobust]\nruns-dir = "kept"\n[tool.amrobust.import]\nhigher = ["val_loss"]\n'
        )
        assert amrobust("import", "results.csv").exit_code == 0
        (path, _) = (here / "kept").rglob("manifest.json")
        metric = {
            "name": "val_loss",
            "better": "higher",
            "unit": "",
            "better_by": "declared",
            "unit_by": "not recorded",
        }
        assert metric in json.loads(path.read_text())["facts"]["metrics"]
        for command in (["show", "results-adam"], ["list"], ["check"]):
            done = amrobust(*command)
            assert done.exit_code == 0
            assert "adam" in done.stdout or "2 sound" in done.stdout

    def test_what_the_file_of_a_directory_above_sets_is_said_where_it_is_taken(self, here):
        (here / "pyproject.toml").write_text(
            '[tool.amrobust]\nruns-dir = "../kept"\n[tool.amrobust.import]\nhigher = ["val_loss"]\n'
        )
        assert "pyproject" not in amrobust("import", "results.csv", "--runs-dir", "kept").output
        (here / "below").mkdir()
        os.chdir(here / "below")
        done = amrobust("import", "../results.csv")
        assert f"Note: runs-dir = ../kept, as {here / 'pyproject.toml'} says" in done.stderr
        assert f"Note: higher = val_loss, as {here / 'pyproject.toml'} says" in done.stderr
        assert amrobust("list").stderr == f"Note: runs-dir = ../kept, as {here / 'pyproject.toml'} says\n"
        for arguments in (["list", "--runs-dir", "../kept"], ["-q", "list"], ["list", "-q"]):
            done = amrobust(*arguments)
            assert done.stderr == ""
            assert "adam" in done.stdout
        assert "[default: ../kept]" in " ".join(amrobust("list", "--help").stdout.split())

    def test_a_file_of_ones_own(self, here):
        (here / "mine.toml").write_text('[compare]\nbaseline = "sgd"\n')
        for arguments, environment in (
            (["--config", "mine.toml"], {}),
            ([], {"AMROBUST_CONFIG": "mine.toml"}),
        ):
            done = amrobust(*arguments, "compare", "results.csv", "--format", "json", env=environment)
            assert json.loads(done.stdout)["groups"][0]["baseline"] == "sgd"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[tool.amrobust.compare]\nbase = 'sgd'\n", "compare has no option 'base'"),
            ("[tool.amrobust.compair]\nbaseline = 'sgd'\n", "no command 'compair'"),
            ("[tool.amrobust]\nbaze = 1\n", "no command has an option 'baze'"),
            ("[tool.amrobust.compare]\ntest = 'magic'\n", "magic"),
            ("[tool.amrobust.compare]\nalpha = 'high'\n", "alpha"),
            ("[tool.amrobust.compare]\ntest = {a = 1}\n", "compare.test"),
            ("[tool]\namrobust = 3\n", "is not a table"),
            ("[tool.amrobust\n", "not valid TOML"),
        ],
    )
    def test_what_is_wrong_with_it_is_an_error(self, here, text, message):
        (here / "pyproject.toml").write_text(text)
        done = amrobust("compare", "results.csv")
        assert done.exit_code == 2
        assert message in done.stderr
        assert "Traceback" not in done.output

    def test_a_project_without_the_table_has_no_say(self, here):
        (here / "pyproject.toml").write_text('[project]\nname = "amrobust-user"\n')
        assert amrobust("compare", "results.csv").exit_code == 0
        (here / "pyproject.toml").write_text("this is no TOML")
        assert amrobust("compare", "results.csv").exit_code == 0


class TestGate:
    @pytest.mark.parametrize(
        ("gates", "status"),
        [
            ([], 0), (["less Avg. STD=supported"], 0), (["not-refuted"], 0), (["supported"], 3),
            (["less Avg. STD=supported", "better mean=supported"], 3),
        ],
    )  # fmt: skip
    def test_the_exit_status_says_whether_the_verdict_was_reached(self, here, gates, status):
        rng = np.random.default_rng(0)
        rows = [
            f"{method},{seed},{epoch},{90 + spread * rng.normal()}"
            for method, spread in (("sgd", 3.0), ("adam", 0.5))
            for seed in range(12)
            for epoch in range(1, 6)
        ]
        (here / "wide.csv").write_text("\n".join(["method,seed,epoch,acc", *rows]) + "\n")
        words = [word for gate in gates for word in ("--fail-unless", gate)]
        done = amrobust("compare", "wide.csv", "--baseline", "sgd", *words)
        assert done.exit_code == status
        assert ("not supported: Inconclusive" in done.stderr) == (status == 3)
        assert "adam against sgd" in done.stdout

    def test_what_was_refuted_is_called_so(self, here):
        rng = np.random.default_rng(0)
        rows = [
            f"{m},{s},1,{90 + x * rng.normal()}" for m, x in (("sgd", 0.1), ("adam", 5.0)) for s in range(12)
        ]
        (here / "wide.csv").write_text("\n".join(["method,seed,epoch,acc", *rows]) + "\n")
        done = amrobust("compare", "wide.csv", "--baseline", "sgd", "--fail-unless", "not-refuted")
        assert done.exit_code == 3
        assert "Refuted: " in done.stderr
        assert "not not" not in done.stderr

    def test_a_workload_on_which_a_declared_claim_has_no_verdict_closes_the_gate(self, here):
        rows = [
            f"{workload},{method},{seed},{value + seed / 7}"
            for workload, method, value in (("A", "sgd", 80), ("A", "adam", 90.3), ("B", "adam", 91.9))
            for seed in range(6)
        ]
        (here / "two.csv").write_text("\n".join(["workload,method,seed,acc", *rows]) + "\n")
        (here / "claims.toml").write_text(
            '[[claims]]\nkind = "better mean"\nmethod = "adam"\nbaseline = "sgd"\n'
        )
        gate = ["--fail-unless", "better mean=supported"]
        done = amrobust("compare", "two.csv", "--claims", "claims.toml", *gate)
        assert (done.exit_code, "not assessed: adam on B" in done.stderr) == (3, True)
        assert amrobust("compare", "two.csv", "--baseline", "sgd", *gate).exit_code == 0

    @pytest.mark.parametrize("gate", ["perhaps", "less spread=maybe", "trend=supported"])
    def test_gates_that_are_none(self, here, gate):
        done = amrobust("compare", "results.csv", "--fail-unless", gate)
        assert done.exit_code == 2


class TestOutput:
    @pytest.mark.parametrize("form", ["table", "json", "csv", "latex", "markdown", "html"])
    def test_a_file_has_what_standard_output_has(self, here, form):
        arguments = ["compare", "results.csv", "--format", form]
        printed = amrobust(*arguments).stdout
        assert amrobust(*arguments, "-o", "x").stdout == ""
        assert (here / "x").read_text() == printed == amrobust(*arguments, "-o", "-").stdout

    def test_a_report_on_standard_output(self, here):
        done = amrobust("report", "results.csv", "-o", "-")
        assert done.stdout_bytes.startswith(b"%PDF-")

    def test_figures(self, here):
        done = amrobust(
            "report", "results.csv", "--figures", "f", "--figure-format", "svg", "--figure-format", "png"
        )
        assert done.exit_code == 0
        assert {path.suffix for path in (here / "f").iterdir()} == {".svg", ".png"}

    def test_parquet_can_be_compared_again(self, here):
        assert amrobust("export", "results.csv", "--format", "parquet", "-o", "x.parquet").exit_code == 0
        one, other = (
            json.loads(amrobust("compare", p, "--format", "json").stdout)
            for p in ("results.csv", "x.parquet")
        )
        assert [v["p"] for v in one["groups"][0]["verdicts"]] == [
            v["p"] for v in other["groups"][0]["verdicts"]
        ]

    def test_an_error_in_standard_input_is_said_to_be_there(self, here):
        done = amrobust("compare", "-", input="method,seed\nadam,0\n")
        assert done.exit_code == 2
        assert "Error: standard input has neither steps nor final values" in done.stderr

    def test_a_file_that_cannot_be_written(self, here):
        done = amrobust("compare", "results.csv", "-o", here / "no" / "x")
        assert done.exit_code == 2
        assert "cannot write" in done.stderr

    @pytest.mark.parametrize(("value", "colored"), [("1", False), ("", True), (None, True)])
    def test_no_color_when_it_is_set_to_anything(self, monkeypatch, value, colored):
        from amrobust.cli.options import colored as may_color

        class Terminal:
            @staticmethod
            def isatty():
                return True

        monkeypatch.delenv("NO_COLOR", raising=False)
        if value is not None:
            monkeypatch.setenv("NO_COLOR", value)
        assert may_color(Terminal()) is colored


def test_the_version_comes_with_its_environment():
    lines = amrobust("--version").stdout.splitlines()
    assert lines[0].startswith("amrobust, version ")
    assert lines[1].startswith("Python ")
    assert "numpy" in lines[3]
    assert "torch" in lines[3]


def test_the_version_imports_nothing_heavy():
    code = (
        "import sys; from amrobust.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'numpy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=240)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_clicks(shell):
    command = [sys.executable, "-c", "from amrobust.cli import main; main(prog_name='amrobust')"]
    made = subprocess.run(
        command, env=os.environ | {"_AMROBUST_COMPLETE": f"{shell}_source"}, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert "_AMROBUST_COMPLETE" in made.stdout
    words = {"COMP_WORDS": "amrobust comp", "COMP_CWORD": "1", "_AMROBUST_COMPLETE": f"{shell}_complete"}
    done = subprocess.run(
        command, env=os.environ | words, capture_output=True, text=True, timeout=240, check=False
    )
    assert shell == "fish" or "compare" in done.stdout


def test_exit_statuses_are_in_the_help():
    text = " ".join(amrobust("--help").stdout.split())
    for status in ("0 done", "1 something failed", "2 bad usage", "3 the verdict", "130 interrupted"):
        assert status in text
