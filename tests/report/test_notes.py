"""Every warning appears once and says what it concerns."""

from collections.abc import Callable
from dataclasses import replace

from amrobust.judge.comparison import GroupComparison
from amrobust.report.notes import notes
from amrobust.stats import ResultWarning
from amrobust.stats.results import Number


def few_seeds(method: str) -> ResultWarning:
    return ResultWarning.of("few-seeds", "{method} has 5 seeds.", "run at least 10 seeds", method=method)


DISAGREE = ResultWarning(
    "opinions-disagree", "The sensitivity test disagrees.", "treat the claim as borderline"
)
GROUP = ResultWarning("one-x0", "All seeds start from one x0.", "use another x0")


def test_equal_warnings_are_one_note_that_names_its_claims(judged: Callable[..., GroupComparison]) -> None:
    compared = judged(("msgd", "sgd", "am1"), warnings=())
    first, second, *others = compared.verdicts
    compared = replace(
        compared,
        verdicts=(
            replace(first, warnings=(DISAGREE,)),
            replace(second, warnings=(DISAGREE, DISAGREE)),
            *others,
        ),
    )
    (note,) = notes(compared)
    assert note.warning == DISAGREE
    assert note.about == ("better mean: sgd vs msgd", "less spread: sgd vs msgd")
    assert note.scope == "Concerns: better mean: sgd vs msgd; less spread: sgd vs msgd"


def test_warnings_of_results_are_listed_too(judged: Callable[..., GroupComparison]) -> None:
    compared = judged(("msgd", "sgd"), warnings=())
    first = compared.verdicts[0]
    assert first.interval is not None
    carrying = replace(first, test=replace(first.interval, warnings=(DISAGREE,)))
    compared = replace(compared, verdicts=(carrying, *compared.verdicts[1:]))
    assert [note.warning for note in notes(compared)] == [DISAGREE]


def test_a_method_s_warning_is_not_repeated_for_its_claims(judged: Callable[..., GroupComparison]) -> None:
    compared = judged(("msgd", "sgd", "am1"), warnings=(GROUP,))
    warning = few_seeds("sgd")
    compared = replace(
        compared,
        summaries=tuple(
            replace(s, warnings=(warning,) if s.method == "sgd" else ()) for s in compared.summaries
        ),
        verdicts=tuple(replace(v, warnings=(warning, GROUP)) for v in compared.verdicts),
    )
    assert [(note.warning, note.about) for note in notes(compared)] == [(GROUP, ()), (warning, ("sgd",))]


def test_warnings_that_differ_in_the_method_s_name_alone_are_one_note(
    judged: Callable[..., GroupComparison],
) -> None:
    compared = judged(("msgd", "sgd", "am1"), warnings=())
    compared = replace(
        compared,
        summaries=tuple(replace(s, warnings=(few_seeds(s.method),)) for s in compared.summaries),
        verdicts=tuple(replace(v, warnings=(few_seeds(v.claim.method),)) for v in compared.verdicts),
    )
    (note,) = notes(compared)
    assert note.warning == few_seeds("msgd")
    assert note.scope == "Concerns: msgd. The same holds for sgd, am1"
    assert note.hint == "Run at least 10 seeds."


def test_what_concerns_everything_says_so_in_words(judged: Callable[..., GroupComparison]) -> None:
    compared = judged(("msgd", "sgd", "am1"), warnings=())
    compared = replace(compared, verdicts=tuple(replace(v, warnings=(DISAGREE,)) for v in compared.verdicts))
    assert notes(compared)[0].about == ("all 6 claims",)


def levels(method: str, difference: float) -> ResultWarning:
    return ResultWarning.of(
        "levels-differ",
        "Early on {method} differs from {baseline} by {difference} pp.",
        "read the curves",
        method=method,
        baseline="msgd",
        difference=Number(f"{difference}", difference),
    )


def test_on_paper_warnings_that_differ_in_method_and_numbers_are_one_note(
    judged: Callable[..., GroupComparison],
) -> None:
    compared = judged(("msgd", "sgd", "am1", "am1[m=1]", "adam"), warnings=())
    differences = {"sgd": 1.5, "am1": -2.0, "am1[m=1]": 0.25}
    compared = replace(
        compared,
        verdicts=tuple(
            replace(v, warnings=(levels(v.claim.method, differences[v.claim.method]),))
            if v.claim.kind == "less spread" and v.claim.method in differences
            else v
            for v in compared.verdicts
        ),
    )
    assert len(notes(compared)) == 3
    (note,) = notes(compared, in_ranges=True)
    assert note.warning.message == "Early on each of 3 methods differs from msgd by -2.0 to 1.5 pp."
    assert note.scope == "Concerns: less spread: sgd, am1, am1[m=1] vs msgd"


def test_on_paper_powers_of_ten_are_in_ranges_by_their_size(judged: Callable[..., GroupComparison]) -> None:
    shares = Number("3.00 × 10⁻⁵", 3e-5), Number("0.0020", 0.002), Number("1.20 × 10⁻¹¹", 1.2e-11)
    group = tuple(
        ResultWarning.of("small", "A share of {share} is left.", "look at it", share=share)
        for share in shares
    )
    (note,) = notes(judged(("msgd", "sgd"), warnings=group), in_ranges=True)
    assert note.warning.message == "A share of 1.20 × 10⁻¹¹ to 0.0020 is left."


def seeds_of(method: str, n: int) -> ResultWarning:
    return ResultWarning.of(
        "few-seeds", "{method} has {n} seeds.", "run more", method=method, n=Number(f"{n}", n)
    )


def test_on_paper_a_warning_of_several_methods_names_them_after_it(
    judged: Callable[..., GroupComparison],
) -> None:
    compared = judged(("msgd", "sgd", "am1"), warnings=())
    seeds = {"msgd": 5, "sgd": 7, "am1": None}
    compared = replace(
        compared,
        summaries=tuple(
            replace(s, warnings=(seeds_of(s.method, n),) if n else ())
            for s in compared.summaries
            for n in [seeds[s.method]]
        ),
    )
    (note,) = notes(compared, in_ranges=True)
    assert note.warning.message == "Each of 2 methods has 5 to 7 seeds."
    assert note.scope == "Concerns: msgd; sgd"


def test_on_paper_warnings_of_the_group_that_differ_in_numbers_are_one_note(
    judged: Callable[..., GroupComparison],
) -> None:
    group = tuple(
        ResultWarning.of("cut", "Curves are cut to {n} epochs.", "run equally many", n=Number(f"{n}", n))
        for n in (5, 9)
    )
    compared = judged(("msgd", "sgd"), warnings=group)
    assert [note.warning.message for note in notes(compared, in_ranges=True)] == [
        "Curves are cut to 5 to 9 epochs."
    ]


def test_numbers_in_titles_are_no_numbers_of_a_warning(judged: Callable[..., GroupComparison]) -> None:
    five, ten = "AM1-SGD (m = 5), II", "AM1-SGD (m = 10), II"
    compared = judged((five, ten, "SGD", "M-SGD"), seeds=4, epochs=3, warnings=())

    def differs(method: str, baseline: str, n: int) -> ResultWarning:
        text = "{method} differs from {baseline} by {n} points."
        return ResultWarning.of("levels", text, "r", method=method, baseline=baseline, n=Number(f"{n}", n))

    def merged(one: str, other: str) -> list[str]:
        found = {"SGD": differs("SGD", one, 2), "M-SGD": differs("M-SGD", other, 3)}
        summaries = tuple(
            replace(s, warnings=(found[s.method],) if s.method in found else ()) for s in compared.summaries
        )
        return [
            n.warning.message
            for n in notes(replace(compared, summaries=summaries, verdicts=()), in_ranges=True)
        ]

    assert merged(five, five) == [f"Each of 2 methods differs from {five} by 2 to 3 points."]
    assert merged(five, ten) == [
        f"SGD differs from {five} by 2 points.",
        f"M-SGD differs from {ten} by 3 points.",
    ]
