"""Every format gives the same methods, seeds and numbers for the same made-up runs."""

import csv
import json

import foreign
import numpy as np
import pytest

from amrobust.errors import UserError
from amrobust.ingest.load import load_arms
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.read import read_path
from amrobust.ingest.registry import detect


def benchopt(path):
    import pyarrow
    import pyarrow.parquet

    rows = [
        {
            "objective_name": "digits", "dataset_name": "d", "solver_name": method, "idx_rep": seed, "stop_val": t,
            "time": 0.1, "objective_val_acc": foreign.value(method, seed, t),
            "objective_val_loss": foreign.value(method, seed, t, "val_loss"), "p_solver_lr": 0.1,
        }
        for method, seed in foreign.grid()
        for t in range(1, foreign.STEPS + 1)
    ]  # fmt: skip
    table = pyarrow.Table.from_pylist(rows).replace_schema_metadata(
        {"_meta_json": '{"tag": "x"}', "pickled": b"\x80"}
    )
    pyarrow.parquet.write_table(table, path)
    return path


def parquet(path):
    import pyarrow.parquet
    from pyarrow import csv

    source = foreign.tidy_csv(path.with_suffix(".txt"))
    pyarrow.parquet.write_table(csv.read_csv(source), path)
    return path


def records(path):
    with foreign.tidy_csv(path.with_suffix(".txt")).open() as table:
        rows = [
            {k: v if k == "method" else float(v) for k, v in row.items()} for row in csv.DictReader(table)
        ]
    path.write_text(json.dumps(rows))
    return path


MAKERS = {
    "csv": lambda root: foreign.tidy_csv(root / "results.csv"),
    "json": lambda root: records(root / "results.json"),
    "parquet": lambda root: parquet(root / "results.parquet"),
    "lightning": lambda root: foreign.lightning(root / "lightning_logs"),
    "mlflow": lambda root: foreign.mlflow_files(root / "mlruns"),
    "mlflow database": lambda root: foreign.mlflow_database(root / "mlflow.db"),
    "tensorboard": lambda root: foreign.tensorboard(root / "logs"),
    "wandb": lambda root: foreign.wandb(root / "wandb"),
    "sacred": lambda root: foreign.sacred(root / "sacred"),
    "benchopt": lambda root: benchopt(root / "benchopt.parquet"),
    "npz": lambda root: foreign.npz(root / "results.npz"),
}
RENAMED = {"benchopt": "val_acc=objective_val_acc", "npz": "val_acc=value"}


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_runs_come_out_of_every_format(name, tmp_path):
    path = MAKERS[name](tmp_path)
    form = name.partition(" ")[0]
    assert detect(path) == form
    gathered, found = read_path(path, mappings=Mappings(metrics=(RENAMED.get(name, "val_acc"),)))
    assert found == form
    assert [method.method for method in gathered.methods] == list(foreign.METHODS)
    single = name == "tensorboard"  # its scalars are floats of 32 bits
    for method in gathered.methods:
        assert method.seeds == tuple(range(foreign.SEEDS))
        assert method.diverged == ()
        expected = foreign.curves(method.method)
        np.testing.assert_allclose(method.curves["val_acc"], expected, rtol=1e-6 if single else 0)
        assert method.files


@pytest.mark.parametrize("name", MAKERS)
def test_all_of_them_can_be_compared_without_importing(name, tmp_path):
    metric = {"benchopt": "objective_val_acc", "npz": "value"}.get(name, "val_acc")
    arms, problems = load_arms([MAKERS[name](tmp_path)], metric)
    assert not problems
    assert [arm.method for arm in arms] == list(foreign.METHODS)
    assert {arm.training for arm in arms} == {None}
    assert {arm.x0_digest for arm in arms} == {None}


@pytest.mark.parametrize("name", MAKERS)
def test_a_file_that_is_cut_off_or_damaged_is_a_users_error(name, tmp_path):
    path = MAKERS[name](tmp_path)
    victims = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    rng = np.random.default_rng(len(name))
    for victim in victims[:6]:
        whole = victim.read_bytes()
        for _ in range(15):
            data = bytearray(whole)
            if rng.random() < 0.4:
                del data[int(rng.integers(len(data) + 1)) :]
            for place in rng.integers(len(whole), size=int(rng.integers(1, 5))):
                if place < len(data):
                    data[place] = int(rng.integers(256))
            victim.write_bytes(bytes(data))
            said = ""
            try:
                read_path(path, name.partition(" ")[0])
            except UserError as error:
                said = str(error)
            assert "\n" not in said
            assert "\x1b" not in said
        victim.write_bytes(whole)


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95pickle", b"\xff\xfe\x00\x00", b"{}", b"\0" * 100])
def test_what_is_nothing_is_refused_with_the_formats_there_are(content, tmp_path):
    path = tmp_path / "thing.bin"
    path.write_bytes(content)
    with pytest.raises(UserError, match="tensorboard, tensorboard-charts, wandb"):
        read_path(path)


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_path(tmp_path / "nothing")


def test_links_are_not_followed(tmp_path):
    secret = foreign.tidy_csv(tmp_path / "secret.csv")
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "results.csv").symlink_to(secret)
    (folder / "more").symlink_to(tmp_path, target_is_directory=True)
    assert detect(folder) is None
    with pytest.raises(UserError, match="no CSV file"):
        read_path(folder, "csv")
