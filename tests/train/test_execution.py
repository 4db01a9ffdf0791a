"""Running: what is missing is trained, what is finished is kept, whatever happens in between."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_runs import OUTPUTS, Trainer, curve, describe, outcome, spec

from amrobust.errors import RunError, UserError
from amrobust.runs.store import open_runs, read_run
from amrobust.train.engine import execute
from amrobust.train.execution import Interrupted

HELPERS = Path(__file__).resolve().parents[1] / "helpers"


def run(tmp_path, seeds, trainer=None, **options):
    return execute(spec(), range(seeds), tmp_path, train=trainer or Trainer(), describe=describe, **options)


def stored(found):
    curves = found.curves()
    return {
        (seed, output, metric): values[row].tolist()
        for output, metrics in curves.items()
        for metric, values in metrics.items()
        for row, seed in enumerate(found.manifest.complete)
    }


def test_curves_come_back_bit_for_bit(tmp_path):
    found = run(tmp_path, 3)
    for (seed, output, metric), values in stored(found).items():
        assert values == curve(seed, output, metric).tolist()
    assert found.path.name.startswith("digits-am1-")
    assert {child.suffix for child in found.path.iterdir()} <= {".json", ".parquet", ".lock", ""}


def test_the_same_command_again_does_nothing(tmp_path):
    before = run(tmp_path, 3)
    content = {path.name: path.read_bytes() for path in before.path.iterdir()}
    again = Trainer()
    run(tmp_path, 3, again)
    assert again.asked == []
    assert {path.name: path.read_bytes() for path in before.path.iterdir()} == content


def test_more_seeds_train_only_the_new_ones_and_the_look_is_recorded(tmp_path):
    first = stored(run(tmp_path, 2))
    more = Trainer()
    found = run(tmp_path, 5, more)
    assert more.asked == [2, 3, 4]
    assert {key: values for key, values in stored(found).items() if key[0] < 2} == first
    assert found.manifest.seed_plans == (2, 5)


def test_another_spec_is_another_run(tmp_path):
    run(tmp_path, 1)
    other = spec(hyperparameters={"lr": 0.2, "m": 5})
    execute(other, range(1), tmp_path, train=Trainer(), describe=describe)
    assert len(open_runs([tmp_path])[0]) == 2


def test_nan_and_infinity_are_data(tmp_path):
    def diverging(seed):
        made = outcome(seed)
        made.curves["II"]["test_loss"][2:] = [np.inf, np.nan]
        return made

    found = run(tmp_path, 2, Trainer({1: diverging}))
    assert found.manifest.seeds[1].state == "complete"
    assert found.manifest.seeds[1].diverged
    assert not found.manifest.seeds[0].diverged
    assert found.curves()["II"]["test_loss"][1, 2] == np.inf
    assert np.isnan(found.curves()["II"]["test_loss"][1, 3])


def test_a_failed_seed_is_named_the_others_kept_and_tried_again_on_demand(tmp_path):
    with pytest.raises(RunError, match=r"1 of 3 seeds.*no room"):
        run(tmp_path, 3, Trainer({1: lambda seed: outcome(seed, curves={}, error="no room")}))
    (found,), _ = open_runs([tmp_path])
    assert found.manifest.complete == (0, 2)
    assert found.manifest.seeds[1].state == "failed"
    retry = Trainer()
    assert run(tmp_path, 3, retry).manifest.complete == (0, 1, 2)
    assert retry.asked == [1]


def test_outcomes_of_the_wrong_shape_never_count_as_done(tmp_path):
    def short(seed):
        return outcome(
            seed, curves={o: {m: np.zeros(2) for m in ("test_accuracy", "test_loss")} for o in OUTPUTS}
        )

    with pytest.raises(RunError, match="1 of 2 seeds"):
        run(tmp_path, 2, Trainer({1: short}))
    assert open_runs([tmp_path])[0][0].manifest.complete == (0,)


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(tmp_path):
    def interrupt(seed):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="2 of 4 seeds are kept; the same command resumes") as caught:
        run(tmp_path, 4, Trainer({2: interrupt}))
    assert caught.value.exit_status == 130
    (found,), _ = open_runs([tmp_path])
    assert found.manifest.complete == (0, 1)
    assert found.manifest.in_state("running") == ()
    resumed = Trainer()
    whole = run(tmp_path, 4, resumed)
    assert resumed.asked == [2, 3]
    assert whole.manifest.seed_plans == (4,), "a resumed plan is not a look"


@pytest.mark.parametrize("seeds", [[], [-1], [2**40]])
def test_seeds_that_make_no_sense_are_refused(tmp_path, seeds):
    with pytest.raises(UserError):
        execute(spec(), seeds, tmp_path, train=Trainer(), describe=describe)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(RunError, match="--runs-dir"):
        run(blocked, 1)


def test_a_full_disk_keeps_what_was_committed(tmp_path, monkeypatch):
    from amrobust.runs import store

    run(tmp_path, 2)

    def full(path, data, **_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "put_in_place", full)
    with pytest.raises(RunError, match="No space left"):
        run(tmp_path, 4)
    monkeypatch.undo()
    assert open_runs([tmp_path])[0][0].manifest.complete == (0, 1)


def script(directory, pause=0.3, seeds=8):
    return textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(HELPERS)!r})
        from made_up_runs import Trainer, describe, spec
        from amrobust.errors import AmrobustError
        from amrobust.train.engine import execute
        from amrobust.train.reporter import Silent
        class Reporter(Silent):
            def waiting(self, path): print("waiting", flush=True)
            def started(self, run, wanted, kept): print("started", flush=True)
            def seed_done(self, run, outcome): print("seed", outcome.seed, flush=True)
            def run_done(self, result): print("trained", result.trained, flush=True)
        try:
            execute(spec(), range({seeds}), Path({str(directory)!r}), train=Trainer(pause={pause}),
                    describe=describe, reporter=Reporter())
        except AmrobustError as error:
            print(error, flush=True)
            sys.exit(error.exit_status)
        """
    )


def start(directory, **options):
    return subprocess.Popen(
        [sys.executable, "-c", script(directory, **options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process, line):
    for text in process.stdout:
        if text.startswith(line):
            return
    raise AssertionError(process.stderr.read())


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_kill_9_in_mid_run_loses_nothing_that_was_committed(tmp_path):
    whole = stored(run(tmp_path / "whole", 20))
    process = start(tmp_path / "killed", seeds=20)
    wait_for(process, "seed 5")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=240)
    (found,), problems = open_runs([tmp_path / "killed"])
    assert not problems
    assert 1 <= len(found.manifest.complete) < 20
    resumed = run(tmp_path / "killed", 20)
    assert stored(resumed) == whole
    assert resumed.manifest.complete == tuple(range(20))


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for a child here")
@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_ends_it_from_outside_keeps_what_finished(tmp_path, kind):
    if signal.getsignal(getattr(signal, kind)) == signal.SIG_IGN:
        pytest.skip("what started these tests ignores it, as nohup does")
    process = start(tmp_path)
    wait_for(process, "seed 2")
    process.send_signal(getattr(signal, kind))
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 130
    assert "the same command resumes" in output
    assert len(open_runs([tmp_path])[0][0].manifest.complete) >= 3


def test_two_processes_on_one_run_train_every_seed_once(tmp_path):
    first = start(tmp_path, seeds=5)
    wait_for(first, "started")
    second = start(tmp_path, seeds=6)
    wait_for(second, "waiting")
    one, other = first.communicate(timeout=240)[0], second.communicate(timeout=240)[0]
    assert "trained 5" in one
    assert "trained 1" in other
    (found,), _ = open_runs([tmp_path])
    assert found.manifest.complete == tuple(range(6))


def test_a_reader_meets_only_whole_states_while_a_writer_commits(tmp_path, monkeypatch):
    from amrobust.train import execution as module

    monkeypatch.setattr(module, "COMMIT_INTERVAL", 0.0)
    writer = threading.Thread(target=run, args=(tmp_path, 60, Trainer(pause=0.01)))
    writer.start()
    seen = set()
    while writer.is_alive():
        time.sleep(0.002)
        try:
            found, problems = open_runs([tmp_path])
        except UserError:
            continue  # before the first manifest
        assert not problems
        for each in found:
            seen.add(len(each.manifest.complete))
            stored(each)
    writer.join()
    assert len(seen) > 3


def test_the_manifest_says_where_and_with_what_it_was_made(tmp_path):
    found = run(tmp_path, 2, executor="local")
    data = json.loads((found.path / "manifest.json").read_text())
    assert data["schema_version"] == 6
    made = data["provenance"][0]
    assert made["executor"] == "local"
    assert made["seeds"] == 2
    assert made["platform"]
    assert made["versions"]["python"]
    assert data["seeds"]["0"]["state"] == "complete"


def test_a_seed_that_took_long_is_committed_although_another_was_just_before(tmp_path):
    states = []

    class Watching(Trainer):
        def __call__(self, spec, seeds, *, executor, jobs):
            for found in super().__call__(spec, seeds, executor=executor, jobs=jobs):
                yield replace(found, wall_seconds=3600.0)
                (path,) = tmp_path.iterdir()
                states.append(len(read_run(path).manifest.complete))

    execute(spec(), range(4), tmp_path, train=Watching(), describe=describe)
    assert states == [1, 2, 3, 4]
