"""What a metric's name says: by whole words of the published list, and nothing where they disagree or there are none."""

import json
from pathlib import Path

import numpy as np
import pytest

from amrobust.errors import UserError
from amrobust.ingest.load import load_arms
from amrobust.judge.compare import compare
from amrobust.runs.metric import (
    GENERAL,
    HIGHER,
    LOWER,
    PARAMETERS,
    PHRASES,
    SHARES,
    SUBJECTS,
    UNSURE,
    WEAK,
    Metric,
    MetricChoice,
    by_interest,
    direction_by_name,
    is_parameter,
)
from amrobust.runs.spec import content_digest
from amrobust.runs.store import open_runs
from amrobust.runs.units import in_two_units

ROOT = Path(__file__).resolve().parents[2]
HIGH = [
    "accuracy", "test_accuracy", "val/acc", "valAcc", "acc_norm", "top1", "top-5", "Top5Acc", "top_1", "acc@1", "F1",
    "f1_score", "AUROC", "ROC-AUC", "mAP", "bleu", "rougeL", "ROUGE-1", "episode_return", "ep_rew_mean", "Reward",
    "human_normalized_score", "hns", "success_rate", "win_rate", "precision", "prec@5", "mIoU", "dice", "r2", "pass@1",
    "hits@10", "exact_match", "inception_score", "eval.accuracy", "test·accuracy", "top5_accuracy", "average_return",
    "anomaly_auroc", "toxicity_f1", "object_detection/mAP", "cv_score", "mean_reciprocal_rank",
]  # fmt: skip
LOW = [
    "loss", "train_loss", "train_loss_epoch", "MSELoss", "valLoss", "testerr", "test_err", "valid_error", "top1_error",
    "perplexity", "validation_perplexity", "wer", "WER", "cer", "fid", "regret", "nll", "bpc", "val_bpb", "bits_per_byte",
    "mse", "RMSE", "mae", "ece", "brier_score", "cross_entropy", "crossEntropy", "kl_divergence", "gap", "grad_norm",
    "negative_log_likelihood", "value_loss", "log_loss", "eval/ppl", "word_error_rate", "latest_loss", "test_error", "val_loss",
    "detection_loss", "binary_cross_entropy",
]  # fmt: skip
ASKED = [
    "objective", "objective_value", "metric1", "y", "value", "output", "glossy", "mapping", "accept", "escape", "entropy",
    "ep_len_mean", "accuracy_gap", "reward_loss", "acc_stderr", "loss_std", "neg_mean_squared_error", "time_to_accuracy",
    "tokens_per_second", "accuracy_drop", "num_errors", "точность", "non_acc", "bad_acc", "accuracy_deficit", "accuracy_lost",
    "wins_lost", "success_failure", "failed_wins", "error_free", "error_free_rate", "no_error_rate", "no_loss", "delta_acc",
    "acc_diff", "loss_diff", "loss_difference", "reward_hacking_rate", "one_minus_acc", "not_solved", "reward_gap",
    "toxicity_score", "anomaly_score", "hallucination_score", "risk_score", "bias_score", "harm_score", "unsafe_success",
    "collision_success", "false_success", "false_hits", "attack_success_rate", "score_lower_better", "opponent_win_rate",
    "iterations_to_accuracy_90", "tokens_to_acc", "samples_to_acc", "gpu_hours_to_acc", "energy_to_acc", "queries_to_success",
    "epochs_until_accuracy", "hit_latency", "topk_latency", "recall_latency_ms", "acc_rank", "reward_rank", "acc_degradation",
    "acc_decline", "acc_penalty", "acc_forgetting", "reward_shortfall", "acc_spread", "acc_range", "acc_iqr", "acc_mad",
    "acc_cv", "acc_se", "accuracy_disparity", "accuracy_uncertainty", "score_entropy", "error_detection_rate",
    "error_correction_rate", "cost_savings", "cost_efficiency", "human_norm", "weight_norm", "loss_scale", "score_threshold",
]  # fmt: skip


@pytest.mark.parametrize("name", HIGH)
def test_words_that_are_better_high(name):
    assert direction_by_name(name) == "higher"


@pytest.mark.parametrize("name", LOW)
def test_words_that_are_better_low(name):
    assert direction_by_name(name) == "lower"


@pytest.mark.parametrize("name", ASKED)
def test_names_of_no_kind_or_of_both_say_nothing(name):
    assert direction_by_name(name) is None
    metric = Metric.known(name)
    assert (metric.better, metric.better_by) == (None, "not recorded")
    with pytest.raises(UserError, match=rf"--metric '?{name}:lower'? or --metric '?{name}:higher"):
        _ = metric.way


@pytest.mark.parametrize(
    "name", ["bleu", "rougeL", "mAP", "ndcg@10", "hits@1", "mcc", "exact_match", "pass@1", "ece", "score"]
)
def test_what_is_written_in_two_ways_is_not_judged_in_both(name):
    low, high = np.array([0.36, 0.37, 0.35]), np.array([36.0, 37.5, 35.2])
    assert in_two_units(name, np.concatenate([low, high]))
    assert not in_two_units(name, low)
    assert not in_two_units(name, high)
    assert not in_two_units(name, np.array([0.9, 3.6, 5.2]))


@pytest.mark.parametrize("name", ["loss", "mae", "reward", "psnr", "fid", "cost", "regret"])
def test_what_has_no_bounds_may_be_a_hundred_times_as_large(name):
    assert not in_two_units(name, np.array([0.36, 0.37, 36.0, 37.5]))


@pytest.mark.parametrize(
    "name",
    [
        "1-acc", "1 - accuracy", "100-acc", "100% - acc", "1.0-acc", "1-AUC", "1-f1", "val/1-acc", "val_1-acc", "(1-acc)",
        "1\u2212acc", "1-top1", "1/loss", "1 / loss", "-loss", "val/-loss", "\u2212loss", "loss^-1", "loss**-1", "loss^(-1)",
        "loss\u207b\u00b9",
    ],
)  # fmt: skip
def test_signs_that_turn_a_metric_around_make_it_asked_about(name):
    assert direction_by_name(name) is None


@pytest.mark.parametrize(
    "name", ["top-1/acc", "Top 1 - acc", "f1-score", "rouge-1", "env_1/acc", "acc@1/val", "acc - test"]
)
def test_other_numbers_and_dashes_turn_nothing(name):
    assert direction_by_name(name) == "higher"


def test_a_name_may_say_it_outright():
    assert direction_by_name("score (lower is better)") == "lower"
    assert direction_by_name("y, higher is better") == "higher"


def test_the_lists_contradict_neither_each_other_nor_themselves():
    assert not HIGHER & LOWER
    assert not (HIGHER | LOWER) & (UNSURE | SUBJECTS | PARAMETERS)
    assert WEAK | SHARES | GENERAL <= HIGHER | LOWER


def published_list():
    phrases = {
        way: [p.replace("_", " ") for p, w in PHRASES.items() if w == way] for way in ("higher", "lower")
    }
    return {
        "higher is better": [*sorted(HIGHER), *phrases["higher"]],
        "lower is better": [*sorted(LOWER), *phrases["lower"]],
        "only where no other word counts": sorted(WEAK),
        "asked about, whatever else is there": sorted(UNSURE),
        f"asked about beside {', '.join(sorted(GENERAL))}": sorted(SUBJECTS),
        "a parameter, and no metric": sorted(name.replace("_", " ") for name in PARAMETERS),
    }


def test_the_published_list_is_in_the_documentation():
    page = (ROOT / "docs" / "formats.md").read_text()
    for what, names in published_list().items():
        row = f"| {what} | {', '.join(names)} |"
        assert row in page, f"docs/formats.md lacks: {row}"


@pytest.mark.parametrize(
    "name",
    [
        "lr",
        "lr-SGD",
        "lr-Adam/pg1",
        "train/learning_rate",
        "opt.weight_decay",
        "batch size",
        "Momentum",
        "base_lr",
    ],
)
def test_parameters_are_known_by_their_names(name):
    assert is_parameter(name)


@pytest.mark.parametrize("name", ["val_acc", "lr_loss", "epoch_loss", "timeliness", "objective", "lrap"])
def test_results_are_no_parameters(name):
    assert not is_parameter(name)


def test_the_first_test_metric_as_logged_comes_first_and_never_the_first_of_the_alphabet():
    assert by_interest(["lr", "zeta_loss", "val_b", "val_a", "test_z", "test_a"]) == [
        "test_z", "test_a", "val_b", "val_a", "zeta_loss", "lr",
    ]  # fmt: skip
    assert by_interest(["latest", "attested", "evaluate_me", "eval/x"])[0] == "eval/x"


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("acc", ("acc", "acc", None)), ("y:lower", ("y", "y", "lower")), ("new = old:higher", ("new", "old", "higher")),
        ("a:b", ("a:b", "a:b", None)), ("a:b:lower", ("a:b", "a:b", "lower")), ("y:up", ("y:up", "y:up", None)),
    ],
)  # fmt: skip
def test_an_option_names_a_metric_its_series_and_its_direction(text, choice):
    found = MetricChoice.parse(text)
    assert (found.name, found.logged, found.better) == choice


@pytest.mark.parametrize("text", ["", ":lower", "=a", "a=", "a=:higher"])
def test_an_option_without_a_name_is_refused(text):
    with pytest.raises(UserError, match="NAME"):
        MetricChoice.parse(text)


def test_what_is_declared_goes_before_the_name():
    assert Metric.known("loss", "higher") == Metric("loss", "higher", "", "declared", "not recorded")
    assert Metric.known("loss", unit="nats") == Metric("loss", "lower", "nats", "name", "declared")
    assert Metric.known("acc (%)") == Metric("acc (%)", "higher", "%", "name", "name")


def older(path, *, foreign, better="higher", name=None):
    """The manifest in ``path`` as schema 3 had it."""
    content = json.loads((path / "manifest.json").read_text())
    content["facts"]["metrics"] = [
        [name or m["name"], better, m["unit"]] for m in content["facts"]["metrics"]
    ]
    assert foreign == any(made["source"] for made in content["provenance"])
    del content["checksum"]
    content["schema_version"] = 3
    (path / "manifest.json").write_text(json.dumps(content | {"checksum": content_digest(content)}))


def imported(tmp_path, name):
    from amrobust.ingest.landing import land
    from amrobust.ingest.mappings import Mappings
    from amrobust.ingest.read import read_path

    table = tmp_path / "t.csv"
    rows = [f"{m},{s},{e},{90 + (s * e) % 7}" for m in ("a", "b") for s in range(5) for e in (1, 2)]
    table.write_text("\n".join([f"method,seed,epoch,{name}", *rows]))
    gathered, form = read_path(table, mappings=Mappings())
    return [landed.run for landed in land(gathered, tmp_path / "runs", form=form, origin=table, command="")]


def test_metrics_of_older_records_of_other_tools_are_not_recorded_to_be_known(tmp_path):
    for run in imported(tmp_path, "accuracy"):
        older(run.path, foreign=True)
    runs, problems = open_runs([tmp_path / "runs"])
    assert not problems
    assert {run.manifest.facts.metrics for run in runs} == {
        (Metric("accuracy", "higher", "", "not recorded", "not recorded"),)
    }
    assert compare(load_arms([tmp_path / "runs"])[0]).groups[0].metric.better == "higher"


def test_an_older_guess_against_the_name_is_asked_about(tmp_path):
    for run in imported(tmp_path, "wer"):
        older(run.path, foreign=True)
    arms, _ = load_arms([tmp_path / "runs"])
    with pytest.raises(
        UserError, match=r"wer as better higher, and its name says lower: say --metric wer:lower"
    ):
        compare(arms)


def test_committed_reference_runs_have_the_directions_of_their_workloads():
    runs, problems = open_runs([ROOT / "reference_runs" / "measured" / "digits"])
    assert runs
    assert not problems
    for run in runs:
        assert json.loads((run.path / "manifest.json").read_text())["schema_version"] < 4
        assert {metric.better_by for metric in run.manifest.facts.metrics} == {"workload"}
        assert run.manifest.facts.metrics[0].introduced == "test_accuracy (%)"


def test_a_direction_that_is_not_known_is_kept_as_such(tmp_path):
    (run, _) = imported(tmp_path, "y")
    assert run.manifest.facts.metrics == (Metric("y", None, "", "not recorded", "not recorded"),)
