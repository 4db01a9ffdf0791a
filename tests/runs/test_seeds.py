"""Seeds are any whole numbers of 64 bits and any texts; they are themselves wherever they come from and wherever they go."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import amrobust
from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.runs import curves
from amrobust.runs.manifest import RunMetadata
from amrobust.runs.seeds import NamedSeed, as_given, seed_of

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "tables"
SEEDS = (-(2**63), -1, 0, 2**31, 2**63 - 1, 2**64 - 1, "fold A", "é", "../x")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_is_itself_in_copies_and_in_text(seed):
    found = seed_of(seed)
    assert as_given(found) == seed
    assert str(found) == str(seed)
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found), seed_of(str(found))):
        assert (again, str(again)) == (found, str(found))
    assert np.array([found]).dtype == np.int64


@pytest.mark.parametrize(
    ("given", "seed"),
    [("007", 7), ("0.0", 0), ("1e3", "1e3"), (3.0, 3), (np.uint64(2**64 - 1), 2**64 - 1), (" 5 ", 5)],
)
def test_one_number_is_one_seed_however_it_is_written(given, seed):
    assert seed_of(given) == seed_of(seed)


@pytest.mark.parametrize(
    "given", ["0.5", 0.5, "nan", float("inf"), True, None, "", [1], 2.0**53, "a\nb", "x" * 1001]
)
def test_what_is_no_seed_is_refused(given):
    with pytest.raises(UserError, match="seed"):
        seed_of(given)


def test_seeds_of_a_table_are_compared_and_exported_as_they_are(tmp_path):
    table = CORPUS / "seeds.csv"
    runs = amrobust.load(table)
    expected = [0, 1, 2**31 - 1, 2**32 - 1, 2**64 - 1]
    assert [as_given(seed) for seed in runs.arms[0].seeds] == expected
    assert sorted(set(runs.to_frame()["seed"])) == expected
    for form in ("csv", "json", "parquet"):
        out = tmp_path / f"out.{form}"
        done = CliRunner().invoke(main, ["export", str(table), "--format", form, "-o", str(out)])
        assert done.exit_code == 0, done.output
        assert [arm.seeds for arm in amrobust.load(out)] == [arm.seeds for arm in runs]
    judged = json.loads(amrobust.compare(runs, metric="acc").render("json"))
    assert judged["groups"][0]["arms"][0]["seeds"] == expected


def _stores(seed):
    """Whether a curves file has room for ``seed``."""
    facts = RunMetadata(None, None, ("I",), {"I": "m"}, (), 1, None, {"I": 1}, "w", {}, "cpu")
    try:
        return bool(curves.encode({seed_of(seed): {"I": {}}}, facts))
    except OverflowError:
        return False


@pytest.mark.parametrize("seed", SEEDS)
def test_a_recorded_seed_is_the_one_that_was_given(seed, tmp_path):
    if not _stores(seed):
        pytest.skip("the curves file has 32 bits for a seed")
    for epoch_seed in (seed, 3):
        with amrobust.record(tmp_path, method="m", seed=epoch_seed, workload="w") as run:
            run.log(1, acc=0.5)
    assert set(amrobust.recorded(tmp_path, method="m", workload="w")) == {seed, 3}
    assert [as_given(s) for s in amrobust.load(tmp_path).arms[0].seeds] == sorted(
        (seed, 3), key=lambda s: int(seed_of(s))
    )
    with pytest.raises(UserError, match="already recorded"):
        amrobust.record(tmp_path, method="m", seed=seed, workload="w")
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".lock"]


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int32, np.float64, int])
def test_scalars_of_numpy_are_seeds_and_hyperparameters(kind, tmp_path):
    for seed in np.arange(2).astype(kind):
        with amrobust.record(
            tmp_path,
            method="m",
            seed=seed,
            workload="w",
            hyperparameters={"lr": np.float32(0.5), "n": np.int8(3)},
        ) as run:
            run.log(np.int64(1), acc=np.float32(0.5), loss=np.array(0.25))
    arm = amrobust.load(tmp_path).arms[0]
    assert arm.seeds == (0, 1)
    assert dict(arm.identity.hyperparameters) == {"lr": 0.5, "n": 3}


def test_a_type_that_cannot_be_kept_fails_at_the_first_call(tmp_path):
    with pytest.raises(UserError, match="hyperparameter 'betas'"):
        amrobust.record(tmp_path, method="m", seed=0, workload="w", hyperparameters={"betas": (0.9, 0.99)})
    with (
        pytest.raises(UserError, match="a seed is"),
        amrobust.record(tmp_path, method="m", seed=np.arange(2), workload="w"),
    ):
        raise AssertionError("recorded nothing")


def test_two_texts_make_two_numbers():
    assert len({seed_of(f"fold {k}") for k in range(10_000)}) == 10_000
    assert isinstance(seed_of("fold 1"), NamedSeed)
