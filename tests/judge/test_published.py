"""The paper's tables and a reader's own, judged from their print alone."""

import pytest

from amrobust.errors import UserError
from amrobust.judge.published import judge_tables, load_tables

MINE = """
[results]
metric = "test loss"
seeds = 10
[[results.rows]]
method = "Adam"
final_mean = 0.50
final_std = 0.10
[[results.rows]]
method = "Mine"
final_mean = 0.30
final_std = 0.02
n = 12
"""


def written(tmp_path, text):
    path = tmp_path / "table.toml"
    path.write_text(text)
    return path


def verdicts(comparison):
    return {(v.claim.method, v.claim.kind): v for compared in comparison.groups for v in compared.verdicts}


def test_table_1_does_not_establish_a_difference_of_final_spread():
    found = verdicts(judge_tables(load_tables(None, "table1")))
    spread = found["AM1-SGD II (m=5)", "less spread"]
    assert spread.outcome == "inconclusive"
    assert spread.p == pytest.approx(0.59, abs=0.005)
    assert spread.interval.estimate**-2 == pytest.approx(1.28, abs=0.005)


def test_avg_std_is_never_judged_and_is_no_member_of_the_family():
    found = verdicts(judge_tables(load_tables(None, "table1")))
    average = found["AM1-SGD II (m=5)", "less Avg. STD"]
    assert average.outcome == "not assessable"
    assert "correlated" in average.sentence
    assert average.family_size == 6


def test_three_seeds_are_too_few_and_models_are_kept_apart():
    comparison = judge_tables(load_tables(None, "table2"))
    assert len(comparison.groups) == 2
    assert {v.outcome for v in verdicts(comparison).values()} == {"not assessable"}


def test_every_table_of_the_paper_that_has_rows_is_judged_or_named():
    comparison = judge_tables(load_tables(None))
    judged = {compared.workload.partition(",")[0] for compared in comparison.groups}
    assert judged == {"table1", "table2", "table3", "table4", "table5", "figure2"}


def test_a_table_of_ones_own(tmp_path):
    found = verdicts(judge_tables(load_tables(written(tmp_path, MINE)), margin=0.5))
    assert found["Mine", "less spread"].outcome == "supported"
    assert found["Mine", "less spread"].interval.n == (12, 10)
    assert found["Mine", "equivalent mean"].outcome == "supported"
    better = verdicts(judge_tables(load_tables(written(tmp_path, MINE))))
    assert better["Mine", "better mean"].outcome == "supported", "lower is better for a loss"


def test_a_spread_that_hangs_on_rounding_is_called_fragile(tmp_path):
    text = MINE.replace("final_std = 0.02", "final_std = 0.05").replace(
        "final_std = 0.10", "final_std = 0.11"
    )
    spread = verdicts(judge_tables(load_tables(written(tmp_path, text))))["Mine", "less spread"]
    assert [warning.kind for warning in spread.warnings] == ["fragile-spread"]
    assert "kurtosis 9" in spread.warnings[0].message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds = 10", "", "garbles a field"),
        ('method = "Adam"', "", "garbles a field"),
        ("final_mean = 0.50", 'final_mean = "high"', "not a number"),
        ("[results]", "[results", "not valid TOML"),
        ("final_mean = 0.50", "final_mean = nan", "row 1 of results: the mean of 'Adam' is nan"),
        ("final_mean = 0.50", "final_mean = -inf", "the mean of 'Adam' is -inf"),
        ("final_mean = 0.50", "final_mean = -1e100", "no number of 1e.100 or beyond"),
        ("final_std = 0.10", "final_std = inf", "the std of 'Adam' is inf"),
        ("final_std = 0.10", "final_std = -0.1", "never negative"),
        ("final_std = 0.10", "avg_std = -0.1", "the avg_std of 'Adam' is -0.1"),
        ("n = 12", "n = 5.5", "the n of 'Mine' is 5.5"),
        ("n = 12", "unit = 'percent'", "'unit' is said of a whole table"),
        ('method = "Mine"', 'method = "Adam"', "row 2 of results: 'Adam' has a row already"),
        (
            '[[results.rows]]\nmethod = "Mine"\nfinal_mean = 0.30\nfinal_std = 0.02\nn = 12\n',
            "",
            "single method",
        ),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, message):
    with pytest.raises(UserError, match=message):
        judge_tables(load_tables(written(tmp_path, MINE.replace(old, new, 1))))


def test_rows_of_two_data_sets_are_not_compared(tmp_path):
    text = MINE.replace('method = "Adam"', 'method = "Adam"\ndataset = "a"').replace(
        "n = 12", 'dataset = "b"'
    )
    with pytest.raises(UserError, match="results, a: has a single method; results, b: has a single method"):
        judge_tables(load_tables(written(tmp_path, text)))


@pytest.mark.parametrize(
    ("unit", "mean", "message"),
    [
        (
            "",
            "50.0",
            "looks like a share of 1 in some rows .such as 0.3. and like a percentage in others .up to 50.",
        ),
        ("unit = 'percent'", "50.0", "said to be in percent"),
        ("unit = '%'", "0.5", "said to be in percent"),
        ("unit = 'share'", "50.0", "said to be a share of 1, and a mean is 50"),
    ],
)
def test_shares_and_percentages_are_not_compared(tmp_path, unit, mean, message):
    text = MINE.replace('"test loss"', f'"accuracy"\n{unit}').replace("0.50", mean)
    with pytest.raises(UserError, match=message):
        judge_tables(load_tables(written(tmp_path, text)))


def test_unknown_tables_and_baselines_name_the_known_ones():
    with pytest.raises(UserError, match="table1"):
        load_tables(None, "table99")
    with pytest.raises(UserError, match="M-SGD"):
        judge_tables(load_tables(None, "table1"), baseline="Adam")
