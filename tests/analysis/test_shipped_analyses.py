"""Every shipped analysis that trains networks, at scale smoke on small data: it runs, tests its claims, and resumes."""

import pytest
from made_up_data import put_fashion, put_ptb

from amrobust.analysis import (
    analysis_names,
    checked_claims,
    load_analysis,
    run_analysis,
    scales_of,
    specs_of_setting,
)
from amrobust.train.reporter import Silent
from amrobust.workloads import data

# They train what others train, or take their time.
FIGURES = ("2", "3a", "3b", "4", "5", "6", "8", "10", "13", "13_loss", "16", "17", "18", "18_loss")
SLOW = {f"figure{name}" for name in FIGURES}
SLOW |= {"sanity_m1", "table2", "table3_eta", "table6", "table8_aggmo", "variance_crossed"}
CONVEX = ("figure14", "figure15", "tails_theorem1")
NAMES = [name for name in analysis_names() if name not in CONVEX]


@pytest.fixture(scope="module", autouse=True)
def _data(tmp_path_factory):
    """A data directory with small sets."""
    root = tmp_path_factory.mktemp("data")
    put_fashion(root, train=120, test=60)
    put_ptb(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(data.ENVIRONMENT, str(root))
        yield


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """One for all analyses: what they have in common is trained once."""
    return tmp_path_factory.mktemp("runs")


class Counting(Silent):
    """Counts the seeds that are trained."""

    trained = 0

    def seed_done(self, run, outcome):
        self.trained += 1


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in NAMES
        if name != "demo"
    ],
)
def test_it_runs_judges_every_claim_and_resumes(name, directory):
    analysis = load_analysis(name, "smoke")
    comparison = run_analysis(analysis, directory, executor="local")
    assert not comparison.problems
    # Groups that were measured with recomputed statistics too stand beside those that decide.
    assert len(comparison.deciding) == len(analysis.settings)
    for compared, setting in zip(comparison.deciding, analysis.settings, strict=True):
        assert [v.claim.kind for v in compared.verdicts] == [claim.kind for claim in setting.claims]
        refusals = [v.sentence for v in compared.verdicts if v.outcome == "not assessable"]
        assert not refusals
    counting = Counting()
    run_analysis(analysis, directory, executor="local", reporter=counting)
    assert counting.trained == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_scale_of_it_reads(name):
    for scale in scales_of(name):
        analysis = load_analysis(name, scale)
        assert analysis.title.endswith(f"(scale: {scale})")
        for setting in analysis.settings:
            assert setting.claims


def test_a_figure_of_a_tables_runs_is_that_table():
    figure, table = load_analysis("figure7", "small"), load_analysis("table5", "small")
    assert (figure.name, figure.title, figure.settings) == ("figure7", table.title, table.settings)


@pytest.mark.parametrize("name", NAMES)
def test_at_every_scale_it_names_what_will_be_there(name):
    for scale in scales_of(name) or (None,):
        analysis = load_analysis(name, scale)
        specs = [specs_of_setting(analysis, setting) for setting in analysis.settings]
        claims = checked_claims(analysis, specs)
        assert [len(own) for own in claims] == [len(setting.claims) for setting in analysis.settings]
