"""Writes docs/optimizer-survey.md: every optimizer class of torch, schedulefree and pytorch_optimizer, tried on digits.

``python docs/tools/survey.py [PACKAGE ...]``; all of them take a quarter of an hour. The suite holds the same of every class
(``pytest -m slow tests/train/test_survey.py``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from survey import PACKAGES, PARAMS, Row, classes, surveyed  # noqa: E402

PAGE = ROOT / "docs" / "optimizer-survey.md"
DISTRIBUTIONS = {"torch.optim": "torch", "pytorch_optimizer": "pytorch-optimizer"}

HEAD = f"""# Optimizers that were tried

Every optimizer class of a package, by its name as `--opt` takes it, with its defaults but for what is said at its
name: {PARAMS["epochs"]} epochs of `digits` (`model=mlp`, batches of {PARAMS["batch_size"]}).

- *Loss*: on the test set after them, at the last output. It is 2.446 at x0.
- *Outputs*: one with `train()` and `eval()` has two; I is the point of training, II that of `eval()`.
- *Closure*: its step evaluates the loss again.
- *Stack*: the largest relative difference between the losses of a seed in a stack and alone in float64, or why not.
- *Resumes*: whether a training that goes on from a saved state dict ends at the same bits, in float32.

`python docs/tools/survey.py` writes this page, and surveys {", ".join(PACKAGES)} where none is named.
"""


def lines(rows: list[Row]) -> Iterator[str]:
    """A table of what was trained, and a list of what was refused."""
    yield "| optimizer | loss | outputs | closure | stack | resumes |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        if row.refused:
            continue
        loss = f"{row.losses[1]:.3f}" + ("" if row.learns else " (does not learn)")
        stack = row.alone.removeprefix(f"{row.name} ").partition(" (")[0] or f"{row.stack_error:.0e}"
        yield (
            f"| `{row.shown}` | {loss} | {' and '.join(row.outputs)} | {'yes' if row.closure else ''} | {stack} | "
            f"{'yes' if row.resumes else 'no'} |"
        )
    yield ""
    refused = [row for row in rows if row.refused]
    if refused:
        yield "Refused:"
        yield ""
        yield from (f"- {row.refused}" for row in refused)
        yield ""


def main() -> None:
    """Survey what is installed, and write the page."""
    torch.set_num_threads(1)
    page = [HEAD]
    for package in sys.argv[1:] or PACKAGES:
        if find_spec(package) is None:
            sys.exit(f"{package} is not installed: name those to survey, of {', '.join(PACKAGES)}")
        rows = []
        for name in classes(package):
            with redirect_stdout(sys.stderr):  # some classes print
                rows.append(surveyed(name))
            print(name, rows[-1].refused or f"{rows[-1].losses[1]:.3f}", flush=True)
        trained = sum(not row.refused for row in rows)
        distribution = DISTRIBUTIONS.get(package, package)
        page += [
            f"## {package}",
            "",
            f"{distribution} {version(distribution)}: {trained} of {len(rows)} trained.",
            "",
        ]
        page += lines(rows)
    PAGE.write_text("\n".join(page).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
