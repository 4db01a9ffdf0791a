"""The ray executor on a real cluster of two nodes: killed workers, nodes and drivers cost time and nothing else."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from whole_runs import numbers

from amrobust.errors import UserError
from amrobust.runs.spec import Spec
from amrobust.runs.store import open_runs
from amrobust.train import finished, ray_executor, remote, training
from amrobust.train.cluster import Cluster
from amrobust.train.engine import execute, failures, train_runs
from amrobust.train.execution import CHECKPOINTS
from amrobust.train.executors import make_executor
from amrobust.train.prepare import make_spec
from amrobust.train.reporter import Silent
from amrobust.train.unit import Place

pytest.importorskip("ray", reason="Ray is not installed: pip install 'amrobust[ray]'")
cluster_utils = pytest.importorskip("ray.cluster_utils")

NODE = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80_000_000}
QUICK_TO_NOTICE = {
    "health_check_initial_delay_ms": 5000,
    "health_check_period_ms": 1000,
    "health_check_failure_threshold": 10,
}
DEADLY = """
import os, signal, torch
class Deadly(torch.optim.SGD):
    def __init__(self, params, lr): super().__init__(params, lr)
    def step(self, closure=None): os.kill(os.getpid(), signal.SIGKILL)
"""


def add_node(cluster, **options):
    """One more node of one CPU. Ray gives its agents 15 seconds to start, which a busy machine may not keep."""
    for _ in range(4):
        try:
            return cluster.add_node(**NODE, **options)
        except Exception as error:
            problem = error
    raise problem


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A head of one CPU, whose workers can import the module ``deadly``, as can this process, which digests its code."""
    modules = tmp_path_factory.mktemp("modules")
    (modules / "deadly.py").write_text(DEADLY)
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(modules))
    patch.syspath_prepend(modules)
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = cluster_utils.Cluster()
    add_node(made, include_dashboard=False, _system_config=QUICK_TO_NOTICE)
    yield made
    made.shutdown()
    patch.undo()


@pytest.fixture
def executor(cluster):
    """Joined to the cluster; a task is not tried again by Ray."""
    made = make_executor("ray", cluster=Cluster(cluster.address, max_retries=0))
    yield made
    made.stop()


def processes_below(pid):
    """The numbers and command lines of all processes that descend from ``pid``."""
    parents, commands = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            number = int(entry.name)
            parents[number] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            commands[number] = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
    found, new = {pid}, {pid}
    while new:
        new = {number for number, parent in parents.items() if parent in new} - found
        found |= new
    return {number: commands[number] for number in found - {pid}}


def wait_until(condition, seconds=240):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)
    return value


def training_workers():
    return [
        pid for pid, command in processes_below(os.getpid()).items() if command.startswith("ray::train_task")
    ]


def logistic(opt="msgd", iterations=100):
    return make_spec("logistic", opt, {"iterations": iterations})


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "not shared"])
def test_a_node_killed_in_mid_grid_changes_no_number(shared, cluster, tmp_path, monkeypatch):
    if not shared:
        monkeypatch.setattr(ray_executor, "token_in", lambda directory: nullcontext(tmp_path / "nowhere"))
    specs = [
        make_spec("digits", opt, {"epochs": 1, "batch_size": 64, "lr_drops": 0}) for opt in ("msgd", "am1")
    ]
    second = add_node(cluster)
    cluster.wait_for_nodes()
    executor = make_executor("ray", cluster=Cluster(cluster.address))
    assert (executor.where, executor.count) == (f"Ray cluster at {cluster.address}, 2 CPUs", 2)
    seen, kept = [], []

    class Reporter(Silent):
        def seed_done(self, run, outcome):
            kept.extend(tmp_path.glob(f"runs/*/{CHECKPOINTS}/{finished.PREFIX}*"))
            if len(seen) == 3:
                cluster.remove_node(second, allow_graceful=False)
            seen.append(outcome)

    rows = train_runs(specs, range(8), tmp_path / "runs", executor, batching="none", reporter=Reporter())
    assert failures(rows) is None
    assert len(seen) == 16, "every seed is told of once"
    assert bool(kept) == shared
    assert not list(tmp_path.glob(f"runs/*/{CHECKPOINTS}"))
    rows = train_runs(specs, range(8), tmp_path / "local", make_executor("local"), batching="none")
    assert failures(rows) is None
    assert numbers(tmp_path / "runs") == numbers(tmp_path / "local")


def test_methods_share_stacks_there_as_here(cluster, tmp_path):
    params = {"epochs": 1, "batch_size": 128, "lr_drops": 0, "model": "mlp"}
    specs = [make_spec("digits", opt, params) for opt in ("msgd", "am1", "am2", "sgd")]
    executor = make_executor("ray", cluster=Cluster(cluster.address))
    workers = make_executor("processes", executor.count)
    for name, where in (("runs", executor), ("here", workers)):
        assert failures(train_runs(specs, range(2), tmp_path / name, where)) is None
    companies = {tuple(run.manifest.company) for run in open_runs([tmp_path / "runs"])[0]}
    assert len(companies) == executor.count
    assert numbers(tmp_path / "runs") == numbers(tmp_path / "here")
    assert not list(tmp_path.glob(f"runs/*/{CHECKPOINTS}"))


def test_a_killed_worker_costs_its_block_one_more_attempt(executor):
    spec = make_spec("digits", "msgd", {"epochs": 8, "batch_size": 64})
    outcomes = executor.train(spec, [(0, 1)], Place())
    found = []
    thread = threading.Thread(target=lambda: found.extend(outcomes))
    thread.start()
    os.kill(wait_until(training_workers)[0], signal.SIGKILL)
    thread.join(240)
    assert [(outcome.seed, outcome.error, outcome.stack) for outcome in found] == [
        (0, None, 1),
        (1, None, 1),
    ], "each half trains alone"


def test_a_seed_that_kills_its_worker_each_time_fails_alone(executor):
    spec = Spec("digits", make_spec("digits", "sgd").workload_params, "deadly:Deadly", {"lr": 0.1})
    found = list(executor.train(spec, [(3, 4)], Place()))
    assert [(outcome.seed, outcome.error) for outcome in found] == [
        (3, ray_executor.DIED),
        (4, ray_executor.DIED),
    ]


def test_an_exception_on_a_worker_is_the_reason_of_its_seeds(executor, monkeypatch):
    monkeypatch.setattr(remote, "versions", lambda: {"numpy": "0.1"})
    (found,) = executor.train(logistic(), [(5,)], Place())
    assert re.search("has numpy [2-9].*, and the driver 0.1", found.error)


DRIVER = """
import sys
from pathlib import Path
from amrobust.train import engine, execution
from amrobust.train.cluster import Cluster
from amrobust.train.executors import make_executor
from amrobust.train.prepare import make_spec
execution.COMMIT_INTERVAL = 1e9
engine.execute(
    make_spec("digits", "msgd", {"epochs": 3, "batch_size": 64}), range(40), Path(sys.argv[2]), batching="none",
    executor=make_executor("ray", cluster=Cluster(sys.argv[1])),
)
"""


def test_what_was_finished_outlives_a_driver_that_is_killed(cluster, tmp_path, monkeypatch):
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, cluster.address, str(tmp_path / "runs")])
    kept = wait_until(lambda: [*tmp_path.glob(f"runs/*/{CHECKPOINTS}/{finished.PREFIX}*")][1:])
    driver.kill()
    driver.wait()
    spec = make_spec("digits", "msgd", {"epochs": 3, "batch_size": 64})
    assert not numbers(tmp_path / "runs"), "nothing was committed"
    kept = {path.name for path in kept[0].parent.glob(f"{finished.PREFIX}*.pt")}
    trained, train = [], training._train
    monkeypatch.setattr(
        training, "_train", lambda spec, seeds, place: trained.extend(seeds) or train(spec, seeds, place)
    )
    execute(spec, range(4), tmp_path / "runs", executor="local")
    assert {f"{finished.PREFIX}{seed}-{seed}.pt" for seed in set(range(4)) - set(trained)} == {
        name for name in kept if name < f"{finished.PREFIX}4"
    } - {f"{finished.PREFIX}{n}-{n}.pt" for n in range(10, 40)}
    execute(spec, range(4), tmp_path / "whole", executor="local", batching="none")
    assert numbers(tmp_path / "runs") == numbers(tmp_path / "whole")
    assert not list(tmp_path.glob(f"runs/*/{CHECKPOINTS}"))


def test_stopping_tells_who_waits_and_ends_what_trains(executor):
    spec = make_spec("digits", "msgd", {"epochs": 500})
    caught = []

    def train():
        try:
            list(executor.train(spec, [(0,), (1,)], Place()))
        except KeyboardInterrupt as stop:
            caught.append(stop)

    threads = [threading.Thread(target=train) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(training_workers)
    executor.stop()
    for thread in threads:
        thread.join(240)
    assert len(caught) == 2
    wait_until(lambda: not training_workers())
    with pytest.raises(KeyboardInterrupt):
        list(executor.train(spec, [(0,)], Place()))


def test_closing_drops_what_has_not_finished_and_leaves_the_cluster_to_others(executor):
    outcomes = executor.train(logistic(), [(seed,) for seed in range(50)], Place())
    assert next(outcomes).error is None
    outcomes.close()
    assert [outcome.seed for outcome in executor.train(logistic(), [(7,)], Place())] == [7]


def test_what_a_cluster_cannot_do_is_said_at_once(cluster, executor):
    for wanted, jobs, reason in [
        (Cluster(cluster.address, gpus_per_task=0.5), None, "0 GPUs: none for a task that is to have 0.5"),
        (Cluster(cluster.address), 2, "--jobs is for one machine"),
        (Cluster("127.0.0.1:1"), None, "is connected to the Ray cluster at .* already"),
    ]:
        with pytest.raises(UserError, match=reason):
            make_executor("ray", jobs, wanted)
    executor.stop()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    for address, reason in [
        (nobody, "no Ray cluster answers"),
        ("cluster", "give HOST:PORT"),
        ("ray://a:1", "HOST:PORT"),
    ]:
        with pytest.raises(UserError, match=reason):
            make_executor("ray", cluster=Cluster(address))


def test_a_cluster_that_asks_for_a_token_is_joined_with_one(monkeypatch):
    def refuses(**options):
        raise ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379")

    monkeypatch.setattr("ray.init", refuses)
    monkeypatch.setattr(ray_executor, "_reach", lambda address: None)
    with pytest.raises(UserError, match=r"Failed to connect.*set RAY_AUTH_MODE=token"):
        make_executor("ray", cluster=Cluster("10.0.0.1:6379"))


LOCAL = """
import sys
from amrobust.train.executors import make_executor
from amrobust.train.unit import Place
from amrobust.train.prepare import make_spec
executor = make_executor("ray", 1)
(found,) = executor.train(make_spec("logistic", "sgd", {"iterations": 20}), [(0,)], Place())
assert found.error is None, found.error
print(executor.where, flush=True)
sys.stdin.readline()
executor.stop()
print("stopped", flush=True)
sys.stdin.readline()
"""


def listening(pids):
    """The addresses, in hexadecimal digits, at which any of the processes listens."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                inodes.update(re.findall(r"^socket:\[(\d+)\]$", str(descriptor.readlink())))
            except OSError:
                continue
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                found.append(words[1].partition(":")[0])
    return found


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def test_a_cluster_of_this_machine_listens_on_loopback_only_and_ends_with_its_executor():
    driver = subprocess.Popen(
        [sys.executable, "-c", LOCAL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert re.match(r"Ray cluster at 127\.0\.0\.1:\d+, 1 CPUs$", driver.stdout.readline())
        below = processes_below(driver.pid)
        found = listening([driver.pid, *below])
        assert len(found) > 3
        assert set(found) <= LOOPBACK
        driver.stdin.write("\n")
        driver.stdin.flush()
        assert driver.stdout.readline() == "stopped\n"
        wait_until(lambda: not [pid for pid in processes_below(driver.pid) if pid in below])
    finally:
        driver.kill()
        driver.wait()
