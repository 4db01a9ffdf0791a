"""The measured runs that come with the package are whole, and say what their page says."""

from pathlib import Path

import pytest

from amrobust.ingest.load import load_arms
from amrobust.judge.compare import compare
from amrobust.judge.rules import Selection

TREE = Path(__file__).resolve().parents[2]
ROOT = TREE / "reference_runs" / "measured"


def with_interval(result, decimals=2):
    """An estimate as the pages print it: ``0.58 [0.41, 0.80]``."""
    return f"{result.estimate:.{decimals}f} [{result.low:.{decimals}f}, {result.high:.{decimals}f}]"


def final(summary, decimals=2):
    """A method's final values as the pages print them: ``98.06 ± 0.31``."""
    return f"{summary.final_mean.estimate:.{decimals}f} ± {summary.final_spread.estimate:.{decimals}f}"


def test_digits():
    arms, problems = load_arms([ROOT / "digits"])
    assert not problems
    assert {len(arm.seeds) for arm in arms} == {20}
    (compared,) = compare(arms, Selection(baseline="msgd")).groups
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    for verdict in compared.verdicts:
        if verdict.claim.kind == "less Avg. STD":
            assert with_interval(verdict.interval) in page
    for summary in compared.summaries:
        assert final(summary) in page
    found = {v.claim.method: v.outcome for v in compared.verdicts if v.claim.kind == "less Avg. STD"}
    assert found == {
        "am1[m=5]/I": "supported", "am1[m=5]/II": "supported", "am2[m=5]/I": "inconclusive",
        "am2[m=5]/II": "supported", "sgd": "supported",
    }  # fmt: skip


def test_the_findings_have_the_numbers_of_the_runs():
    arms, problems = load_arms([ROOT / "fashion-mnist"])
    assert not problems
    usual = [
        arm
        for arm in arms
        if arm.workload == "fashion-mnist[batch_size=32,train_images=9600,schedule=step,restart=False]"
    ]
    assert {arm.method: len(arm.seeds) for arm in usual if len(arm.seeds) != 20} == {
        "aggmo": 10,
        "am1[m=5,momentum=0.99]/I": 10,
        "am1[m=5,momentum=0.99]/II": 10,
        "am1[m=5,momentum=0.995]/I": 10,
        "am1[m=5,momentum=0.995]/II": 10,
        "am2[m=10]/I": 10,
        "am2[m=10]/II": 10,
        "cm": 10,
        "msgd[momentum=0.99]": 10,
        "qhm": 10,
    }
    assert {len(arm.seeds) for arm in arms if arm not in usual} == {10}
    page = (TREE / "reference_runs" / "FINDINGS.md").read_text(encoding="utf-8")
    table1 = {"msgd", "sgd", "am1[m=1]/I", "am1[m=1]/II", "am1[m=5]/I", "am1[m=5]/II", "msgd-tail[m=5]"}
    (compared,) = compare([arm for arm in usual if arm.method in table1], Selection(baseline="msgd")).groups
    for summary in compared.summaries:
        assert f"{final(summary)} | {with_interval(summary.avg_std)}" in page


def test_the_findings_have_what_two_losses_of_the_same_runs_say():
    runs = ROOT / "fashion-mnist"
    page = (TREE / "reference_runs" / "FINDINGS.md").read_text(encoding="utf-8")
    usual = "fashion-mnist[batch_size=32,train_images=9600,schedule=step,restart=False]"
    arms, _ = load_arms([runs], "train_batch_loss")
    chosen = {"am1[m=5]/I", "aggmo", "qhm"}
    arms = [arm for arm in arms if arm.workload == usual and arm.method in chosen]
    selection = Selection(metric="train_batch_loss", baseline="am1[m=5]/I")
    (compared,) = compare(arms, selection).groups
    ends = {summary.method: summary.final_mean.estimate for summary in compared.summaries}
    for method in ("qhm", "aggmo"):
        assert f"+{ends[method] - ends['am1[m=5]/I']:.3f} [" in page
    found = {}
    for metric in ("train_loss", "train_batch_loss"):
        arms, _ = load_arms([runs], metric)
        arms = [arm for arm in arms if arm.workload == usual and arm.method in ("msgd", "sgd", "am1[m=5]/I")]
        (compared,) = compare(arms, Selection(metric=metric, baseline="msgd")).groups
        found[metric] = {summary.method: summary.avg_std.estimate for summary in compared.summaries}
    for method, batch in found["train_batch_loss"].items():
        assert f"× {batch / found['train_loss'][method]:.2f} [" in page


@pytest.mark.parametrize("path", sorted(ROOT.glob("*/*/manifest.json")), ids=lambda path: path.parent.name)
def test_they_were_made_by_committed_code(path):
    assert '"git_dirty": false' in path.read_text(encoding="utf-8")


def test_the_calibration_page_shows_measured_rows_only():
    measured = (
        (TREE / "reference_runs" / "calibration" / "README.md").read_text(encoding="utf-8").splitlines()
    )
    shown = (TREE / "docs" / "calibration.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in shown if line.startswith("|")]
    assert len(rows) > 50
    assert set(rows) <= set(measured)


def test_the_findings_have_the_numbers_of_penn_treebank():
    arms, problems = load_arms([ROOT / "ptb"])
    assert not problems
    assert {len(arm.seeds) for arm in arms} == {5}
    (compared,) = compare(arms, Selection(metric="validation_perplexity", baseline="msgd")).groups
    page = (TREE / "reference_runs" / "FINDINGS.md").read_text(encoding="utf-8")
    for summary in compared.summaries:
        assert f"{final(summary, 1)} | {with_interval(summary.avg_std, 1)}" in page
