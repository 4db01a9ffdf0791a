"""Values of any size, from tables and from a training of our own, pass every command that reads without a warning."""

import warnings

import numpy as np
import pytest
from click.testing import CliRunner

from amrobust.cli import main


def amrobust(*arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", UserWarning)
        done = CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "nan" not in done.output.lower()
    return done.output


def table(path, value):
    """A long CSV of two methods, 6 seeds, 4 epochs."""
    rows = [f"{m},{s},{e},{value(m, s, e)!r}" for m in ("adam", "sgd") for s in range(6) for e in range(1, 5)]
    path.write_text("\n".join(["method,seed,epoch,loss", *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    "scale",
    [
        lambda rng, method, seed, epoch: 1e300 if (method, seed, epoch) == ("adam", 0, 4) else 1.0,
        lambda rng, method, seed, epoch: 1e300 if method == "adam" else 1e-300,
        lambda rng, method, seed, epoch: 10.0 ** rng.integers(-300, 301),
        lambda rng, method, seed, epoch: 1e308 if (method, seed, epoch) == ("adam", 0, 4) else 1.0,
        lambda rng, method, seed, epoch: 1e307 if method == "adam" else 1.0,
        lambda rng, method, seed, epoch: 1e-310,
    ],
    ids=["one seed at the end", "one method", "any", "one seed beyond", "one method beyond", "below"],
)
def test_tables_far_apart_are_compared_drawn_and_their_tails_read(tmp_path, scale):
    rng = np.random.default_rng(4)
    path = table(tmp_path / "far.csv", lambda m, s, e: float(rng.normal() * scale(rng, m, s, e)))
    assert "sgd" in amrobust("compare", path)
    for test in ("permutation", "levene", "bartlett", "fligner", "f", "bonett"):
        amrobust("compare", path, "--test", test, "--format", "json")
    amrobust("tails", path, "--threshold", 1)
    for name in ("report.pdf", "report.html"):
        amrobust("report", path, "-o", tmp_path / name)
        assert (tmp_path / name).stat().st_size > 10_000


def test_a_training_that_blows_up_to_finite_values_is_listed_compared_exported_and_reported(tmp_path):
    runs = tmp_path / "runs"
    for opt, lr in (("sgd", 1e9), ("msgd", 1e200)):
        amrobust(
            "run", "--opt", opt, "--lr", lr, "--workload", "logistic", "--iterations", 20, "--seeds", 6, "--executor", "local",
            "--runs-dir", runs,
        )  # fmt: skip
    listed = amrobust("list", runs)
    assert "msgd" in listed
    amrobust("show", "logistic-msgd", "--runs-dir", runs)
    assert "10¹⁹⁹" in amrobust("compare", runs)
    amrobust("tails", runs, "--threshold", 1)
    amrobust("export", runs, "-o", tmp_path / "out.csv")
    assert "e+199" in (tmp_path / "out.csv").read_text()
    amrobust("report", runs, "-o", tmp_path / "report.pdf")
