"""How to make the runs and the report again."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from report_blocks import blocks

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.judge.declared import load_claims
from amrobust.judge.rules import Selection
from amrobust.report.appendix import report_command
from amrobust.report.layout import Layout

Judged = Callable[..., GroupComparison]
TWO = ("msgd", "am1[m=5]/II")


ONLY = Layout(sections=("reproduce",))


def appendix(compared: GroupComparison, kind: str, layout: Layout = ONLY):
    return blocks(Comparison((compared,)), kind, "reproduce", layout)


def command(compared: GroupComparison, layout: Layout = ONLY) -> str:
    (found,) = appendix(compared, "commands", layout)
    return " ".join("".join(lines) for lines in found["items"][-1])


def test_the_command_has_every_option_that_is_not_at_its_default(judged: Judged) -> None:
    compared = replace(
        judged(("am1[m=5]/I", "msgd"), kinds=("equivalent mean", "less spread", "less Avg. STD"), margin=0.5),
        final="mean:3",
    )
    layout = Layout("A title", ("A. B", "C"), "letter", ("answer", "reproduce"), Path("dir/mine.typ"))
    assert report_command(compared, replace(layout, template=None)) == (
        "amrobust report RUNS -o report.pdf --metric test_accuracy --baseline 'am1[m=5]/I' --test jackknife "
        "--alpha 0.05 --margin 0.5 --final mean:3 --title 'A title' --paper letter --sections answer,reproduce "
        "--author 'A. B' --author C"
    )
    assert report_command(compared, layout).count("--template mine.typ") == 1


def test_the_command_names_the_measurement_that_was_chosen(judged: Judged) -> None:
    compared = replace(judged(TWO), selection=Selection(measured="usual"))
    assert " --measured usual" in command(compared)
    assert "--measured" not in command(replace(compared, selection=Selection()))


def test_an_analysis_is_made_again_as_it_was_made(judged: Judged) -> None:
    assert command(judged(TWO), replace(ONLY, command="amrobust analyze demo")) == "amrobust analyze demo"


def test_declared_claims_are_a_file_that_declares_them(judged: Judged, tmp_path: Path) -> None:
    names = ("msgd", "am1[m=1]", "am1[m=5]", "am1[m=9]")
    compared = judged(names)
    mean, less = Claim("equivalent mean", names[1], "msgd", 0.5), Claim("less Avg. STD", names[1], "msgd")
    claims = (
        Claim("composite", names[1], "msgd", parts=(mean, less)),
        replace(less, epochs=(1, 10)),
        Claim("trend", names[1], names[3], methods=names[1:], rising=True),
        Claim("equivalent across the sweep", names[1], names[3], 0.25, methods=names[1:]),
        Claim("non-inferior", names[2], names[3], 1.5),
        Claim("exceedance bound", names[1], names[1], bound=(90.5, 0.1)),
        Claim("exceedance bound", names[1], names[1], bound=(80.25, 0.05)),
    )
    compared = replace(
        compared, verdicts=tuple(replace(compared.verdicts[0], claim=claim) for claim in claims)
    )
    assert "--claims CLAIMS.toml" in command(compared)
    (code,) = appendix(compared, "code")
    path = tmp_path / "CLAIMS.toml"
    path.write_text("\n".join(code["lines"]), encoding="utf-8")
    assert tomllib.loads(path.read_text())["baseline"] == "msgd"
    assert set(load_claims(path).claims) == set(claims)


def test_methods_that_share_their_facts_share_an_entry(judged: Judged) -> None:
    compared = judged(("msgd", "am1[m=5]/I", "am1[m=5]/II"))
    (_, own) = appendix(compared, "facts")[:2]
    assert [subject for subject, _ in own["items"]] == ["msgd", "am1[m=5]/I, am1[m=5]/II"]


def test_one_method_has_its_facts_without_a_heading(judged: Judged) -> None:
    compared = judged(("msgd",), seeds=4, epochs=3)
    assert appendix(compared, "heading") == []
    ((subject, facts),) = appendix(compared, "facts")[0]["items"]
    assert subject == ""
    assert {"seeds", "run", "data digest"} <= {fact["key"] for fact in facts}


def test_the_usual_claims_need_no_file(judged: Judged) -> None:
    for compared in (judged(), judged(TWO), judged(TWO, epochs=1, kinds=("better mean", "less spread"))):
        assert "--claims" not in command(compared)
        assert appendix(compared, "code") == []
    fewer = judged(TWO, kinds=("less spread",))
    assert "--claims CLAIMS.toml" in command(fewer)


def test_facts_that_all_methods_share_are_printed_once(judged: Judged) -> None:
    shared, own, made = appendix(judged(TWO, diverged=TWO[1:]), "facts")
    facts = {fact["key"]: fact["value"] for fact in shared["items"][0][1]}
    assert facts["seeds"] == "0–19"
    assert facts["torch"] == "2.6.0"
    assert {method: {fact["key"] for fact in found} for method, found in own["items"]} == {
        TWO[0]: {"run"}, TWO[1]: {"run", "diverged seeds"},
    }  # fmt: skip
    assert made["items"][0][1][0]["value"].startswith("Python 3.")


def test_digests_are_kept_whole(judged: Judged) -> None:
    facts = [fact for _, found in appendix(judged(TWO), "facts")[0]["items"] for fact in found]
    digests = {fact["key"]: fact["value"] for fact in facts if fact["digest"]}
    assert digests == {"data digest": "d" * 64, "x0 digest": "0" * 64}
