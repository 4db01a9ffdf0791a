"""Recording from a loop of one's own: whole seeds or none, many processes at once, and nothing logged is lost."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from recorded import logged, record_some

import amrobust
from amrobust.errors import RunError, UserError
from amrobust.ingest.callbacks.session import HookRecorder
from amrobust.ingest.load import load_arms
from amrobust.ingest.read import read_path
from amrobust.ingest.recorder_journal import Journal
from amrobust.judge.compare import compare as judged
from amrobust.judge.lengths import of_metric
from amrobust.judge.rules import Selection
from amrobust.runs.check import check_run
from amrobust.runs.metric import Metric
from amrobust.runs.store import open_runs
from amrobust.runs.values import absent


def only_run(directory):
    ((run,), problems) = open_runs([directory])
    assert not problems
    return run


def test_what_is_logged_is_what_is_compared(tmp_path):
    for method in ("adam", "sgd"):
        for seed in range(4):
            logged(tmp_path, seed, method=method, units={"test_accuracy": "%"})
    arms, problems = load_arms([tmp_path])
    assert not problems
    assert [arm.method for arm in arms] == ["adam", "sgd"]
    np.testing.assert_array_equal(arms[0].curves["test_accuracy"][2], [92.1, 92.2, 92.3])
    assert arms[0].metrics["test_accuracy"].unit == "%"
    assert arms[0].metrics["test_loss"].better == "lower"
    assert all(seconds > 0 for seconds in arms[0].seconds)
    comparison = amrobust.compare(str(tmp_path), baseline="sgd")
    assert "seeds-added" not in [warning.kind for warning in comparison.warnings]


def test_seeds_beyond_the_plan_were_added_later(tmp_path):
    for seed in range(4):
        logged(tmp_path, seed, seeds=4)
    assert only_run(tmp_path).manifest.seed_plans == (4,)
    logged(tmp_path, 4, seeds=4)
    assert only_run(tmp_path).manifest.seed_plans == (4, 5)


def test_the_seeds_that_are_done_are_known(tmp_path):
    names = {"method": "adam", "workload": "mine"}
    assert amrobust.recorded(tmp_path, **names) == ()
    logged(tmp_path, 3)
    assert amrobust.recorded(tmp_path, **names) == (3,)
    with pytest.raises(UserError, match="seed 3 of adam is already recorded"):
        logged(tmp_path, 3)


def test_an_exception_leaves_the_seed_not_done_and_goes_on(tmp_path):
    logged(tmp_path, 0)

    def broken():
        with amrobust.record(tmp_path, method="adam", seed=1, workload="mine") as run:
            run.log(1, test_accuracy=1, test_loss=1 / 0)

    with pytest.raises(ZeroDivisionError):
        broken()
    manifest = only_run(tmp_path).manifest
    assert manifest.complete == (0,)
    assert manifest.seeds[1].state == "failed"
    assert (
        manifest.seeds[1].error == "stopped before anything was logged: ZeroDivisionError: division by zero"
    )
    logged(tmp_path, 1)
    assert only_run(tmp_path).manifest.complete == (0, 1)


CHILD = """
import sys, time, amrobust
with amrobust.record(sys.argv[1], method="adam", seed=int(sys.argv[2]), workload="mine") as run:
    for epoch in range(1, 4):
        run.log(epoch, test_accuracy=90 + int(sys.argv[2]) + epoch / 10, test_loss=1 / (epoch + 1))
        if "wait" in sys.argv:
            print("logged", flush=True)
            time.sleep(600)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_process_that_is_killed_leaves_its_seed_not_done_and_free(tmp_path):
    logged(tmp_path, 0)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, tmp_path, "1", "wait"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "logged\n"
    with pytest.raises(UserError, match="another process is recording seed 1"):
        logged(tmp_path, 1)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    manifest = only_run(tmp_path).manifest
    assert manifest.complete == (0,)
    assert manifest.seeds[1].state == "running"
    logged(tmp_path, 1)
    assert only_run(tmp_path).manifest.complete == (0, 1)


KILLED = """
import os, sys, amrobust
for method in sys.argv[2:]:
    for seed in range(4):
        if os.fork() == 0:
            with amrobust.record(sys.argv[1], method=method, seed=seed, workload="w") as run:
                for epoch in range(1, 4):
                    run.log(epoch, acc=50 + epoch)
                os.kill(os.getpid(), 9)
        os.wait()
"""


class TestHowItIsCalled:
    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ((1, {"acc": 0.5}), {}),
            (({"acc": 0.5},), {"step": 1}),
            (({"acc": 0.5, "step": 1},), {}),
            ((), {"acc": 0.5, "global_step": 1}),
        ],
    )
    def test_what_can_only_mean_one_thing_is_taken(self, tmp_path, caplog, given, named):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w", axis="step") as run:
            run.log(*given, **named)
        assert run.rows == {1.0: {("I", "acc"): 0.5}}
        assert not caplog.text

    @pytest.mark.parametrize(
        ("given", "named"), [((1, 0.5), {}), (("acc", 0.5, 1), {}), ((), {}), ((), {"step": 1, "acc": 0.5})]
    )
    def test_anything_else_is_said_once(self, tmp_path, caplog, given, named):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
            for _ in range(3):
                run.log(*given, **named)
                run.log_outputs(*given, **named)
            for loss in (0.3, 0.2):
                run.log("loss", loss, loss)
            run.log(1, acc=0.5)
        assert caplog.text.count("run.log takes the epoch and then what was measured, by name: run.log(") == 2
        assert only_run(tmp_path).manifest.complete == (0,)

    def test_outputs_may_be_named(self, tmp_path, caplog):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
            run.log_outputs(1, I={"acc": 0.5}, II={"acc": 0.6})
            run.log_outputs(2, I=0.5)
        assert run.rows == {1.0: {("I", "acc"): 0.5, ("II", "acc"): 0.6}}
        assert "of an output the metrics are logged by name" in caplog.text

    @pytest.mark.parametrize(("given", "diverged"), [((), True), (("loss is nan",), True), ((False,), False)])
    def test_divergence_is_said_with_or_without_a_word(self, tmp_path, given, diverged):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
            run.log(1, acc=0.5)
            run.diverged(*given)
        assert only_run(tmp_path).manifest.seeds[0].diverged is diverged


class TestWithoutABlock:
    def test_finish_ends_it(self, tmp_path, caplog):
        run = amrobust.record(tmp_path, method="a", seed=0, workload="w")
        run.log(1, acc=0.5)
        run.finish()
        run.finish()
        assert only_run(tmp_path).manifest.complete == (0,)
        assert not caplog.text

    def test_the_end_of_the_process_stops_it_and_says_so(self, tmp_path):
        code = (
            "import amrobust, os, sys\n"
            "for seed in range(2):\n"
            "    run = amrobust.record(sys.argv[1], method='a', seed=seed, workload='w')\n"
            "    run.log(1, acc=0.5)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0
        assert done.stderr.count("the process ended before it was finished, and it is kept as stopped") == 2
        errors = [record.error for record in only_run(tmp_path).manifest.seeds.values()]
        assert errors == ["stopped at epoch 1: the process ended before run.finish()"] * 2

    def test_another_training_of_its_seed_stops_it(self, tmp_path, caplog):
        for _ in range(2):
            run = amrobust.record(tmp_path, method="a", seed=0, workload="w")
            run.log(1, acc=0.5)
        run.finish()
        assert "another training of it began before it was finished" in caplog.text
        assert only_run(tmp_path).manifest.complete == (0,)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
class TestTrainingsThatAreAllKilled:
    def killed(self, directory, *methods):
        subprocess.run([sys.executable, "-c", KILLED, directory, *methods], check=True, timeout=120)

    def test_none_is_compared_and_each_is_named(self, tmp_path):
        self.killed(tmp_path, "a", "b")
        with pytest.raises(
            UserError, match=r"w-a-.*0 of 4 seeds .* 4 stopped; seed 0 was stopped at epoch 3.*w-b-"
        ):
            amrobust.compare(tmp_path)

    def test_beside_a_complete_method_they_are_set_aside(self, tmp_path):
        self.killed(tmp_path, "a")
        for seed in range(4):
            logged(tmp_path, seed, method="b", workload="w")
        arms, (problem,) = load_arms([tmp_path])
        assert [arm.method for arm in arms] == ["b"]
        assert "0 of 4 seeds are complete, 4 stopped; seed 0 was stopped at epoch 3 (seed-0.jsonl)" in problem
        assert "and 1 more: record(..., resume=True)" in problem

    def test_a_journal_without_its_manifest_is_no_log(self, tmp_path):
        self.killed(tmp_path / "runs", "a")
        for manifest in tmp_path.rglob("manifest.json"):
            manifest.unlink()
        assert load_arms([tmp_path / "runs"])[0] == []
        with pytest.raises(UserError, match="holds runs of amrobust's own"):
            read_path(tmp_path / "runs")
        with pytest.raises(UserError, match="looks like none of the formats"):
            read_path(tmp_path)
        logged(tmp_path / "runs", method="a", workload="w", start=4, resume=True)
        assert only_run(tmp_path / "runs").manifest.complete == (0,)

    def test_other_logs_of_such_names_are_read(self, tmp_path):
        for seed in range(2):
            lines = [{"method": "a", "seed": seed, "epoch": epoch, "acc": epoch} for epoch in (1, 2)]
            (tmp_path / f"seed-{seed}.jsonl").write_text("\n".join(map(json.dumps, lines)))
        assert load_arms([tmp_path])[0][0].seeds == (0, 1)


def test_many_processes_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=record_some, args=(tmp_path, range(k, 12, 3))) for k in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(240)
        assert worker.exitcode == 0
    (arm,) = load_arms([tmp_path])[0]
    assert arm.seeds == tuple(range(12))
    np.testing.assert_array_equal(arm.curves["test_accuracy"][:, 0], 90.1 + np.arange(12))
    (path,) = [folder for folder in tmp_path.iterdir() if folder.is_dir()]
    assert {file.name for file in path.iterdir()} - {".lock"} == {
        "manifest.json",
        only_run(tmp_path).manifest.curves.file,
    }


class TestDivergence:
    def test_a_number_that_is_none_is_divergence(self, tmp_path):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
            run.log(1, loss=1.0)
            run.log(2, loss=float("nan"))
        assert only_run(tmp_path).manifest.seeds[0].diverged

    def test_a_loop_that_stopped_is_filled_up(self, tmp_path):
        logged(tmp_path, 0, epochs=5)
        with amrobust.record(tmp_path, method="adam", seed=1, workload="mine") as run:
            run.log(1, test_accuracy=5, test_loss=9)
            run.diverged()
        run = only_run(tmp_path)
        assert run.manifest.seeds[1].diverged
        np.testing.assert_array_equal(run.curves()["I"]["test_loss"][1], [9, np.nan, np.nan, np.nan, np.nan])

    def test_a_first_seed_that_diverged_ends_where_it_did_and_the_others_go_on(self, tmp_path):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
            run.log(1, loss=1)
            run.diverged()
        with amrobust.record(tmp_path, method="a", seed=1, workload="w") as run:
            for epoch in (1, 2, 3):
                run.log(epoch, loss=epoch)
        run = only_run(tmp_path)
        assert run.manifest.facts.epochs == 3
        assert [run.manifest.seeds[seed].diverged for seed in (0, 1)] == [True, False]
        assert absent(run.curves()["I"]["loss"]).tolist() == [[False, True, True], [False] * 3]
        assert check_run(run.path).state == "sound"
        ((arm,), _) = load_arms([tmp_path])
        judged = of_metric(arm, "loss").curves["loss"]
        np.testing.assert_array_equal(judged, [[1, np.nan, np.nan], [1, 2, 3]])
        assert not absent(judged).any()


class TestSeedsThatEndEarly:
    @pytest.mark.parametrize("lengths", [(2, 4), (4, 2)])
    def test_they_are_kept_as_they_are_in_whatever_order_they_come(self, tmp_path, lengths):
        for seed, length in enumerate(lengths):
            logged(tmp_path, seed, epochs=length)
        run = only_run(tmp_path)
        assert run.manifest.facts.epochs == 4
        assert not any(record.diverged for record in run.manifest.seeds.values())
        curves = run.curves()["I"]["test_accuracy"]
        assert [int((~absent(row)).sum()) for row in curves] == list(lengths)
        assert check_run(run.path).state == "sound"

    def test_a_metric_may_be_logged_at_some_steps_alone(self, tmp_path):
        for seed in (0, 1):
            with amrobust.record(tmp_path, method="a", seed=seed, workload="w", axis="step") as run:
                for step in range(1, 7):
                    run.log(step, train_loss=1 / step)
                    if step % 3 == 0:
                        run.log(step, test_accuracy=step + seed)
        ((arm,), _) = load_arms([tmp_path])
        found = of_metric(arm, "test_accuracy")
        assert found.axis.values == (3, 6)
        np.testing.assert_array_equal(found.curves["test_accuracy"], [[3, 6], [4, 7]])
        assert arm.curves["train_loss"].shape == (2, 6)

    def test_more_than_were_announced_are_left_out_with_a_warning(self, tmp_path, caplog):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w", epochs=2) as run:
            for epoch in (1, 2, 3, 4):
                run.log(epoch, loss=1)
        assert only_run(tmp_path).manifest.facts.epochs == 2
        assert caplog.messages == ["recording seed 0 of a: more than 2 epochs cannot be recorded"]


class TestMisfits:
    def test_what_does_not_fit_the_run_is_kept_in_a_file_that_can_be_imported(self, tmp_path, caplog):
        logged(tmp_path, 0, epochs=3, start=2)
        logged(tmp_path, 1, epochs=2)
        (line,) = caplog.messages
        assert "at epoch 2…4 (3), and these are at epoch 1…2 (2)" in line
        gathered, _ = read_path(Path(line.rpartition(" what was logged is in ")[2]))
        assert gathered.methods[0].seeds == (1,)
        assert gathered.methods[0].curves["test_accuracy"].tolist() == [[91.1, 91.2]]
        assert only_run(tmp_path).manifest.seeds[1].state == "failed"

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"axis": "step"}, "it counts step, and its other seeds count epoch: "),
            ({"units": {"acc": "share"}}, "it has acc (higher is better, by its name; share), and its other seeds have it ("),
            ({"better": {"acc": "lower"}}, "it has acc (lower is better, as declared; %), and its other seeds have it ("),
        ],
    )  # fmt: skip
    def test_what_is_declared_otherwise_is_said_when_it_begins(self, tmp_path, caplog, options, said):
        declared = {"units": {"acc": "%"}}
        for seed in (0, 1):
            with amrobust.record(tmp_path, method="a", seed=seed, workload="w", **declared) as run:
                run.log(1, acc=50)
        assert not caplog.messages
        with amrobust.record(tmp_path, method="a", seed=2, workload="w", **declared | options) as run:
            (line,) = caplog.messages
            assert said in line
            run.log(1, acc=50)
        assert only_run(tmp_path).manifest.complete == (0, 1)

    @pytest.mark.parametrize(
        ("calls", "message", "kept"),
        [
            ([(1, {"acc": 1}), (1, {"acc": 2})], "acc is logged twice at epoch 1: the first value is kept", {"acc": [1]}),
            ([(2, {"acc": 1}), (1, {"acc": 2})], None, {"acc": [2, 1]}),
            ([(1, {"acc": 1, "note": "high"})], "note = 'high' is not a number", {"acc": [1]}),
            ([(1, {"acc": 1, "none": None})], None, {"acc": [1]}),
            ([(1, {"acc": [1, 2]})], None, {"acc.0": [1], "acc.1": [2]}),
            ([(1, {"f1": {"cat": 1, "dog": np.array([2, 3])}})], None, {"f1.cat": [1], "f1.dog.0": [2], "f1.dog.1": [3]}),
            ([(1, {"acc": 1, "all": np.zeros(2000)})], "all has 2,000 entries, more than the 1,000", {"acc": [1]}),
            ([(1, {"acc": 1, "seed": 3})], "cannot be called 'seed'", {"acc": [1]}),
            ([(1, {"acc": 1}), (True, {"acc": 1})], "epoch is a number", {"acc": [1]}),
            ([("1", {"acc": 1}), (2, {"acc": 1})], "epoch is a number", {"acc": [1]}),
            ([(1, {"acc": 1}), (float("nan"), {"acc": 1})], "epoch is a number", {"acc": [1]}),
        ],
    )  # fmt: skip
    def test_mistakes_are_said_once_and_what_can_be_kept_is(self, tmp_path, caplog, calls, message, kept):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
            for epoch, values in calls:
                run.log(epoch, **values)
                run.log(epoch, **values)
        assert {name: curve[0].tolist() for name, curve in only_run(tmp_path).curves()["I"].items()} == kept
        assert len(caplog.messages) == (message is not None)
        assert all(message in line for line in caplog.messages)

    def test_a_seed_that_logged_nothing_is_none(self, tmp_path, caplog):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w"):
            pass
        assert caplog.messages == [
            "recording seed 0 of a: nothing was logged: call run.log(epoch, metric=value) in the loop"
        ]
        assert amrobust.recorded(tmp_path, method="a", workload="w") == ()

    def test_a_seed_may_have_metrics_that_others_lack(self, tmp_path):
        for seed, metrics in enumerate((("acc",), ("acc", "f1"), ("f1",))):
            with amrobust.record(tmp_path, method="a", seed=seed, workload="w") as run:
                for epoch in (1, 2):
                    run.log(epoch, **dict.fromkeys(metrics, epoch + seed))
        run = only_run(tmp_path)
        assert check_run(run.path).state == "sound"
        curves = run.curves()["I"]
        assert {name: absent(curve).all(axis=1).tolist() for name, curve in curves.items()} == {
            "acc": [False, False, True],
            "f1": [True, False, False],
        }
        np.testing.assert_array_equal(curves["f1"][1:], [[2, 3], [3, 4]])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"seed": 1.5}, "not a whole number"), ({"seed": True}, "a seed is"), ({"seed": ""}, "a seed that is a text"),
            ({"seed": [1]}, "a seed is"), ({"seed": 2.0**60}, "lost its last digits"),
            ({"method": " "}, "method is a name"), ({"workload": None}, "workload is a name"), ({"epochs": 0}, "epochs"),
            ({"axis": ""}, "axis is a name"),
            ({"hyperparameters": {"lr": [1]}}, "hyperparameter 'lr'"), ({"hyperparameters": {"lr": float("nan")}}, "'lr'"),
            ({"hyperparameters": [1]}, r"a mapping from names, such as \{'lr': 0.1\}, not \[1\]"),
            ({"units": "%"}, r"units is a mapping from names, such as \{'acc': '%'\}, not '%'"),
            ({"units": {3: "%"}}, "3 is no name"), ({"units": {"acc": 3}}, "the unit of acc is a text"),
            ({"better": "higher"}, r"better is a mapping from names, such as \{'my_metric': 'lower'\}, not 'higher'"),
            ({"metrics": 3}, r"metrics are several, such as \('acc', 'loss'\), not 3"),
        ],
    )  # fmt: skip
    def test_bad_options(self, tmp_path, options, message):
        with pytest.raises(UserError, match=message):
            amrobust.record(tmp_path, **({"method": "a", "seed": 0, "workload": "w"} | options))
        assert not list(tmp_path.iterdir())

    def test_a_metric_that_was_asked_for_and_never_came(self, tmp_path, caplog):
        logged(tmp_path, metrics=("test_accuracy", "f1"))
        assert caplog.messages == ["recording seed 0 of adam: it never logged f1, which metrics=(...) names"]
        assert only_run(tmp_path).manifest.complete == (0,)

    def test_logging_after_the_end(self, tmp_path, caplog):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
            run.log(1, acc=1)
        run.log(2, acc=1)
        assert caplog.messages == [
            "recording seed 0 of a: it is no longer recorded: log inside the with block"
        ]

    def test_a_directory_that_goes_away_ends_no_training(self, tmp_path, caplog):
        with amrobust.record(tmp_path / "runs", method="a", seed=0, workload="w") as run:
            run.log(1, acc=1)
            shutil.rmtree(tmp_path / "runs")
            run.log(2, acc=2)
        assert only_run(tmp_path / "runs").curves()["I"]["acc"].tolist() == [[1, 2]]
        assert not caplog.messages

    def test_a_directory_that_is_no_path(self):
        with pytest.raises(UserError, match="the directory is a path, not 3"):
            amrobust.record(3, method="a", seed=0, workload="w")

    def test_a_directory_that_cannot_be_written_to(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(RunError, match="cannot write"):
            amrobust.record(tmp_path / "file", method="a", seed=0, workload="w")


@pytest.mark.parametrize(
    ("label", "steps"),
    [("epoch", (0, 1, 2)), ("step", (100, 200, 300)), ("tokens", (1, 2, 4)), ("time (s)", (0.5, 0.75, 1e7))],
)
def test_what_is_counted_is_recorded_as_it_was_logged_and_calls_add_up(tmp_path, label, steps):
    for seed in (0, 1):
        with amrobust.record(tmp_path, method="adam", seed=seed, workload="mine", axis=label) as run:
            for step in steps:
                run.log(step, test_accuracy=np.float32(step))
                run.log(np.float64(step), test_loss=np.array(1.5))
    assert only_run(tmp_path).manifest.complete == (0, 1)
    ((arm,), _) = load_arms([tmp_path])
    assert (arm.axis.label, arm.axis.values) == (label, steps)


def test_a_seed_that_was_logged_at_other_steps_is_left_out_with_both_and_kept(tmp_path, caplog):
    logged(tmp_path, 0, start=0)
    logged(tmp_path, 1, start=1)
    (line,) = caplog.messages
    assert "has values at epoch 0…2 (3), and these are at epoch 1…3 (3): " in line
    assert "what was logged is in" in line
    assert only_run(tmp_path).manifest.complete == (0,)


class TestOfASeedThatDiverged:
    def stopped(self, directory, seed, steps, **options):
        with amrobust.record(directory, method="a", seed=seed, workload="w", **options) as run:
            for step in steps:
                run.log(step, loss=1)
            run.diverged()

    def steps(self, directory):
        return only_run(directory).manifest.facts.coordinates.values

    def test_the_rest_is_where_the_other_seeds_were_measured(self, tmp_path):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
            for step in (1, 2, 4, 8):
                run.log(step, loss=1)
        self.stopped(tmp_path, 1, (1, 2))
        assert self.steps(tmp_path) == (1, 2, 4, 8)


def test_only_the_metrics_that_are_wanted(tmp_path):
    logged(tmp_path, metrics=("test_loss",))
    assert [metric.name for metric in only_run(tmp_path).manifest.facts.metrics] == ["test_loss"]


def test_hyperparameters_tell_runs_apart(tmp_path):
    for lr in (0.1, 0.2):
        logged(tmp_path, hyperparameters={"lr": lr})
    runs, _ = open_runs([tmp_path])
    assert {run.spec.hyperparameters["lr"] for run in runs} == {0.1, 0.2}


def test_a_torch_tensor_is_a_number(tmp_path):
    torch = pytest.importorskip("torch")
    with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
        run.log(1, loss=torch.tensor(0.5, requires_grad=True))
    assert only_run(tmp_path).curves()["I"]["loss"].tolist() == [[0.5]]


def test_the_directory_is_the_one_that_was_meant_when_recording_began(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with amrobust.record("runs", method="a", seed=0, workload="w") as run:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        run.log(1, acc=1)
    assert only_run(tmp_path / "runs").manifest.complete == (0,)


def test_recording_imports_nothing_heavy(tmp_path):
    code = (
        CHILD
        + "\nheavy = {'torch', 'scipy', 'matplotlib', 'sklearn'} & set(sys.modules)\nassert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path, "0"], check=True, timeout=240)
    manifest = json.loads(next(tmp_path.rglob("manifest.json")).read_text())
    assert manifest["provenance"][0]["source"]["form"] == "recorder"


def test_seeds_recorded_alike_share_their_provenance(tmp_path):
    before = time.time()
    for seed in range(5):
        logged(tmp_path, seed)
    (session,) = only_run(tmp_path).manifest.provenance
    assert session.seeds == 5
    assert 0 <= session.wall_seconds <= time.time() - before


class TestDirections:
    def test_a_metric_whose_name_does_not_say_is_recorded_as_one(self, tmp_path):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
            run.log(1, loss=1.0, y=2.0)
        assert only_run(tmp_path).manifest.facts.metrics[1].better is None

    def test_what_is_declared_and_what_a_name_says_are_told_apart(self, tmp_path):
        with amrobust.record(
            tmp_path, method="a", seed=0, workload="w", better={"y": "lower"}, units={"y": "ms"}
        ) as run:
            run.log(1, y=1.0, acc=2.0)
        assert only_run(tmp_path).manifest.facts.metrics == (
            Metric("y", "lower", "ms", "declared", "declared"),
            Metric("acc", "higher", "", "name", "not recorded"),
        )

    @pytest.mark.parametrize("options", [{"better": {"acuracy": "higher"}}, {"units": {"acuracy": "%"}}])
    def test_what_is_said_of_a_metric_that_is_not_kept_is_refused_when_recording_begins(
        self, tmp_path, options
    ):
        with pytest.raises(
            UserError, match="names 'acuracy', which is no metric here: choose among accuracy"
        ):
            amrobust.record(tmp_path, method="a", seed=0, workload="w", metrics=("accuracy",), **options)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("way", ["up", None, 1, True])
    def test_a_direction_is_one_of_two_words(self, tmp_path, way):
        with pytest.raises(UserError, match="better of y is 'higher' or 'lower', not"):
            amrobust.record(tmp_path, method="a", seed=0, workload="w", better={"y": way})

    def test_it_is_asked_about_when_compared(self, tmp_path):
        for method in ("a", "b"):
            for seed in range(4):
                hooks = HookRecorder(tmp_path, {"method": method, "seed": seed, "workload": "w"})
                hooks.open()
                hooks.log(1, {"I": {"y": 1.0 + seed}})
                hooks.log(2, {"I": {"y": 2.0 + 2 * seed + 3 * (method == "a")}})
                hooks.close()
        with pytest.raises(UserError, match="say --metric y:lower"):
            amrobust.compare(tmp_path)
        assert amrobust.compare(tmp_path, metric="y:lower").data.groups[0].metric.better == "lower"


def test_seeds_on_clocks_of_their_own_are_one_run_and_are_compared_on_a_declared_grid(tmp_path):
    for method in ("a", "b"):
        for seed in range(4):
            with amrobust.record(tmp_path, method=method, seed=seed, workload="w", axis="time (s)") as run:
                for at in range(1, 11):
                    run.log(10 * at + seed / 7, test_accuracy=90 + at / 10 + seed)
    for one in open_runs([tmp_path])[0]:
        assert check_run(one.path).state == "sound"
    found = amrobust.compare(tmp_path, grid="every:20").data.groups[0]
    assert found.axis.values == (20, 40, 60, 80, 100)
    np.testing.assert_allclose(found.arms[0].curves["test_accuracy"][2], 92 + np.array([1, 3, 5, 7, 9]) / 10)


def test_a_seed_with_a_gap_is_kept_and_steps_of_another_logging_are_not_the_runs(tmp_path, caplog):
    def steps(seed, at):
        with amrobust.record(tmp_path, method="a", seed=seed, workload="w", axis="step") as run:
            for step in at:
                run.log(step, test_accuracy=step)

    steps(0, (1, 2, 4, 5))
    steps(1, (1, 2, 3, 4, 5))
    assert absent(only_run(tmp_path).curves()["I"]["test_accuracy"]).tolist() == [
        [False, False, True, False, False],
        [False] * 5,
    ]
    steps(2, (1, 2, 10))
    assert "read all files of the method from one folder at once" in caplog.text
    assert only_run(tmp_path).manifest.complete == (0, 1)


class TestStopped:
    """Trainings that end before their end: what was logged is kept, and gone on with."""

    def steps(self, directory, steps, *, seed=0, slope=1.0, fail=False, **options):
        with amrobust.record(directory, method="a", seed=seed, workload="w", **options) as run:
            for step in steps:
                run.log(step, test_accuracy=slope * step)
            if fail:
                raise MemoryError("out of memory")

    def stopped(self, directory, steps, **options):
        with pytest.raises(MemoryError):
            self.steps(directory, steps, fail=True, **options)

    def curve(self, directory):
        return only_run(directory).curves()["I"]["test_accuracy"].tolist()

    def test_the_first_seed_of_a_run_that_crashes_is_kept_as_stopped(self, tmp_path):
        self.stopped(tmp_path, (1, 2, 3))
        run = only_run(tmp_path)
        assert run.manifest.seeds[0].error == "stopped at epoch 3: MemoryError: out of memory"
        assert check_run(run.path).state == "unfinished"
        gathered, _ = read_path(run.path / "seed-0.jsonl")
        assert gathered.methods[0].curves["test_accuracy"].tolist() == [[1, 2, 3]]
        _, problems = load_arms([tmp_path])
        assert "seed 0 stopped at epoch 3: MemoryError: out of memory (seed-0.jsonl)" in problems[0]

    @pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
    def test_a_process_that_is_killed_loses_nothing_that_it_logged(self, tmp_path):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, tmp_path, "1", "wait"], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout.readline() == "logged\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with amrobust.record(tmp_path, method="adam", seed=1, workload="mine", resume=True) as run:
            run.log(2, test_accuracy=7, test_loss=1)
        assert only_run(tmp_path).curves()["I"]["test_accuracy"].tolist() == [[91.1, 7]]

    def test_one_that_is_resumed_goes_on_from_its_checkpoint(self, tmp_path):
        self.stopped(tmp_path, (1, 2, 3, 4, 5))
        self.steps(tmp_path, (4, 5, 6), slope=10, resume=True)
        assert self.curve(tmp_path) == [[1, 2, 3, 40, 50, 60]]
        assert {file.suffix for file in only_run(tmp_path).path.iterdir()} == {"", ".json", ".parquet"}

    def test_one_that_crashes_again_has_all_of_its_rows_in_one_file(self, tmp_path):
        self.stopped(tmp_path, (1, 2, 3))
        self.stopped(tmp_path, (3, 4), resume=True)
        self.steps(tmp_path, (), resume=True)  # nothing more: it ended early
        assert self.curve(tmp_path) == [[1, 2, 3, 4]]

    def test_one_that_begins_anew_leaves_what_was_stopped_as_an_attempt(self, tmp_path):
        self.stopped(tmp_path, (0, 1, 2))
        self.steps(tmp_path, (1, 2), slope=10)
        assert self.curve(tmp_path) == [[10, 20]]
        kept = only_run(tmp_path).path / "seed-0.attempt-1.jsonl"
        assert [json.loads(line)["test_accuracy"] for line in kept.read_text().splitlines()] == [0, 1, 2]

    def test_a_complete_seed_that_is_trained_further_is_one_training(self, tmp_path):
        self.steps(tmp_path, (1, 2))
        self.steps(tmp_path, (1, 2, 3, 4), seed=1)
        with pytest.raises(UserError, match="resume=True"):
            self.steps(tmp_path, (3, 4))
        self.steps(tmp_path, (3, 4), resume=True)
        assert self.curve(tmp_path) == [[1, 2, 3, 4]] * 2
        assert sum(session.seeds for session in only_run(tmp_path).manifest.provenance) == 2

    def test_a_complete_seed_that_goes_another_way_is_another_attempt_and_said_so(self, tmp_path, caplog):
        self.steps(tmp_path, (1, 2, 3))
        self.steps(tmp_path, (2, 3), slope=10, resume=True)
        assert self.curve(tmp_path) == [[1, 2, 3]]
        assert "another attempt at it, kept in" in caplog.messages[-1]
        kept = only_run(tmp_path).path / "seed-0.attempt-1.jsonl"
        assert [json.loads(line)["test_accuracy"] for line in kept.read_text().splitlines()] == [1, 20, 30]

    def test_hooks_of_a_training_that_never_ended_are_closed_by_the_next_and_by_the_end_of_the_process(
        self, tmp_path
    ):
        code = (
            "import sys\nfrom amrobust.ingest.callbacks.session import HookRecorder\n"
            "options = {'method': 'a', 'workload': 'w'}\n"
            "for seed in (0, 0, 1):\n"
            "    hooks = HookRecorder(sys.argv[1], options)\n"
            "    hooks.open(seed=seed)\n"
            "    hooks.log(1, {'I': {'test_accuracy': 1}})\n"
            "raise MemoryError('out of memory')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 1
        run = only_run(tmp_path)
        assert {seed: record.error for seed, record in run.manifest.seeds.items()} == dict.fromkeys(
            (0, 1), "stopped at epoch 1: MemoryError: out of memory"
        )
        assert {file.name for file in run.path.glob("*.jsonl")} == {
            "seed-0.attempt-1.jsonl",
            "seed-0.jsonl",
            "seed-1.jsonl",
        }


class TestOutputs:
    def both(self, directory, seed, outputs=("I", "II")):
        with amrobust.record(directory, method="am1", seed=seed, workload="w") as run:
            for epoch in (1, 2, 3):
                run.log_outputs(
                    epoch, {name: {"test_accuracy": epoch + seed / 8 + len(name)} for name in outputs}
                )

    def test_both_outputs_of_a_training_are_methods_that_are_paired(self, tmp_path):
        for seed in range(4):
            self.both(tmp_path, seed)
        arms = load_arms([tmp_path])[0]
        assert [arm.method for arm in arms] == ["am1/I", "am1/II"]
        assert arms[0].training == arms[1].training
        np.testing.assert_array_equal(
            arms[1].curves["test_accuracy"] - arms[0].curves["test_accuracy"], np.ones((4, 3))
        )
        assert check_run(only_run(tmp_path).path).state == "sound"
        comparison = amrobust.compare(tmp_path, baseline="am1/I")
        assert "permutation of ranks within pairs" in comparison.render("markdown")

    def test_a_seed_that_has_one_of_them_alone_is_kept(self, tmp_path):
        for seed, outputs in enumerate((("I",), ("I", "II"))):
            self.both(tmp_path, seed, outputs)
        curves = only_run(tmp_path).curves()
        assert absent(curves["II"]["test_accuracy"]).tolist() == [[True] * 3, [False] * 3]

    def test_a_stopped_training_has_both(self, tmp_path):
        run = amrobust.record(tmp_path, method="am1", seed=0, workload="w")
        run.log_outputs(1, {"I": {"acc": 1}, "II": {"acc": 2}})
        run.stop(MemoryError())
        with amrobust.record(tmp_path, method="am1", seed=0, workload="w", resume=True) as run:
            run.log_outputs(2, {"I": {"acc": 3}, "II": {"acc": 4}})
        assert {name: found["acc"].tolist() for name, found in only_run(tmp_path).curves().items()} == {
            "I": [[1, 3]],
            "II": [[2, 4]],
        }


def test_which_examples_were_right_is_recorded_where_it_is_logged(tmp_path):
    rng = np.random.default_rng(0)
    wanted = {}
    for seed, epochs in enumerate(((1, 2), (1, 2, 3), (1, 2, 3), (2, 3))):
        with amrobust.record(tmp_path, method="mine", seed=seed, workload="w") as run:
            for epoch in epochs:
                right = rng.random(50) < 0.8
                run.log(epoch, val_acc=float(right.mean()), loss=1.0, correct=right if epoch > 1 else None)
                wanted[seed, epoch] = right
    (arm,) = amrobust.load(tmp_path).arms
    assert arm.correct.metric == "val_acc"
    for seed in range(4):
        assert (arm.correct.shares([seed], [2.0])[0] == wanted[seed, 2]).all()
        assert arm.correct.shares([seed], [1.0]) is None
    assert (arm.correct.shares([1, 2, 3], [3.0])[2] == wanted[3, 3]).all()
    assert arm.correct.shares([0, 1], [3.0]) is None


@pytest.mark.parametrize(
    ("correct", "accuracy", "message"),
    [
        ([True, False], 70.0, "no metric that is logged with it says so"),
        ([[True], [False]], 50.0, "an array of one dimension"),
        ([0.5, 0.5], 50.0, "one true or false for each test example"),
        ([], 0.0, "one true or false for each test example"),
    ],
)
def test_examples_that_do_not_give_the_accuracy_are_left_out_and_said(
    tmp_path, caplog, correct, accuracy, message
):
    with amrobust.record(tmp_path, method="m", seed=0, workload="w") as run:
        run.log(1, accuracy=accuracy, correct=correct)
    assert message in caplog.text
    (arm,) = amrobust.load(tmp_path, metric="accuracy:higher").arms
    assert arm.correct is None


def test_examples_are_of_one_test_set(tmp_path, caplog):
    run = amrobust.record(tmp_path, method="m", seed=0, workload="w")
    run.log(1, accuracy=50.0, correct=[1, 0])
    run.log(2, accuracy=25.0, correct=[1, 0, 0, 0])
    assert "one test set" in caplog.text


class TestOtherMeasurements:
    """The same weights measured in another way: paired outputs of one training, as of ``run``."""

    def recorded(self, folder, correct=False):
        rng = np.random.default_rng(7)
        for method, usual, other in (("plain", 2.0, 0.3), ("mine", 0.5, 0.3)):
            for seed in range(12):
                with amrobust.record(folder, method=method, seed=seed, workload="w", epochs=5) as run:
                    for epoch in range(1, 6):
                        right = rng.random(400) < 0.9
                        run.log(epoch, accuracy=90 + usual * rng.normal(), train_loss=1.0)
                        if epoch != 2:
                            run.log(epoch, accuracy=90 + other * rng.normal(), measurement="ema")
                        if correct:
                            run.log(epoch, test_accuracy=100 * right.mean(), correct=right)
                            run.log(epoch, test_accuracy=100 * right.mean(), correct=right, measurement="ema")

    def test_they_are_paired_and_each_is_tested(self, tmp_path):
        self.recorded(tmp_path)
        arms = load_arms([tmp_path])[0]
        assert {(arm.method, arm.measurement) for arm in arms} == {
            ("mine", None), ("mine", "ema"), ("plain", None), ("plain", "ema"),
        }  # fmt: skip
        (ema,) = (arm for arm in arms if (arm.method, arm.measurement) == ("mine", "ema"))
        assert ema.axis.values == (1, 3, 4, 5)
        assert set(ema.curves) == {"accuracy"}
        usual, other = judged(arms, Selection(metric="accuracy", baseline="plain")).groups
        assert [usual.measurement, other.measurement] == [None, "ema"]
        (spread,) = (verdict for verdict in usual.verdicts if verdict.claim.kind == "less Avg. STD")
        assert spread.outcome == "supported"
        assert [note.kind for note in spread.warnings].count("measurement-decides") == 1
        (together,) = judged(
            arms, Selection(metric="accuracy", baseline="plain", measured="together", grid="intersection")
        ).groups
        (own,) = (
            verdict
            for verdict in together.verdicts
            if (verdict.claim.method, verdict.claim.kind) == ("plain@ema", "less Avg. STD")
        )
        assert own.interval.paired

    def test_which_examples_are_right_is_known_of_each(self, tmp_path):
        self.recorded(tmp_path, correct=True)
        chosen = Selection(metric="test_accuracy", baseline="plain")
        groups = judged(load_arms([tmp_path])[0], chosen).groups
        assert len(groups) == 2
        assert all(row.on_distribution is not None for group in groups for row in group.summaries)

    def test_a_measurement_that_is_not_finite_is_no_divergence(self, tmp_path):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
            for epoch in (1, 2):
                run.log(epoch, accuracy=0.5)
                run.log(epoch, accuracy=float("inf"), measurement="ema")
        assert only_run(tmp_path).manifest.seeds[0].diverged is False

    def test_what_is_no_measurement_is_said(self, tmp_path, caplog):
        with amrobust.record(tmp_path, method="a", seed=0, workload="w") as run:
            run.log(1, accuracy=0.5, measurement="a/b")
            run.log(1, accuracy=0.5, measurement="ema")
        assert "a measurement is called by a word, such as 'ema', not 'a/b'" in caplog.text
        assert "it was logged as measurement='ema' alone: log the usual measurement too" in caplog.text
        assert only_run(tmp_path).manifest.seeds[0].state == "failed"

    def test_a_training_goes_on_with_both(self, tmp_path):
        run = amrobust.record(tmp_path, method="a", seed=0, workload="w")
        run.log(1, accuracy=0.5)
        run.log(1, accuracy=0.6, measurement="ema")
        run.stop(KeyError())
        with amrobust.record(tmp_path, method="a", seed=0, workload="w", resume=True) as run:
            run.log(2, accuracy=0.7)
            run.log(2, accuracy=0.8, measurement="ema")
        curves = only_run(tmp_path).curves()
        assert curves["I@ema"]["accuracy"].tolist() == [[0.6, 0.8]]


def test_a_journal_that_was_cut_within_a_letter_is_read_up_to_that_line(tmp_path):
    journal = Journal(tmp_path, "m", "w", 0, "epoch")
    journal.begin()
    journal.add(1, {("I", "acc"): 0.5})
    journal.close()
    journal.path.write_bytes(journal.path.read_bytes() + b'{"epoch": 2, "acc\xc3')
    assert journal.stopped() == {1.0: {("I", "acc"): 0.5}}
