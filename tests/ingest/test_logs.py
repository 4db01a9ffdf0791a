"""What is particular to one tool's logs: states, odd numbers, parts that are cut off, and what is never executed."""

import contextlib
import io
import json
import pickle
import sqlite3
import struct
import zipfile

import foreign
import numpy as np
import pytest

from amrobust.errors import UserError
from amrobust.ingest.logged import Wanted
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Policies
from amrobust.ingest.read import read_path
from amrobust.ingest.registry import detect, get


def read(path, **mappings):
    return {m.method: m for m in read_path(path, mappings=Mappings(**mappings))[0].methods}


class TestLightning:
    def test_rows_of_other_metrics_are_not_missing_values(self, tmp_path):
        found = read(foreign.lightning(tmp_path / "logs"), metrics=("val_acc", "train_loss"))
        assert found["adam"].steps == tuple(float(t) for t in range(foreign.STEPS))
        assert found["adam"].curves["train_loss"].shape == (foreign.SEEDS, foreign.STEPS)

    def test_the_global_step_may_count_instead(self, tmp_path):
        found = read(foreign.lightning(tmp_path / "logs"), metrics=("val_acc",), step_from="step")
        assert found["sgd"].steps[:2] == (9, 19)

    def test_objects_in_the_parameters_are_never_made(self, tmp_path):
        root = foreign.lightning(tmp_path / "logs")
        target = tmp_path / "made"
        for parameters in root.rglob("hparams.yaml"):
            text = parameters.read_text()
            parameters.write_text(text + f"x: !!python/object/apply:pathlib.Path.touch ['{target}']\n")
        assert set(read(root, metrics=("val_acc",))) == {"adam", "sgd"}
        assert not target.exists()


class TestMlflow:
    def test_deleted_runs_and_experiments_are_not_there(self, tmp_path):
        root = foreign.mlflow_files(tmp_path / "mlruns")
        meta = root / "123" / f"{0:032x}" / "meta.yaml"
        meta.write_text(meta.read_text().replace("active", "deleted"))
        assert read(root)["adam"].seeds == (1, 2, 3, 4)

    def test_the_experiment_is_the_workload(self, tmp_path):
        assert read(foreign.mlflow_files(tmp_path / "mlruns"))["adam"].workload == "digits"
        assert read(foreign.mlflow_database(tmp_path / "mlflow.db"))["adam"].workload == "digits"

    def test_nan_and_infinity_as_mlflow_stores_them(self, tmp_path):
        path = foreign.mlflow_database(tmp_path / "mlflow.db")
        with sqlite3.connect(path) as db:
            db.execute(
                "UPDATE metrics SET value = 0, is_nan = 1 WHERE step = 6 AND run_uuid = ?", (f"{0:032x}",)
            )
            db.execute(
                "UPDATE metrics SET value = 1.7976931348623157e308 WHERE step = 6 AND run_uuid = ?",
                (f"{1:032x}",),
            )
        db.close()
        found = read(path)["adam"]
        assert np.isnan(found.curves["val_acc"][0, -1])
        assert np.isposinf(found.curves["val_acc"][1, -1])
        assert found.diverged == (0, 1)

    def test_a_view_in_a_tables_place_is_refused(self, tmp_path):
        path = foreign.mlflow_database(tmp_path / "mlflow.db")
        with sqlite3.connect(path) as db:
            db.executescript(
                "ALTER TABLE metrics RENAME TO m; CREATE VIEW metrics AS SELECT * FROM m, m a, m b;"
            )
        db.close()
        with pytest.raises(UserError, match="has no table 'metrics'"):
            read_path(path)

    def test_the_database_is_not_written_to(self, tmp_path):
        path = foreign.mlflow_database(tmp_path / "mlflow.db")
        before = path.read_bytes()
        path.chmod(0o444)
        read(path)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["mlflow.db"]

    def test_a_line_that_is_no_point(self, tmp_path):
        root = foreign.mlflow_files(tmp_path / "mlruns")
        victim = next(root.rglob("metrics/val_acc"))
        victim.write_text("1000 nothing 1\n")
        with pytest.raises(UserError, match=r"line 1.*is not '<time> <value> <step>'"):
            read_path(root)


class TestTensorboard:
    def written(self, tmp_path, records, name="adam_seed0"):
        folder = tmp_path / "logs" / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "events.out.tfevents.1.host"
        path.write_bytes(b"".join(records))
        return path

    def test_scalars_as_tensors(self, tmp_path):
        self.written(tmp_path, [foreign.tfrecord(foreign.tensor_event("acc", t, t / 2)) for t in (1, 2, 3)])
        assert read(tmp_path / "logs")["adam"].curves["acc"].tolist() == [[0.5, 1, 1.5]]

    def test_a_log_that_is_still_written_is_read_up_to_its_last_whole_record(self, tmp_path):
        records = [foreign.tfrecord(foreign.scalar_event("acc", t, t)) for t in (1, 2, 3)]
        self.written(tmp_path, [*records[:2], records[2][:-3]])
        gathered, _ = read_path(tmp_path / "logs")
        assert gathered.methods[0].steps == (1, 2)
        assert "ends in the middle of a record" in gathered.notes[0]

    @pytest.mark.parametrize("place", [3, 9, 20, -2])
    def test_a_wrong_checksum_is_named(self, tmp_path, place):
        data = bytearray(b"".join(foreign.tfrecord(foreign.scalar_event("acc", t, t)) for t in (1, 2)))
        data[place] ^= 1
        path = self.written(tmp_path, [bytes(data)])
        with pytest.raises(UserError, match="checksum"):
            read_path(path, "tensorboard")

    def test_large_records_are_passed_over_without_being_held(self, tmp_path, monkeypatch):
        from amrobust.ingest import tfrecord

        monkeypatch.setattr(tfrecord, "MAX_RECORD", 100)
        image = foreign.tfrecord(b"\0" * 1000)
        self.written(tmp_path, [foreign.tfrecord(foreign.scalar_event("acc", t, t)) + image for t in (1, 2)])
        assert read(tmp_path / "logs")["adam"].steps == (1, 2)

    def test_checksums_agree_with_the_published_check_value(self):
        from amrobust.ingest.tfrecord import _crc32c

        block = np.frombuffer(b"123456789", np.uint8).reshape(1, -1)
        assert int(_crc32c(block)[0]) == 0xE3069283

    def test_a_resumed_run_in_two_files(self, tmp_path):
        first = self.written(tmp_path, [foreign.tfrecord(foreign.scalar_event("acc", t, t)) for t in (1, 2)])
        second = first.with_name("events.out.tfevents.2.host")
        second.write_bytes(b"".join(foreign.tfrecord(foreign.scalar_event("acc", t, 10 * t)) for t in (2, 3)))
        with pytest.raises(UserError, match="--duplicates"):
            read_path(tmp_path / "logs")
        gathered, _ = read_path(tmp_path / "logs", policies=Policies(duplicates="last"))
        assert gathered.methods[0].curves["acc"].tolist() == [[1, 20, 30]]


CHART = [
    f"{m}-seed{s} - val/acc{end}" for m in ("adam", "sgd") for s in (0, 1) for end in ("", "__MIN", "__MAX")
]
"""The columns of a chart's export."""


class TestWandb:
    def test_records_that_cross_blocks(self, tmp_path):
        folder = tmp_path / "run"
        folder.mkdir()
        data = foreign.wandb_file(foreign.wandb_run("adam", 0, padding=50_000))
        assert len(data) > 3 * 32768
        (folder / "run-1.wandb").write_bytes(data)
        found = read(folder, metrics=("val_acc",))["adam"]
        np.testing.assert_array_equal(found.curves["val_acc"], foreign.curves("adam")[:1])

    def test_a_run_without_its_exit_is_running_and_left_out(self, tmp_path):
        (tmp_path / "run-1.wandb").write_bytes(foreign.wandb_file(foreign.wandb_run("adam", 0)[:-1]))
        with pytest.raises(UserError, match="1 running of 1 runs"):
            read_path(tmp_path)

    def test_a_damaged_record(self, tmp_path):
        data = bytearray(foreign.wandb_file(foreign.wandb_run("adam", 0)))
        data[60] ^= 1
        (tmp_path / "run-1.wandb").write_bytes(bytes(data))
        with pytest.raises(UserError, match="checksum"):
            read_path(tmp_path)

    def test_typed_numbers_of_newer_files(self, tmp_path):
        def item(key, field):
            return foreign.message(1, foreign.message(1, key) + field)

        def row(t):
            accuracy = item("acc", b"\x31" + struct.pack("<d", 0.5 * t))
            return foreign.message(2, accuracy + item("_step", b"\x28" + foreign.varint(2 * t)))

        rows = [row(t) for t in (1, 2)]
        config = foreign.message(17, foreign.message(8, "adam-seed0"))
        (tmp_path / "run-1.wandb").write_bytes(foreign.wandb_file([config, *rows, foreign.message(18, b"")]))
        found = read(tmp_path)["adam"]
        assert found.curves["acc"].tolist() == [[0.5, 1.0]]
        assert found.steps == (1, 2)

    def test_a_charts_export(self, tmp_path):
        path = tmp_path / "chart.csv"
        rows = [",".join([str(t), *(str(t + place) for place in range(12))]) for t in (1, 2)]
        path.write_text("\n".join([",".join(["Step", *(f'"{c}"' for c in CHART)]), *rows]) + "\n")
        found = read(path)
        assert found["adam"].curves["val/acc"].tolist() == [[1, 2], [4, 5]]
        assert found["sgd"].seeds == (0, 1)

    def test_points_of_a_chart_that_are_means_are_said(self, tmp_path):
        path = tmp_path / "chart.csv"
        names = [f"{method}-seed{seed} - val/acc" for method in ("adam", "sgd") for seed in (0, 1)]
        columns = [f"{name}{end}" for name in names for end in ("", "__MIN", "__MAX")]
        for spread in (0, 1):
            rows = [
                [step, *(value for k in range(4) for value in (k + 5, k + 5 - spread, k + 5 + spread))]
                for step in (1, 2)
            ]
            path.write_text("\n".join(",".join(map(str, row)) for row in (["Step", *columns], *rows)))
            gathered, form = read_path(path)
            assert form == "wandb"
            assert any("__MIN, __MAX) differ" in note for note in gathered.notes) == bool(spread)

    @pytest.mark.parametrize("axis", ["Relative Time (Process)", "Wall Time", "samples_seen"])
    def test_a_chart_over_any_axis_whose_runs_were_measured_at_times_of_their_own(self, tmp_path, axis):
        path = tmp_path / "chart.csv"
        rows = []
        for place in range(4):
            cells = [""] * 12
            cells[3 * place] = str(90 + place)
            rows.append(",".join([str(10.5 + place), *cells]))
        path.write_text("\n".join([",".join([f'"{axis}"', *(f'"{c}"' for c in CHART)]), *rows]) + "\n")
        runs = list(get("wandb").read(path, Wanted()))
        assert detect(path) == "wandb"
        assert [run.fields["name"] for run in runs] == ["adam-seed0", "adam-seed1", "sgd-seed0", "sgd-seed1"]
        assert [(run.own_steps, *map(list, run.series["val/acc"])) for run in runs] == [
            (axis, [10.5 + place], [90 + place]) for place in range(4)
        ]

    def test_a_history_line_by_line_with_numbers_as_words(self, tmp_path):
        folder = tmp_path / "adam-seed4"
        folder.mkdir()
        rows = [{"_step": 1, "acc": 0.5, "nested": {"a": 1}}, {"_step": 2, "acc": "NaN", "nested": {"a": 2}}]
        (folder / "wandb-history.jsonl").write_text("\n".join(map(json.dumps, rows)))
        found = read(tmp_path)["adam"]
        assert found.seeds == found.diverged == (4,)
        assert found.curves["nested.a"].tolist() == [[1, 2]]


class TestSacred:
    def test_numbers_that_were_pickled_as_json_give_their_value_alone(self, tmp_path):
        root = foreign.sacred(tmp_path / "runs")
        path = root / "1" / "metrics.json"
        metrics = json.loads(path.read_text())
        first = metrics["val_acc"]["values"][0]
        metrics["val_acc"]["values"][0] = {"py/object": "os.system", "value": first}
        path.write_text(json.dumps(metrics))
        assert read(root)["adam"].curves["val_acc"][0, 0] == first

    def test_a_run_that_failed_is_left_out(self, tmp_path):
        root = foreign.sacred(tmp_path / "runs")
        about = root / "1" / "run.json"
        about.write_text(about.read_text().replace("COMPLETED", "FAILED"))
        gathered, _ = read_path(root)
        assert {m.method: m.seeds for m in gathered.methods} == {"adam": (1, 2, 3, 4), "sgd": (0, 1, 2, 3, 4)}
        assert "1 failed" in gathered.left_out[0]


class TestNpz:
    def test_axes_with_their_labels(self, tmp_path):
        path = tmp_path / "x.npz"
        np.savez(path, adam=foreign.curves("adam").T, steps=10 * np.arange(1, 7), seeds=[3, 4, 5, 6, 7])
        found = read(path)["adam"]
        assert found.seeds == (3, 4, 5, 6, 7)
        assert found.steps[0] == 10

    def test_which_axis_is_the_seeds_is_asked(self, tmp_path):
        path = tmp_path / "x.npz"
        np.savez(path, adam=foreign.curves("adam"))
        with pytest.raises(
            UserError, match=r"adam is \(5, 6\).*say --seeds-first where.*--steps-first where"
        ):
            read_path(path)
        assert read(path, seeds_first=False)["adam"].curves["value"].shape == (foreign.STEPS, foreign.SEEDS)
        assert read(path, seeds_first=True)["adam"].curves["value"].shape == (foreign.SEEDS, foreign.STEPS)

    @pytest.mark.parametrize("axis", ["steps", "seeds"])
    def test_an_axis_says_which_way_round_an_array_is(self, tmp_path, axis):
        path, labels = tmp_path / "x.npz", {"steps": np.arange(6), "seeds": np.arange(5)}[axis]
        for curves in (foreign.curves("adam"), foreign.curves("adam").T):
            np.savez(path, adam=curves, **{axis: labels})
            assert read(path)["adam"].curves["value"].shape == (5, 6)
        np.savez(path, adam=np.ones((len(labels), len(labels))), **{axis: labels})
        with pytest.raises(UserError, match="which of these are its seeds cannot be told"):
            read_path(path)

    @pytest.mark.parametrize("axes", [{}, {"seeds": np.arange(3, 7)}])
    def test_final_values(self, tmp_path, axes):
        path = tmp_path / "x.npz"
        np.savez(path, adam=np.arange(4.0), sgd=np.arange(4.0) + 1, **axes)
        if not axes:
            with pytest.raises(UserError, match=r"adam has the shape \(4,\).*--seeds-first"):
                read_path(path)
        found = read(path, seeds_first=None if axes else True)["sgd"]
        assert found.curves["value"].tolist() == [[1], [2], [3], [4]]
        assert found.seeds == ((3, 4, 5, 6) if axes else (0, 1, 2, 3))

    def test_axes_that_contradict_the_shape(self, tmp_path):
        path = tmp_path / "x.npz"
        np.savez(path, adam=foreign.curves("adam"), steps=np.arange(6), seeds=np.arange(5))
        with pytest.raises(UserError, match="5 seeds \\(--seeds-first turns it around"):
            read(path, seeds_first=False)
        np.savez(path, adam=foreign.curves("adam"), steps=np.arange(7))
        with pytest.raises(UserError, match=r"adam is \(5, 6\) where the axes have 7 steps$"):
            read_path(path)

    def test_several_metrics_of_a_method(self, tmp_path):
        path = tmp_path / "x.npz"
        np.savez(path, **{"adam/acc": np.ones((3, 4)), "adam/loss": np.zeros((3, 4))}, steps=[1, 2, 3])
        assert set(read(path)["adam"].curves) == {"acc", "loss"}

    def test_nothing_is_unpickled(self, tmp_path):
        target = tmp_path / "made"

        class Bomb:
            def __reduce__(self):
                import pathlib

                return pathlib.Path.touch, (target,)

        path = tmp_path / "x.npy"
        np.save(path, np.array([Bomb()], dtype=object), allow_pickle=True)
        with pytest.raises(UserError, match="nothing is unpickled"):
            read_path(path)
        (tmp_path / "y.npy").write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(UserError, match="NumPy's format"):
            read_path(tmp_path / "y.npy")
        assert not target.exists()

    def test_a_header_that_announces_more_than_memory_holds(self, tmp_path):
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
        header += b" " * (118 - len(header) - 1) + b"\n"
        data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 64
        path = tmp_path / "x.npz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("adam.npy", data)
        with pytest.raises(UserError, match="1,000,000,000,000 numbers"):
            read_path(path)

    @pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
    def test_an_archive_with_a_damaged_byte(self, compression, tmp_path):
        """Wherever it is: in the archive's own tables, or in what is compressed."""
        array, archive = io.BytesIO(), io.BytesIO()
        np.save(array, foreign.curves("adam"))
        with zipfile.ZipFile(archive, "w", compression) as file:
            file.writestr("ädam.npy", array.getvalue())
        path, whole, read_at_all = tmp_path / "x.npz", archive.getvalue(), 0
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xC5]) + whole[place + 1 :])
            with contextlib.suppress(UserError):
                read_at_all += bool(read_path(path))
        assert read_at_all < len(whole) / 2

    def test_an_array_that_is_cut_off(self, tmp_path):
        path = tmp_path / "x.npy"
        np.save(path, np.ones((5, 5)))
        path.write_bytes(path.read_bytes()[:-8])
        with pytest.raises(UserError, match="cut off"):
            read_path(path)
