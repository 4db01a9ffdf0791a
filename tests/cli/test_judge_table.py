"""``amrobust judge-table``: the paper's tables and a reader's own, in every format and as a report."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.judge.published import judge_tables
from amrobust.judge.published_tables import load_tables
from amrobust.report import FORMATS, write_figures, write_report

MINE = """
[results]
metric = "test accuracy"
unit = "percent"
seeds = 10
rows = [
  { method = "Adam", final_mean = 91.2, final_std = 0.41 },
  { method = "<b>Mine</b>", final_mean = 92.8, final_std = 0.12 },
  { method = "Unprinted" },
]
[alone]
metric = "loss"
seeds = 3
rows = [{ method = "Adam", final_mean = 0.5, final_std = 0.1 }]
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return path


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("margin", [[], ["--margin", "0.5"]])
def test_every_table_of_the_paper_in_every_format(form: str, margin: list[str]) -> None:
    for table in load_tables(None):
        name = table.name.partition(",")[0]
        done = CliRunner().invoke(main, ["judge-table", "--table", name, "--format", form, *margin])
        assert done.exit_code == 0, done.output
        assert table.rows[0].method.split("-")[0] in done.stdout
    whole = CliRunner().invoke(main, ["judge-table", "--format", form, *margin])
    assert whole.exit_code == 0, whole.output


@pytest.mark.parametrize("form", FORMATS)
def test_a_table_of_the_reader_s_own_in_every_format(mine: Path, form: str) -> None:
    done = CliRunner().invoke(main, ["judge-table", str(mine), "--format", form])
    assert done.exit_code == 0, done.output
    assert "Mine" in done.stdout
    assert "alone: has a single method" in done.stdout


def test_a_page_shows_the_intervals_that_the_numbers_say(mine: Path) -> None:
    page = CliRunner().invoke(main, ["judge-table", str(mine), "--format", "html"]).stdout
    found = json.loads(CliRunner().invoke(main, ["judge-table", str(mine), "--format", "json"]).stdout)
    (compared,) = found["groups"]
    shown = [verdict for verdict in compared["verdicts"] if verdict["interval"] is not None]
    assert [verdict["claim"]["method"] for verdict in shown] == ["<b>Mine</b>"] * 2
    assert "Interval plot of 2 claims" in page
    assert "<b>Mine</b>" not in page


@pytest.mark.parametrize("form", ["pdf", "html"])
def test_its_report_is_written_too(mine: Path, tmp_path: Path, form: str) -> None:
    comparison = judge_tables(load_tables(mine))
    write_report(comparison, tmp_path / f"report.{form}")
    assert (tmp_path / f"report.{form}").stat().st_size > 10_000
    assert [path.name for path in write_figures(comparison, tmp_path / "figures", ("svg",))] == [
        "1-claims.svg",
        "1-power.svg",
    ]


CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "tables"


def test_a_table_of_means_in_csv_is_judged_as_the_message_says() -> None:
    asked = CliRunner().invoke(main, ["compare", str(CORPUS / "table.csv")])
    assert asked.exit_code == 2
    assert "'amrobust judge-table' judges tables of mean, std and n" in asked.stderr
    done = CliRunner().invoke(
        main, ["judge-table", str(CORPUS / "table.csv"), "--metric", "accuracy", "--format", "json"]
    )
    assert done.exit_code == 0, done.stderr
    (compared,) = json.loads(done.stdout)["groups"]
    means = {
        claim["claim"]["method"]: claim for claim in compared["verdicts"] if "mean" in claim["claim"]["kind"]
    }
    assert means.keys() == {"Ours", "SGD"}
    # Welch's t by SciPy, from the printed means, STDs and numbers of seeds.
    from scipy.stats import ttest_ind_from_stats

    for method, mean, std in (("Ours", 93.9, 0.2), ("SGD", 93.5, 0.4)):
        expected = ttest_ind_from_stats(mean, std, 5, 93.1, 0.6, 5, equal_var=False)
        assert means[method]["p"] == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "method,mean,std\na,1,2\n",
            "is not said (no column 'n'; there are method, mean, std): say it with --seeds N",
        ),
        ("method,mean,std,n\na,1,x,5\n", "line 2: 'a,1,x,5' lacks a number"),
        ("method,mean,std,n\na,1\n", "line 2"),
        ("", "there are none"),
    ],
)
def test_a_garbled_table_in_csv_is_refused_in_a_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    done = CliRunner().invoke(main, ["judge-table", str(path)])
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_each_data_set_of_a_table_in_csv_is_judged_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "dataset,method,mean,std,n,unit\nc10,sgd,92.1,1.1,5,%\nc10,adam,92.9,.3,5,%\nc100,sgd,.70,.01,5,share\nc100,adam,.72,.005,5,share\n"
    )
    comparison = judge_tables(load_tables(path, metric="acc"))
    assert [
        (j.workload, j.metric.unit, [s.final_mean.estimate for s in j.summaries if s.final_mean])
        for j in comparison.groups
    ] == [
        ("c10", "%", [92.1, 92.9]),
        ("c100", "share", [0.70, 0.72]),
    ]
    assert [table.name for table in load_tables(path, "c100", "acc")] == ["c100"]
    path.write_text("dataset,method,mean,std,n\nc10,sgd,92.1,1.1,5\nc100,adam,72.9,.3,5\n")
    with pytest.raises(UserError, match="c10: has a single method; c100: has a single method"):
        judge_tables(load_tables(path, metric="acc"))


def test_settings_that_differ_are_part_of_the_methods_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        ",Method,lr,wd,mean,std,n,note\n0,sgd,0.1,0,92.1,1.1,5.0,ours\n1,sgd,0.01,0,90,1,5,\n2,adam,,0,92.9,.3,5,\n"
    )
    (table,) = load_tables(path, metric="acc")
    assert [row.method for row in table.rows] == ["sgd (lr=0.1)", "sgd (lr=0.01)", "adam"]


def test_rows_of_the_metric_that_is_asked_for_are_judged(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    rows = "method,metric,mean,std,n\nsgd,acc,92.1,1.1,5\nadam,acc,92.9,.3,5\n"
    path.write_text(rows)
    assert [table.metric.name for table in load_tables(path)] == ["acc"]
    path.write_text(rows + "sgd,loss,.3,.1,5\nadam,loss,.2,.1,5\n")
    (table,) = load_tables(path, metric="loss")
    assert [row.mean for row in table.rows] == [0.3, 0.2]
    for metric, message in ((None, "has acc, loss: choose one with --metric"), ("wer", "has no 'wer'")):
        with pytest.raises(UserError, match=message):
            load_tables(path, metric=metric)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "method,mean,std,n,sem\na,1,1,5,.5\n",
            "the column 'sem' is not known in a table of means: remove it",
        ),
        ("method,mean,std,n,seed\na,1,1,5,0\n", "the column 'seed' is not known"),
        ("method,mean,std,n,n\na,1,1,5,6\n", "the column 'n' is there twice"),
        (",method,mean,std,n\nx,a,1,1,5\n", "the column '' is not known"),
        ("method,mean,std,n\na,92,1,1,1,5\n", "line 2: 'a,92,1,1,1,5' has 6 cells, and there are 4 columns"),
        ("method,mean,std,n,unit\na,92,1,5,%\nb,93,1,5,\n", "the column 'unit' has %, nothing in rows"),
        ("method,mean,std,n\na,1,1,5\na,2,1,5\n", "line 3: 'a' has a row already"),
        ("method,mean,std,n\na,nan,1,5\n", "line 2: the mean of 'a' is nan"),
        ("method,mean,std,n\na,1,inf,5\n", "line 2: the std of 'a' is inf"),
        ("method,mean,std,n\na,1,-3.1,5\n", "line 2: the std of 'a' is -3.1"),
        ("method,mean,std,n\na,1e100,1e100,5\n", "line 2: the mean of 'a' is 1e+100"),
        ("method,mean,std,n\na,9_2,1,5\n", "line 2: 'a,9_2,1,5' lacks a number"),
        ("method,mean,std,n\na,1,1,5.5\n", "line 2: the n of 'a' is 5.5"),
        ("method,mean,std,n\na,1,1,1\n", "leave the std of a single seed empty"),
        ("method,mean,std,n\na,1,1,1e9\n", "a whole number from 2 to 1,000,000"),
        ("method,mean,std,n\na,.921,.01,5\nb,92.9,.3,5\n", "looks like a share of 1 in some rows"),
        ("method,mean,std,n,unit\na,.921,.01,5,%\nb,.949,.3,5,%\n", "said to be in percent"),
    ],
)
def test_a_table_in_csv_that_would_be_misread_is_refused_in_a_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    done = CliRunner().invoke(main, ["judge-table", str(path), "--metric", "acc"])
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("header", "options"),
    [
        ("opt,acc_mean,acc_std,count", ()), ("optimiser,acc,acc_std,num_seeds", ()), ("solver,Mean acc,Std acc,n_seeds", ()),
        ("algo,acc_mean,acc_std,n,f1_mean,f1_std", ("--metric", "acc")), ("opt,mean,std,n", ("--metric", "acc")),
    ],
)  # fmt: skip
def test_the_names_of_a_table_of_means_are_those_of_any_table(header, options, tmp_path):
    path, more = tmp_path / "t.csv", ",70,1" * ("f1" in header)
    path.write_text(f"{header}\nsgd,90.1,0.5,5{more}\nam1,92.3,0.4,6{more}\n")
    done = CliRunner().invoke(main, ["judge-table", str(path), *options, "--format", "json"])
    assert done.exit_code == 0, done.output
    (compared,) = json.loads(done.stdout)["groups"]
    assert [summary["method"] for summary in compared["summaries"]] == ["sgd", "am1"]
    assert compared["metric"]["name"] == "acc"


def test_of_means_of_several_metrics_one_is_chosen(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("opt,acc_mean,acc_std,f1_mean,f1_std,n\nsgd,90.1,0.5,70,1,5\nam1,92.3,0.4,71,1,5\n")
    done = CliRunner().invoke(main, ["judge-table", str(path)])
    assert done.exit_code == 2
    assert "has means of acc, f1: choose one with --metric" in done.stderr


def test_a_row_of_means_is_no_method(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("method,mean,std,n\nsgd,90.1,0.5,5\nam1,92.3,0.4,5\nMean,91,0.4,5\n")
    done = CliRunner().invoke(main, ["judge-table", str(path), "--metric", "acc"])
    assert done.exit_code == 2
    assert "line 4: a row 'Mean' sums up others" in done.stderr


def test_methods_whose_names_look_alike_draw_a_warning(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("method,mean,std,n\nAdam,90.1,0.5,5\nadam,92.3,0.4,5\n")
    done = CliRunner().invoke(main, ["judge-table", str(path), "--metric", "acc", "--format", "json"])
    (compared,) = json.loads(done.stdout)["groups"]
    assert any("'Adam' and 'adam' differ in case" in note["message"] for note in compared["notes"])


def test_a_table_without_epochs_is_of_final_values(tmp_path):
    path = tmp_path / "means.csv"
    path.write_text("method,mean,std,n\nadam,90,1,5\nsgd,91,1,5\n")
    printed = CliRunner().invoke(main, ["judge-table", str(path), "--metric", "accuracy"]).stdout
    assert printed.startswith("means, accuracy (higher is better, by its name), final values\n")
