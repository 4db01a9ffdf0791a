"""Golden comparisons: what the commands say of the committed reference runs, kept to hold it equal while the code moves.

``python tests/helpers/goldens.py`` prints what differs, ``--update`` writes it anew (then the CHANGELOG says why). Numbers of
JSON and CSV agree to 1e-12, everything else to the letter. A field of JSON that is only named anew stands in
``tests/golden/renamed.toml``.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
RELATIVE = 1e-12
ABSOLUTE = 1e-15
"""Below this a number is a rounding error of numbers near 1: shares, ratios, percentages."""

COMMANDS = {
    "digits.json": "compare digits --format json",
    "digits-all-pairs.json": "compare digits --pairs all --metric test_loss --scale log --final mean:5 --format json",
    "digits-levene.csv": "compare digits --test levene --margin 0.5 --format csv",
    "digits-permutation.csv": "compare digits --test permutation --metric train_loss --format csv",
    "fashion-mnist.csv": "compare fashion-mnist --format csv",
    "ptb.json": "compare ptb --format json",
    "published.csv": "judge-table --format csv",
    "published-margin.json": "judge-table --table table1 --margin 0.5 --format json",
    "digits.txt": "compare digits",
    "digits.md": "compare digits --format markdown",
    "digits.tex": "compare digits --format latex",
    "tails.txt": "tails digits --threshold 97 --metric test_accuracy",
    "list.txt": "list fashion-mnist",
    "show-am1.txt": "show digits/digits-am1-43fbcca64fe8",
    "show-ntasgd.txt": "show ptb/ptb-ntasgd-484f452291f0",
    "check.txt": "check digits ptb",
    "export.csv": "export ptb --format csv",
    "export.json": "export ptb --format json --metric validation_perplexity",
    "demo.pdf": "analyze demo --runs-dir digits -o {name}",
    "ptb.pdf": "report ptb --margin 5 -o {name}",
    "digits.pdf": "report digits --paper letter --sections -methods -o {name}",
    "digits.html": "report digits -o {name}",
    "ptb.html": "report ptb --metric validation_perplexity -o {name}",
    "demo.html": "analyze demo --runs-dir digits -o {name}",
}
"""By the name of the golden, whose ending is how it is compared: the command, run where the reference runs lie."""


def made(name: str, place: Path) -> str:
    """What the command of this golden says now, of the runs in ``place``: a PDF's or a page's text, or what it prints."""
    from amrobust.cli import main

    arguments = COMMANDS[name].replace("{name}", name).split()
    printed = io.StringIO()
    with contextlib.chdir(place), contextlib.redirect_stdout(printed):
        main(["-q", *arguments], standalone_mode=False)
    if name.endswith(".pdf"):
        return text_of_pdf(place / name)
    if name.endswith(".html"):
        return text_of_page((place / name).read_text(encoding="utf-8"))
    return printed.getvalue()


def text_of_pdf(path: Path) -> str:
    """The text of all pages, without what names the installed versions."""
    import pypdf

    lines = "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages).splitlines()
    return "".join(f"{line}\n" for line in lines if not line.startswith("report made with"))


class _Words(HTMLParser):
    """Collects the text of elements that a reader sees, a line each."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._hidden = 0
        self._broken = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in ("style", "script")
        self._broken = tag == "br"

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._hidden:
            # A heading of two lines is one text.
            before = f"{self.lines.pop()} " if self._broken else ""
            self.lines.append(before + " ".join(data.split()))
            self._broken = False


def text_of_page(page: str) -> str:
    """The text of a page of HTML, without what names the installed versions."""
    words = _Words()
    words.feed(page)
    return "".join(f"{line}\n" for line in words.lines if not re.match(r"Python 3\.\d+\.\d+, amrobust", line))


def renamed(value: Any, names: dict[str, str]) -> Any:
    """``value`` with the keys of its objects as they are called today."""
    if isinstance(value, dict):
        return {names.get(key, key): renamed(item, names) for key, item in value.items()}
    return [renamed(item, names) for item in value] if isinstance(value, list) else value


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number, text and null of a JSON document with the way to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def read(name: str, text: str) -> dict[str, Any]:
    """A golden as its parts by their places: leaves of JSON, cells of CSV, lines of a text."""
    if name.endswith(".json"):
        return dict(leaves(json.loads(text)))
    if name.endswith(".csv"):
        rows = list(csv.reader(io.StringIO(text)))
        heads = [f".{head}" for head in rows[0]]
        return {
            f"[{index}]{head}": number(cell)
            for index, row in enumerate(rows[1:], 1)
            for head, cell in zip(heads, row, strict=True)
        }
    return {f"line {index}": line for index, line in enumerate(text.splitlines(), 1)}


def number(cell: str) -> float | str:
    """A cell as the number it is."""
    try:
        return float(cell)
    except ValueError:
        return cell


def same(a: Any, b: Any) -> bool:
    """Whether two leaves say the same."""
    if isinstance(a, float | int) and isinstance(b, float | int) and not isinstance(a, bool):
        return math.isclose(a, b, rel_tol=RELATIVE, abs_tol=ABSOLUTE) or (math.isnan(a) and math.isnan(b))
    return bool(a == b)


def differences(name: str, golden: str, now: str) -> list[str]:
    """What differs, a line each: ``place: was -> is``."""
    if name.endswith(".json"):
        names = tomllib.loads((GOLDEN / "renamed.toml").read_text(encoding="utf-8"))["fields"]
        golden = json.dumps(renamed(json.loads(golden), names))
    old, new = read(name, golden), read(name, now)
    gone = object()
    return [
        f"{name} {place}: {'nothing' if a is gone else repr(a)} -> {'nothing' if b is gone else repr(b)}"
        for place in dict.fromkeys([*old, *new])
        if not same(a := old.get(place, gone), b := new.get(place, gone))
    ]


@contextlib.contextmanager
def a_copy_of_the_runs() -> Iterator[Path]:
    """A folder with the reference runs, under the names that the commands above use."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "reference_runs" / "measured", folder, dirs_exist_ok=True)
        yield Path(folder)


def stored(name: str, text: str) -> str:
    """As a golden is written: JSON with a leaf a line, so that a change shows as a line."""
    return (
        json.dumps(json.loads(text), indent=0, ensure_ascii=False) + "\n" if name.endswith(".json") else text
    )


def main() -> int:
    """Compare with, or with ``--update`` write, every golden; the exit status says whether anything differs."""
    found = 0
    with a_copy_of_the_runs() as place:
        for name in COMMANDS:
            path, now = GOLDEN / name, made(name, place)
            before = path.read_text(encoding="utf-8") if path.exists() else None
            lines = [f"{name}: new"] if before is None else differences(name, before, now)
            found += len(lines)
            for line in [*lines[:20], *([f"{name}: and {len(lines) - 20} more"] if len(lines) > 20 else [])]:
                print(line)
            if "--update" in sys.argv[1:] and lines:
                path.write_text(stored(name, now), encoding="utf-8")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
