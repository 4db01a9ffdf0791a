"""What is given away names files and not where they lay: no names of people, machines or their folders."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.report.places import command_without_places, names_of_files

SECRET = "ann-the-user"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Imported runs from a folder of somebody's, trained ones on a data set there, and a broken one."""
    home = tmp_path_factory.mktemp("home") / SECRET / "a folder"
    home.mkdir(parents=True)
    rows = "".join(f"{m},{s},{e},{90 + s * e / 9}\n" for m in "ab" for s in range(6) for e in (1, 2))
    (home / "table.csv").write_text("method,seed,epoch,acc\n" + rows)
    (home / "set.libsvm").write_text(
        "".join(f"{1 if i % 3 else -1} 1:{i % 5} 2:{i % 7}\n" for i in range(40))
    )
    imported, trained = home / "imported", home / "trained"
    done = CliRunner().invoke(main, ["import", str(home / "table.csv"), "--runs-dir", str(imported)])
    assert done.exit_code == 0, done.output
    train = [
        "run",
        "--opt",
        "sgd",
        "--opt",
        "msgd",
        "--workload",
        "logistic",
        "--iterations",
        "40",
        "--seeds",
        "4",
    ]
    train += ["--executor", "local", "--data", str(home / "set.libsvm"), "--runs-dir", str(trained)]
    done = CliRunner().invoke(main, train)
    assert done.exit_code == 0, done.output
    for folder in (imported, trained):
        shutil.copytree(next(folder.iterdir()), folder / "broken")
        (folder / "broken" / "manifest.json").write_text("{")
    return {"imported": imported, "trained": trained}


def sound(folder):
    return [str(run) for run in folder.iterdir() if run.name != "broken"]


@pytest.mark.parametrize("which", ["imported", "trained"])
def test_a_report_has_the_names_of_files_and_on_demand_their_whole_paths(runs, which, tmp_path):
    name = {"imported": "table.csv", "trained": "set.libsvm"}[which]
    for options in ([], ["--provenance", "full"]):
        page = tmp_path / "report.html"
        done = CliRunner().invoke(main, ["report", *sound(runs[which]), "-o", str(page), *options])
        assert done.exit_code == 0, done.output
        assert name in page.read_text()
        assert (SECRET in page.read_text()) == bool(options)


@pytest.mark.parametrize("which", ["imported", "trained"])
@pytest.mark.parametrize("form", ["json", "csv", "markdown", "latex", "html"])
def test_what_other_programs_and_people_read_has_none(runs, which, form, tmp_path):
    import amrobust

    found = amrobust.load(*sound(runs[which]))
    problems = (
        f"{runs[which] / 'broken'}: its manifest is not valid JSON; 'amrobust check {runs[which]}' says more",
    )
    comparison = amrobust.compare(amrobust.Runs(found.arms, problems))
    assert "its manifest is not valid JSON" in comparison.render(form)
    assert SECRET not in comparison.render(form).replace("\\", "")
    assert SECRET in comparison.render("table")


def test_exports_have_none(runs):
    for form in ("csv", "json"):
        done = CliRunner().invoke(main, ["export", *sound(runs["trained"]), "--format", form])
        assert done.exit_code == 0, done.output
        assert SECRET not in done.stdout


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("csv, /home/ann/results.csv", "csv, results.csv"),
        ("/tmp/runs/: broken; 'amrobust check /tmp/runs'", "runs: broken; 'amrobust check runs'"),
        (r"data = C:\Users\ann\a5a", "data = a5a"),
        ("runs/a.csv, ../b.csv, 3/4 of https://arxiv.org/abs/1 and/or ~/c", None),
        ("93.1 / 94.2", None),
    ],
)
def test_absolute_paths_become_names_and_everything_else_stays(text, left):
    assert names_of_files(text) == (text if left is None else left)


def test_commands_keep_their_words():
    command = "amrobust run --param 'data=/home/ann/my data/a5a' --opt 'am1[m=5]' '/srv/x y.csv' rel/z.csv"
    assert command_without_places(command) == (
        "amrobust run --param data=a5a --opt 'am1[m=5]' 'x y.csv' rel/z.csv"
    )
    assert command_without_places("amrobust run --opt sgd") == "amrobust run --opt sgd"


def test_the_path_of_an_analysis_is_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(SECRET).mkdir()
    (tmp_path / SECRET / "mine.toml").write_text(
        'title = "t"\nquestion = "q"\nworkload = "logistic"\nworkload_params = {iterations = 40}\nmetric = "train_loss"\n'
        'baseline = "sgd"\nseeds = 4\nmethods = [{opt = "sgd"}, {opt = "msgd"}]\n'
        'claims = [{kind = "better mean", method = "msgd"}]\n'
    )
    arguments = [
        "analyze",
        str(tmp_path / SECRET / "mine.toml"),
        "--executor",
        "local",
        "-o",
        str(tmp_path / "r.html"),
    ]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "mine.toml" in Path("r.html").read_text()
    assert SECRET not in Path("r.html").read_text()
