"""What the documentation shows is what happens: every page's blocks are run, in their order, in a folder of the page's own."""

import contextlib
import doctest
import io
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import matplotlib as mpl
import pytest
from pages import DATA, ROOT, RUN, blocks, pages

LONG = {
    "README.md", "docs/tutorial.md", "docs/bring-your-own.md", "docs/tuning.md", "docs/seeds.md", "docs/optimizers.md",
}  # fmt: skip
"""Pages that train or simulate for longer than the default suite may take."""

BY_OTHER_TESTS = {"CONTRIBUTING.md": "test_recipes.py applies its recipes"}

mpl.use("Agg")


def environment(folder):
    beside_python = str(Path(sys.executable).parent)
    return {k: v for k, v in os.environ.items() if not k.startswith("AMROBUST")} | {
        "PATH": os.pathsep.join([beside_python, os.environ["PATH"]]),
        "AMROBUST_DATA": str(folder / "no-data"),
        "MPLBACKEND": "Agg",
        "NO_COLOR": "1",
        "OMP_NUM_THREADS": "1",
    }


def run_sh(block, folder):
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=1_200,
        check=False,
    )


def run_python(block, namespace):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, f"{block.page}, line {block.line}", "exec"), namespace)
    return printed.getvalue()


def words(text):
    """Numbers by their place alone, and white space by its being there."""
    return re.sub(r"\s+", " ", re.sub(r"[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?", "#", text)).strip()


def assert_shown(shown, got, place):
    want = shown.text
    if shown.output == "words":
        want, got = words(want), words(got)
    checker = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert checker.check_output(want, got, flags), f"{place} prints\n{got}\nand the page shows\n{shown.text}"


def parametrized():
    for page in pages():
        name = page.relative_to(ROOT).as_posix()
        if name not in BY_OTHER_TESTS:
            yield pytest.param(page, id=name, marks=[pytest.mark.slow] if name in LONG else [])


@pytest.mark.parametrize("page", list(parametrized()))
def test_a_page_does_what_it_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    namespace = {"__name__": "__page__"}
    printed = None
    for block in blocks(page):
        place = f"{block.page}, line {block.line}"
        if block.title is not None:
            (tmp_path / block.title).write_text(block.text, encoding="utf-8")
        elif block.runs and block.language == "sh":
            done = run_sh(block, tmp_path)
            assert done.returncode == 0, f"{place}:\n{done.stdout}{done.stderr}"
            assert "Traceback" not in done.stderr, f"{place}:\n{done.stderr}"
            printed = done.stdout
        elif block.runs:
            printed = run_python(block, namespace)
        elif block.language == "text":
            assert printed is not None, f"{place}: an output without a block above it that is run"
            assert_shown(block, printed, place)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "json":
            json.loads(block.text)
        if block.language != "text" and not block.runs:
            printed = None


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_is_of_a_kind_that_is_checked(page):
    for block in blocks(page):
        place = f"{block.page}, line {block.line}"
        assert block.language in (*RUN, *DATA), f"{place}: a block of language {block.language!r}"
        assert block.not_run is None or block.language in RUN, f"{place}: only code can be left unrun"
        assert block.not_run is None or len(block.not_run) > 5, f"{place}: why is it not run?"
        assert block.ci is None or block.page == "README.md", f"{place}: .ci/run reads the README alone"


def test_fences_are_all_found():
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert len(re.findall(r"^ *```", text, re.MULTILINE)) == 2 * len(blocks(page)), page.name


def before_the_users_command(line):
    """Of ``amrobust exec`` what stands before ``--``, without the options that are named after its placeholders."""
    if not line.startswith("amrobust exec"):
        return line
    named = "|".join(re.findall(r"(?<!{){(\w+)}", line)) or "seed"
    return re.sub(rf"--(?:{named})\b", "", line.partition(" -- ")[0])


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_options_and_commands_that_are_named_exist(page):
    from amrobust.cli.main import COMMANDS, command_of, main

    text = page.read_text(encoding="utf-8")
    known = {opt for name in COMMANDS for param in command_of(name).params for opt in param.opts}
    known |= {opt for param in main.params for opt in param.opts}
    known.add("--help")
    code = "\n".join(
        [*re.findall(r"`([^`\n]+)`", text), *(b.text for b in blocks(page) if b.language == "sh")]
    )
    ours = "\n".join(map(before_the_users_command, re.findall(r"amrobust [^\n#|]*", code)))
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours)) <= known
    assert set(re.findall(r"\bamrobust ([a-z][a-z-]*)\b", ours)) <= set(COMMANDS)
