"""Whether an analysis was declared before its runs: recorded with every seed, and said in every form of the result."""

import json
from pathlib import Path

import pypdf
import pytest
from click.testing import CliRunner

from amrobust.analysis import load_analysis, run_analysis
from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.ingest.load import load_arms
from amrobust.judge.declared import load_claims
from amrobust.report import render
from amrobust.runs.spec import content_digest
from amrobust.runs.store import open_runs, read_run

POST = Path(__file__).parent.parent / "corpus" / "documents" / "post.toml"

FILE = """
title = "t"
question = "q"
workload = "logistic"
workload_params = { iterations = 20 }
methods = [{ opt = "sgd" }, { opt = "msgd" }, { opt = "am1", m = 2 }]
baseline = "msgd"
metric = "train_loss"
seeds = 6
claims = [{ kind = "equivalent mean", method = "sgd", margin = 0.5 }, { kind = "less spread", method = "am1[m=2]/II" }]
"""
BEFORE = "Declared before the runs: all 18 seeds"


@pytest.fixture
def analysed(tmp_path, monkeypatch):
    """Carries out the file after the given replacements, and returns the one group."""
    monkeypatch.chdir(tmp_path)

    def carry_out(*replacements, **options):
        text = FILE
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        Path("mine.toml").write_text(text)
        (compared,) = run_analysis(
            load_analysis("mine.toml"), tmp_path / "runs", executor="local", **options
        ).groups
        return compared

    return carry_out


def test_what_trained_its_seeds_is_declared_before_them_and_stays_so(analysed, tmp_path):
    for _ in range(2):
        declaration = analysed().declaration
        assert declaration.sentence.startswith(BEFORE)
        assert (declaration.before, declaration.after, declaration.unknown) == (18, 0, 0)
    for run in open_runs([tmp_path / "runs"])[0]:
        assert {record.declared for record in run.manifest.seeds.values()} == {declaration.digest}


@pytest.mark.parametrize(
    "change",
    [
        ("margin = 0.5", "margin = 0.4"),
        ('"less spread"', '"better mean"'),
        ('kind = "less spread", method = "am1[m=2]/II"', 'kind = "less spread", method = "am1[m=2]/II", baseline = "sgd"'),
        (', { kind = "less spread", method = "am1[m=2]/II" }', ""),
        ("seeds = 6", "seeds = 6\nalpha = 0.1"),
        ("seeds = 6", 'seeds = 6\ntest = "permutation"'),
        ("seeds = 6", "seeds = 5"),
        ('metric = "train_loss"', 'metric = "grad_norm"'),
    ],
)  # fmt: skip
def test_changing_anything_that_decides_afterwards_changes_what_is_said(analysed, change):
    analysed()
    declaration = analysed(change).declaration
    assert declaration.sentence.startswith(f"Declared after {declaration.after} of {declaration.after} seeds")
    assert analysed().declaration.sentence.startswith(BEFORE)


@pytest.mark.parametrize(
    "change",
    [
        ('title = "t"', 'title = "another"'),
        ('question = "q"', 'question = "another"'),
        ('{ opt = "sgd" }, { opt = "msgd" }', '{ opt = "msgd", label = "The usual" }, { opt = "sgd" }'),
        ("seeds = 6", 'seeds = 6\nbatching = "none"'),
        ("seeds = 6", "seeds = 6\nalpha = 0.05"),
    ],
)
def test_what_decides_nothing_is_no_part_of_the_declaration(analysed, change):
    analysed()
    assert analysed(change).declaration.sentence.startswith(BEFORE)


def test_more_seeds_than_were_declared_are_declared_after_those_that_were_there(analysed):
    analysed()
    declaration = analysed(("seeds = 6", "seeds = 8")).declaration
    assert (declaration.before, declaration.after) == (6, 18)
    assert "Declared after 18 of 24 seeds were there" in declaration.sentence


def test_seeds_that_run_trained_were_there_before_the_analysis(analysed, tmp_path):
    CliRunner().invoke(
        main,
        ["run", "--opt", "sgd", "--workload", "logistic", "--iterations", "20", "--seeds", "6", "-q"],
        catch_exceptions=False,
    )
    declaration = analysed().declaration
    assert (declaration.before, declaration.after) == (12, 6)
    assert "Declared after 6 of 18 seeds were there" in declaration.sentence


def test_records_of_earlier_versions_do_not_say(analysed, tmp_path):
    analysed()
    (path,) = (tmp_path / "runs").glob("*-msgd-*/manifest.json")
    content = json.loads(path.read_text())
    del content["checksum"]
    for seed in content["seeds"].values():
        del seed["declared"]
    content["schema_version"] = 4
    path.write_text(json.dumps(content | {"checksum": content_digest(content)}))
    declaration = analysed().declaration
    assert (declaration.before, declaration.unknown) == (12, 6)
    assert declaration.sentence.startswith("Declared: unknown: 6 of 18 seeds")


def test_planned_looks_are_one_declaration(analysed):
    looks = ("seeds = 6", "looks = [5, 8]")
    assert analysed(looks, seeds=5).declaration.sentence.startswith("Declared before the runs: all 15")
    assert analysed(looks).declaration.after == 0
    other = analysed(("seeds = 6", "looks = [5, 10]")).declaration
    assert (other.before, other.after) == (6, 24)


def test_seeds_that_train_as_one_stack_carry_the_declaration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = FILE.replace('"logistic"', '"digits"').replace("iterations = 20", "epochs = 2, lr_drops = 0")
    Path("mine.toml").write_text(text.replace("seeds = 6", 'seeds = 4\nbatching = "stack"'))
    analysis = load_analysis("mine.toml")
    (compared,) = run_analysis(analysis, tmp_path / "runs", executor="local").groups
    assert compared.declaration.before == 12
    assert any(run.manifest.company for run in open_runs([tmp_path / "runs"])[0])


def test_seeds_from_several_starting_points_are_counted_from_each(analysed):
    crossed = ("seeds = 6", "seeds = 3\nx0s = 2")
    assert analysed(crossed).declaration.before == 18
    compared = analysed(("seeds = 6", "seeds = 2\nx0s = 2"))
    assert compared.declaration.after == 12
    assert {len(arm.seeds) for arm in compared.arms} == {4}
    assert "left out are seeds 2 of" in " ".join(note.message for note in compared.warnings)


def test_the_declared_seeds_are_judged_and_the_others_left_out_in_a_line(analysed):
    before = analysed()
    analysed(("seeds = 6", "seeds = 9"))
    after = analysed()
    assert [arm.seeds for arm in after.arms] == [tuple(range(6))] * 4
    assert after.verdicts == before.verdicts
    (note,) = [note for note in after.warnings if note.kind == "seeds-left-out"]
    assert note.message.startswith("The analysis declares 6 seeds per method: left out are seeds 6-8 of ")
    assert all(arm.title in note.message for arm in after.arms)
    assert "seeds-added" not in {note.kind for one in after.summaries for note in one.warnings}


def test_every_form_of_the_result_says_it(analysed, tmp_path):
    compared = analysed()
    runner = CliRunner()
    for form in ("table", "json", "csv", "latex", "markdown", "html"):
        done = runner.invoke(
            main,
            ["analyze", "mine.toml", "--format", form, "-o", "short.html", "--sections", "answer", "-q"],
            catch_exceptions=False,
        )
        assert BEFORE in done.stdout, form
    assert json.loads(
        runner.invoke(main, ["analyze", "mine.toml", "--format", "json", "-o", "mine.html", "-q"]).stdout
    )["groups"][0]["declaration"] == {
        "digest": compared.declaration.digest, "before": 18, "after": 0, "unknown": 0,
        "sentence": compared.declaration.sentence, "of_other_versions": 0,
    }  # fmt: skip
    assert BEFORE in Path("mine.html").read_text()
    runner.invoke(main, ["analyze", "mine.toml", "-o", "mine.pdf", "-q"])
    first_page = pypdf.PdfReader("mine.pdf").pages[0].extract_text().replace("\u200b", "")
    assert BEFORE in " ".join(first_page.split())
    shown = runner.invoke(main, ["show", "logistic-msgd"]).stdout
    assert f"0-5 under an analysis (sha256 {compared.declaration.digest[:12]})" in shown


def test_a_claims_file_of_compare_proves_nothing(analysed, tmp_path):
    from amrobust.judge.claim import Claim
    from amrobust.judge.compare import compare

    analysed()
    arms, _ = load_arms([tmp_path / "runs"], "train_loss")
    declared = compare(arms, claims=[Claim("less spread", "sgd", "msgd")])
    assert "Declared: unknown: nothing proves when these claims were written" in render(declared, "table")
    assert "eclared" not in render(compare(arms), "table")


@pytest.mark.parametrize(
    ("in_file", "option", "outcome"),
    [("msgd", None, "msgd"), (None, "msgd", "msgd"), ("msgd", "msgd", "msgd"), ("msgd", "sgd", "leave out --baseline 'sgd'")],
)  # fmt: skip
def test_the_baseline_of_a_claims_file_and_of_the_command_are_one(tmp_path, in_file, option, outcome):
    path = tmp_path / "claims.toml"
    path.write_text(
        (f'baseline = "{in_file}"\n' if in_file else "")
        + 'claims = [{ kind = "less spread", method = "am1" }]\n'
    )
    if outcome != "msgd":
        with pytest.raises(UserError, match=outcome):
            load_claims(path, option)
    else:
        (claim,) = load_claims(path, option).claims
        assert claim.baseline == "msgd"


def test_claims_after_the_runs_are_said_to_be(tmp_path, monkeypatch):
    # The workload and the optimizer of the document are the user's; here they are others of the same names.
    (tmp_path / "lion_of_a_test.py").write_text("import torch\n\n\nclass Lion(torch.optim.SGD):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    text = POST.read_text().replace("mymoons:Moons", "digits").replace("mylion:", "lion_of_a_test:")
    text = text.replace("seeds = 10", "seeds = 4\nworkload_params = { epochs = 2, lr_drops = 0 }")
    Path("post.toml").write_text(text)
    words = ["run", "--workload", "digits", "--epochs", "2", "--param", "lr_drops=0", "--seeds", "4", "-q"]
    for method in (["msgd", "--lr", "0.1"], ["lion_of_a_test:Lion", "--lr", "0.003"]):
        assert CliRunner().invoke(main, [*words, "--executor", "local", "--opt", *method]).exit_code == 0
    done = CliRunner().invoke(
        main, ["analyze", "post.toml", "--allow-code", "--executor", "local", "-o", "post.html"]
    )
    assert "Declared after 8 of 8 seeds were there" in done.stdout


@pytest.mark.parametrize(
    ("gate", "status"), [("not-refuted", 0), ("supported", 3), ("trend=supported", 2), ("perhaps", 2)]
)
def test_a_script_can_stop_at_the_verdicts_of_an_analysis(analysed, gate, status):
    Path("mine.toml").write_text(FILE)
    ask = ["analyze", "mine.toml", "--executor", "local", "-o", "mine.html", "--fail-unless", gate]
    done = CliRunner().invoke(main, ask)
    assert done.exit_code == status
    assert ("not supported: Inconclusive" in done.stderr) == (status == 3)
    assert Path("runs").exists() == Path("mine.html").exists() == (status != 2)


def test_what_is_recorded_reads_back(analysed, tmp_path):
    digest = analysed().declaration.digest
    (path,) = (tmp_path / "runs").glob("*-sgd-*")
    assert f'"declared": "{digest}"' in (path / "manifest.json").read_text()
    assert read_run(path).manifest.seeds[0].declared == digest
    (arm,) = load_arms([path])[0]
    assert arm.declared == dict.fromkeys(range(6), digest)
