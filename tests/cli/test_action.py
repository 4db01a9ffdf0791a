"""The GitHub Action's steps, run as they are in action.yml."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the steps are bash")


def step(name, folder, **inputs):
    """Run one step in ``folder``, inputs that are not given at their defaults: the process, its summary and its outputs."""
    given = {key: entry.get("default", "") for key, entry in ACTION["inputs"].items()} | inputs
    (one,) = [each for each in ACTION["runs"]["steps"] if each["name"] == name]
    variables = {
        key: given[value.removeprefix("${{ inputs.").removesuffix(" }}")] for key, value in one["env"].items()
    }
    assert "${{" not in one["run"]
    files = {key: folder / key for key in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", one["run"]],
        cwd=folder, capture_output=True, text=True, timeout=240, check=False,
        env={
            **os.environ, **variables, **{key: str(path) for key, path in files.items()},
            "GITHUB_ACTION_PATH": str(ROOT), "RUNNER_TEMP": str(folder),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        },
    )  # fmt: skip
    summary, output = (path.read_text() if path.exists() else "" for path in files.values())
    return done, summary, dict(line.split("=", 1) for line in output.splitlines())


@pytest.fixture
def results(tmp_path):
    deviations = (0, 0.9, -0.7, 0.3, -0.2, 0.5)
    rows = [
        f"{method},{seed},{mean + deviation}"
        for method, mean in (("main", 90), ("branch one", 92))
        for seed, deviation in enumerate(deviations)
    ]
    (tmp_path / "the results.csv").write_text("\n".join(["method,seed,accuracy", *rows]) + "\n")
    return tmp_path


OPTIONS = "--baseline=main\n--unit=accuracy=%\n"


def test_a_comparison_that_is_as_asked_for_passes_with_a_summary(results):
    done, summary, outputs = step(
        "Compare", results, runs="the results.csv", options=OPTIONS,
        **{"fail-unless": "better mean=supported\nless spread=not-refuted\n"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert summary.startswith("### The comparison is as asked for")
    assert "| branch one | main | higher mean |" in summary
    (group,) = json.loads(Path(outputs["json"]).read_text())["groups"]
    assert {verdict["claim"]["kind"] for verdict in group["verdicts"]} >= {"better mean", "less spread"}
    assert xml.parse(outputs["junit"]).getroot().find("testsuite").get("failures") == "0"


@pytest.mark.parametrize(
    ("runs", "gates"), [("the results.csv", " \n".strip(" ")), ("--help", "not-refuted")]
)
def test_a_gate_of_nothing_and_an_option_as_a_path_open_no_gate(results, runs, gates):
    done, _, outputs = step("Compare", results, runs=runs, options=OPTIONS, **{"fail-unless": gates})
    assert done.returncode == 2
    assert not outputs


def test_one_that_is_not_fails_with_what_is_missing(results):
    done, summary, outputs = step(
        "Compare",
        results,
        runs="the results.csv",
        options=OPTIONS,
        **{"fail-unless": "less spread=supported"},
    )
    assert done.returncode == 3
    assert "not supported: " in done.stderr
    assert summary.startswith("### The comparison is not as asked for\n\n```text\n")
    assert "not supported: " in summary
    assert "| branch one | main | less spread |" in summary
    assert xml.parse(outputs["junit"]).getroot().find("testsuite").get("failures") == "1"


def test_one_that_cannot_be_made_says_why(results):
    done, summary, outputs = step("Compare", results, runs="nowhere.csv")
    assert done.returncode == 2
    assert "nowhere.csv does not exist" in summary
    assert not outputs


def test_what_stands_in_an_input_is_never_a_command(results):
    hostile = "$(touch bad)\n`touch bad`\n; touch bad\n"
    done, _, _ = step("Compare", results, runs=hostile, options=hostile, **{"fail-unless": hostile})
    assert done.returncode == 2
    assert not (results / "bad").exists()


def test_nothing_is_installed_where_none_is_asked_for(results):
    assert step("Install", results, install="none")[0].returncode == 0
