"""``amrobust calibrate`` writes its page and its table."""

import pandas as pd
from click.testing import CliRunner

from amrobust.cli.main import main


def run(*arguments):
    return CliRunner().invoke(main, ["calibrate", *map(str, arguments)])


def test_it_writes_a_page_and_a_table(tmp_path):
    done = run("--replications", 100, "--topic", "several x0", "-o", tmp_path / "out", "-j", 1, "-q")
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "## Several x0" in page
    assert "## Trend" not in page
    table = pd.read_parquet(tmp_path / "out" / "figures.parquet")
    assert {"construction", "condition", "n", "measure", "value", "low", "high", "outside"} <= set(
        table.columns
    )
    assert set(table.topic) == {"several x0"}


def test_an_unknown_topic_is_named_with_the_known_ones(tmp_path):
    done = run("--topic", "tials", "-o", tmp_path)
    assert done.exit_code == 2
    assert "planned looks" in done.output
