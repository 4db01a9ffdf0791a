"""The comparison as JUnit's XML, which every CI shows: a suite a group, a test case a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.etree import ElementTree as xml

from amrobust.judge.comparison import Comparison, GroupComparison, Verdict
from amrobust.judge.words import counted
from amrobust.report.notes import notes
from amrobust.report.remarks import recorded_lines
from amrobust.report.text import escape
from amrobust.report.view import claim_words

Fails = Callable[[Verdict], bool]


def refuted(verdict: Verdict) -> bool:
    """What fails where nothing else is asked for."""
    return verdict.outcome == "refuted"


def render(comparison: Comparison, fails: Fails = refuted) -> str:
    """An XML document: of each verdict its sentence, and how it came about; what ``fails`` of those that decide is a failure.

    Where the same weights are measured in several ways, verdicts of the usual one decide. Of the other verdicts those that are
    supported have passed, and the rest was skipped. How the claims came about, and warnings with their hints and what they
    concern, are the suite's ``system-out``; what was left out of the comparison is in ``system-err`` of the last suite.
    """
    root = xml.Element("testsuites", name="amrobust")
    deciding = set(map(id, comparison.deciding))
    for compared in comparison.groups:
        _suite(root, compared, fails if id(compared) in deciding else lambda verdict: False)
    if comparison.unassessed:
        _unassessed(root, "claims that were not assessed", comparison.unassessed, fails is not refuted)
    if comparison.problems:
        last = root[-1] if len(root) else xml.SubElement(root, "testsuite", name="set aside", tests="0")
        xml.SubElement(last, "system-err").text = "\n".join(map(escape, comparison.problems))
    xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _unassessed(root: xml.Element, title: str, reasons: Sequence[str], failures: bool) -> None:
    """Declared claims that have no verdict: they close a gate."""
    suite = xml.SubElement(root, "testsuite", name=title)
    _count(suite, tests=len(reasons), failures=len(reasons) * failures, skipped=len(reasons) * (not failures))
    for reason in map(escape, reasons):
        case = xml.SubElement(suite, "testcase", classname=title, name=reason)
        xml.SubElement(case, "failure" if failures else "skipped", message=reason)


def _suite(root: xml.Element, compared: GroupComparison, fails: Fails) -> None:
    where = escape(f"{compared.workload}, {compared.metric.name}")
    suite = xml.SubElement(root, "testsuite", name=escape(compared.question))
    failures = skipped = 0
    for verdict in compared.verdicts:
        claim = verdict.claim
        against = f" against {claim.baseline}" if claim.baseline != claim.method else ""
        case = xml.SubElement(
            suite,
            "testcase",
            classname=where,
            name=escape(f"{claim_words(claim, compared)}: {claim.method}{against}"),
        )
        if fails(verdict):
            failures += 1
            xml.SubElement(case, "failure", type=verdict.outcome, message=escape(verdict.sentence))
        elif verdict.outcome != "supported":
            skipped += 1
            xml.SubElement(case, "skipped", message=escape(verdict.sentence))
        xml.SubElement(case, "system-out").text = "\n".join(map(escape, _lines(verdict)))
    _count(suite, tests=len(compared.verdicts), failures=failures, skipped=skipped)
    lines = [
        *recorded_lines(compared),
        *(
            " ".join(filter(None, (note.warning.message, note.hint, note.scope and f"{note.scope}.")))
            for note in notes(compared)
        ),
    ]
    if compared.declaration is not None:
        lines.insert(0, compared.declaration.sentence)
    if lines:
        xml.SubElement(suite, "system-out").text = "\n".join(map(escape, lines))


def _count(suite: xml.Element, **counts: int) -> None:
    for name, count in {**counts, "errors": 0}.items():
        suite.set(name, str(count))


def _lines(verdict: Verdict) -> list[str]:
    """The outcome, the sentence and the numbers that it rests on, for whoever opens the case."""
    found = [verdict.outcome, verdict.sentence]
    if verdict.test is not None:
        found.append(f"test: {verdict.test.test}; {verdict.test.assumption}")
    if verdict.p is not None:
        found.append(
            f"p = {verdict.p!r}, adjusted over {counted(verdict.family_size, 'claim')}: {verdict.p_adjusted!r}"
        )
    return found
