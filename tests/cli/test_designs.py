"""Several x0, planned looks and phases, from the command line to the verdict."""

import json

import pytest
from click.testing import CliRunner

from amrobust.cli.main import main

LOGISTIC = (
    "--workload",
    "logistic",
    "--iterations",
    "40",
    "--param",
    "record_every=10",
    "--executor",
    "local",
    "-q",
)


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("crossed")
    for opt in ("msgd", "sgd"):
        done = run("run", "--opt", opt, *LOGISTIC, "--seeds", 4, "--x0s", 3, "--runs-dir", directory)
        assert done.exit_code == 0, done.output
    return directory


def test_seeds_crossed_with_starting_points_are_judged_over_them(crossed):
    assert len([path for path in crossed.iterdir() if path.is_dir()]) == 6
    done = run("compare", crossed, "-v")
    assert done.exit_code == 0, done.output
    assert "x0 makes" in done.output
    assert "3 starting points" in done.output


def test_a_look_is_named_with_its_level(crossed):
    done = run("compare", crossed, "--looks", "12,24", "--format", "json")
    assert done.exit_code == 0, done.output
    (compared,) = json.loads(done.output)["groups"]
    assert compared["look"]["seeds"] == 12
    assert "Interim analysis 1 of 2" in run("compare", crossed, "--looks", "12,24").output
    wrong = run("compare", crossed, "--looks", "5,10")
    assert wrong.exit_code == 2
    assert "these runs have 12" in wrong.output


@pytest.mark.parametrize("text", ["5,x", "10,5", "0,5"])
def test_looks_are_growing_numbers(crossed, text):
    done = run("compare", crossed, "--looks", text)
    assert done.exit_code == 2
    assert "growing" in done.output or "list of numbers" in done.output


ANALYSIS = """
title = "Looks"
question = "Does one vary less?"
workload = "logistic"
workload_params = {{ iterations = 40, record_every = 10, sigma = {sigma} }}
metric = "{metric}"
baseline = "sgd"
looks = [4, 8, 12]
methods = [{{ opt = "sgd" }}, {{ opt = "msgd", lr = {lr} }}]
[[claims]]
kind = "non-inferior"
method = "msgd[lr={lr}]"
margin = {margin}
"""


def test_an_analysis_stops_at_the_look_that_settles_its_claims(tmp_path):
    path = tmp_path / "looks.toml"
    path.write_text(ANALYSIS.format(sigma=0.01, metric="train_loss", lr=0.05, margin=5.0))
    done = run(
        "analyze",
        path,
        "--runs-dir",
        tmp_path / "runs",
        "--executor",
        "local",
        "-o",
        tmp_path / "x.pdf",
        "--format",
        "json",
    )
    assert done.exit_code == 0, done.output
    (compared,) = json.loads(done.output[done.output.index("{") : done.output.rindex("}") + 1])["groups"]
    assert compared["verdicts"][0]["outcome"] == "supported"
    assert compared["look"]["seeds"] < 12
    assert "Settled at the interim analysis" in compared["verdicts"][0]["sentence"]
    assert compared["summaries"][0]["n"] == compared["look"]["seeds"]


CLAIMS = """
question = "Is momentum no worse, and does it vary less late in training?"
baseline = "sgd"
claims = [
  { kind = "non-inferior", method = "msgd", margin = 10.0 },
  { kind = "less Avg. STD", method = "msgd", epochs = [3, 4] },
]
"""


def test_claims_declared_in_a_file_replace_the_usual_ones(crossed, tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(CLAIMS)
    done = run("compare", crossed, "--claims", path, "--format", "json")
    assert done.exit_code == 0, done.output
    (compared,) = json.loads(done.output)["groups"]
    assert [v["claim"]["kind"] for v in compared["verdicts"]] == ["non-inferior", "less Avg. STD"]
    assert compared["question"].startswith("Is momentum no worse")
    both = run("compare", crossed, "--claims", path, "--margin", 1)
    assert both.exit_code == 2
    assert "leave out --margin" in both.output
    report = run("report", crossed, "--claims", path, "-o", tmp_path / "claims.pdf")
    assert report.exit_code == 0, report.output


GRID = """
title = "Noise"
question = "Does momentum help where the noise is large?"
workload = "logistic"
workload_params = { iterations = 40, record_every = 10 }
metric = "train_loss"
baseline = "sgd"
scale = "smoke"
methods = [{ opt = "sgd" }, { opt = "am1", m = [1, 5] }]

[grid]
sigma = [0.5, 2.0]

[[claims]]
kind = "better mean"
method = "am1[m=5]/II"

[[claims]]
kind = "less spread"
method = "am1[m=1]/II"
where = { sigma = 2.0 }

[scales.smoke]
seeds = 4

[scales.small]
seeds = 30
"""


def test_every_setting_of_a_grid_is_a_group_with_its_own_claims_in_one_family(tmp_path):
    path = tmp_path / "noise.toml"
    path.write_text(GRID)
    common = (path, "--runs-dir", tmp_path / "runs", "--executor", "local", "--format", "json")
    done = run("analyze", *common, "-o", tmp_path / "noise.pdf")
    assert done.exit_code == 0, done.output
    document = json.loads(done.output[done.output.index("{") : done.output.rindex("}") + 1])
    quiet, loud = document["groups"]
    assert [len(quiet["verdicts"]), len(loud["verdicts"])] == [1, 2]
    assert {v["family_size"] for v in quiet["verdicts"] + loud["verdicts"]} == {3}
    assert all(summary["n"] == 4 for summary in quiet["summaries"])
    wrong = run("analyze", *common, "--scale", "paper")
    assert wrong.exit_code == 2
    assert "choose one of smoke, small" in wrong.output
