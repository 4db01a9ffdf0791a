"""Draw the figures that the pages show, of the README's table: python docs/tools/figures.py"""

from pathlib import Path

from pages import ROOT

import amrobust

SHOWN = ("stds",)
"""Of the figures that ``amrobust report --figures`` writes."""


def main() -> None:
    """Write them to docs/img."""
    comparison = amrobust.compare(ROOT / "examples" / "digits.csv", baseline="M-SGD")
    folder = ROOT / "docs" / "img"
    for path in comparison.write_figures(folder, ("svg",)):
        name = path.stem.partition("-")[2]
        if name in SHOWN:
            path.replace(folder / f"digits-{name}.svg")
        else:
            Path(path).unlink()


if __name__ == "__main__":
    main()
