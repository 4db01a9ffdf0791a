"""Which version of the code of others made which seeds, and whether another version may add to them."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
from made_up_runs import Trainer, describe, spec

from amrobust.errors import RunError, UserError
from amrobust.runs.code import code_words, require_same_code, versions_of
from amrobust.runs.provenance import session
from amrobust.runs.store import read_run
from amrobust.train.execution import execute

A, B, C = ({"mine.py": digit * 64, "same.py": "0" * 64} for digit in "abc")


def trained(directory, seeds, code, **options):
    return execute(
        spec(),
        seeds,
        directory,
        train=Trainer(),
        describe=lambda of: replace(describe(of), code=code),
        **options,
    )


def test_the_seeds_of_every_version_are_recorded_and_read_back(tmp_path):
    trained(tmp_path, [0, 1, 5], A)
    run = trained(tmp_path, range(4), B, accept_new_code=True)
    found = versions_of(read_run(run.path).manifest)
    assert [(version.seeds, version.files) for version in found] == [((0, 1, 5), A), ((2, 3), B)]


def test_after_an_accepted_change_the_new_code_goes_on_and_the_old_is_the_one_refused(tmp_path):
    trained(tmp_path, range(2), A)
    with pytest.raises(UserError, match=r"seeds 0-1 were .* \(mine\.py changed\)"):
        trained(tmp_path, range(2), B)
    trained(tmp_path, range(3), B, accept_new_code=True)
    trained(tmp_path, range(4), B)
    with pytest.raises(UserError, match=r"seeds 2-3 were .* \(mine\.py changed\)"):
        trained(tmp_path, range(4), A)
    with pytest.raises(UserError, match=r"seeds 0-3 were .* \(mine\.py changed\)"):
        trained(tmp_path, range(4), C)


@pytest.mark.parametrize(
    ("before", "now", "refused"),
    [
        (None, A, False),
        (None, None, False),
        ({}, {}, False),
        (A, dict(A), False),
        (A, None, True),
        (A, {}, True),
    ],
)
def test_code_that_was_not_recorded_matches_any_and_what_is_lost_matches_none(tmp_path, before, now, refused):
    trained(tmp_path, [0], before)
    with pytest.raises(UserError, match="another version of the code") if refused else nullcontext():
        trained(tmp_path, [0, 1], now)


@pytest.mark.parametrize("place", ["own", "company", "stranger"])
def test_a_checkpoint_counts_that_lies_with_a_run_trained_in_company(tmp_path, place):
    asked = trained(tmp_path / "one", [0], A).manifest
    path = tmp_path / f"digits-am1-{asked.identity[:12]}"
    other = "f" * 64
    under_way = replace(
        asked,
        seeds={},
        provenance=(
            session(replace(asked.facts, code=A), "local", 1, None, {asked.identity: (0,), other: (0,)}),
        ),
    )
    require_same_code(path, under_way, B)
    at = {
        "own": path,
        "company": tmp_path / f"digits-msgd-{other[:12]}",
        "stranger": tmp_path / "digits-msgd-e",
    }[place]
    (at / "checkpoints").mkdir(parents=True)
    (at / "checkpoints" / "company-0-1.pt").write_bytes(b"")
    refusal = pytest.raises(UserError, match="the seeds under way were made by another version")
    with refusal if place != "stranger" else nullcontext():
        require_same_code(path, under_way, B)


def test_code_may_change_while_every_seed_has_failed(tmp_path):
    def failing(of, seeds, **options):
        raise RunError("no disk")
        yield

    with pytest.raises(RunError, match="no disk"):
        execute(spec(), [0], tmp_path, train=failing, describe=lambda of: replace(describe(of), code=A))
    assert versions_of(trained(tmp_path, [0], B).manifest)[0].files == B


def test_many_files_are_counted_where_few_are_named():
    assert code_words({"a.py": "1" * 64, "package p": "1.5"}) == f"a.py {'1' * 12}, package p 1.5"
    assert code_words({f"{n}.py": "1" * 64 for n in range(9)}).startswith("9 files, sha256 ")
