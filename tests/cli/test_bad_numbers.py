"""Numbers that no option can be: one line, exit status 2, from the command line, a file of claims or the configuration."""

import numpy as np
import pytest
from click.testing import CliRunner

from amrobust.cli import main

TABLE = """
[results]
metric = "accuracy"
seeds = 10
rows = [{ method = "a", final_mean = 1.0, final_std = 0.1 }, { method = "b", final_mean = 1.1, final_std = 0.2 }]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    lines = ["method,seed,epoch,test_accuracy"]
    for method, std in (("sgd", 2), ("adam", 1)):
        lines += [f"{method},{k},{e},{rng.normal(90, std):.4f}" for k in range(1, 9) for e in range(1, 6)]
    (tmp_path / "r.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "t.toml").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(arguments, message):
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2, done.output
    assert isinstance(done.exception, SystemExit)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert message in line


@pytest.mark.parametrize("command", ["compare", "report"])
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--margin", "nan", "a margin is a number above 0"),
        ("--margin", "inf", "a margin is a number above 0"),
        ("--margin", "1e308", "of at most 1e+100"),
        ("--alpha", "nan", "alpha = nan"),
        ("--alpha", "1e-17", "alpha = 1e-17 is not between 0 and 0.5"),
        ("--alpha", "1e-320", "alpha = 1e-320"),
        ("--looks", "8,120", "plan it at 12 seeds or more"),
        ("--looks", "8,99999999999999999999", "no integer from 1 to 1,000,000"),
        ("--looks", "999998,999999,1000000", "seeds apart"),
        ("--final", "mean:0", "'last', 'mean:K'"),
        ("--final", "mean:99", "needs 99 epochs, and there are 5"),
    ],
)
def test_a_comparison_by_numbers_that_cannot_be_is_refused(folder, command, option, value, message):
    refused([command, "r.csv", option, value], message)
    assert not list(folder.glob("*.pdf"))


@pytest.mark.parametrize("option", ["margin = nan", "margin = inf", "alpha = 1e-17", 'final = "mean:0"'])
def test_the_configuration_of_a_project_is_held_to_the_same(folder, option):
    (folder / "pyproject.toml").write_text(f"[tool.amrobust.compare]\n{option}\n")
    refused(["compare", "r.csv"], option.partition(" ")[0].replace("final", "final value"))


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ('kind = "equivalent mean"\nmargin = nan', "a margin is a number above 0"),
        ('kind = "non-inferior"\nmargin = inf', "a margin is a number above 0"),
        ('kind = "exceedance bound"\nbounds = [[inf, 0.1]]', "bounds are pairs"),
        ('kind = "exceedance bound"\nbounds = [[80.0, 1e-320]]', "probability = 1e-320"),
        ('kind = "less spread"\nbaseline = "adam"', "holds 'adam' against itself"),
        ('kind = "less spread"\nbaseline = "sgdd"', "did you mean 'sgd'?"),
        ('kind = "trend"\nmethods = ["adam", "sgd", "adam"]', "twice"),
    ],
)
def test_a_file_of_claims_is_held_to_the_same(folder, claim, message):
    method = "" if "trend" in claim else 'method = "adam"\n'
    (folder / "claims.toml").write_text(f'baseline = "sgd"\n[[claims]]\n{method}{claim}\n')
    refused(["compare", "r.csv", "--claims", "claims.toml"], message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--level", "nan"], "level = nan"),
        (["--threshold", "nan"], "threshold = nan"),
        (["--threshold", "inf"], "threshold = inf"),
        (["--quantile", "nan"], "a quantile = nan"),
        (["--final", "mean:0"], "'last', 'mean:K'"),
        (["--final", "mean:99"], "needs 99 epochs"),
    ],
)
def test_tails_at_numbers_that_cannot_be_are_refused(folder, arguments, message):
    refused(["tails", "r.csv", *arguments], message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--margin", "nan"], "a margin is"),
        (["--margin", "inf"], "a margin is"),
        (["--alpha", "1e-17"], "alpha = 1e-17"),
    ],
)
def test_a_published_table_is_held_to_the_same(folder, arguments, message):
    refused(["judge-table", "t.toml", *arguments], message)


@pytest.mark.parametrize("seeds", ["inf", "nan", "-1e400", "5.5", "true", "1", "-3", "10_000_000"])
def test_a_published_table_with_a_number_of_seeds_that_is_none_is_refused(folder, seeds):
    (folder / "t.toml").write_text(TABLE.replace("seeds = 10", f"seeds = {seeds}"))
    refused(["judge-table", "t.toml"], "a number of seeds is a whole number from 2 to 1,000,000")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ratio", "nan"], "ratio = nan"),
        (["--ratio", "inf"], "ratio = inf"),
        (["--difference", "nan"], "difference = nan"),
        (["--difference", "inf"], "difference = inf"),
        (["--margin", "nan"], "a margin is"),
        (["--ratio", "2", "--power", "nan"], "power = nan"),
        (["--ratio", "2", "--alpha", "1e-320"], "alpha = 1e-320"),
        (["--ratio", "2", "--family", "1" + "0" * 30], "claims ="),
        (["--ratio", "2", "--curves", "1" + "0" * 30], "epochs ="),
        (["--ratio", "2", "--curves", "9", "--autocorrelation", "nan"], "autocorrelation = nan"),
        (["--ratio", "2", "--replications", "1" + "0" * 12], "replications ="),
        (["--ratio", "2", "--seeds", "9" * 20], "seeds times epochs"),
    ],
)
def test_a_study_that_cannot_be_simulated_is_not_planned(folder, arguments, message):
    refused(["plan", *arguments], message)


def test_the_bound_of_a_theorem_at_next_to_no_probability_is_refused(folder):
    given = ["--sigma", "1", "--L", "1", "--V", "1", "--diameter", "1", "--probability", "1e-320"]
    refused(["theory", *given], "too near 0")
