"""The comparison as JUnit's XML: a test case a verdict, and what fails is what is asked for."""

from dataclasses import replace
from xml.etree import ElementTree as xml

from amrobust.judge.comparison import Comparison
from amrobust.report import render


def cases(text):
    """Of each test case its outcome, read as a CI would."""
    root = xml.fromstring(text)
    assert root.tag == "testsuites"
    found = {}
    for suite in root:
        counts = dict.fromkeys(("failure", "skipped"), 0)
        for case in suite.findall("testcase"):
            outcome = next((name for name in counts if case.find(name) is not None), "passed")
            counts[outcome] = counts.get(outcome, 0) + 1
            found[case.get("name")] = outcome
        assert int(suite.get("tests")) == len(suite.findall("testcase"))
        assert (int(suite.get("failures")), int(suite.get("skipped"))) == (
            counts["failure"],
            counts["skipped"],
        )
    return found


def test_what_is_refuted_fails_and_what_is_undecided_was_skipped(comparison: Comparison) -> None:
    verdicts = comparison.groups[0].verdicts
    expected = {
        "supported": "passed",
        "refuted": "failure",
        "inconclusive": "skipped",
        "not assessable": "skipped",
    }
    found = cases(render(comparison, "junit"))
    assert len(found) == len(verdicts)
    for name, outcome in found.items():
        kind, _, methods = name.partition(": ")
        verdict = next(
            v for v in verdicts if v.claim.kind == kind and methods.startswith(f"{v.claim.method} against")
        )
        assert outcome == expected[verdict.outcome]


def test_what_a_gate_stops_at_fails(comparison: Comparison) -> None:
    assert set(cases(render(comparison, "junit", fails=lambda verdict: True)).values()) == {"failure"}
    assert "failure" not in cases(render(comparison, "junit", fails=lambda verdict: False)).values()


def test_declared_claims_without_a_verdict_close_a_gate(comparison: Comparison) -> None:
    lacking = replace(comparison, unassessed=("less spread on digits: no runs",))
    name = "less spread on digits: no runs"
    assert cases(render(lacking, "junit"))[name] == "skipped"
    assert cases(render(lacking, "junit", fails=lambda verdict: False))[name] == "failure"


def test_hostile_names_are_text(hostile: Comparison) -> None:
    assert cases(render(hostile, "junit"))
