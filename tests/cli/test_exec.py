"""``amrobust exec``: any command over seeds and the values of its placeholders."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import amrobust
from amrobust.cli import main
from amrobust.errors import RunError, UserError
from amrobust.runs.check import check_runs
from amrobust.runs.store import read_run
from amrobust.train import gpus, reaper, scripts
from amrobust.train.script_code import files_of

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups and shells")

TRAIN = """
import sys
seed, opt = int(sys.argv[1]), sys.argv[2]
print("loading", opt)
for epoch in range(1, 4):
    print(f"METRIC val_acc={0.5 + epoch / 10 + seed / 100 + (opt == 'adam') / 50} epoch={epoch}")
"""
"""Its curves can be told beforehand."""

COUNTED = "echo {seed} >> started; "
"""What leaves a line for every task that is started."""


def known(seed, opt):
    return [0.5 + epoch / 10 + seed / 100 + (opt == "adam") / 50 for epoch in (1, 2, 3)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(TRAIN)
    return tmp_path


def execute(*arguments):
    done = CliRunner().invoke(main, ["exec", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def started():
    return Path("started").read_text().split() if Path("started").exists() else []


def the_run(directory="runs"):
    (path,) = Path(directory).iterdir()
    return read_run(path)


def wait_for(condition, seconds=240):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def alive(group):
    """Whether a process of the group runs; one that nobody has waited for yet does not."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return any(int(line.split()[0]) == group and "Z" not in line for line in listed.splitlines())


def test_every_value_with_every_seed_becomes_the_curves_that_it_prints():
    done = execute(
        "--seeds", 4, "--opt", "sgd,adam", "-j", 2, "--", sys.executable, "train.py", "{seed}", "{opt}"
    )
    assert done.exit_code == 0, done.output
    runs = amrobust.load("runs")
    assert runs.workloads == ("train.py",)
    for arm in runs.arms:
        assert arm.seeds == (0, 1, 2, 3)
        assert arm.axis.label == "epoch"
        np.testing.assert_allclose(arm.curves["val_acc"], [known(seed, arm.method) for seed in range(4)])
    assert sorted(arm.method for arm in runs.arms) == ["adam", "sgd"]
    assert (
        "read: metric-lines · step = epoch 1…3 · val_acc (higher is better, by its name; share)"
        in done.stderr
    )
    assert done.stderr.count("read:") == 1
    assert "adam against sgd" in done.stdout
    assert {finding.state for finding in check_runs([Path("runs")])} == {"sound"}


def test_the_same_line_again_does_nothing_and_more_seeds_run_the_missing_ones():
    line = ("--", "sh", "-c", COUNTED + "echo METRIC loss=1.{seed} step=1")
    assert execute("--seeds", 3, *line).exit_code == 0
    assert execute("--seeds", 3, *line).exit_code == 0
    assert execute("--seeds", 5, *line).exit_code == 0
    assert started() == ["0", "1", "2", "3", "4"]
    assert len(the_run().manifest.complete) == 5


def test_what_a_user_writes_about_it_is_recorded():
    execute("--seeds", 2, "--lr=0.1,1e-2", "--batch-size", "8", "--", "sh", "-c",
            "echo METRIC loss={lr} step={batch_size} # {seed}")  # fmt: skip
    arms = {arm.method: arm for arm in amrobust.load("runs").arms}
    assert set(arms) == {"sh[lr=0.1,batch_size=8]", "sh[lr=1e-2,batch_size=8]"}
    assert arms["sh[lr=1e-2,batch_size=8]"].identity.hyperparameters["lr"] == 0.01
    assert arms["sh[lr=1e-2,batch_size=8]"].curves["loss"].tolist() == [[0.01], [0.01]]
    (run,) = (
        read_run(path)
        for path in Path("runs").iterdir()
        if "1e-2" in read_run(path).manifest.facts.methods["I"]
    )
    again = run.manifest.provenance[-1].source.command
    done = CliRunner().invoke(main, shlex.split(again)[1:])
    assert done.exit_code == 0, done.output
    assert "2 of 2 seeds are there, nothing left" in done.stderr


def test_values_may_be_negative_and_have_commas_of_their_own_in_brackets():
    execute("--seeds", 1, "--shift", "-1,2", "--betas", "(0.9,0.99),(0.8,0.9)", "--", "sh", "-c",
            "echo METRIC loss=1{seed} # '{shift} {betas}'")  # fmt: skip
    found = {
        (arm.identity.hyperparameters["shift"], arm.identity.hyperparameters["betas"])
        for arm in amrobust.load("runs").arms
    }
    assert found == {(-1, "(0.9,0.99)"), (-1, "(0.8,0.9)"), (2, "(0.9,0.99)"), (2, "(0.8,0.9)")}


def test_settings_of_usual_names_are_the_method_and_the_workload():
    execute("--seeds", 1, "--optimizer", "adam", "--dataset", "a,b", "--", "sh", "-c",
            "echo METRIC acc=0.{seed}1 # {optimizer} {dataset}")  # fmt: skip
    runs = amrobust.load("runs")
    assert set(runs.workloads) == {"sh[dataset=a]", "sh[dataset=b]"}
    assert set(runs.methods) == {"adam"}


def test_different_commands_of_one_workload_are_compared():
    for name in ("ours", "theirs"):
        done = execute("--seeds", 5, "--name", name, "--workload", "task", "--", "awk", "-v", "s={seed}",
                       "BEGIN {srand(s); print \"METRIC acc=\" 0.5 + rand() / 10}")  # fmt: skip
        assert done.exit_code == 0, done.output
    runs = amrobust.load("runs")
    assert (set(runs.methods), runs.workloads) == ({"ours", "theirs"}, ("task",))
    assert runs.arms[0].axis.label == "final value"


def test_lines_of_any_program_are_read_by_a_pattern_and_another_pattern_makes_another_run():
    program = 'BEGIN {for (i = 1; i < 4; i++) print "it", i, "loss", s + r / i, "gap", i}'
    line = ("--", "awk", "-v", "s={seed}", "-v", "r={rate}", program)
    for metric in ("loss", "gap"):
        done = execute(
            "--seeds", 2, "--rate", "2", "--pattern", rf"it (?P<step>\d+).* {metric} (?P<{metric}>\S+)", *line
        )
        assert done.exit_code == 0, done.output
    found = {next(iter(arm.curves)): arm.curves for arm in amrobust.load("runs").arms}
    np.testing.assert_allclose(found["loss"]["loss"], [[2, 1, 2 / 3], [3, 2, 5 / 3]], rtol=1e-4)
    assert found["gap"]["gap"].tolist() == [[1, 2, 3]] * 2


def test_files_that_tasks_write_are_read_by_any_importer():
    code = "mkdir -p out/{seed}; printf 'epoch,loss,val_acc\\n1,3,0.{seed}1\\n2,2,0.{seed}5\\n' > out/{seed}/metrics.csv"
    done = execute(
        "--seeds", 3, "--read", "out/{seed}/metrics.csv", "--metric", "val_acc", "--", "sh", "-c", code
    )
    assert done.exit_code == 0, done.output
    assert "read: csv · step = epoch 1…2" in done.stderr
    run = the_run()
    assert [metric.name for metric in run.manifest.facts.metrics] == ["val_acc", "loss"]
    assert run.curves()["I"]["val_acc"].tolist() == [[0.01, 0.05], [0.11, 0.15], [0.21, 0.25]]


def test_an_object_of_numbers_that_a_task_writes_is_its_final_values():
    code = 'printf \'{\\n  "eval_accuracy": 0.9%s,\\n  "epoch": 3.0\\n}\' {seed} > {seed}.json'
    done = execute("--seeds", 2, "--read", "{seed}.json", "--", "sh", "-c", code)
    assert done.exit_code == 0, done.output
    assert "read: json-objects · " in done.stderr
    curves = the_run().curves()["I"]
    assert {name: values.tolist() for name, values in curves.items()} == {"eval_accuracy": [[0.9], [0.91]]}


def test_the_next_command_can_be_pasted():
    done = execute("--seeds", 1, "--runs-dir", "my runs", "--", "sh", "-c", "echo METRIC acc=0.{seed}")
    assert "next: amrobust compare 'my runs'" in done.stdout


def test_a_file_of_an_earlier_time_is_not_taken_for_what_a_task_wrote():
    Path("0.csv").write_text("epoch,acc\n1,0.5\n")
    done = execute("--seeds", 1, "--read", "{seed}.csv", "--", "true", "{seed}")
    assert done.exit_code == 2
    assert "0.csv, which --read names, is there as it was before" in done.stderr
    assert not the_run().manifest.complete


def test_the_first_task_that_says_nothing_ends_all_with_the_remedy():
    done = execute("--seeds", 50, "-j", 2, "--", "sh", "-c", COUNTED + "sleep 0.1; echo done")
    assert done.exit_code == 2
    assert "print lines such as METRIC val_acc=0.91 step=300" in done.stderr
    assert len(started()) <= 4


def test_once_seeds_are_there_a_task_that_says_nothing_fails_alone():
    line = ("--", "sh", "-c", COUNTED + "test {seed} = 1 || echo METRIC acc=0.{seed}1 epoch=1")
    assert execute("--seeds", 3, *line).exit_code == 1
    # Nor does it end the others where it is the first that is tried.
    assert execute("--seeds", 4, *line).exit_code == 1
    assert the_run().manifest.complete == (0, 2, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--opt", "a", "--", "true", "{seed}"], "no placeholder {opt}"),
        (["--opts", "a", "--", "true", "{seed}", "{opt}"], "did you mean --opt?"),
        (["--", "true", "{seed}", "{lr}"], "no values for it"),
        (["--", "true"], "the command has no {seed}"),
        (["--seeds", "3"], "write it behind --"),
        (["true", "{seed}"], "the command goes behind --"),
        (["--", "no-such-program", "{seed}"], "is no program that is found"),
        (["--", "python train.py {seed}"], "without quotes round them all"),
        (["--", "./train.py", "{seed}"], "is not executable"),
        (["--lr", "0.1,0.10", "--", "true", "{seed}", "{lr}"], "a value is there twice"),
        (["--lr", "1", "--param", "lr=2", "--", "true", "{seed}", "{lr}"], "is given twice"),
        (["--read", "out.csv", "--", "true", "{seed}"], "put {seed} into --read"),
        (["--read", "{seed}.csv", "--opt", "a,b", "--", "true", "{seed}", "{opt}"], "put {opt} into --read"),
        (["--read", "{seed}{x}.csv", "--", "true", "{seed}"], "no placeholder {x}"),
        (["--from", "csv", "--", "true", "{seed}"], "name it with --read"),
        (["--from", "no", "--read", "{seed}", "--", "true", "{seed}"], "there is no format 'no'"),
        (["--seed", "1,2", "--", "true", "{seed}"], "--seeds says how many there are"),
        (["--command", "a,b", "--", "true", "{seed}", "{command}"], "call the placeholder something else"),
        (["--pattern", "(", "--", "true", "{seed}"], "is no regular expression"),
        (["--metric", "a=b", "--", "true", "{seed}"], "keep their names"),
    ],
)  # fmt: skip
def test_what_can_be_known_to_be_wrong_is_said_before_anything_starts(arguments, said):
    done = execute(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not Path("runs").exists()


def test_braces_of_other_languages_stay_what_they_are():
    script = 'x=7; echo METRIC a=${x}{seed} ; echo \'{"a": {"b": 1}} {{seed}}\''
    assert execute("--seeds", 1, "--", "bash", "-c", script).exit_code == 0
    (log,) = Path("runs").glob("*/logs/seed-0.log")
    assert log.read_text().splitlines() == ["METRIC a=70", '{"a": {"b": 1}} {seed}']


def test_a_seed_that_fails_stops_no_other_and_is_tried_again_alone():
    line = ("--", "sh", "-c", COUNTED + "echo warming up; echo METRIC acc=0.{seed}1; test -e mended -o {seed} != 1 || "
            "{{ echo lr exploded >&2; exit 3; }}".replace("{{", "{").replace("}}", "}"))  # fmt: skip
    done = execute("--seeds", 4, *line)
    assert done.exit_code == 1
    assert (
        "seed 1 failed: exit status 3; its last lines: warming up | METRIC acc=0.11 | lr exploded (all: "
        in done.stderr
    )
    run = the_run()
    assert run.manifest.complete == (0, 2, 3)
    assert "lr exploded" in run.manifest.seeds[1].error
    Path("mended").touch()
    done = execute("--seeds", 4, *line)
    assert done.exit_code == 0
    assert started() == ["0", "1", "2", "3", "1"]
    assert the_run().manifest.complete == (0, 1, 2, 3)


def test_a_task_that_takes_too_long_is_ended_with_all_that_it_started():
    code = "sleep 300 & echo $$ > group; echo METRIC acc=0.5; trap '' TERM; wait; sleep 300"
    scripts_grace = scripts.GRACE_SECONDS
    try:
        scripts.GRACE_SECONDS = 0.5
        done = execute("--seeds", 1, "--timeout", 0.5, "--", "sh", "-c", code + " # {seed}")
    finally:
        scripts.GRACE_SECONDS = scripts_grace
    assert done.exit_code == 1
    assert "longer than --timeout 0.5 s and was stopped; its last lines: METRIC acc=0.5" in done.stderr
    assert not alive(int(Path("group").read_text()))


def test_what_a_task_leaves_in_the_background_ends_with_it():
    assert (
        execute(
            "--seeds", 1, "--", "sh", "-c", "sleep 300 & echo $$ > group; echo METRIC acc=0.{seed}"
        ).exit_code
        == 0
    )
    wait_for(lambda: not alive(int(Path("group").read_text())))


linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process group is all that is known")

DETACHED = "(setsid sh -c 'echo $$ > group; exec sleep 300' &); until test -s group; do sleep 0.02; done; "
"""Starts what is in no group of the task's, and no child of it."""


@linux
def test_what_a_task_starts_in_a_session_of_its_own_ends_with_it():
    done = execute("--seeds", 1, "--", "sh", "-c", DETACHED + "echo METRIC acc=0.{seed}")
    assert done.exit_code == 0
    assert not alive(int(Path("group").read_text()))


@linux
def test_a_session_of_its_own_does_not_outlive_an_amrobust_that_is_killed():
    process = in_the_background("--seeds", 1, "--", "sh", "-c", DETACHED + "sleep 300 # {seed}")
    wait_for(lambda: Path("group").exists() and Path("group").read_text().strip())
    group = int(Path("group").read_text())
    assert alive(group)
    process.kill()
    process.communicate(timeout=240)
    wait_for(lambda: not alive(group), 60)


@linux
def test_what_is_left_of_an_earlier_try_ends_before_a_seed_is_tried_again():
    line = ("--", "sh", "-c", "echo METRIC acc=0.{seed}")
    assert execute("--seeds", 1, *line).exit_code == 0
    (run,) = Path("runs").iterdir()
    earlier = [
        subprocess.Popen(["sleep", "300"], env={reaper.MARK: f"outer {scripts.mark_of(run, seed)}"}, start_new_session=True)
        for seed in (1, 2)
    ]  # fmt: skip
    try:
        assert execute("--seeds", 2, *line).exit_code == 0
        assert [process.poll() for process in earlier] == [-signal.SIGKILL, None]
    finally:
        for process in earlier:
            process.kill()
            process.wait()


def in_the_background(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", "from amrobust.cli import main; main()", "exec", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


LONG = (
    "--seeds", 3, "--", "sh", "-c",
    COUNTED + "echo METRIC loss=1.{seed} step=1; test {seed} = 0 && exec sleep 1; echo $$ > group; "
    "sleep 300 & test -e go || wait",
)  # fmt: skip
"""The first seed takes a second; the second has a child, and waits for the file ``go``."""


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_it_no_task_outlives_it_and_the_same_line_resumes(kind):
    if signal.getsignal(kind) == signal.SIG_IGN:
        pytest.skip("these tests run under nohup, which every process below inherits")
    process = in_the_background(*LONG)
    wait_for(lambda: Path("group").exists() and Path("group").read_text().strip())
    group = int(Path("group").read_text())
    wait_for(lambda: the_run().manifest.complete == (0,))
    assert alive(group)
    process.send_signal(kind)
    _, err = process.communicate(timeout=240)
    assert process.returncode == (-9 if kind == signal.SIGKILL else 130), err
    wait_for(lambda: not alive(group), 60)
    assert the_run().manifest.complete == (0,)
    Path("go").touch()
    assert execute(*LONG).exit_code == 0
    assert started() == ["0", "1", "1", "2"]
    assert the_run().manifest.complete == (0, 1, 2)


def test_two_processes_at_one_directory_share_the_runs_and_run_nothing_twice():
    line = (
        "--seeds",
        2,
        "--opt",
        "a,b",
        "--",
        "sh",
        "-c",
        "echo {opt}{seed} >> started; sleep 0.3; echo METRIC acc=0.{seed}1",
    )
    both = [in_the_background(*line) for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
    assert sorted(started()) == ["a0", "a1", "b0", "b1"]


def test_without_waiting_a_run_is_left_to_who_works_on_it():
    line = ("--seeds", 2, "--opt", "a,b", "--", "sh", "-c", "echo {opt}{seed} >> started; echo METRIC acc=0.{seed}1; "
            "test {opt} = b || test -e go || sleep 200 & wait")  # fmt: skip
    process = in_the_background(*line)
    wait_for(lambda: started() == ["a0"])
    done = execute("--no-wait", *line)
    assert done.exit_code == 0, done.output
    assert "another process works on it" in done.stdout
    assert started() == ["a0", "b0", "b1"]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=240)


def test_edited_code_makes_a_new_run_unless_it_is_accepted():
    Path("helper.py").write_text("BASE = 1\n")
    Path("mine.py").write_text(
        "import sys, helper\nprint(f'METRIC loss={helper.BASE + int(sys.argv[1]) / 10} step=1')\n"
    )
    line = ("--", sys.executable, "mine.py", "{seed}")
    assert execute("--seeds", 2, *line).exit_code == 0
    Path("helper.py").write_text("BASE = 2\n")
    done = execute("--seeds", 2, *line)
    assert "a new run, because helper.py changed since seeds 0-1" in done.stderr
    assert len(list(Path("runs").iterdir())) == 2
    Path("helper.py").write_text("BASE = 3\n")
    done = execute("--seeds", 3, "--accept-new-code", *line)
    assert "goes on with another version of the code" in done.stderr
    assert len(list(Path("runs").iterdir())) == 2


def test_code_that_is_edited_while_it_runs_makes_no_more_seeds():
    Path("mine.sh").write_text(
        "#!/bin/sh\necho METRIC acc=0.$1\ntest $1 != 1 || echo '# edited' >> mine.sh\n"
    )
    done = execute("--seeds", 4, "--", "sh", "mine.sh", "{seed}")
    assert done.exit_code == 1
    assert "the command's code was changed after amrobust had read it" in done.stderr
    assert the_run().manifest.complete == (0, 1)


def test_the_code_is_scripts_configurations_and_local_modules():
    Path("package/inner").mkdir(parents=True)
    for name in ("package/__init__.py", "package/inner/__init__.py", "other.py", "cfg.yaml", "data.csv"):
        Path(name).write_text("")
    Path("package/inner/net.py").write_text("from ..layers import x\n")
    Path("package/layers.py").write_text("import numpy\n")
    Path("main.py").write_text("from package.inner import net\n")
    words = [".venv/bin/python", "main.py", "--config=cfg.yaml", "data.csv", "no.py"]
    named = {
        "main.py",
        "cfg.yaml",
        "package/__init__.py",
        "package/inner/__init__.py",
        "package/inner/net.py",
    }
    assert set(files_of(words)) == named | {"package/layers.py"}
    assert set(files_of(["python", "-m", "package.inner.net"])) == {
        "package/__init__.py", "package/inner/__init__.py", "package/inner/net.py", "package/layers.py",
    }  # fmt: skip


def test_seeds_with_other_metrics_or_steps_are_no_seeds_of_one_method():
    code = (
        "test {seed} = 1 && echo METRIC loss=1 step=1 || for i in 1 2; do echo METRIC acc=0.$i step=$i; done"
    )
    done = execute("--seeds", 3, "--", "bash", "-c", code)
    assert done.exit_code == 1
    assert "it measured loss, and the other seeds acc" in done.stderr
    code = "for i in 1 2; do echo METRIC acc=0.$i step=$((i + 10 * {seed})); done"
    done = execute("--seeds", 2, "--runs-dir", "others", "--", "bash", "-c", code)
    assert (
        "its values are at 2 steps (11 to 12), and those of the other seeds at 2 steps (1 to 2)"
        in done.stderr
    )


def test_curves_that_end_early_diverge_or_stand_still_are_kept_as_they_are():
    code = "echo METRIC acc=0.5 step=1; test {seed} = 0 || echo METRIC acc=$(test {seed} = 1 && echo nan || echo 0.5) step=2"
    assert execute("--seeds", 3, "--", "sh", "-c", code).exit_code == 0
    run = the_run()
    assert run.manifest.facts.coordinates.values == (1.0, 2.0)
    assert [run.manifest.seeds[seed].diverged for seed in range(3)] == [False, True, False]
    curves = run.curves()["I"]["acc"]
    assert curves[2].tolist() == [0.5, 0.5]
    assert np.isnan(curves[:2, 1]).all()


def test_a_direction_that_is_said_is_recorded_and_one_that_is_not_is_asked_for():
    line = (
        "--seeds",
        4,
        "--opt",
        "a,b",
        "--",
        "awk",
        "-v",
        "s={seed}{opt}",
        'BEGIN {srand(s + 1); print "METRIC zeal=" rand()}',
    )
    done = execute(*line)
    assert done.exit_code == 0
    assert "not compared: whether zeal is better high or low cannot be told from its name" in done.stderr
    done = execute("--runs-dir", "said", "--metric", "zeal:lower", *line)
    assert "zeal (lower is better, as declared)" in done.stdout
    done = execute("--runs-dir", "wrong", "--metric", "zest:lower", *line)
    assert done.exit_code == 2
    assert "--metric names 'zest', which is no metric here: choose among zeal" in done.stderr


def test_the_kept_logs_are_a_format_of_their_own():
    execute("--seeds", 3, "--opt", "a,b", "--", sys.executable, "train.py", "{seed}", "{opt}")
    for opt in "ab":
        (logs,) = Path("runs").glob(f"*-{opt}-*/logs")
        (arm,) = amrobust.load(logs, method_from=f"={opt}").arms
        assert arm.seeds == (0, 1, 2)
        np.testing.assert_allclose(arm.curves["val_acc"], [known(seed, opt) for seed in range(3)])


def test_lines_of_a_launcher_and_of_progress_bars_are_read():
    code = "printf '10%%\\r20%%\\r\\n[default0]:METRIC acc=0.5 loss=2e-1 step=3\\n  METRIC acc=.75 loss=inf step=4\\n' # {seed}"
    assert execute("--seeds", 1, "--", "sh", "-c", code).exit_code == 0
    curves = the_run().curves()["I"]
    assert curves["acc"].tolist() == [[0.5, 0.75]]
    assert curves["loss"].tolist() == [[0.2, float("inf")]]


@pytest.mark.parametrize(
    "second",
    [
        "INFO: METRIC acc=0.75 epoch=2",
        "2026-01-01 10:00:00,000 INFO train: METRIC acc=0.75 epoch=2",
        r"\033[0mMETRIC acc=\033[32m0.75\033[0m epoch=2\033[K",
        r"\r  0%%|          | 0/5 [00:00<?, ?it/s]METRIC acc=0.75 epoch=2",
        r" 1/5METRIC acc=0.75 epoch=2",
    ],
)
def test_whatever_stands_before_a_line_or_colours_it_no_value_is_lost(second):
    code = f"printf 'METRIC acc=0.5 epoch=1\\n{second}\\n' # {{seed}}"
    assert execute("--seeds", 1, "--", "sh", "-c", code).exit_code == 0
    assert the_run().curves()["I"]["acc"].tolist() == [[0.5, 0.75]]


def test_a_line_that_names_metric_and_is_none_is_told_of():
    line = ("--seeds", 1, "--", "sh", "-c")
    done = execute(
        *line, "echo METRIC acc=0.{seed} epoch=1; echo 'INFO METRIC: acc=0.9 epoch=2'; echo METRICS"
    )
    assert done.exit_code == 0
    assert "not read as a METRIC line is line 2 (INFO METRIC: acc=0.9 epoch=2)" in done.stderr
    assert "METRICS" not in done.stderr
    done = execute(*line, "echo METRIC acc=0.{seed} epoch=1; echo 'INFO METRIC acc=high epoch=2'")
    assert done.exit_code == 2
    assert "line 2: 'acc=high' is not of the form name=number" in done.stderr


def test_a_metric_that_is_printed_once_without_a_step_is_a_final_value():
    code = "echo METRIC test_acc=0.9{seed}; for i in 1 2 3; do echo METRIC val_acc=0.$i epoch=$i; done"
    assert execute("--seeds", 2, "--", "sh", "-c", code).exit_code == 0
    curves = the_run().curves()["I"]
    assert curves["val_acc"].tolist() == [[0.1, 0.2, 0.3]] * 2
    assert curves["test_acc"][:, -1].tolist() == [0.9, 0.91]
    (arm,) = amrobust.load("runs", metric="test_acc").arms
    assert arm.curves["test_acc"][:, -1].tolist() == [0.9, 0.91]


def test_bytes_that_are_no_text_lose_no_training():
    line = ("--seeds", 2, "--", "sh", "-c")
    assert execute(*line, r"printf '\351\n'; echo METRIC acc=0.{seed}").exit_code == 0
    assert the_run().curves()["I"]["acc"].tolist() == [[0.0], [0.1]]
    done = execute(*line, r"printf 'METRIC acc\351=0.{seed}\n'")
    assert "is not of the form name=number" in done.stderr


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("METRIC acc", "line 1: 'acc' is not of the form name=number"),
        ("METRIC acc=high step=1", "'acc=high' is not of the form name=number"),
        ("METRIC acc=1\\nMETRIC acc=2", "is there 2 times and no line has a step"),
        ("METRIC acc=1 step=1\\nMETRIC acc=2", "line 2: it has no step, and other lines have one"),
        ("METRIC acc=1 step=1\\nMETRIC b=1\\nMETRIC b=2", "line 3: it has no step, and other lines have one"),
        ("METRIC acc=1 epoch=1\\nMETRIC b=1 step=100", "line 2: it has no epoch, and other lines have one"),
        ("METRIC acc=1 step=1\\nMETRIC acc=2 step=1", "step 1 is there twice"),
    ],
)
def test_lines_that_say_too_little_are_refused_by_line(printed, said):
    done = execute("--seeds", 2, "--", "sh", "-c", f"printf '{printed}\\n' # {{seed}}")
    assert done.exit_code == 2
    assert said in done.stderr


def test_tasks_at_a_time_have_gpus_and_ports_of_their_own(monkeypatch):
    monkeypatch.setenv(gpus.VISIBLE, "0,1,2,5")
    code = (
        "echo METRIC acc=0.{seed}1; echo $CUDA_VISIBLE_DEVICES $MASTER_PORT $PET_MASTER_PORT {port} >> seen; "
        "echo x >> both; while test $(wc -l < both) -lt 2; do sleep 0.05; done"
    )
    assert execute("--seeds", 4, "--gpus-per-task", 2, "--", "sh", "-c", code).exit_code == 0
    seen = [line.split() for line in Path("seen").read_text().splitlines()]
    assert {devices for devices, *_ in seen} == {"0,1", "2,5"}
    assert all(len(set(ports)) == 1 for _, *ports in seen)
    assert len({(devices, port) for devices, port, *_ in seen}) == 2
    assert the_run().manifest.facts.device == "2 GPUs a task"
    done = execute("--seeds", 4, "--gpus-per-task", 2, "-j", 3, "--runs-dir", "more", "--", "sh", "-c", code)
    assert (done.exit_code, "GPUs for 2 tasks" in done.stderr) == (2, True)
    monkeypatch.setenv(gpus.VISIBLE, "")
    done = execute("--gpus-per-task", 0.5, "--", "sh", "-c", code)
    assert (done.exit_code, "there are 0 GPUs" in done.stderr) == (2, True)


def test_machines_get_the_summary_as_json():
    done = execute("--seeds", 2, "--format", "json", "--", "sh", "-c", "echo METRIC acc=0.{seed}1")
    (run,) = json.loads(done.stdout)["runs"]
    assert (run["seeds_complete"], run["metric"], run["outputs"]["sh"]["final_mean"]) == (
        2,
        "acc",
        pytest.approx(0.06),
    )


def test_what_made_it_is_recorded():
    execute("--seeds", 1, "--opt", "sgd", "--", sys.executable, "train.py", "{seed}", "{opt}")
    (session,) = the_run().manifest.provenance
    assert session.versions["program python"] == sys.version.split()[0]
    assert session.versions["numpy"] == np.__version__
    assert set(session.code) == {"train.py"}
    assert session.executor == "exec"
    shown = CliRunner().invoke(main, ["show", "train", "--runs-dir", "runs"]).stdout
    assert re.search(r"^executed +1 seeds in [\d.]+ s on ", shown, re.MULTILINE)


FUNCTION = """
import sys
import amrobust

def train(seed, opt, scale=1.0):
    print("training with", opt)
    return {"acc": [0.1 * seed, 0.2 * seed + 0.1 * (opt == "adam")], "loss": scale}

if __name__ == "__main__":
    runs = amrobust.exec(train, seeds=3, values={"opt": ["sgd", "adam"], "scale": 2.0}, runs_dir="of_function", jobs=2)
    for arm in runs.arms:
        print(arm.method, arm.workload, arm.curves["acc"].tolist(), arm.curves["loss"].tolist())
"""


def test_a_function_is_called_with_every_seed_and_value():
    Path("mine.py").write_text(FUNCTION)
    done = subprocess.run([sys.executable, "mine.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    runs = amrobust.load("of_function")
    assert (set(runs.methods), runs.workloads) == ({"sgd[scale=2.0]", "adam[scale=2.0]"}, ("mine.py",))
    for arm in runs.arms:
        above = 0.1 * arm.method.startswith("adam")
        np.testing.assert_allclose(arm.curves["acc"], [[0.1 * seed, 0.2 * seed + above] for seed in range(3)])
        np.testing.assert_allclose(arm.curves["loss"][:, -1], 2.0)


def test_what_no_other_process_could_find_is_refused():
    with pytest.raises(UserError, match="is no function of a file"):
        amrobust.exec(lambda seed: {"acc": seed})
    with pytest.raises(UserError, match="truths, None, and texts that are none of these"):
        amrobust.exec(known, values={"opt": "1"})


class Trainer:
    def train(self, seed):
        raise AssertionError


def no_seed(opt):
    raise AssertionError


@pytest.mark.parametrize(
    ("function", "values", "said"),
    [
        (Trainer().train, {}, "is no function of a file"),
        (known, {}, r"known\(seed, opt\) missing a required argument: 'opt'"),
        (known, {"opt": ["a"], "lr": [0.1]}, r"got an unexpected keyword argument 'lr'"),
        (no_seed, {"opt": ["a"]}, r"got an unexpected keyword argument 'seed'"),
    ],
)
def test_what_a_signature_shows_to_be_wrong_is_said_before_anything_starts(function, values, said):
    with pytest.raises(UserError, match=said):
        amrobust.exec(function, values=values)
    assert not Path("runs").exists()


def test_a_function_that_fails_is_told_of_by_its_own_lines_alone():
    Path("bad.py").write_text(
        "import amrobust\ndef train(seed):\n    return {'acc': 1 / seed + len(str(seed))}\n"
        "if __name__ == '__main__':\n    amrobust.exec(train, seeds=1)\n"
    )
    done = subprocess.run([sys.executable, "bad.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "its last lines: Traceback (most recent call last): | File " in done.stderr
    assert (
        "in train | return {'acc': 1 / seed + len(str(seed))} | ZeroDivisionError: division by zero"
        in done.stderr
    )


def test_a_function_may_return_one_number_and_what_it_may_not_is_told():
    for name, returned in (("one", "0.5 + seed"), ("two", "(0.5, seed)")):
        Path(f"{name}.py").write_text(
            f"import amrobust\ndef train(seed):\n    return {returned}\n"
            f"if __name__ == '__main__':\n    amrobust.exec(train, seeds=2, runs_dir='{name}')\n"
        )
    done = subprocess.run([sys.executable, "one.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert the_run("one").curves()["I"]["value"].tolist() == [[0.5], [1.5]]
    done = subprocess.run([sys.executable, "two.py"], capture_output=True, text=True, check=False)
    assert (
        "what the function returned cannot be read: (0.5, 0) is no mapping: have it return {'acc'"
        in done.stderr
    )


def test_a_command_from_python_raises_where_a_task_fails():
    with pytest.raises(RunError, match="exit status 1"):
        amrobust.exec("sh -c 'echo METRIC acc=1; exit {seed}'", seeds=2)
    assert the_run().manifest.complete == (0,)


@pytest.mark.skipif(os.name == "nt", reason="sh")
def test_values_that_have_no_mean_are_said_to_have_none():
    done = execute("--seeds", 2, "--", "sh", "-c", "echo METRIC loss=1e305", "{seed}")
    assert done.exit_code == 0, done.output
    assert "beyond what has a mean" in done.output
