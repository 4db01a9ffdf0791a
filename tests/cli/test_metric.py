"""Which way a metric is better and in which unit it is: known, said with --metric, or asked for; and said again."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import amrobust
from amrobust.cli import main
from amrobust.errors import UserError

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
TABLES, LOGS = CORPUS / "tables", CORPUS / "logs"


def call(*arguments):
    return CliRunner().invoke(main, [str(word) for word in arguments], catch_exceptions=False)


def answered(*arguments):
    done = call(*arguments)
    assert done.exit_code == 0, done.stderr
    return done


def refused(*arguments):
    done = call(*arguments)
    assert done.exit_code == 2, done.stdout
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("Error: "))
    return line


def compared(*arguments):
    return json.loads(answered("compare", *arguments, "--format", "json").stdout)["groups"][0]


def table(path, column, finals, steps=2):
    """Made-up curves of two methods, ``finals`` being the values of their seeds."""
    rows = [
        f"{method},{seed},{step},{value - (steps - step) * 0.01}"
        for method, values in finals.items()
        for seed, value in enumerate(values)
        for step in range(1, steps + 1)
    ]
    path.write_text("\n".join([f"method,seed,step,{column}", *rows]))
    return path


@pytest.fixture
def unknown(tmp_path):
    """A metric y of which b has more than a, far beyond chance."""
    return table(
        tmp_path / "t.csv", "y", {"a": [10.0, 10.1, 10.2, 10.3, 10.4], "b": [20.0, 20.1, 20.3, 20.2, 20.4]}
    )


@pytest.mark.parametrize(
    ("name", "better", "by"),
    [
        ("regret.csv", "lower", "name"), ("wer.csv", "lower", "name"), ("fid.csv", "lower", "name"),
        ("testerr.csv", "lower", "name"), ("cross_entropy.csv", "lower", "name"), ("acc_norm.csv", "higher", "name"),
        ("hns.csv", "higher", "name"), ("bo.parquet", "lower", "source"),
    ],
)  # fmt: skip
def test_tables_that_people_bring_are_judged_in_the_right_direction(name, better, by):
    found = compared(TABLES / name)
    assert (found["metric"]["better"], found["metric"]["better_by"]) == (better, by)
    means = {s["method"]: s["final_mean"]["estimate"] for s in found["summaries"]}
    (verdict,) = (v for v in found["verdicts"] if v["claim"]["kind"] == "better mean")
    ours, theirs = means[verdict["claim"]["method"]], means[verdict["claim"]["baseline"]]
    if verdict["outcome"] != "inconclusive":
        assert (verdict["outcome"] == "supported") == (ours > theirs if better == "higher" else ours < theirs)


@pytest.mark.parametrize("command", ["compare", "report", "tails"])
def test_every_command_asks_for_a_direction_that_it_cannot_know_and_takes_the_answer(
    command, unknown, tmp_path
):
    output = ["-o", tmp_path / "r.html"] if command == "report" else []
    asked = refused(command, unknown, *output)
    assert "whether y is better high or low cannot be told from its name" in asked
    assert "--metric y:lower or --metric y:higher" in asked
    answered(command, unknown, "--metric", "y:lower", *output)


@pytest.mark.parametrize(("way", "outcome"), [("higher", "supported"), ("lower", "refuted")])
def test_the_answer_decides(way, outcome, unknown):
    found = compared(unknown, "--baseline", "a", "--metric", f"y:{way}")
    assert (found["metric"]["better"], found["metric"]["better_by"]) == (way, "declared")
    assert [v["outcome"] for v in found["verdicts"] if v["claim"]["kind"] == "better mean"] == [outcome]
    python = amrobust.compare(unknown, baseline="a", metric=f"y:{way}")
    assert python.verdicts[0].outcome == outcome


def test_a_declaration_goes_before_the_name_and_is_said(tmp_path):
    shown = answered("compare", TABLES / "wer.csv", "--metric", "wer:higher").stdout
    assert "wer (higher is better, as declared)" in shown
    assert compared(TABLES / "wer.csv", "--metric", "wer:higher")["metric"]["better"] == "higher"


def test_the_worst_runs_are_those_on_the_declared_side(unknown):
    low, high = (
        list(
            csv.DictReader(
                io.StringIO(
                    answered(
                        "tails", unknown, "--metric", f"y:{way}", "--threshold", 15, "--format", "csv"
                    ).stdout
                )
            )
        )
        for way in ("lower", "higher")
    )
    assert low[0]["quantity"] == "P(ends above 15)"
    assert high[0]["quantity"] == "P(ends below 15)"
    assert [float(row["estimate"]) for row in low if "15" in row["quantity"] and "P(" in row["quantity"]] == [
        0,
        1,
    ]


def test_what_is_imported_without_a_direction_is_asked_about_when_it_is_judged(unknown, tmp_path):
    runs = tmp_path / "runs"
    answered("import", unknown, "--runs-dir", runs)
    assert "say --metric y:lower" in refused("compare", runs)
    assert compared(runs, "--metric", "y:lower")["metric"]["better"] == "lower"
    exported = answered("export", runs, "--metric", "y:lower").stdout
    assert exported.replace(",lower,", ",,") == answered("export", runs, "--metric", "y").stdout != exported
    declared = tmp_path / "declared"
    answered("import", unknown, "--metric", "cost=y:lower", "--runs-dir", declared)
    found = compared(declared)["metric"]
    assert (found["name"], found["better"], found["better_by"]) == ("cost", "lower", "declared")


def test_a_metric_may_be_renamed_where_it_is_read(unknown, tmp_path):
    assert compared(unknown, "--metric", "cost=y")["metric"]["name"] == "cost"
    answered("import", unknown, "--runs-dir", tmp_path / "runs")
    assert compared(tmp_path / "runs", "--metric", "gain=y:higher")["metric"]["name"] == "gain"


@pytest.mark.parametrize("command", ["compare", "report", "tails", "export"])
def test_an_option_that_names_no_metric_lists_those_that_there_are(command, unknown, tmp_path):
    answered("import", unknown, "--runs-dir", tmp_path / "runs")
    output = ["-o", tmp_path / "r.html"] if command == "report" else []
    for option in ("acuracy", "acuracy:lower", "y:up"):
        assert refused(command, tmp_path / "runs", "--metric", option, *output).endswith("choose one of y")
        assert "choose among y" in refused(command, unknown, "--metric", option, *output)


@pytest.mark.parametrize("option", [("--higher", "acuracy"), ("--lower", "acuracy"), ("--unit", "acuracy=%")])
def test_an_import_that_is_told_of_a_metric_that_is_not_there_is_refused(option, unknown, tmp_path):
    said = refused("import", unknown, *option, "--runs-dir", tmp_path / "runs")
    assert f"{option[0]} names acuracy" in said.replace("'", "")
    assert "choose among y" in said
    assert not (tmp_path / "runs").exists()


def test_a_metric_is_not_declared_to_be_better_both_ways(unknown, tmp_path):
    said = refused("import", unknown, "--metric", "y:lower", "--higher", "y", "--runs-dir", tmp_path / "runs")
    assert "y is said to be better high and better low" in said


@pytest.mark.parametrize("name", ["lightning_lr", "mlruns"])
def test_a_learning_rate_is_no_metric(name):
    done = answered("compare", LOGS / name, "--format", "json")
    found = json.loads(done.stdout)
    assert [each["metric"]["name"] for each in found["groups"]] == ["val_acc"]
    assert "read: " in done.stderr
    assert "val_acc (higher is better, by its name" in done.stderr


def test_a_parameter_before_the_metric_is_never_the_default(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{m},{s},{e},{0.1 / e},{90 + (s * e) % 7}" for m in ("a", "b") for s in range(5) for e in (1, 2)]
    path.write_text("\n".join(["method,seed,epoch,learning_rate,zz_accuracy", *rows]))
    done = answered("compare", path, "--format", "json")
    assert json.loads(done.stdout)["groups"][0]["metric"]["name"] == "zz_accuracy"
    assert "learning_rate: a parameter by its name, and left out" in done.stderr


def test_the_default_is_the_first_test_metric_as_logged(tmp_path):
    path = tmp_path / "t.csv"
    rows = [
        f"{m},{s},{e},{s * e % 5},{s * e % 7},{s * e % 6}"
        for m in ("a", "b")
        for s in range(5)
        for e in (1, 2, 3)
    ]
    path.write_text("\n".join(["method,seed,epoch,train_loss,test_loss,test_acc", *rows]))
    assert compared(path)["metric"]["name"] == "test_loss"


@pytest.mark.parametrize("form", ["table", "markdown", "html", "latex"])
def test_every_format_says_how_the_direction_is_known(form):
    shown = answered("compare", TABLES / "wer.csv", "--format", form).stdout
    assert "wer (lower is better, by its name)" in shown


def test_a_page_says_how_the_direction_is_known(tmp_path):
    answered("report", TABLES / "frac.csv", "-o", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "test acc (higher is better, by its name; share)" in page
    assert "test_acc (higher is better, by its name; share)" in page  # among the facts, what was read


def test_one_line_says_what_was_read():
    line = (
        "method = method · seed = seed · step = epoch 1…5 · test_acc (higher is better, by its name; share)"
    )
    for command in (["compare"], ["tails"], ["import", "--dry-run"]):
        assert f"read: {line}\n" in answered(command[0], TABLES / "frac.csv", *command[1:]).stderr
    assert json.loads(answered("compare", TABLES / "frac.csv", "--format", "json").stdout)["read"] == [line]
    assert "read: " not in answered("-q", "compare", TABLES / "frac.csv").stderr


class TestUnits:
    def test_a_margin_beyond_the_range_of_shares_is_said_with_its_unit(self):
        found = compared(TABLES / "frac.csv", "--margin", "0.5")
        assert (found["metric"]["unit"], found["metric"]["unit_by"]) == ("share", "values")
        assert "within 0.5 share" in found["verdicts"][0]["sentence"]
        (warning,) = (c for c in found["warnings"] if c["kind"] == "margin-beyond-range")
        assert (
            "0.5 share is larger than the range of all values that are judged, 0.8917 to 0.9439"
            in warning["message"]
        )
        assert "percentage point" not in json.dumps(found["verdicts"])

    @pytest.mark.parametrize("margin", [0.005, 0.052])
    def test_a_margin_within_the_range_draws_nothing(self, margin):
        kinds = [c["kind"] for c in compared(TABLES / "frac.csv", "--margin", margin)["warnings"]]
        assert "margin-beyond-range" not in kinds

    def test_shares_and_percentages_of_one_file_are_refused(self):
        assert "4 seeds log success_rate as a share of 1, 4 in percent" in refused(
            "compare", TABLES / "pct_share2.csv"
        )

    @pytest.mark.parametrize("way", ["files", "runs"])
    def test_shares_and_percentages_of_two_sources_never_meet(self, way, tmp_path):
        shares = table(tmp_path / "one.csv", "test_acc", {"a": [0.91, 0.92, 0.93, 0.94, 0.9]})
        percents = table(tmp_path / "two.csv", "test_acc", {"b": [91.0, 92, 93, 94, 90]})
        if way == "files":
            said = refused("compare", shares, percents)
        else:
            with pytest.raises(UserError) as caught:
                amrobust.compare(amrobust.load(shares) + amrobust.load(percents))
            said = str(caught.value)
        places = {"files": ("one + two", "one + two"), "runs": ("one", "two")}[way]
        assert "test_acc is not in one unit (a on {} in share, b on {} in %)".format(*places) in said

    def test_percent_of_nothing_but_shares_is_refused(self, tmp_path):
        runs = tmp_path / "runs"
        said = "test_acc is said to be in percent, and none of its values is above 0.9439"
        assert said in refused("import", TABLES / "frac.csv", "--unit", "test_acc=%", "--runs-dir", runs)
        assert not runs.exists()
        for seed in range(4):
            for method in ("a", "b"):
                with amrobust.record(
                    runs, method=method, seed=seed, workload="w", units={"test_acc": "%"}
                ) as run:
                    run.log(1, test_acc=0.9 + seed / 100)
        assert "none of its values is above 0.93" in refused("compare", runs)

    @pytest.mark.parametrize("command", ["compare", "tails"])
    def test_a_unit_is_declared_where_it_is_read(self, command):
        shown = answered(command, TABLES / "acc_norm.csv", "--unit", "acc_norm=%").stdout
        assert "acc norm (higher is better, by its name; %)" in shown
        assert "choose among acc_norm" in refused(command, TABLES / "acc_norm.csv", "--unit", "acc=%")

    def test_a_unit_that_is_declared_makes_no_percentages_of_shares(self, tmp_path):
        shares = table(tmp_path / "one.csv", "test_acc", {"a": [0.91, 0.92, 0.93, 0.94, 0.9]})
        percents = table(tmp_path / "two.csv", "test_acc", {"b": [91.0, 92, 93, 94, 90]})
        said = refused("compare", shares, percents, "--unit", "test_acc=%")
        assert "test_acc is said to be in percent, and of one method none of its values is above 0.94" in said
        python = amrobust.load(percents, units={"test_acc": "%"})
        assert [arm.metrics["test_acc"].unit for arm in python] == ["%"]

    def test_shares_that_are_brought_to_percent_may_have_that_unit(self, tmp_path):
        bring = ["--mixed-units", "percent", "--unit", "success_rate=%"]
        answered("import", TABLES / "pct_share2.csv", *bring, "--runs-dir", tmp_path / "runs")
        assert compared(tmp_path / "runs")["metric"]["unit"] == "%"

    @pytest.mark.parametrize("margin", [[], ["--margin", "0.5"]])
    def test_percent_in_the_name_of_a_published_table_of_shares_is_refused(self, margin):
        said = refused("judge-table", CORPUS / "documents" / "t5.toml", *margin)
        assert "test accuracy (%) is said to be in percent, and none of its values is above 0.939" in said

    def test_what_was_kept_as_it_is_stays_so(self, tmp_path):
        runs = tmp_path / "runs"
        answered("import", TABLES / "pct_share2.csv", "--mixed-units", "keep", "--runs-dir", runs)
        found = compared(runs)["metric"]
        assert (found["unit"], found["unit_by"]) == ("", "declared")


class TestPublishedTables:
    def table(self, path, metric):
        rows = "\n".join(
            f'[[t.rows]]\nmethod = "{name}"\nfinal_mean = {mean}\nfinal_std = 1.0'
            for name, mean in (("A", 10), ("B", 20))
        )
        path.write_text(f'[t]\nmetric = "{metric}"\nseeds = 10\n{rows}\n')
        return path

    def test_a_direction_that_is_not_known_is_asked_for(self, tmp_path):
        path = self.table(tmp_path / "t.toml", "y")
        assert "--metric y:lower or --metric y:higher" in refused("judge-table", path)
        for way, outcome in (("higher", "supported"), ("lower", "refuted")):
            found = json.loads(
                answered("judge-table", path, "--metric", f"y:{way}", "--format", "json").stdout
            )
            assert found["groups"][0]["verdicts"][0]["outcome"] == outcome

    def test_a_table_that_prints_no_means_is_no_table_of_shares(self, tmp_path):
        path = tmp_path / "t.toml"
        rows = "\n".join(f'[[t.rows]]\nmethod = "{name}"\nfinal_std = 1.0' for name in "AB")
        path.write_text(f'[t]\nmetric = "accuracy (%)"\nseeds = 10\n{rows}\n')
        assert "not assessable" in answered("judge-table", path, "--margin", "1").stdout

    def test_an_option_that_names_no_metric_of_a_table_lists_them(self, tmp_path):
        path = self.table(tmp_path / "t.toml", "wer")
        assert "choose one of wer" in refused("judge-table", path, "--metric", "cer:lower")

    def test_a_margin_beyond_what_the_rows_reach_is_said(self, tmp_path):
        path = self.table(tmp_path / "t.toml", "wer")
        kinds = {
            margin: [
                warning["kind"]
                for warning in json.loads(
                    answered("judge-table", path, "--margin", margin, "--format", "json").stdout
                )["groups"][0]["warnings"]
            ]
            for margin in ("13.9", "14.1")  # from 10 - 2 to 20 + 2
        }
        assert "margin-beyond-range" not in kinds["13.9"]
        assert "margin-beyond-range" in kinds["14.1"]
