"""Real processes that run amrobust's commands or scripts and can be killed at any moment, without the seconds of imports.

A server process imports everything once and forks a child for each command; the children belong to the server, their
numbers are known to the test. Nothing of amrobust has run in the server before it forks.
"""

import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from datetime import datetime, timedelta
from pathlib import Path


class Child:
    """A forked command: its process number, and what it printed and returned once it has ended."""

    def __init__(self, server, pid, log):
        self.server, self.pid, self.log = server, pid, log
        self.status = None

    def send(self, kind):
        os.kill(self.pid, kind)

    def kill(self):
        self.send(signal.SIGKILL)

    def wait(self):
        """The exit status; negative for a signal."""
        return self._ended(0)

    def running(self):
        """Whether it has not ended yet."""
        return self._ended(os.WNOHANG) is None

    def _ended(self, options):
        if self.status is None:
            self.status = self.server.ask({"wait": self.pid, "options": options})
        return self.status

    def output(self):
        return self.log.read_text(errors="replace")

    def errors(self):
        """What a child that was started with ``apart`` printed to stderr, which is not among its output then."""
        return self.log.with_suffix(".errors").read_text(errors="replace")


class Server:
    def __init__(self, logs):
        self.logs = Path(logs)
        self.count = 0
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(self, *arguments, **settings):
        """Fork ``amrobust *arguments``; several lists of arguments run one after the other.

        Settings: ``commit_interval`` in seconds, ``dies_at`` the number of the file operation before which it kills itself,
        ``env``, ``most_bytes`` a file may have, ``days`` that the clock is wrong by, the folder ``cwd``, the folder ``site`` of
        packages that are installed besides, ``apart`` for stderr in a file of its own.
        """
        commands = (
            [list(map(str, a)) for a in arguments]
            if isinstance(arguments[0], list)
            else [list(map(str, arguments))]
        )
        self.count += 1
        log = self.logs / f"{self.count}.log"
        log.touch()
        request = {"commands": commands, "log": str(log)}
        request |= {
            name: str(value) if isinstance(value, Path) else value for name, value in settings.items()
        }
        return Child(self, self.ask(request), log)

    def script(self, path, **settings):
        """Fork ``python path`` in the folder of ``path``, which is then the program itself: ``__main__``."""
        return self.start([], script=str(path), cwd=path.parent, apart=True, **settings)

    def run(self, *arguments, **settings):
        """Exit status and output of a command that is waited for."""
        child = self.start(*arguments, **settings)
        return child.wait(), child.output()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=240)


def _dies_at(number):
    """Kill this process before its ``number``-th operation on files."""
    left = number

    def counted(operation):
        def replacement(*arguments, **named):
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*arguments, **named)

        return replacement

    # What a commit is made of; pathlib calls these by their names in os.
    for name in ("fsync", "replace", "unlink", "rename", "mkdir"):
        setattr(os, name, counted(getattr(os, name)))


def _set_clock(days):
    """Make the clock of this process wrong by so many days."""
    from amrobust.runs import provenance

    class Wrong(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=days)

    real = time.time
    time.time = lambda: real() + 86_400 * days
    provenance.datetime = Wrong


def _child(request):
    from amrobust.cli import main, progress
    from amrobust.train import execution, reporter

    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    if "apart" in request:
        errors = Path(request["log"]).with_suffix(".errors")
        log = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 2)
    if "cwd" in request:
        os.chdir(request["cwd"])
        sys.path[0] = request["cwd"] if "script" in request else ""
    if "site" in request:
        sys.path.insert(1, request["site"])
    os.environ.update(request.get("env", {}))
    time.tzset()
    if "commit_interval" in request:
        execution.COMMIT_INTERVAL = request["commit_interval"]
        progress.LINE_INTERVAL = reporter.ADVANCED_SECONDS = 0.0
    if "most_bytes" in request:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["most_bytes"],) * 2)
    if "days" in request:
        _set_clock(request["days"])
    if "dies_at" in request:
        _dies_at(request["dies_at"])
    try:
        if "script" in request:
            sys.dont_write_bytecode = True
            runpy.run_path(request["script"], run_name="__main__")
            return 0
        for command in request["commands"]:
            try:
                main(command)
            except SystemExit as stop:
                if stop.code:
                    return stop.code
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _serve():
    import sklearn.datasets
    import torch._dynamo  # noqa: F401  (which an optimizer imports in its first step)

    import amrobust.cli.check
    import amrobust.cli.compare
    import amrobust.cli.list_runs
    import amrobust.cli.run
    import amrobust.report.table
    import amrobust.report.text  # noqa: F401

    sklearn.datasets.load_digits()
    sklearn.datasets.load_breast_cancer()
    # A collection in a child would look at all that was imported, and so copy it, page by page.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            pid, status = os.waitpid(request["wait"], request["options"])
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            answer = os.fork()
            if answer == 0:
                try:
                    status = _child(request)
                except BaseException:
                    traceback.print_exc()
                    status = 99
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        print(json.dumps(answer), flush=True)
    os._exit(0)  # What torch does on leaving takes seconds.


if __name__ == "__main__":
    _serve()
