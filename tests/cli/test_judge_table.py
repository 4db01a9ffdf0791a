"""``amrobust judge-table``: the paper's tables and a reader's own, in every format and as a report."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.judge.published import judge_tables, load_tables
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
    (judgement,) = found["judgements"]
    shown = [verdict for verdict in judgement["verdicts"] if verdict["interval"] is not None]
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
    (judgement,) = json.loads(done.stdout)["judgements"]
    means = {
        claim["claim"]["method"]: claim for claim in judgement["verdicts"] if "mean" in claim["claim"]["kind"]
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
        ("method,mean,std\na,1,2\n", "has no column 'n'; there are method, mean, std"),
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
