"""The published schema is that of what is written, and holds for every comparison."""

import json
from collections.abc import Callable
from dataclasses import replace

import jsonschema
import pytest

from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.judge.published import judge_tables
from amrobust.judge.published_tables import load_tables
from amrobust.report import render
from amrobust.report.json_schema import published, schema, text


def test_the_published_file_is_up_to_date() -> None:
    hint = "run: python docs/tools/generate.py"
    assert published() == schema(), hint


def test_it_is_a_schema_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(published())
    assert json.loads(text()) == published()


def check(comparison: Comparison) -> None:
    jsonschema.validate(json.loads(render(comparison, "json")), published())


def test_made_up_comparisons_are_valid(
    comparison: Comparison, hostile: Comparison, judged: Callable[..., GroupComparison]
) -> None:
    for each in (comparison, hostile, Comparison((judged(("a", "b"), diverged=("b",)),)), Comparison(())):
        check(each)


def test_published_tables_are_valid() -> None:
    check(judge_tables(load_tables(None, None)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), 99),
        (("groups", 0, "verdicts", 0, "outcome"), "maybe"),
        (("groups", 0, "verdicts", 0, "p"), "small"),
        (("groups", 0, "arms", 0, "seeds"), [0.5]),
    ],
)
def test_what_is_wrong_is_found(comparison: Comparison, path: tuple[str | int, ...], value: object) -> None:
    document = json.loads(render(comparison, "json"))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, published())


def test_every_property_that_is_written_is_described(comparison: Comparison) -> None:
    """Properties may be added within a version, but never without a description of their type."""
    document = json.loads(render(replace(comparison), "json"))
    definitions = published()["$defs"]
    assert set(document) == set(published()["properties"])
    for compared in document["groups"]:
        assert set(compared) == set(definitions["GroupComparison"]["properties"])
        for arm in compared["arms"]:
            assert set(arm) == set(definitions["Arm"]["properties"])
