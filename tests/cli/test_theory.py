"""``amrobust theory``: the bounds as a table, as data and as a figure, and what it refuses."""

import csv
import io
import json
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.rules import theory
from amrobust.rules.theory import Setting

PAPER = ("--sigma", "2", "--L", "0.25", "--V", "350")
SETTING = Setting(1000, 350.0, 2.0, 0.25)


def amrobust(*arguments):
    return CliRunner().invoke(main, ["theory", *map(str, arguments)], catch_exceptions=False)


def test_the_table_and_what_minimises_k0():
    done = amrobust(*PAPER, "--m", "1,5,10", "--iterations", "1000")
    assert done.exit_code == 0
    header, *rows = done.stdout.splitlines()[:4]
    assert header.split() == ["m", "λ1", "lr", "acceleration", "noise", "K0"]
    for m, row in zip((1, 5, 10), rows, strict=True):
        values = [float(value) for value in row.split()]
        expected = [m, theory.lambda1(SETTING, m), theory.theorem1_lr(SETTING, m)]
        assert values[:3] == pytest.approx(expected, rel=1e-3)
        assert values[-1] == pytest.approx(theory.k0(SETTING, m), rel=1e-3)
    assert "K0 is smallest at m = 1000: 9.597, against 13.38 at m = 1" in done.stdout


def test_the_deviation_and_am2_where_their_quantities_are_given():
    done = amrobust(
        *PAPER, "--m", "10", "--diameter", "53", "--probability", "0.01", "--gap", "0.6", "--format", "json"
    )
    data = json.loads(done.stdout)
    (row,) = data["bounds"]
    deviation = theory.deviation_of(0.01)
    assert row["k1"] == pytest.approx(theory.k1(SETTING, 10, deviation, 53.0))
    assert row["with_deviation"] == pytest.approx(row["k0"] + row["k1"])
    assert row["theorem2"] == pytest.approx(theory.theorem2_bound(SETTING, 10, 0.6))
    assert row["theorem2_lr"] == pytest.approx(theory.theorem2_lr(SETTING, 10))
    assert data["best_m"] == 1000
    assert data["crossover_noise"] == pytest.approx(theory.crossover(SETTING))
    shown = amrobust(*PAPER, "--diameter", "53", "--probability", "0.01", "--gap", "0.6").stdout
    assert "K0 + K1" in shown
    assert "probability of at most 0.01" in shown
    assert "x0 is no better" in shown  # 13 is no news about a gap of 0.6


def test_csv_has_a_row_a_length():
    rows = list(csv.DictReader(io.StringIO(amrobust(*PAPER, "--m", "1,1000", "--format", "csv").stdout)))
    assert [row["m"] for row in rows] == ["1", "1000"]
    assert float(rows[1]["k0"]) == pytest.approx(theory.k0(SETTING, 1000))
    assert rows[0]["k1"] == ""


def test_a_nonsmooth_problem_has_a_learning_rate_and_no_lambda():
    done = amrobust("--sigma", "1", "--L", "0", "--M", "2", "--V", "1", "--format", "json")
    assert {row["lambda1"] for row in json.loads(done.stdout)["bounds"]} == {None}
    assert "λ1" not in amrobust("--sigma", "1", "--L", "0", "--M", "2", "--V", "1").stdout


def test_one_iteration():
    done = amrobust(*PAPER, "--m", "1", "--iterations", "1", "--format", "json")
    assert json.loads(done.stdout)["crossover_noise"] is None
    assert amrobust(*PAPER, "--m", "1", "--iterations", "1").exit_code == 0


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_the_figure(tmp_path, suffix):
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path in paths:
        assert amrobust(*PAPER, "--diameter", "53", "--gap", "0.6", "-o", path).exit_code == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].stat().st_size > 2000


def test_the_figure_names_its_curves_and_leaves_out_a_term_that_is_0(tmp_path):
    def texts(*arguments):
        path = tmp_path / "figure.svg"
        assert amrobust(*arguments, "-o", path).exit_code == 0
        return {
            "".join(node.itertext()) for node in ElementTree.parse(path).iter() if node.tag.endswith("}text")
        }

    full = texts(*PAPER, "--diameter", "53", "--gap", "0.6")
    assert full >= {
        "K0 (AM1-SGD)", "Acceleration term", "Noise term", "K0 + K1 (P ≤ 0.05)", "Theorem 2 (AM2-SGD)",
        "F(x0) − F*", "K = 1000, V = 350, σ = 2, L = 0.25",
    }  # fmt: skip
    assert "Noise term" not in texts("--sigma", "0", "--L", "1", "--V", "1")
    assert "Theorem 2 (AM2-SGD)" not in texts(*PAPER)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sigma", "2", "--V", "350"], "Missing option '--L'"),
        ([*PAPER, "--m", "3"], "take m = 2, or 1002 iterations"),
        ([*PAPER, "--m", "2000"], "take m = 1000, or 2000 iterations"),
        ([*PAPER, "--m", "x"], "no list of numbers"),
        ([*PAPER, "--m", "0"], "no list of growing numbers"),
        (["--sigma", "2", "--L", "0.25", "--V", "0"], "V = 0.0 is not positive"),
        (["--sigma", "nan", "--L", "0.25", "--V", "1"], "sigma = nan"),
        (["--sigma", "0", "--L", "0", "--V", "1"], "all 0"),
        ([*PAPER, "--diameter", "-1"], "diameter"),
        ([*PAPER, "--gap", "inf"], "F(x0) − F*"),
        ([*PAPER, "--probability", "1.5"], "probability"),
        ([*PAPER, "-o", "x.txt"], "must end in"),
        ([*PAPER, "-o", "/nowhere/x.pdf"], "cannot write"),
    ],
)
def test_bad_usage(arguments, message):
    done = amrobust(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output
