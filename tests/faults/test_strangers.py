"""A run directory from a stranger can do nothing but be wrong: run no code, fill no memory, reach no other file."""

import io
import json
import os
import subprocess
import sys
import textwrap
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_up_runs import Trainer, describe, outcome, spec
from strangers import edit, record, record_with_names, seal

from amrobust.cli import main
from amrobust.errors import RunError
from amrobust.ingest.load import load_arms
from amrobust.runs.check import check_runs
from amrobust.runs.curves import encode
from amrobust.runs.manifest import Manifest, identity
from amrobust.runs.store import directory_name, find_run, open_runs, read_run
from amrobust.runs.summary import summaries
from amrobust.runs.validators import MAX_JSON_ITEMS, CorruptRun
from amrobust.train.engine import execute

MEGABYTE = 1_000_000


def amrobust(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def victim(tmp_path):
    """Two runs, of which the first is made worse."""
    for lr in (0.1, 0.2):
        made = spec(hyperparameters={"lr": lr, "m": 5})
        execute(made, range(3), tmp_path / "runs", train=Trainer(), describe=describe)
    return sorted((tmp_path / "runs").iterdir())[0]


class TestNoCode:
    def test_reading_imports_runs_and_writes_nothing(self, tmp_path):
        record_with_names(tmp_path / "runs")
        for place, name in enumerate(("antigravity", "os.system", "this:main", "__import__('this')")):
            path = tmp_path / "runs" / f"more-{place}"
            record(path, workload=name, optimizer=name, changes={"device": name, "versions": {name: name}})
        for name in ("numpy.py", "json.py", "sitecustomize.py", "antigravity.py"):
            (tmp_path / "runs" / name).write_text("open('ran', 'w')")
        (tmp_path / "runs" / "curves.pkl").write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")
        code = """
            import sys
            from amrobust.cli import main
            seen = []
            def watch(event, arguments):
                name = str(arguments[0]) if arguments else ""
                if event in ("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen",
                             "socket.connect"):
                    seen.append((event, name))
                if event == "import" and name.partition(".")[0] in ("antigravity", "this", "torch"):
                    seen.append((event, name))
                if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
                    seen.append((event, name))
            sys.addaudithook(watch)
            for command in (["list"], ["check"], ["compare"], ["export"], ["tails"]):
                try:
                    main([command[0], "."])
                except SystemExit as stop:
                    assert stop.code in (0, 1, None), (command, stop.code)
            assert not seen, seen
        """
        done = subprocess.run(
            [sys.executable, "-B", "-P", "-c", textwrap.dedent(code)], cwd=tmp_path / "runs", capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        assert not list(tmp_path.rglob("ran"))

    def test_the_command_takes_no_module_from_the_directory_it_is_called_in(self, victim):
        command = Path(sys.executable).with_name("amrobust")
        if not command.exists():
            pytest.skip("the console script is not installed beside this Python")
        for name in ("numpy.py", "click.py", "amrobust.py", "pyarrow.py"):
            (victim.parent / name).write_text("raise SystemExit(77)")
        done = subprocess.run(
            [command, "list", "."], cwd=victim.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def peak_memory(directory):
    """Memory in MB that listing, checking and comparing ``directory`` takes in a process of its own, above an empty one's."""
    code = """
        import resource, sys
        from amrobust.cli import main
        from amrobust.runs.check import check_runs
        import pyarrow.parquet, amrobust.judge, amrobust.report.table
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for command in ("list", "check", "compare"):
            try:
                main([command, sys.argv[1]])
            except SystemExit as stop:
                assert stop.code in (0, 1, 2), stop.code
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000, file=sys.stderr)
    """
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(directory)], capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return float(done.stderr.split()[-1]), done.stdout + done.stderr


def bomb(seeds, epochs, **options):
    """A curves file in the right order whose every page unpacks to far more than it holds."""
    import numpy as np
    import pyarrow
    import pyarrow.parquet

    from amrobust.runs.curves import _schema

    facts = replace(describe(spec()), epochs=epochs, outputs=("I",))
    sink = io.BytesIO()
    with pyarrow.parquet.ParquetWriter(sink, _schema(facts, range(seeds)), **options) as writer:
        for seed in range(seeds):
            columns = {
                "seed": np.full(epochs, seed, np.int32),
                "output": pyarrow.DictionaryArray.from_arrays(np.zeros(epochs, np.int32), ["I"]).cast(
                    "string"
                ),
                "epoch": np.arange(1, epochs + 1, dtype=np.int32),
                "test_accuracy": np.ones(epochs),
                "test_loss": np.ones(epochs),
            }
            writer.write_table(pyarrow.table(columns, schema=_schema(facts, range(seeds))))
    return sink.getvalue(), facts


BOMBS = {
    "one value repeated": {"use_dictionary": ["output", "seed", "test_accuracy", "test_loss"],
                           "column_encoding": {"epoch": "DELTA_BINARY_PACKED"}},
    "a tight codec": {"use_dictionary": ["output"], "compression": "zstd"},
}  # fmt: skip


class TestSizes:
    @pytest.mark.parametrize("how", BOMBS)
    def test_a_parquet_bomb(self, how, tmp_path):
        data, facts = bomb(10, 1_000_000, **BOMBS[how])
        unpacked = 10 * 1_000_000 * 8 * 5
        assert len(data) < unpacked / (100 if how == "one value repeated" else 5)
        changes = {
            "epochs": facts.epochs,
            "outputs": ("I",),
            "methods": {"I": "a"},
            "first_output_epoch": {"I": 1},
        }
        record(tmp_path / "digits-am1-bomb", seeds=10, changes=changes, data=data)
        used, output = peak_memory(tmp_path)
        assert "curves file would unpack" in output or "compressed in a way" in output
        assert used < 100 + len(data) / MEGABYTE * 3 < unpacked / MEGABYTE / 2

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda c: c["facts"].update(epochs=10**9), "epochs"),
            (lambda c: c["facts"].update(epochs=10**6, outputs=[*map(str, range(90))],
                                         methods={str(k): "a" for k in range(90)},
                                         first_output_epoch={str(k): 1 for k in range(90)}), "values"),
            (lambda c: c["seeds"].update({"9" * 2000: c["seeds"]["0"]}), "seed"),
            (lambda c: c["plans"][0].update(complete_before=10**9), "complete_before"),
            (lambda c: c["plans"][0].update(seeds=[2**63]), "seeds"),
            (lambda c: c["curves"].update(bytes=10**15), "bytes"),
            (lambda c: c["spec"]["hyperparameters"].update(m=10**400), "hyperparameters"),
            (lambda c: c.update(identity=10**400), "identity"),
        ],
    )  # fmt: skip
    def test_a_manifest_that_claims_too_much(self, change, message, victim):
        started = time.monotonic()
        edit(victim / "manifest.json", change)
        with pytest.raises(CorruptRun, match=message):
            read_run(victim)
        assert time.monotonic() - started < 1

    @pytest.mark.parametrize("unit", ["[],", "1,", '"",', "{},"])
    def test_a_manifest_of_millions_of_items(self, unit, victim):
        text = (
            '{"schema_version": 1, "x": ['
            + unit * (MAX_JSON_ITEMS // (2 if len(unit) > 3 else 1) + 9)
            + "0]}"
        )
        (victim / "manifest.json").write_text(text)
        started = time.monotonic()
        with pytest.raises(CorruptRun, match="items"):
            read_run(victim)
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize(
        "text", ["[" * 10**6, '{"a":' * 10**6, "[" * 990 + "]" * 990, "9" * 10**6, '"' + "9" * 10**6]
    )
    def test_a_manifest_that_is_deep_or_long(self, text, victim):
        (victim / "manifest.json").write_text(text)
        with pytest.raises(CorruptRun):
            read_run(victim)

    @pytest.mark.parametrize("depth", range(900, 1000, 9))
    def test_a_manifest_as_deep_as_the_stack(self, depth, victim):
        content = json.loads((victim / "manifest.json").read_text())
        text = json.dumps(content)[:-1] + ', "deep": ' + "[" * depth + "]" * depth + "}"
        (victim / "manifest.json").write_text(text)
        with pytest.raises(CorruptRun):
            read_run(victim)

    @pytest.mark.parametrize("name", ["manifest.json", "curves"])
    def test_a_file_that_is_long_and_empty(self, name, victim):
        path = next(victim.glob(f"{name}*"))
        with path.open("r+b") as file:
            file.truncate(10**12)
        used, output = peak_memory(victim.parent)
        assert "more than the" in output
        assert used < 200

    def test_numbers_that_json_cannot_say(self, victim):
        text = (victim / "manifest.json").read_text()
        for number in ("1e999", "-1e999", "NaN", "Infinity"):
            (victim / "manifest.json").write_text(
                text.replace('"wall_seconds": 0.01', f'"wall_seconds": {number}', 1)
            )
            with pytest.raises(CorruptRun):
                read_run(victim)


def named(made):
    """The name of the directory of a run."""
    facts = describe(spec())
    return directory_name(Manifest(identity(made, facts), made, facts, {}))


class TestPaths:
    @pytest.mark.parametrize(
        "name",
        [
            "../secret",
            "/etc/passwd",
            "curves-../../secret",
            "manifest.json",
            "curves-000000000000.parquet\x00",
        ],
    )
    def test_a_manifest_that_names_another_file(self, name, victim):
        edit(victim / "manifest.json", lambda content: content["curves"].update(file=name))
        with pytest.raises(CorruptRun, match="not named"):
            read_run(victim)

    @pytest.mark.parametrize("name", ["manifest.json", "curves"])
    def test_a_link_in_place_of_a_file(self, name, victim, tmp_path):
        path = next(victim.glob(f"{name}*"))
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(CorruptRun, match="not a plain file"):
            read_run(victim)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
    @pytest.mark.parametrize("name", ["manifest.json", "curves", ".lock"])
    def test_a_pipe_in_place_of_a_file_blocks_nobody(self, name, victim):
        for path in victim.glob(f"{name}*"):
            path.unlink()
            os.mkfifo(path)
        assert amrobust("list", victim.parent).exit_code == 0
        assert amrobust("check", victim.parent, "--repair").exit_code in (0, 1)

    @pytest.mark.parametrize("name", [".tmp-manifest.json", "manifest.json", ".lock"])
    def test_writing_follows_no_link(self, name, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("mine")
        made = spec()
        path = tmp_path / "runs" / named(made)
        path.mkdir(parents=True)
        (path / name).symlink_to(secret)
        with nullcontext() if name == ".tmp-manifest.json" else pytest.raises(RunError):
            execute(made, range(2), tmp_path / "runs", train=Trainer(), describe=describe)
        assert secret.read_text() == "mine"

    def test_a_run_directory_that_is_a_link_is_not_written_to(self, tmp_path):
        made = spec()
        (tmp_path / "private").mkdir()
        (tmp_path / "runs").mkdir()
        (tmp_path / "runs" / named(made)).symlink_to(tmp_path / "private")
        with pytest.raises(RunError, match="is a link"):
            execute(made, range(2), tmp_path / "runs", train=Trainer(), describe=describe)
        assert not list((tmp_path / "private").iterdir())

    def test_nothing_is_set_aside_through_a_link(self, victim, tmp_path):
        (tmp_path / "private").mkdir()
        (victim.parent / "quarantine").symlink_to(tmp_path / "private")
        (victim / "manifest.json").write_text("{}")
        findings = {finding.path: finding for finding in check_runs([victim.parent], repair=True)}
        assert findings[victim].moved is None
        assert "is a link" in findings[victim].detail
        assert not list((tmp_path / "private").iterdir())

    @pytest.mark.parametrize(
        "name", ["../../up", "/root", "a/b", "a\\b", "..", "x" * 5000, "new\nline", "\x00"]
    )
    def test_a_name_is_one_component_of_a_path_whatever_it_holds(self, name, tmp_path):
        for made in (spec(workload=name), spec(optimizer=name)):
            directory = named(made)
            assert Path(directory).name == directory
            assert len(directory) < 200
            (tmp_path / directory).mkdir()
        record(tmp_path / "runs" / "misnamed", workload=name)
        before = set(tmp_path.rglob("*"))
        (finding,) = check_runs([tmp_path / "runs"], repair=True)
        assert finding.moved is not None
        assert finding.moved.parent in (tmp_path / "runs", tmp_path / "runs" / "quarantine")
        assert not {
            path for path in set(tmp_path.rglob("*")) - before if (tmp_path / "runs") not in path.parents
        }

    @pytest.mark.parametrize("path", ["../../etc/passwd", "curves-../x.parquet", 5, ["x"], {"a": 1}])
    def test_an_index_cannot_name_other_files_either(self, path, victim, monkeypatch):
        from amrobust.runs import summary

        monkeypatch.setattr(summary, "INDEX_FROM", 1)
        summaries([victim.parent])
        index = victim.parent / ".index.json"
        content = json.loads(index.read_text())
        for entry in content["runs"].values():
            entry["curves"] = path
        index.write_text(json.dumps(content))
        found, problems = summaries([victim.parent])
        assert len(found) == 2
        assert not problems

    @pytest.mark.parametrize(
        "content", ["", "[]", "5", '{"version": 1}', '{"version": 1, "runs": []}', '{"version": 1, "runs": {"NAME": 5}}',
                    '{"version": 1, "runs": {"NAME": {"curves": null, "files": null}}}', "[" * 100_000],
    )  # fmt: skip
    def test_an_index_that_is_none(self, content, victim, monkeypatch):
        from amrobust.runs import summary

        monkeypatch.setattr(summary, "INDEX_FROM", 1)
        (victim.parent / ".index.json").write_text(content.replace("NAME", victim.name))
        found, problems = summaries([victim.parent])
        assert len(found) == 2
        assert not problems


def test_other_runs_stay_usable_beside_every_kind_of_nonsense(victim):
    runs = victim.parent
    (runs / "a file").write_text("")
    (runs / "empty").mkdir()
    (runs / "loop").symlink_to("loop")
    (runs / "dangling").symlink_to("nowhere")
    (runs / "manifest-is-a-directory" / "manifest.json").mkdir(parents=True)
    (runs / "curves-only").mkdir()
    (runs / "curves-only" / "curves-000000000000.parquet").write_bytes(b"PAR1")
    seal(victim / "manifest.json", {"schema_version": 1})
    found, problems = open_runs([runs])
    assert len(found) == 1
    assert len(problems) == 3
    assert len({arm.training for arm in load_arms([runs])[0]}) == 1
    with pytest.raises(RunError):
        find_run(victim.name, runs)


def test_curves_of_another_order_or_form_are_refused(victim):
    run = read_run(victim)
    facts = run.manifest.facts
    made = {seed: outcome(seed).curves for seed in range(3)}
    for content in (
        encode({2: made[2], 5: made[1], 7: made[0]}, facts),
        encode(made, replace(facts, outputs=("II", "I"))),
        encode(made, replace(facts, metrics=facts.metrics[::-1])),
        encode({seed: made[seed] for seed in (0, 1)}, facts),
    ):
        with pytest.raises(RunError, match="curves file"):
            replace(run, data=content).curves()
