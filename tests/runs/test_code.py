"""Which version of the user's code made which seeds, and which run goes on after an edit."""

import json
from dataclasses import replace

import pytest
from made_up_runs import Trainer, describe, spec

from amrobust.errors import RunError, UserError
from amrobust.ingest.load import load_arms
from amrobust.judge.compare import compare
from amrobust.runs.code import code_words, versions_of
from amrobust.runs.spec import content_digest
from amrobust.runs.store import read_run
from amrobust.train.engine import execute

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


def test_an_edit_begins_a_run_of_its_own_beside_the_old_one_and_says_so(tmp_path, caplog):
    old = trained(tmp_path, range(2), A)
    new = trained(tmp_path, range(3), B)
    assert old.path.name.rpartition("-")[0] == new.path.name.rpartition("-")[0]
    assert old.manifest.base == new.manifest.base
    assert old.manifest.identity != new.manifest.identity
    assert (
        f"{new.path.name}: a new run, because mine.py changed since seeds 0-1 of {old.path.name}"
        in caplog.text
    )
    caplog.clear()
    assert trained(tmp_path, range(2), A).path == old.path
    assert trained(tmp_path, range(3), B).path == new.path
    assert caplog.text == ""
    assert read_run(old.path).manifest.complete == (0, 1)


def test_after_an_accepted_change_the_new_code_goes_on_and_the_old_is_refused(tmp_path, caplog):
    old = trained(tmp_path, range(2), A)
    assert trained(tmp_path, range(3), B, accept_new_code=True).path == old.path
    assert "goes on with another version of the code than made seeds 0-1 (mine.py changed)" in caplog.text
    assert trained(tmp_path, range(4), B).path == old.path
    with pytest.raises(UserError, match=r"seeds 2-3 were .* \(mine\.py changed\)"):
        trained(tmp_path, range(4), A)
    assert trained(tmp_path, range(4), C).path != old.path


def test_a_change_is_not_accepted_where_both_versions_have_runs_with_seeds(tmp_path):
    old, new = trained(tmp_path, [0], A), trained(tmp_path, [0], B)
    with pytest.raises(
        UserError, match=f"{new.path.name} has seeds 0 of this version .* {old.path.name} has"
    ):
        trained(tmp_path, [0, 1], B, accept_new_code=True)
    assert trained(tmp_path, [0, 1], C, accept_new_code=True).path in (old.path, new.path)


def test_a_version_that_made_no_seeds_is_nothing_to_go_on_from(tmp_path, caplog):
    def failing(of, seeds, **options):
        raise RunError("no disk")
        yield

    with pytest.raises(RunError, match="no disk"):
        execute(spec(), [0], tmp_path, train=failing, describe=lambda of: replace(describe(of), code=A))
    run = trained(tmp_path, [0], B, accept_new_code=True)
    assert versions_of(run.manifest)[0].files == B
    assert caplog.text == ""
    arms, problems = load_arms([tmp_path])
    assert [arm.training for arm in arms] == [run.manifest.identity] * len(arms)
    assert problems == []


def of_version_4(path):
    """Rewrite the run in ``path``, of code A, as it was recorded before identities covered code."""
    content = json.loads((path / "manifest.json").read_text())
    manifest = read_run(path).manifest
    del content["checksum"]
    for seed in content["seeds"].values():
        del seed["declared"]
    content |= {"schema_version": 4, "identity": manifest.base}
    sealed = content | {"checksum": content_digest(content)}
    (path / "manifest.json").write_text(json.dumps(sealed))
    return path.rename(path.with_name(path.name.rpartition("-")[0]))


def test_a_run_of_an_earlier_record_goes_on_with_its_own_code_and_an_edit_begins_a_new_one(tmp_path):
    old = of_version_4(trained(tmp_path, range(2), A).path)
    assert trained(tmp_path, range(3), A).path == old
    assert read_run(old).manifest.complete == (0, 1, 2)
    assert trained(tmp_path, range(2), B).path != old


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        (None, A, True),
        (None, None, True),
        ({}, {}, True),
        (A, dict(A), True),
        (A, A | {"package other": "2.0"}, True),
        (A, None, False),
        (A, {}, False),
    ],
)
def test_code_that_was_not_recorded_matches_any_and_versions_of_packages_are_no_part(
    tmp_path, caplog, before, now, same
):
    old = trained(tmp_path, [0], before)
    assert (trained(tmp_path, [0, 1], now).path == old.path) == same
    assert ("code not recorded" in caplog.text) == (before is None or now is None)


def test_seeds_under_several_versions_of_a_package_are_one_sample_with_a_warning(tmp_path):
    for seeds, number in ((4, "2.0"), (8, "2.1")):
        execute(
            spec(), range(seeds), tmp_path, train=Trainer(),
            describe=lambda of, number=number: replace(describe(of), versions={"numpy": number}),
        )  # fmt: skip
    compared = compare(load_arms([tmp_path])[0]).groups[0]
    said = [
        note.message for one in compared.summaries for note in one.warnings if note.kind == "packages-changed"
    ]
    assert len(said) == 2
    assert all("several versions of packages (numpy 2.0, then 2.1)" in message for message in said)


def test_the_identity_of_a_run_without_code_of_others_is_what_it_was(tmp_path):
    run = trained(tmp_path, [0], {})
    assert run.manifest.code is None
    assert run.manifest.identity == run.manifest.base == trained(tmp_path / "b", [0], None).manifest.identity
    assert run.path.name.endswith(f"-{run.manifest.identity[:12]}")


def test_starting_points_are_joined_within_one_version_of_the_code_alone(tmp_path):
    for code in (A, B):
        for x0 in (0, 1):
            execute(
                spec(x0_index=x0), range(2), tmp_path, train=Trainer(),
                describe=lambda of, code=code: replace(describe(of), code=code, x0_digest=f"{of.x0_index}" * 64),
            )  # fmt: skip
    arms, _ = load_arms([tmp_path])
    assert [len(set(arm.x0s)) for arm in arms] == [2] * len(arms)
    names = {arm.method for arm in arms if arm.output in (None, "I")}
    assert len(names) == 2
    assert all(" (code " in name for name in names)


def test_many_files_are_counted_where_few_are_named():
    assert code_words({"a.py": "1" * 64, "package p": "1.5"}) == f"a.py {'1' * 12}, package p 1.5"
    assert code_words({f"{n}.py": "1" * 64 for n in range(9)}).startswith("9 files, sha256 ")
