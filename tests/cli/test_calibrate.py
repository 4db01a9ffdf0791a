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
    table = pd.read_csv(tmp_path / "out" / "figures.csv")
    assert {"construction", "condition", "n", "measure", "value", "low", "high", "outside"} <= set(
        table.columns
    )
    assert set(table.topic) == {"several x0"}


def test_an_unknown_topic_is_named_with_the_known_ones(tmp_path):
    done = run("--topic", "tials", "-o", tmp_path)
    assert done.exit_code == 2
    assert "planned looks" in done.output


def test_a_topic_measured_alone_leaves_the_others_as_they_were_and_the_page_says_what_was_run(tmp_path):
    assert run("--replications", 100, "--topic", "several x0", "-o", tmp_path, "-j", 1, "-q").exit_code == 0
    before = pd.read_csv(tmp_path / "figures.csv")
    more = ("--replications", 200, "--topic", "means", "--seed", 3, "-o", tmp_path, "-j", 1, "-q")
    assert run(*more).exit_code in (0, 1)
    after = pd.read_csv(tmp_path / "figures.csv")
    kept = after[after.topic == "several x0"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before, check_dtype=False)
    assert set(after[after.topic == "means"].seed) == {3}
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert '`amrobust calibrate --topic "several x0" --seed 0`: 50 replications.' in page
    assert '`amrobust calibrate --topic "means" --seed 3`: 50 to 200 replications.' in page


def test_a_directory_with_something_else_in_place_of_the_table_is_one_line(tmp_path):
    (tmp_path / "figures.csv").write_text("no table", encoding="utf-8")
    done = run("--replications", 100, "--topic", "several x0", "-o", tmp_path, "-j", 1, "-q")
    assert done.exit_code == 1
    assert "figures.csv" in done.output or str(tmp_path) in done.output
    assert "Traceback" not in done.output
