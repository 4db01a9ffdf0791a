"""The comparison as JUnit's XML: a test case a verdict, and what fails is what is asked for."""

from dataclasses import replace
from xml.etree import ElementTree as xml

from amrobust.judge.comparison import Comparison
from amrobust.report import render
from amrobust.report.view import claim_words
from amrobust.stats.results import ResultWarning


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
        words, _, methods = name.partition(": ")
        verdict = next(
            v
            for v in verdicts
            if claim_words(v.claim, comparison.groups[0]) == words
            and methods.startswith(f"{v.claim.method} against")
        )
        assert outcome == expected[verdict.outcome]


def test_what_a_gate_stops_at_fails(comparison: Comparison) -> None:
    assert set(cases(render(comparison, "junit", fails=lambda verdict: True)).values()) == {"failure"}
    assert "failure" not in cases(render(comparison, "junit", fails=lambda verdict: False)).values()


def test_another_measurement_of_the_same_weights_fails_nothing(comparison: Comparison) -> None:
    (usual,) = comparison.groups
    (found,) = {arm.workload for arm in usual.arms}
    label = f"{found}[measured=recomputed]"
    arms = tuple(replace(arm, workload=label, measurement="recomputed") for arm in usual.arms)
    other = replace(usual, workload=label, arms=arms)
    both = replace(comparison, groups=(usual, other))
    assert both.deciding == (usual,)
    suites = xml.fromstring(render(both, "junit", fails=lambda verdict: True))
    count = str(len(usual.verdicts))
    assert [(suite.get("failures"), suite.get("tests")) for suite in suites] == [(count, count), ("0", count)]


def test_a_phase_a_scope_and_a_family_of_one_are_said_in_words(comparison: Comparison) -> None:
    (compared,) = comparison.groups
    verdict = next(v for v in compared.verdicts if v.claim.kind == "less Avg. STD" and v.p is not None)
    noted = replace(
        verdict,
        claim=replace(verdict.claim, epochs=(2, 3)),
        warnings=(ResultWarning("odd", "Of this claim alone.", "look at it"),),
        family_size=1,
    )
    verdicts = tuple(noted if each is verdict else each for each in compared.verdicts)
    text = render(replace(comparison, groups=(replace(compared, verdicts=verdicts),)), "junit")
    assert 'name="less Avg. STD, epochs 2–3: ' in text
    assert "adjusted over 1 claim: " in text
    assert f"Of this claim alone. Look at it. Concerns: {noted.claim.form.brief(noted.claim)}." in text


def test_declared_claims_without_a_verdict_close_a_gate(comparison: Comparison) -> None:
    lacking = replace(comparison, unassessed=("less spread on digits: no runs",))
    name = "less spread on digits: no runs"
    assert cases(render(lacking, "junit"))[name] == "skipped"
    assert cases(render(lacking, "junit", fails=lambda verdict: False))[name] == "failure"


def test_hostile_names_are_text(hostile: Comparison) -> None:
    assert cases(render(hostile, "junit"))
