"""A SLURM of one machine that behaves: sbatch, srun, sacct, scancel and scontrol as programs, jobs as processes.

``install(folder)`` puts the programs into ``folder/bin``. A job array starts ``%N`` of its tasks at a time, in their order;
``scancel --signal`` sends a signal to the job's program; a job that asks to be requeued starts again, with its output appended.
"""

import contextlib
import fcntl
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = ("sbatch", "srun", "sacct", "scancel", "scontrol")


def install(folder):
    """The programs; returns the PATH that finds them."""
    (folder / "bin").mkdir()
    (folder / "jobs").mkdir()
    for name in PROGRAMS:
        path = folder / "bin" / name
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {folder / "jobs"} {name} "$@"\n')
        path.chmod(0o755)
    return os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])


def jobs_in(folder):
    """What is recorded of every job: its id, state, process and how often it was started."""
    return [json.loads(path.read_text()) for path in sorted((folder / "jobs").glob("*.json"))]


class Job:
    def __init__(self, home, name):
        self.path = home / f"{name}.json"
        self.name = name

    def read(self):
        return json.loads(self.path.read_text())

    def write(self, **changes):
        """While the lock is held. Nothing comes after CANCELLED."""
        found = self.read() if self.path.exists() else {"id": self.name}
        if found.get("state") != "CANCELLED":
            temporary = self.path.with_suffix(".tmp")
            temporary.write_text(json.dumps(found | changes))
            temporary.replace(self.path)


@contextlib.contextmanager
def locked(home):
    """A program looks at a job, acts and writes down what it did before another one looks."""
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sbatch(home, script):
    text = Path(script).read_text()
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", text, re.MULTILINE))
    array = re.fullmatch(r"0-(\d+)%(\d+)", options.get("array", "").strip("'"))
    with locked(home):
        number = len(list(home.glob("*.sh"))) + 100
        (home / f"{number}.sh").write_text(text)
        (home / f"{number}.options").write_text(
            json.dumps({k: shlex.split(v)[0] for k, v in options.items()})
        )
        names = [f"{number}_{n}" for n in range(int(array[1]) + 1)] if array else [str(number)]
        for name in names:
            Job(home, name).write(state="PENDING", starts=0, pid=0, group=0)
    print(f"Submitted batch job {number}", flush=True)
    if os.fork() == 0:
        os.setsid()
        with Path(os.devnull).open("r+b") as nothing:
            for stream in (0, 1, 2):
                os.dup2(nothing.fileno(), stream)
        controlled(home, number, names, int(array[2]) if array else 1)
        os._exit(0)


def controlled(home, number, names, most):
    """The controller of one submission."""
    running = {}
    waiting = list(names)
    while waiting or running:
        with locked(home):
            for name in list(waiting):
                found = Job(home, name).read()
                if found["state"] == "CANCELLED":
                    waiting.remove(name)
                elif len(running) < most and not (home / "full").exists():
                    waiting.remove(name)
                    running[name] = started(home, number, name, found["starts"])
            for name, process in list(running.items()):
                if process.poll() is not None:
                    del running[name]
                    if Job(home, name).read()["state"] == "REQUEUED":
                        Job(home, name).write(state="PENDING")
                        waiting.append(name)
                    else:
                        Job(home, name).write(state="COMPLETED" if process.returncode == 0 else "FAILED")
        time.sleep(0.05)


def started(home, number, name, starts):
    main, _, task = name.partition("_")
    variables = os.environ | {
        "SLURM_JOB_ID": name if not task else str(1000 * number + int(task)), "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1",
        "SLURM_NODEID": "0", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_JOB_NODELIST": "localhost",
    }  # fmt: skip
    if task:
        variables |= {"SLURM_ARRAY_JOB_ID": main, "SLURM_ARRAY_TASK_ID": task}
    process = subprocess.Popen(["bash", str(home / f"{number}.sh")], env=variables, start_new_session=True)
    Job(home, name).write(state="RUNNING", pid=process.pid, group=process.pid, starts=starts + 1)
    return process


def srun(home, *arguments):
    """Run the command with its output where --output says; signals come to it, as srun forwards them."""
    place = next(
        n for n, word in enumerate(arguments) if word.startswith("/") and arguments[n - 1] != "--output"
    )
    output = arguments[arguments.index("--output") + 1]
    job, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    name = f"{job}_{task}" if job else os.environ["SLURM_JOB_ID"]
    for sign, value in {"%A": job or "", "%a": task or "", "%j": name, "%t": "0"}.items():
        output = output.replace(sign, value)
    with locked(home):
        Job(home, name).write(pid=os.getpid())
    with Path(output).open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.execvp(arguments[place], arguments[place:])


def sacct(home, *arguments):
    print("JobID|State|NodeList")
    for path in sorted(home.glob("*.json")):
        found = json.loads(path.read_text())
        print(f"{found['id']}|{found['state']}|localhost")


def of(home, name):
    exact = home / f"{name}.json"
    real = {
        str(1000 * int(p.stem.split("_")[0]) + int(p.stem.split("_")[1])): p.stem
        for p in home.glob("*_*.json")
    }
    if exact.exists():
        return [Job(home, name)]
    return (
        [Job(home, real[name])]
        if name in real
        else [Job(home, path.stem) for path in home.glob(f"{name}_*.json")]
    )


def scancel(home, *arguments):
    kind = signal.SIGKILL
    names = [word for word in arguments if not word.startswith("--name=")]
    for word in set(arguments) - set(names):
        with locked(home):
            called = [
                path.stem
                for path in home.glob("*.options")
                if word[7:] == json.loads(path.read_text())["job-name"]
            ]
            names += [path.stem for path in home.glob("*.json") if path.stem.partition("_")[0] in called]
    if "--signal" in names:
        at = names.index("--signal")
        kind = getattr(signal, f"SIG{names[at + 1].removeprefix('SIG')}")
        del names[at : at + 2]
    for name in names:
        for job in of(home, name):
            with locked(home):
                found = job.read()
                if kind == signal.SIGKILL and found["state"] in ("PENDING", "RUNNING", "REQUEUED"):
                    job.write(state="CANCELLED")
                if found["state"] not in ("RUNNING", "REQUEUED"):
                    continue
                with contextlib.suppress(ProcessLookupError):  # it ended in between
                    if kind == signal.SIGKILL:
                        # The script, its srun and its program, whichever of them there is by now.
                        os.killpg(found["group"], kind)
                    else:
                        os.kill(found["pid"], kind)


def scontrol(home, verb, name):
    assert verb == "requeue"
    for job in of(home, name):
        with locked(home):
            job.write(state="REQUEUED")


if __name__ == "__main__":
    globals()[sys.argv[2]](Path(sys.argv[1]), *sys.argv[3:])
