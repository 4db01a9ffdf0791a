"""Which sections a report has, and in which order."""

import pytest

from amrobust.errors import UserError
from amrobust.report.layout import SECTIONS, Layout, parse_sections


def test_all_sections_by_default() -> None:
    assert Layout().sections == tuple(SECTIONS)


def test_names_are_kept_in_the_order_asked_for() -> None:
    assert parse_sections("results, answer") == ("results", "answer")


def test_a_minus_leaves_a_section_out() -> None:
    assert parse_sections("-methods,-tails") == tuple(s for s in SECTIONS if s not in ("methods", "tails"))
    assert parse_sections("answer,tails,-tails") == ("answer",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("anwser", "no section 'anwser'"),
        ("-x", "no section 'x'"),
        ("tails,tails", "twice"),
        ("tails,-tails", "leaves no"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_sections(text)
