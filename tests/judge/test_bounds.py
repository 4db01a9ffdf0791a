"""Claims that runs rarely end worse than a bound."""

import numpy as np
import pytest
import scipy.stats
from made_up import arm
from verdicts import verdict

from amrobust import Claim
from amrobust.analysis import load_analysis, run_analysis
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.declared import load_claims
from amrobust.judge.rules import Selection
from amrobust.runs.metric import Metric
from amrobust.train.convex_rules import theorem1b
from amrobust.train.prepare import make_spec

GAP = Metric("gap", "lower")


def gaps(method, values, **changes):
    values = np.asarray(values, float)[:, None]
    return arm(method, values, curves={"gap": values}, metrics={"gap": GAP}, **changes)


def judged(values, *bounds, **changes):
    claims = [Claim("exceedance bound", "am1", "am1", bound=bound) for bound in bounds]
    arms = [gaps("am1", values, **changes), gaps("sgd", np.arange(10.0))]
    return compare(arms, Selection(metric="gap"), claims=claims)


def test_the_test_is_scipys_exact_binomial_and_the_interval_clopper_pearsons():
    values = np.r_[np.full(190, 1.0), np.full(10, 3.0)]
    found = verdict(judged(values, (2.0, 0.1)), "exceedance bound")
    expected = scipy.stats.binomtest(10, 200, 0.1, alternative="less")
    assert found.p == pytest.approx(expected.pvalue)
    # Each of its two directions is tested one-sided at alpha.
    interval = scipy.stats.binomtest(10, 200).proportion_ci(0.9, "exact")
    assert (found.interval.low, found.interval.high) == pytest.approx((interval.low, interval.high))
    assert found.outcome == "supported"
    assert "share 0.05" in found.sentence
    assert "ends above a gap of 2 with a probability of at most 0.1" in found.sentence


def test_more_runs_beyond_the_bound_refute_it_and_a_few_more_leave_it_open():
    many = verdict(judged(np.r_[np.ones(100), np.full(60, 3.0)], (2.0, 0.1)), "exceedance bound")
    assert many.outcome == "refuted"
    few = verdict(judged(np.r_[np.ones(92), np.full(8, 3.0)], (2.0, 0.1)), "exceedance bound")
    assert few.outcome == "inconclusive"
    assert few.required_seeds > 100


def test_seeds_that_could_not_support_it_are_refused_with_the_number_that_could():
    found = verdict(judged(np.ones(20), (2.0, 0.05)), "exceedance bound")
    assert found.outcome == "not assessable"
    assert found.required_seeds == 59
    assert verdict(judged(np.ones(59), (2.0, 0.05)), "exceedance bound").outcome == "supported"
    assert verdict(judged(np.full(20, 3.0), (2.0, 0.05)), "exceedance bound").outcome == "refuted"


def test_a_diverged_run_counts_as_beyond_every_bound():
    values = np.r_[np.full(30, np.nan), np.ones(70)]
    found = verdict(judged(values, (1e9, 0.1)), "exceedance bound")
    assert found.outcome == "refuted"
    assert found.interval.estimate == 0.3


def test_a_grid_of_bounds_is_a_family():
    comparison = judged(np.ones(400), (2.0, 0.5), (3.0, 0.05))
    (compared,) = comparison.groups
    assert [v.outcome for v in compared.verdicts] == ["supported", "supported"]
    assert {v.family_size for v in compared.verdicts} == {2}


def test_bounds_are_read_from_a_file(tmp_path):
    path = tmp_path / "claims.toml"
    text = 'claims = [{ kind = "exceedance bound", method = "am1", bounds = [[2.0, 0.5], [3, 0.05]] }]'
    path.write_text(text)
    assert load_claims(path).claims == (
        Claim("exceedance bound", "am1", "am1", bound=(2.0, 0.5)),
        Claim("exceedance bound", "am1", "am1", bound=(3.0, 0.05)),
    )
    for wrong in ("[[2.0, 1.5]]", "[[2.0]]", "[2.0, 0.5]", '[["a", 0.5]]'):
        path.write_text(text.replace("[[2.0, 0.5], [3, 0.05]]", wrong))
        with pytest.raises(UserError, match="threshold, probability"):
            load_claims(path)


class TestDeviations:
    """Bounds that Theorem 1b gives at a Λ, from the constants of the problem that was run."""

    TEXT = """
    title = "t"
    question = "q"
    workload = "logistic-ball"
    metric = "gap"
    baseline = "acsa[theorem=1]/II"
    seeds = 40
    workload_params = { sigma = 0.01, iterations = 200, record_every = 40 }
    methods = [{ opt = "acsa", theorem = 1 }, { opt = "am1g", m = 10, theorem = 1 }]

    [[claims]]
    kind = "exceedance bound"
    method = "am1g[m=10,theorem=1]/II"
    deviations = [1.5, 4]
    """

    def judged(self, tmp_path, text=TEXT):
        path = tmp_path / "a.toml"
        path.write_text(text)
        return run_analysis(load_analysis(str(path)), tmp_path / "runs", executor="local")

    def test_are_judged_at_the_theorems_threshold_and_probability(self, tmp_path):
        (compared,) = self.judged(tmp_path).groups
        spec = make_spec("logistic-ball", "am1g", {"sigma": 0.01, "iterations": 200}, {"m": 10, "theorem": 1})
        assert [v.claim.bound for v in compared.verdicts] == [theorem1b(spec, 1.5), theorem1b(spec, 4.0)]
        wide, narrow = compared.verdicts
        assert wide.outcome == "supported"
        assert wide.interval.estimate == 0
        assert "(Theorem 1b, Λ = 1.5)" in wide.sentence
        assert narrow.outcome == "not assessable"  # at most 0.023, which 40 seeds cannot show
        assert narrow.required_seeds > 100

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("[1.5, 4]", "[1.0]", "below 1, and 1.0 is none"),
            ("[1.5, 4]", '["2"]', "and '2' is none"),
            ("[1.5, 4]", "[2]\n    bounds = [[1, 0.1]]", "unknown 'bounds'"),
            ('method = "am1g[m=10,theorem=1]/II"', 'method = "am1g[m=10,theorem=1]/I"', "option II"),
            ('method = "am1g[m=10,theorem=1]/II"', 'method = "am1g"', "'am1g' is not among the methods"),
        ],
    )
    def test_mistakes_are_named(self, tmp_path, old, new, message):
        assert old in self.TEXT
        with pytest.raises(UserError, match=message):
            self.judged(tmp_path, self.TEXT.replace(old, new).replace("seeds = 40", "seeds = 4"))

    def test_runs_that_are_there_already_have_no_constants(self, tmp_path):
        path = tmp_path / "claims.toml"
        path.write_text('claims = [{ kind = "exceedance bound", method = "am1", deviations = [2] }]')
        with pytest.raises(UserError, match="use 'amrobust analyze', or give bounds"):
            load_claims(path)
