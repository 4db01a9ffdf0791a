"""How a table is read can be said to every command that reads it, and to Python."""

import json

import pytest
from click.testing import CliRunner

import amrobust as package
from amrobust.cli import main

ROWS = [
    f"{variant},{trial},{t},{90 + factor * ((3 * trial + t) % 5)}"
    for variant, factor in (("a", 1.0), ("b", 0.5))
    for trial in range(5)
    for t in (1, 2, 3)
]


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "results.csv"
    path.write_text("\n".join(["variant,draw,t,accuracy", *ROWS]))
    return path


NAMES = ["--method-from", "variant", "--seed-from", "draw", "--step-from", "t"]


def test_without_it_every_command_says_the_option_that_helps(table):
    for command in (["compare"], ["tails"], ["export"], ["report", "-o", "x.pdf"]):
        done = CliRunner().invoke(main, [command[0], str(table), *command[1:]], catch_exceptions=False)
        assert done.exit_code == 2
        assert "--" in done.stderr.splitlines()[-1]


def test_it_is_said_to_every_command_alike(table):
    done = CliRunner().invoke(
        main, ["compare", str(table), *NAMES, "--format", "json"], catch_exceptions=False
    )
    (compared,) = json.loads(done.stdout)["groups"]
    assert {(arm["method"], len(arm["seeds"])) for arm in compared["arms"]} == {("a", 5), ("b", 5)}
    assert "read: method = variant · seed = draw · step = t 1…3" in done.stderr
    assert CliRunner().invoke(main, ["tails", str(table), *NAMES], catch_exceptions=False).exit_code == 0
    exported = CliRunner().invoke(main, ["export", str(table), *NAMES], catch_exceptions=False)
    assert len(exported.stdout.splitlines()) == 1 + len(ROWS)
    runs = package.load(table, method_from="variant", seed_from="draw", step_from="t")
    assert runs.methods == ("a", "b")


def test_what_does_not_fit_is_settled_where_it_is_met(table):
    table.write_text("\n".join(["variant,draw,t,accuracy", *ROWS, "a,0,3,99"]))
    refused = CliRunner().invoke(main, ["compare", str(table), *NAMES])
    assert refused.exit_code == 2
    assert "--duplicates" in refused.stderr
    done = CliRunner().invoke(
        main, ["compare", str(table), *NAMES, "--duplicates", "last", "--format", "json"]
    )
    assert done.exit_code == 0
    (compared,) = json.loads(done.stdout)["groups"]
    assert compared["arms"][0]["final_values"][0] == 99
