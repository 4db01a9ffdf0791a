"""What methods are called in print: a label, else as the paper reads, else their names; names stay in data and commands."""

import csv
import io
import json

import pytest
from click.testing import CliRunner

import amrobust
from amrobust.cli import main
from amrobust.errors import UserError

OURS = ("--label", "am1[m=5]/II=Ours & more")
NAMES = ("am1[", "am2[", "msgd")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    for opt in ("sgd", "msgd", "am1[m=5]", "am2[m=5]"):
        done = run("run", "--opt", opt, "--workload", "logistic", "--iterations", 40, "--seeds", 5, "--executor", "local",
                   "--runs-dir", place)  # fmt: skip
        assert done.exit_code == 0, done.output
    return place


def run(*arguments):
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "html"])
def test_every_text_has_titles_and_no_names(runs, form):
    done = run("compare", runs, "--format", form, *OURS)
    assert done.exit_code == 0, done.output
    ours = {"latex": r"Ours \& more", "table": "Ours & more"}.get(form, "Ours &amp; more")
    assert ours in done.output
    assert "AM1-SGD (m = 5), I" in done.output
    assert not [name for name in NAMES if name in done.output]


def test_lists_of_titles_with_commas_have_semicolons(runs):
    done = run("compare", runs, *OURS)
    assert "Are AM1-SGD (m = 5), I; Ours & more; AM2-SGD (m = 5), I;" in done.output
    assert "and SGD more robust than M-SGD on logistic" in done.output


def test_json_has_names_and_labels_and_sentences_with_titles(runs):
    (compared,) = json.loads(run("compare", runs, "--format", "json", *OURS).output)["groups"]
    labels = {arm["method"]: arm["label"] for arm in compared["arms"]}
    assert labels["am1[m=5]/II"] == "Ours & more"
    assert labels["msgd"] == "M-SGD"
    assert {s["method"] for s in compared["summaries"]} == set(labels)
    (verdict,) = [
        v for v in compared["verdicts"]
        if (v["claim"]["method"], v["claim"]["kind"]) == ("am1[m=5]/II", "less spread")
    ]  # fmt: skip
    assert "Ours & more ends with less spread in train loss over seeds than M-SGD" in verdict["sentence"]
    assert not [name for name in NAMES if name in verdict["sentence"]]


def test_csv_has_names_and_labels(runs):
    rows = list(csv.DictReader(io.StringIO(run("compare", runs, "--format", "csv", *OURS).output)))
    labels = {(row["method"], row["label"]) for row in rows if row["method"]}
    assert {("am1[m=5]/II", "Ours & more"), ("msgd", "M-SGD")} <= labels


def test_labels_change_no_number(runs):
    def numbers(*options):
        rows = csv.DictReader(io.StringIO(run("compare", runs, "--format", "csv", *options).output))
        return [(row["method"], row["claim"], row["estimate"], row["low"], row["p_adjusted"]) for row in rows]

    assert numbers() == numbers(*OURS)


def test_a_page_has_titles_and_its_command_has_names(runs, tmp_path):
    page, figures = tmp_path / "report.html", tmp_path / "figures"
    done = run("report", runs, "-o", page, "--figures", figures, "--figure-format", "svg", *OURS)
    assert done.exit_code == 0, done.output
    text = page.read_text().replace("\u200b", "")
    assert "Ours &amp; more" in text
    assert "--baseline msgd" in text
    assert "am1[m=5]/II=Ours &amp; more" in text
    before, _, appendix = text.partition("How to reproduce this")
    assert appendix
    assert not [name for name in NAMES if name in before]


def test_tails_have_titles(runs):
    assert "Ours & more" in run("tails", runs, *OURS).output
    rows = list(csv.DictReader(io.StringIO(run("tails", runs, "--format", "csv", *OURS).output)))
    assert {("am1[m=5]/II", "Ours & more"), ("msgd", "M-SGD")} <= {(r["method"], r["label"]) for r in rows}


@pytest.mark.parametrize("command", ["compare", "tails"])
@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("am9=Ours", "'am9' is not among the methods"),
        ("am1[m=5]/II", "not of the form METHOD=TEXT"),
        ("msgd=", "a text to print"),
        ("am1=Ours", "'am1' is not unique"),
    ],
)
def test_a_label_of_no_method_and_no_label_are_errors(runs, command, label, said):
    done = run(command, runs, "--label", label)
    assert done.exit_code == 2
    assert said in done.output


def test_two_labels_of_one_method_are_an_error(runs):
    done = run("compare", runs, "--label", "msgd=a", "--label", "msgd=b")
    assert done.exit_code == 2
    assert "two labels" in done.output


def test_methods_that_would_share_a_title_show_their_names(runs):
    done = run("compare", runs, "--label", "am1[m=5]/I=Ours", "--label", "am1[m=5]/II=Ours")
    assert "am1[m=5]/I " in done.output
    assert "am1[m=5]/II " in done.output
    assert "Ours" not in done.output
    assert "AM2-SGD (m = 5), II" in done.output


def test_a_title_that_is_anothers_name_is_shown_of_neither(runs):
    done = run("compare", runs, "--label", "sgd=msgd")
    assert "msgd  " in done.output
    assert "sgd   " in done.output
    assert "M-SGD" not in done.output.partition("claims:")[0]


def test_names_of_a_log_are_its_own_and_take_labels(tmp_path):
    table = tmp_path / "runs.csv"
    rows = [f"{m},{s},1,{90 + s * k}" for k, m in enumerate(("sgd", "lr=0.1"), 1) for s in range(5)]
    table.write_text("\n".join(["method,seed,epoch,accuracy", *rows]) + "\n")
    assert "sgd" in (plain := run("compare", table).output)
    assert "SGD" not in plain
    labelled = run("compare", table, "--label", "lr=0.1=η = 0.1").output
    assert "η = 0.1" in labelled
    assert "lr=0.1" not in labelled


def test_python_has_labels_too(runs):
    labels = {"am1[m=5]/II": "Ours"}
    found = amrobust.compare(runs, labels=labels)
    assert "Ours" in str(found)
    assert "Ours" in found._repr_html_()
    names = dict(zip(found.methods()["method"], found.methods()["label"], strict=True))
    assert names["am1[m=5]/II"] == "Ours"
    assert set(found.table()["label"]) >= {"Ours", "SGD"}
    assert any("Ours" in text.get_text() for text in found.plot.curves().get_legend().get_texts())
    with pytest.raises(UserError, match="'am9' is not among the methods"):
        amrobust.compare(runs, labels={"am9": "Ours"})


def test_a_method_that_was_renamed_is_called_by_that_name(runs):
    renamed = amrobust.load(runs).rename({"am1[m=5]/II": "mine", "msgd": "usual"})
    text = str(amrobust.compare(renamed, baseline="usual"))
    assert "mine against usual" in text
    assert "AM1-SGD (m = 5), I against usual" in text
