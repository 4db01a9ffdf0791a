"""Every caution appears once and says what it concerns."""

from collections.abc import Callable
from dataclasses import replace

from amrobust.claims.judgement import Judgement
from amrobust.report.notes import notes
from amrobust.stats.results import Caution


def few_seeds(method: str) -> Caution:
    return Caution("few-seeds", f"{method} has 5 seeds.", "run at least 10 seeds")


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
