"""Reports of hundreds of methods: the first page is of all, figures are of the foremost, an annex has every verdict."""

import numpy as np
import pytest

import amrobust
from amrobust.report.annex import MOST_METHODS
from amrobust.report.document import document

MANY = 60


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(0)
    runs = {f"m{number:02}": rng.normal(50, 1, 5) for number in range(MANY)}
    runs["m50"] += 30
    return amrobust.compare(runs, metric="accuracy:higher", baseline="m07")


@pytest.fixture(scope="module")
def report(many):
    return document(many.data)


def texts(blocks):
    return repr(blocks)


def test_figures_and_tables_are_of_the_baseline_and_the_smallest_p_values(many, report):
    first, *rest = report["sections"]
    assert f"{MANY} methods" in texts(first)
    assert f"Of {MANY} methods the report goes into the baseline and the {MOST_METHODS - 1}" in texts(first)
    assert f"Of {2 * (MANY - 1)} claims" in texts(first)
    (results,) = (section for section in rest if section["title"] == "Results")
    (table,) = (block for block in results["blocks"] if block["kind"] == "table")
    assert len(table["rows"]) == MOST_METHODS
    names = [row["cells"][0]["text"] for row in table["rows"]]
    assert {"m07", "m50"} <= set(names)
    assert names[0] == "m07"  # the baseline stands first
    assert names[1:] == sorted(names[1:])
    (compared,) = many.data.groups
    p = {verdict.claim.method: 1.0 for verdict in compared.verdicts}
    for verdict in compared.verdicts:
        p[verdict.claim.method] = min(p[verdict.claim.method], verdict.p)
    assert max(p[name] for name in names if name != "m07") <= min(p[name] for name in p if name not in names)


def test_the_annex_has_every_verdict(report):
    (section,) = (section for section in report["sections"] if section["title"] == "Annex: all verdicts")
    (table,) = section["blocks"]
    assert len(table["rows"]) == MANY - 1


def test_of_fewer_methods_there_is_none():
    rng = np.random.default_rng(0)
    few = amrobust.compare(
        {f"m{n:02}": rng.normal(50, 1, 5) for n in range(MOST_METHODS)}, metric="accuracy:higher"
    )
    found = document(few.data)
    assert all("Annex" not in section["title"] for section in found["sections"])
    assert "goes into the baseline" not in repr(found)
