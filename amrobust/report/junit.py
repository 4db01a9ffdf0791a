"""The comparison as JUnit's XML, which every CI shows: a suite a judgement, a test case a verdict."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as xml

from amrobust.judge.judgement import Comparison, Judgement, Verdict
from amrobust.report.notes import notes
from amrobust.report.remarks import recorded_lines
from amrobust.report.text import visible

Fails = Callable[[Verdict], bool]


def refuted(verdict: Verdict) -> bool:
    """What fails where nothing else is asked for."""
    return verdict.outcome == "refuted"


def render(comparison: Comparison, fails: Fails = refuted) -> str:
    """An XML document: of each verdict its sentence, and how it came about; what ``fails`` is a failure.

    Of the other verdicts those that are supported have passed, and what is inconclusive or not assessable was skipped. How the
    claims came about, and warnings with their hints, are the suite's ``system-out``; what was left out of the comparison is in
    ``system-err`` of the last suite.
    """
    root = xml.Element("testsuites", name="amrobust")
    for judgement in comparison.judgements:
        _suite(root, judgement, fails)
    if comparison.problems:
        last = root[-1] if len(root) else xml.SubElement(root, "testsuite", name="set aside", tests="0")
        xml.SubElement(last, "system-err").text = "\n".join(map(visible, comparison.problems))
    xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _suite(root: xml.Element, judgement: Judgement, fails: Fails) -> None:
    where = visible(f"{judgement.workload}, {judgement.metric.name}")
    suite = xml.SubElement(root, "testsuite", name=visible(judgement.question))
    counts = {"tests": 0, "failures": 0, "skipped": 0, "errors": 0}
    for verdict in judgement.verdicts:
        claim = verdict.claim
        against = f" against {claim.baseline}" if claim.baseline != claim.method else ""
        case = xml.SubElement(
            suite, "testcase", classname=where, name=visible(f"{claim.kind}: {claim.method}{against}")
        )
        counts["tests"] += 1
        if fails(verdict):
            counts["failures"] += 1
            xml.SubElement(case, "failure", type=verdict.outcome, message=visible(verdict.sentence))
        elif verdict.outcome != "supported":
            counts["skipped"] += 1
            xml.SubElement(case, "skipped", message=visible(verdict.sentence))
        xml.SubElement(case, "system-out").text = "\n".join(map(visible, _lines(verdict)))
    for name, count in counts.items():
        suite.set(name, str(count))
    lines = [
        *recorded_lines(judgement),
        *(f"{note.warning.message} {note.hint}" for note in notes(judgement)),
    ]
    if judgement.declaration is not None:
        lines.insert(0, judgement.declaration.sentence)
    if lines:
        xml.SubElement(suite, "system-out").text = "\n".join(map(visible, lines))


def _lines(verdict: Verdict) -> list[str]:
    """The outcome, the sentence and the numbers that it rests on, for whoever opens the case."""
    found = [verdict.outcome, verdict.sentence]
    if verdict.test is not None:
        found.append(f"test: {verdict.test.test}; {verdict.test.assumption}")
    if verdict.p is not None:
        found.append(f"p = {verdict.p!r}, adjusted over {verdict.family_size} claims: {verdict.p_adjusted!r}")
    return found
