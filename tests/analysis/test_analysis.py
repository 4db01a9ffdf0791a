"""Analysis files: what ships is valid, and mistakes are named."""

import pytest

from amrobust.analysis import analysis_names, load_analysis
from amrobust.errors import UserError

VALID = """
title = "t"
question = "q"
workload = "digits"
metric = "test_accuracy"
baseline = "msgd"
seeds = 5
[[methods]]
opt = "msgd"
[[methods]]
opt = "am1"
m = 3
[[claims]]
kind = "less Avg. STD"
method = "am1[m=3]/II"
[[claims]]
kind = "equivalent mean"
method = "am1[m=3]/II"
margin = 0.5
"""


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", analysis_names())
def test_every_shipped_analysis_reads(name):
    analysis = load_analysis(name)
    assert analysis.settings[0].claims
    assert analysis.seeds >= 5


def test_a_file_of_the_users_own_reads(tmp_path):
    analysis = load_analysis(written(tmp_path, VALID))
    assert [training.optimizer for training in analysis.trainings] == ["msgd", "am1"]
    assert analysis.trainings[1].hyperparameters == {"m": 3}
    assert [claim.margin for claim in analysis.settings[0].claims] == [None, 0.5]
    assert {claim.baseline for claim in analysis.settings[0].claims} == {"msgd"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds = 5", "", "'seeds' is missing"),
        ("seeds = 5", "seeds = 'five'", "wrong type"),
        ("seeds = 5", "seeds = true", "wrong type"),
        ("seeds = 5", "seeds = 0", "at least one seed"),
        ("seeds = 5", "seeds = 5\nsedes = 6", "unknown 'sedes'"),
        ("less Avg. STD", "least spread", "no claim is called"),
        ("margin = 0.5", "", "'margin' is missing"),
        ("seeds = 5", "seeds = 5\ntest = 'magic'", "no test is called"),
        ("title", "title title", "not valid TOML"),
        ("margin = 0.5", "margin = -0.5", "above 0"),
        ("seeds = 5", "seeds = 5\nalpha = 2.0", "alpha = 2"),
        ("seeds = 5", "seeds = 5\npaired = 1", "true or false"),
        ("seeds = 5", "seeds = 5\nmetrics = ['train_loss']", "at least two metrics"),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, message):
    with pytest.raises(UserError, match=message):
        load_analysis(written(tmp_path, VALID.replace(old, new, 1)))


COMPOSITE = """
[[claims]]
kind = "composite"
method = "am1[m=3]/II"
parts = [{ kind = "equivalent mean", margin = 0.5 }, { kind = "less Avg. STD" }]
"""


def test_parts_of_a_composite_claim_have_its_method_and_baseline(tmp_path):
    claim = load_analysis(written(tmp_path, VALID + COMPOSITE)).settings[0].claims[-1]
    assert [(part.kind, part.method, part.baseline) for part in claim.parts] == [
        ("equivalent mean", "am1[m=3]/II", "msgd"),
        ("less Avg. STD", "am1[m=3]/II", "msgd"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (', { kind = "less Avg. STD" }', "", "at least two parts"),
        ('kind = "less Avg. STD" }]', 'kind = "composite" }]', "no claim is called"),
        ('{ kind = "less Avg. STD" }', "5", "a table is expected"),
        ('{ kind = "less Avg. STD" }', '{ kind = "less Avg. STD", method = "x" }', "unknown 'method'"),
    ],
)
def test_mistakes_in_parts_are_named(tmp_path, old, new, message):
    with pytest.raises(UserError, match=message):
        load_analysis(written(tmp_path, VALID + COMPOSITE.replace(old, new)))


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UserError, match="demo"):
        load_analysis("table99")


def test_missing_and_binary_files_are_user_errors(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        load_analysis(str(tmp_path / "nowhere.toml"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot read"):
        load_analysis(str(tmp_path / "binary.toml"))


SWEEP = """
[[claims]]
kind = "trend"
methods = ["am1[m=1]/II", "am1[m=3]/II", "am1[m=5]/II"]
rising = true

[[claims]]
kind = "less Avg. STD"
method = "am1[m=3]/II"
epochs = [1, 3]
"""


def test_sweeps_and_phases_are_read(tmp_path):
    trend, early = load_analysis(written(tmp_path, VALID + SWEEP)).settings[0].claims[-2:]
    assert trend.methods == ("am1[m=1]/II", "am1[m=3]/II", "am1[m=5]/II")
    assert (trend.method, trend.baseline, trend.rising) == ("am1[m=1]/II", "am1[m=5]/II", True)
    assert early.epochs == (1, 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (', "am1[m=5]/II"]', "]", "at least three methods"),
        ("rising = true", "rising = 1", "true or false"),
        ("epochs = [1, 3]", "epochs = [3, 1]", "no phase"),
        ("epochs = [1, 3]", "epochs = [1]", "no phase"),
        (
            'kind = "less Avg. STD"\nmethod',
            'kind = "equivalent across the sweep"\nmargin = 1.0\nmethod',
            "'methods' is missing",
        ),
    ],
)
def test_mistakes_in_sweeps_and_phases_are_named(tmp_path, old, new, message):
    assert old in SWEEP
    with pytest.raises(UserError, match=message):
        load_analysis(written(tmp_path, VALID + SWEEP.replace(old, new)))


def test_planned_looks_replace_the_number_of_seeds(tmp_path):
    text = VALID.replace("seeds = 5", "looks = [4, 8]")
    assert text != VALID
    analysis = load_analysis(written(tmp_path, text))
    assert (analysis.seeds, analysis.rules.looks) == (8, (4, 8))
    with pytest.raises(UserError, match="growing"):
        load_analysis(written(tmp_path, VALID.replace("seeds = 5", "looks = [8, 4]")))


GRID = """
title = "t"
question = "q"
workload = "logistic"
metric = "train_loss"
baseline = "msgd"
seeds = 5
scale = "small"
workload_params = { record_every = 10 }
methods = [{ opt = "msgd" }, { opt = "am1", m = [1, 5], lr = [0.1, 0.2] }]

[grid]
sigma = [1.0, 4.0]
iterations = [100, 200]

[[claims]]
kind = "better mean"
method = "am1[m=5]/II"
where = { sigma = 4.0 }

[[claims]]
kind = "less spread"
method = "am1[m=5]/II"

[scales.small]
seeds = 6

[scales.paper]
seeds = 10
grid = { sigma = [9.0, 4.0] }
workload_params = { data = "a5a" }
"""


def test_lists_of_a_method_and_of_the_grid_are_crossed(tmp_path):
    analysis = load_analysis(written(tmp_path, GRID))
    assert [dict(t.hyperparameters) for t in analysis.trainings] == [
        {}, {"m": 1, "lr": 0.1}, {"m": 1, "lr": 0.2}, {"m": 5, "lr": 0.1}, {"m": 5, "lr": 0.2},
    ]  # fmt: skip
    points = [(s.workload_params["sigma"], s.workload_params["iterations"]) for s in analysis.settings]
    assert points == [(1.0, 100), (1.0, 200), (4.0, 100), (4.0, 200)]
    assert [len(setting.claims) for setting in analysis.settings] == [1, 1, 2, 2]


def test_a_scale_goes_over_the_file_and_into_the_title(tmp_path):
    path = written(tmp_path, GRID)
    small, paper = load_analysis(path), load_analysis(path, "paper")
    assert (small.title, small.seeds) == ("t (scale: small)", 6)
    assert (paper.title, paper.seeds) == ("t (scale: paper)", 10)
    assert [s.workload_params["sigma"] for s in paper.settings] == [9.0, 9.0, 4.0, 4.0]
    assert paper.settings[0].workload_params == {
        "record_every": 10, "data": "a5a", "sigma": 9.0, "iterations": 100,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('scale = "small"', "", "'scale', the one to take"),
        ('scale = "small"', 'scale = "tiny"', "choose one of small, paper"),
        ("sigma = 4.0 }", "sigma = 5.0 }", "true of no combination"),
        ("sigma = [1.0, 4.0]", "sigma = 1.0", "not a list"),
        ("[scales.small]", "[scale.small]", "not valid TOML"),
    ],
)
def test_mistakes_in_grids_and_scales_are_named(tmp_path, old, new, message):
    assert old in GRID
    with pytest.raises(UserError, match=message):
        load_analysis(written(tmp_path, GRID.replace(old, new)))


def test_a_scale_asked_of_a_file_without_any_is_an_error(tmp_path):
    with pytest.raises(UserError, match="it has none"):
        load_analysis(written(tmp_path, VALID), "paper")


def test_a_grid_of_bounds_is_a_claim_each(tmp_path):
    bounds = (
        '[[claims]]\nkind = "exceedance bound"\nmethod = "am1[m=3]/II"\nbounds = [[2.0, 0.5], [3.0, 0.1]]\n'
    )
    claims = load_analysis(written(tmp_path, VALID + bounds)).settings[0].claims
    assert [claim.bound for claim in claims] == [None, None, (2.0, 0.5), (3.0, 0.1)]


def test_an_analysis_that_is_the_same_as_a_shipped_one_has_its_entries_below_its_own(tmp_path):
    mine = load_analysis(written(tmp_path, 'same_as = "demo"\nseeds = 7\n'))
    demo = load_analysis("demo")
    assert (mine.name, mine.seeds) == ("mine", 7)
    assert (mine.title, mine.trainings, mine.settings) == (demo.title, demo.trainings, demo.settings)
    with pytest.raises(UserError, match="no analysis is called 'nothing'"):
        load_analysis(written(tmp_path, 'same_as = "nothing"\n'))
