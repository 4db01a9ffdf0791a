"""Every caution appears once and says what it concerns."""

from collections.abc import Callable
from dataclasses import replace

from amrobust.judge.judgement import Judgement
from amrobust.report.notes import notes
from amrobust.stats import Caution
from amrobust.stats.results import Number


def few_seeds(method: str) -> Caution:
    return Caution.of("few-seeds", "{method} has 5 seeds.", "run at least 10 seeds", method=method)


DISAGREE = Caution("opinions-disagree", "The second opinion disagrees.", "treat the claim as borderline")
GROUP = Caution("one-x0", "All seeds start from one x0.", "use another x0")


def test_equal_cautions_are_one_note_that_names_its_claims(judged: Callable[..., Judgement]) -> None:
    judgement = judged(("msgd", "sgd", "am1"), cautions=())
    first, second, *others = judgement.verdicts
    judgement = replace(
        judgement,
        verdicts=(
            replace(first, cautions=(DISAGREE,)),
            replace(second, cautions=(DISAGREE, DISAGREE)),
            *others,
        ),
    )
    (note,) = notes(judgement)
    assert note.caution == DISAGREE
    assert note.about == ("better mean: sgd vs msgd", "less spread: sgd vs msgd")
    assert note.scope == "Concerns: better mean: sgd vs msgd; less spread: sgd vs msgd"


def test_cautions_of_results_are_listed_too(judged: Callable[..., Judgement]) -> None:
    judgement = judged(("msgd", "sgd"), cautions=())
    first = judgement.verdicts[0]
    assert first.interval is not None
    carrying = replace(first, test=replace(first.interval, cautions=(DISAGREE,)))
    judgement = replace(judgement, verdicts=(carrying, *judgement.verdicts[1:]))
    assert [note.caution for note in notes(judgement)] == [DISAGREE]


def test_a_method_s_caution_is_not_repeated_for_its_claims(judged: Callable[..., Judgement]) -> None:
    judgement = judged(("msgd", "sgd", "am1"), cautions=(GROUP,))
    caution = few_seeds("sgd")
    judgement = replace(
        judgement,
        summaries=tuple(
            replace(s, cautions=(caution,) if s.method == "sgd" else ()) for s in judgement.summaries
        ),
        verdicts=tuple(replace(v, cautions=(caution, GROUP)) for v in judgement.verdicts),
    )
    assert [(note.caution, note.about) for note in notes(judgement)] == [(GROUP, ()), (caution, ("sgd",))]


def test_cautions_that_differ_in_the_method_s_name_alone_are_one_note(
    judged: Callable[..., Judgement],
) -> None:
    judgement = judged(("msgd", "sgd", "am1"), cautions=())
    judgement = replace(
        judgement,
        summaries=tuple(replace(s, cautions=(few_seeds(s.method),)) for s in judgement.summaries),
        verdicts=tuple(replace(v, cautions=(few_seeds(v.claim.method),)) for v in judgement.verdicts),
    )
    (note,) = notes(judgement)
    assert note.caution == few_seeds("msgd")
    assert note.scope == "Concerns: msgd. The same holds for sgd, am1"
    assert note.remedy == "Run at least 10 seeds."


def test_what_concerns_everything_says_so_in_words(judged: Callable[..., Judgement]) -> None:
    judgement = judged(("msgd", "sgd", "am1"), cautions=())
    judgement = replace(
        judgement, verdicts=tuple(replace(v, cautions=(DISAGREE,)) for v in judgement.verdicts)
    )
    assert notes(judgement)[0].about == ("all 6 claims",)


def levels(method: str, difference: float) -> Caution:
    return Caution.of(
        "levels-differ",
        "Early on {method} differs from {baseline} by {difference} pp.",
        "read the curves",
        method=method,
        baseline="msgd",
        difference=Number(f"{difference}", difference),
    )


def test_on_paper_cautions_that_differ_in_method_and_numbers_are_one_note(
    judged: Callable[..., Judgement],
) -> None:
    judgement = judged(("msgd", "sgd", "am1", "am1[m=1]", "adam"), cautions=())
    differences = {"sgd": 1.5, "am1": -2.0, "am1[m=1]": 0.25}
    judgement = replace(
        judgement,
        verdicts=tuple(
            replace(v, cautions=(levels(v.claim.method, differences[v.claim.method]),))
            if v.claim.kind == "less spread" and v.claim.method in differences
            else v
            for v in judgement.verdicts
        ),
    )
    assert len(notes(judgement)) == 3
    (note,) = notes(judgement, in_ranges=True)
    assert note.caution.message == "Early on each of 3 methods differs from msgd by -2.0 to 1.5 pp."
    assert note.scope == "Concerns: less spread: sgd, am1, am1[m=1] vs msgd"


def test_on_paper_powers_of_ten_are_in_ranges_by_their_size(judged: Callable[..., Judgement]) -> None:
    shares = Number("3.00 × 10⁻⁵", 3e-5), Number("0.0020", 0.002), Number("1.20 × 10⁻¹¹", 1.2e-11)
    group = tuple(
        Caution.of("small", "A share of {share} is left.", "look at it", share=share) for share in shares
    )
    (note,) = notes(judged(("msgd", "sgd"), cautions=group), in_ranges=True)
    assert note.caution.message == "A share of 1.20 × 10⁻¹¹ to 0.0020 is left."


def seeds_of(method: str, n: int) -> Caution:
    return Caution.of("few-seeds", "{method} has {n} seeds.", "run more", method=method, n=Number(f"{n}", n))


def test_on_paper_a_caution_of_several_methods_names_them_after_it(judged: Callable[..., Judgement]) -> None:
    judgement = judged(("msgd", "sgd", "am1"), cautions=())
    seeds = {"msgd": 5, "sgd": 7, "am1": None}
    judgement = replace(
        judgement,
        summaries=tuple(
            replace(s, cautions=(seeds_of(s.method, n),) if n else ())
            for s in judgement.summaries
            for n in [seeds[s.method]]
        ),
    )
    (note,) = notes(judgement, in_ranges=True)
    assert note.caution.message == "Each of 2 methods has 5 to 7 seeds."
    assert note.scope == "Concerns: msgd; sgd"


def test_on_paper_cautions_of_the_group_that_differ_in_numbers_are_one_note(
    judged: Callable[..., Judgement],
) -> None:
    group = tuple(
        Caution.of("cut", "Curves are cut to {n} epochs.", "run equally many", n=Number(f"{n}", n))
        for n in (5, 9)
    )
    judgement = judged(("msgd", "sgd"), cautions=group)
    assert [note.caution.message for note in notes(judgement, in_ranges=True)] == [
        "Curves are cut to 5 to 9 epochs."
    ]


def test_numbers_in_titles_are_no_numbers_of_a_caution(judged: Callable[..., Judgement]) -> None:
    five, ten = "AM1-SGD (m = 5), II", "AM1-SGD (m = 10), II"
    judgement = judged((five, ten, "SGD", "M-SGD"), seeds=4, epochs=3, cautions=())

    def differs(method: str, baseline: str, n: int) -> Caution:
        text = "{method} differs from {baseline} by {n} points."
        return Caution.of("levels", text, "r", method=method, baseline=baseline, n=Number(f"{n}", n))

    def merged(one: str, other: str) -> list[str]:
        found = {"SGD": differs("SGD", one, 2), "M-SGD": differs("M-SGD", other, 3)}
        summaries = tuple(
            replace(s, cautions=(found[s.method],) if s.method in found else ()) for s in judgement.summaries
        )
        return [
            n.caution.message
            for n in notes(replace(judgement, summaries=summaries, verdicts=()), in_ranges=True)
        ]

    assert merged(five, five) == [f"Each of 2 methods differs from {five} by 2 to 3 points."]
    assert merged(five, ten) == [
        f"SGD differs from {five} by 2 points.",
        f"M-SGD differs from {ten} by 3 points.",
    ]
