"""What an analysis does between its file and the comparison: pairing, and metrics against each other."""

from pathlib import Path

import pytest

from amrobust.analysis import load_analysis, run_analysis
from amrobust.errors import UserError
from amrobust.train.requests import load_request

CORPUS = Path(__file__).parent.parent / "corpus" / "documents"

FILE = """
title = "t"
question = "q"
workload = "digits"
metric = "{metric}"
baseline = "{baseline}"
seeds = 4
workload_params = {{ epochs = 2, batch_size = 200, lr_drops = 0 }}
methods = [{methods}]
{more}
[[claims]]
kind = "less Avg. STD"
method = "{method}"
"""


def carried_out(tmp_path, **fields):
    path = tmp_path / "mine.toml"
    defaults = {
        "metric": "train_loss",
        "baseline": "msgd",
        "method": "sgd",
        "more": "",
        "methods": '{ opt = "msgd" }, { opt = "sgd" }',
    }
    path.write_text(FILE.format(**(defaults | fields)))
    comparison = run_analysis(load_analysis(str(path)), tmp_path / "runs", executor="local")
    (compared,) = comparison.groups
    return compared


LOSSES = 'metrics = ["train_loss", "train_batch_loss"]'


def test_metrics_of_one_training_are_held_against_each_other_in_pairs(tmp_path):
    compared = carried_out(
        tmp_path,
        metric="loss",
        baseline="msgd:train_loss",
        method="msgd:train_batch_loss",
        more=LOSSES,
    )
    assert {arm.method for arm in compared.arms} == {
        f"{method}:{metric}" for method in ("msgd", "sgd") for metric in ("train_loss", "train_batch_loss")
    }
    (verdict,) = compared.verdicts
    assert verdict.interval.paired
    plain = carried_out(tmp_path)
    (expected,) = [arm.curves["train_loss"] for arm in plain.arms if arm.method == "msgd"]
    assert (compared.arms[0].curves["loss"] == expected).all()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('metrics = ["train_loss", "gap"]', "has no 'gap'"),
        ('metrics = ["train_loss", "test_accuracy"]', "units differ"),
    ],
)
def test_metrics_that_cannot_be_compared_are_named(tmp_path, more, message):
    with pytest.raises(UserError, match=message):
        carried_out(tmp_path, metric="loss", more=more)


def test_paired_methods_share_their_streams(tmp_path):
    compared = carried_out(tmp_path, more="paired = true")
    assert compared.verdicts[0].interval.paired
    assert not carried_out(tmp_path).verdicts[0].interval.paired


def analysed(tmp_path, text, message, **options):
    """That a document is refused with the message, and nothing has been trained."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        run_analysis(
            load_analysis(str(path), allow_code=True), tmp_path / "runs", executor="local", **options
        )
    assert not (tmp_path / "runs").exists()


CONVEX = """
title = "t"
question = "q"
workload = "logistic"
workload_params = { iterations = 40 }
methods = [{ opt = "sgd" }, { opt = "msgd" }, { opt = "am1", m = [2, 3, 5] }]
baseline = "msgd"
metric = "train_loss"
seeds = 4
claims = [{ kind = "less spread", method = "sgd" }]
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('method = "sgd"', 'method = "sgdd"', r"'sgdd' is not among the methods: did you mean 'sgd'\?"),
        ('method = "sgd"', 'method = "am1[m=4]/II"', "is not among the methods"),
        ('method = "sgd"', 'method = "am1"', "is not unique"),
        ('method = "sgd"', 'method = "msgd"', "holds 'msgd' against itself"),
        ('method = "sgd"', 'method = "sgd", baseline = "mgsd"', r"did you mean 'msgd'\?"),
        ('baseline = "msgd"', 'baseline = "mgsd"', r"did you mean 'msgd'\?"),
        ('"less spread", method = "sgd"', '"trend", methods = ["am1[m=2]/II", "am1[m=3]/II", "am1[m=7]/II"]', "not among"),
        ('"less spread", method = "sgd"', '"trend", methods = ["am2[m=*]/II"]', "at least 3 methods"),
        ('"less spread", method = "sgd"', '"equivalent mean", method = "sgd", margin = nan', "margin"),
        ('"less spread", method = "sgd"', '"equivalent mean", method = "sgd", margin = inf', "margin"),
        ('"less spread", method = "sgd"', '"exceedance bound", method = "sgd", bounds = [[nan, 0.1]]', "bounds are pairs"),
        ('"less spread", method = "sgd"', '"exceedance bound", method = "sgd", bounds = [[1.0, nan]]', "bounds are pairs"),
        ('"less spread", method = "sgd"', '"exceedance bound", method = "sgd", deviations = [inf]', "deviations are numbers"),
        ('"less spread", method = "sgd"', '"better after", method = "sgd", at = nan', "at = nan|two shares"),
        ('metric = "train_loss"', 'metric = "train_los"', r"did you mean 'train_loss'\?"),
        ('method = "sgd"', 'method = "sgd", epochs = [1, 999]', "epochs 1 to 999, and there will be"),
        (
            '"less spread", method = "sgd"',
            '"composite", method = "sgd", parts = [{ kind = "less spread" }, { kind = "better mean", epochs = [998, 999] }]',
            "epochs 998 to 999",
        ),
        ("seeds = 4", "looks = [5, 80]", "plan it at 8 seeds"),
        ("seeds = 4", "looks = [5.5, 80]", "a look = 5.5"),
        ("seeds = 4", "seeds = 4\nalpha = 1e-17", "alpha = 1e-17"),
        ("seeds = 4", "seeds = 4\nalpha = nan", "alpha = nan"),
        ("seeds = 4", "seeds = 99999999999999999999", "at most 1,000,000"),
        ("seeds = 4", 'seeds = 4\npublished = "table99"', "no published table"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_analysis_is_found_before_anything_trains(tmp_path, old, new, message):
    assert old in CONVEX
    analysed(tmp_path, CONVEX.replace(old, new, 1), message)


@pytest.mark.parametrize("seeds", [0, 10**20])
def test_numbers_of_seeds_that_nobody_trains_are_refused(tmp_path, seeds):
    analysed(tmp_path, CONVEX, "between 1 and 1,000,000", seeds=seeds)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("looks", "plan it at 8 seeds or more"),
        ("claim_on_itself", "holds 'msgd' against itself"),
    ],
)
def test_documents_of_the_corpus_that_once_ended_wrong_are_refused(tmp_path, name, message):
    analysed(tmp_path, (CORPUS / f"{name}.toml").read_text(), message)


def test_a_typo_in_a_method_of_somebodys_own_is_found_with_what_was_meant(tmp_path, monkeypatch):
    # The workload and the optimizer of the document are the user's; here they are others of the same names.
    (tmp_path / "mylion_of_a_test.py").write_text(
        "import torch\n\n\nclass Lion(torch.optim.SGD):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    text = (CORPUS / "p3.toml").read_text()
    text = text.replace("mymoons:Moons", "digits").replace("mylion:", "mylion_of_a_test:")
    analysed(tmp_path, text, r"'Lion' is not among the methods: did you mean 'Lion\[lr=0.003\]'\?")


LABELLED = '{ opt = "msgd", label = "The usual" }, { opt = "am1", label = LABEL }'


@pytest.mark.parametrize(
    ("label", "titles"),
    [
        ('"Ours"', ("Ours, I", "Ours, II")),
        ('{ II = "Ours" }', ("AM1-SGD (m = 5), I", "Ours")),
    ],
)
def test_a_method_is_called_by_its_label(tmp_path, label, titles):
    compared = carried_out(tmp_path, method="am1[m=5]/II", methods=LABELLED.replace("LABEL", label))
    assert compared.titles == {
        "msgd": "The usual",
        **dict(zip(("am1[m=5]/I", "am1[m=5]/II"), titles, strict=True)),
    }
    assert f"{titles[1]} varies less over training" in compared.verdicts[0].sentence
    assert compared.verdicts[0].claim.method == "am1[m=5]/II"


def test_labels_stay_where_metrics_are_held_against_each_other(tmp_path):
    compared = carried_out(
        tmp_path,
        metric="loss",
        baseline="msgd:train_loss",
        method="msgd:train_batch_loss",
        more=LOSSES,
        methods='{ opt = "msgd", label = "The usual" }, { opt = "sgd" }',
    )
    assert compared.titles["msgd:train_loss"] == "The usual, train_loss"
    assert compared.titles["sgd:train_batch_loss"] == "SGD, train_batch_loss"


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (LABELLED.replace("LABEL", '{ III = "Ours" }'), "am1 has no output 'III' to label: I, II"),
        (LABELLED.replace("LABEL", "{ II = 3 }"), "is a text to print, not 3"),
        (LABELLED.replace("LABEL", '"Ours", m = [3, 5]'), "a label is of one method, and am1 here is 2"),
        (LABELLED.replace("LABEL", "5"), "'label' has the wrong type"),
        (LABELLED.replace("LABEL", '" "'), "is a text to print, not ' '"),
        (LABELLED.replace("LABEL", "{}"), "is a text to print, not {}"),
    ],
)
def test_a_label_that_is_none_is_refused_before_anything_trains(tmp_path, methods, message):
    with pytest.raises(UserError, match=message):
        carried_out(tmp_path, method="am1[m=5]/II", methods=methods)
    assert not (tmp_path / "runs").exists()


def test_what_is_only_run_takes_no_labels(tmp_path):
    path = tmp_path / "runs.toml"
    path.write_text('methods = [{ opt = "msgd", label = "The usual" }]')
    with pytest.raises(UserError, match="labels are for print"):
        load_request(path)
