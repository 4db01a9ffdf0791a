"""Write the pages that are made from the tree: python docs/tools/generate.py

``architecture.md`` from the packages and the first lines of their modules, ``analyses.md`` from the files of the analyses,
``what-amrobust-notices.md`` from the lies of the corruption suite, ``claims.md`` from the kinds of claims, ``cli.md`` from the
commands' help, and the list in ``index.md`` of what the pages show and do
not run, the JSON Schema of a comparison from the classes that are written, and the table of the README's first command from the
committed runs. ``--check`` writes nothing and fails where a
file is not as it would be written; a test does the same.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from pages import ROOT, blocks, pages
from reference import claim_kinds, command_line
from rooms import BOTH_WINGS, ROOMS, modules_of, rooms_imported_by

import amrobust
from amrobust.analysis import load_analysis, specs_of_setting
from amrobust.report import json_schema
from amrobust.runs.spec import content_digest

DOCS = ROOT / "docs"

sys.path.append(str(ROOT / "tests" / "helpers"))
from lies import BELIEVED, LIES, SAME, Lie  # noqa: E402
from sound_data import FORMS  # noqa: E402


def first_line(path: Path) -> str:
    """The first sentence of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def architecture() -> str:
    """The page on rooms and modules."""
    lines = [
        "# Architecture",
        "",
        "Two wings on one record. Training (`rules`, `optim`, `workloads`, `train`) and comparing (`ingest`, `stats`, `judge`,",
        "`report`) share one thing, the record of runs (`runs`), and neither knows the other: comparing a table loads no",
        "module that trains. `analysis`, `api` and `cli` alone see both. A test holds this picture, and the page is written",
        "from the tree (`python docs/tools/generate.py`), which another test holds. (The record is called `runs`, since",
        "`amrobust.record` is the function that records a loop of one's own.)",
        "",
        "```mermaid",
        "flowchart TD",
        *(
            f"  {room} --> {other}"
            for room in reversed(ROOMS)
            for other in ROOMS
            if any(other in rooms_imported_by(path) - {room} for path in modules_of(room))
        ),
        "```",
        "",
        "Between rooms travel frozen dataclasses: `Spec` (what to train), `SeedOutcome` and `Manifest` (what came of it),",
        "`Arm` (one method's curves, wherever they came from), `Result` (an estimate with its interval, p and assumption),",
        "`GroupComparison` and `Comparison` (claims and verdicts). `amrobust.errors` and `amrobust.plugins` stand beside the",
        "rooms; `analyses/` and `reference_runs/` hold data.",
        "",
    ]
    subjects = {room: subject for room, (subject, _) in ROOMS.items()} | BOTH_WINGS
    for room in reversed(subjects):
        lines += [f"## {room}: {subjects[room]}", "", "| module | subject |", "|---|---|"]
        for path in modules_of(room):
            folder = ROOT / "cli" if room == "cli" else ROOT / "amrobust" / room
            name = path.relative_to(folder if folder.is_dir() else folder.parent).with_suffix("").as_posix()
            line = first_line(path).replace("|", "\\|")
            lines.append(f"| `{room if name == '__init__' else name.removesuffix('/__init__')}` | {line} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def comment_of(text: str) -> str:
    """The comment at the head of an analysis, in one paragraph."""
    head = re.match(r"(?:#[^\n]*\n)+", text)
    return " ".join(line.lstrip("# ") for line in head[0].splitlines()) if head else ""


def claim_words(claim: dict[str, Any]) -> str:
    """A declared claim in a few words."""
    who = claim.get("method") or ", ".join(map(str, claim.get("methods", ())))
    words = f"{claim['kind']}: `{who}`"
    if "baseline" in claim:
        words += f" against `{claim['baseline']}`"
    if "phase" in claim:
        words += " over {} to {} of the training".format(*claim["phase"])
    if "where" in claim:
        words += ", where " + ", ".join(f"{k} = {v}" for k, v in claim["where"].items())
    return words


def natural(path: Path) -> list[tuple[int, str]]:
    """The order in which ``table2`` comes before ``table10``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.stem)]


def setup_words(data: dict[str, Any]) -> str:
    """Metric, and workload and seeds of every scale."""
    scales = data.get("scales", {}) or {"": {}}
    seeds = data["seeds"] if "seeds" in data else max(data.get("looks", [0]))
    told = [
        (f"`{name}`: " if name else "")
        + f"{scale.get('workload', data['workload'])}, {scale.get('seeds', seeds)} seeds"
        for name, scale in scales.items()
    ]
    return f"Metric `{data['metric']}`. {'; '.join(told)}."


def recorded_times() -> dict[str, list[float]]:
    """The training times of every measured run's seeds in seconds, under the digest of its spec."""
    found = {}
    for path in (ROOT / "reference_runs" / "measured").glob("*/*/manifest.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        times = [seed["wall_seconds"] for seed in manifest["seeds"].values()]
        found[content_digest(manifest["spec"])] = times
    return found


def time_words(name: str, scale: str, times: dict[str, list[float]]) -> str:
    """How long the runs of an analysis took at a scale; nothing where not all of them were measured."""
    analysis = load_analysis(name, scale or None)
    specs = [spec for setting in analysis.settings for spec in specs_of_setting(analysis, setting)]
    seeds = [times.get(content_digest(spec.to_dict()), []) for spec in specs]
    if any(len(of_run) < analysis.seeds for of_run in seeds):
        return ""
    minutes = sum(sum(of_run) for of_run in seeds) / 60
    at = f" at `{scale}`" if scale else ""
    count = sum(map(len, seeds))
    return f"Measured{at}: {len(specs)} runs, {count} seeds, {minutes:.0f} min of training in all."


def analyses() -> str:
    """The page on the analyses that come with the package."""
    lines = [
        "# The paper's analyses",
        "",
        "Each is a file in `analyses/`, written before any run: methods, workload, seeds, margins and claims, with the",
        "sentence of the paper that a claim comes from in a comment above it. `amrobust analyze NAME` runs or resumes what is",
        "missing, tests the claims and writes the PDF; `--scale smoke` takes seconds to minutes, `small` is real data at a",
        "size for two cores, `paper` the full setup. `reference_runs/FINDINGS.md` says what was measured at `small`. This page",
        "is written from the files (`python docs/tools/generate.py`).",
        "",
        'What an analysis fixes is hashed, and the hash recorded with every seed that it trains: its report says "Declared',
        'before the runs" where all compared seeds have it ([the tutorial](tutorial.md) says more). The reference runs are',
        'older than that: of them it says "Declared: unknown".',
        "",
        "Where the paper's repositories and these trainings differ, or did:",
        "",
        "- What does not fill a last batch is a smaller batch there, and here too (`last_batch` train); at other scales it",
        "  is left out, other images each epoch.",
        "- The test text of Penn Treebank is read in one column there, and here too (`test_columns` 1); at other scales in as",
        "  many as the validation text, each of which begins without a state.",
        "- A restart clears the momentum of every optimizer that has one, M-SGD's too; the paper speaks of restarts of AM1-SGD",
        "  and AM2-SGD alone (Appendix A.6), so that M-SGD's in Table 2 may be none of the paper's.",
        "- The rate of AM1-SGD on Penn Treebank is lowered where the validation loss of its last output, option II, stops",
        "  improving. Option I is measured under that schedule: another output of one training, not a training of its own.",
        "",
        "Where all runs of an analysis are in `reference_runs/measured`, the training time that they recorded is given: the",
        "sum over seeds, in workers of one thread, two at a time on two cores, with whatever else those did. No others are",
        "known yet.",
        "",
    ]
    times = recorded_times()
    for path in sorted((ROOT / "analyses").glob("*.toml"), key=natural):
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
        if "same_as" in data:
            other = (ROOT / "analyses" / f"{data['same_as']}.toml").read_text(encoding="utf-8")
            data = {**tomllib.loads(other), **data}
        lines += [f"## {path.stem}", "", f"**{data['title']}** {comment_of(text)}", "", setup_words(data), ""]
        for scale in data.get("scales", {}) or [""]:
            if told := time_words(path.stem, scale, times):
                lines += [told, ""]
        lines += [f"- {claim_words(claim)}" for claim in data["claims"] if claim["kind"] != "composite"]
        lines += [
            f"- {' and '.join(part['kind'] for part in claim['parts'])}: `{claim['method']}`"
            for claim in data["claims"]
            if claim["kind"] == "composite"
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def ending(lie: Lie) -> str:
    """What comes of a lie, in words; short excerpts of a message say nothing by themselves."""
    if lie.ends == SAME:
        return "numbers and verdicts of the sound data"
    if lie.ends == BELIEVED:
        return f"cannot be noticed; believed: `{lie.says.strip()}`"
    words = lie.ends.replace("warned", "a warning")
    return words + (f": `{lie.says}`" if len(lie.says) > len("--option") else "")


def notices() -> str:
    """The page on what is noticed of data that are not what they seem."""
    lines = [
        "# What amrobust notices",
        "",
        "A right interval of a misread column is a wrong interval. So the tests take sound data, two methods over seeds and",
        "epochs, and do to them what happens to data on their way to a comparison. What leaves a trace has to end in a refusal",
        "or a warning that names it, or in the very numbers of the sound data. What leaves none cannot be noticed by anybody:",
        "there the line `read:`, which every command prints that reads a table or a log, shows what was believed. The tests",
        "run this table (`tests/helpers/lies.py`), at seeds and epochs drawn by chance.",
        "",
        "The sound data come in these forms:",
        "",
        *(f"- *{name}*: {words}" for name, words in FORMS.items()),
        "",
        "[Formats](formats.md) says what is read as what, and the options that say it otherwise.",
        "",
    ]
    for about, lies in LIES.items():
        lines += [f"## {about}", "", "| what was done | to | what comes of it |", "|---|---|---|"]
        for lie in lies:
            forms = "all" if tuple(lie.forms) == tuple(FORMS) else ", ".join(lie.forms)
            lines.append(f"| {lie.title} | {forms} | {ending(lie)} |".replace("  ", " "))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def not_run() -> str:
    """The list of what the pages show and the tests do not run, each with its reason."""
    found = [
        f"- {block.page}, `{block.first_line.strip()}`: {block.not_run}"
        for page in pages()
        for block in blocks(page)
        if block.not_run
    ]
    return "\n".join(found)


def with_list(text: str) -> str:
    """The index with the list in its place."""
    return re.sub(
        r"(<!-- generated: not run -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}{not_run()}\n{match[2]}",
        text,
        flags=re.DOTALL,
    )


def example() -> str:
    """The table of the README's first command: test accuracy of three methods on digits, of the committed runs."""
    runs = amrobust.load(ROOT / "reference_runs" / "measured" / "digits", metric="test_accuracy")
    rows = [
        f"{title},{seed},{epoch},{value:.4f}"
        for title, name in (("M-SGD", "msgd"), ("SGD", "sgd"), ("AM1-SGD", "am1[m=5]/II"))
        for arm in runs
        if arm.method == name
        for seed, curve in zip(arm.seeds, arm.curves["test_accuracy"], strict=True)
        for epoch, value in enumerate(curve, start=1)
    ]
    return "\n".join(["method,seed,epoch,test_accuracy", *rows]) + "\n"


def generated() -> dict[Path, str]:
    """Every page and file that is made from the tree, with its text."""
    index = DOCS / "index.md"
    return {
        DOCS / "architecture.md": architecture(),
        DOCS / "claims.md": claim_kinds(),
        DOCS / "cli.md": command_line(),
        DOCS / "analyses.md": analyses(),
        DOCS / "what-amrobust-notices.md": notices(),
        index: with_list(index.read_text(encoding="utf-8")),
        ROOT / "amrobust" / "report" / json_schema.FILE: json_schema.text(),
        ROOT / "examples" / "digits.csv": example(),
    }


def main() -> int:
    """Write the pages, or with --check compare them."""
    stale = [
        path
        for path, text in generated().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not as python docs/tools/generate.py writes it")
        return 1 if stale else 0
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
