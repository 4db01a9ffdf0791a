"""Draw the figures that the pages show: python docs/tools/figures.py

Of the README's table, and of the demo's curves in demo_curves.csv beside this file, accuracies in percent of 20 seeds by
measurement, method and epoch. ``--runs DIR`` writes that table anew, from the runs of ``amrobust analyze demo``.
"""

import argparse
import csv
from pathlib import Path

import matplotlib
import numpy as np
from pages import ROOT

import amrobust
from amrobust.ingest.load import load_arms
from amrobust.report.style import BASELINE_COLOUR, COLOURS, house_style, new_figure, save_figure

SHOWN = ("stds",)
"""Of the figures that ``amrobust report --figures`` writes."""
CURVES = Path(__file__).with_name("demo_curves.csv")
IMAGES = ROOT / "docs" / "img"
LOOKS = {
    "msgd": ("M-SGD", BASELINE_COLOUR, "-"),
    "am1[m=5]/I": ("AM1-SGD, I", COLOURS[0], "--"),
    "am1[m=5]/II": ("AM1-SGD, II", COLOURS[1], ":"),
}


def main() -> None:
    """Write them to docs/img."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=Path, help="write the table of the demo's curves anew, from its runs")
    if (runs := parser.parse_args().runs) is not None:
        write_curves(runs)
    comparison = amrobust.compare(ROOT / "examples" / "digits.csv", baseline="M-SGD")
    for path in comparison.write_figures(IMAGES, ("svg",)):
        name = path.stem.partition("-")[2]
        if name in SHOWN:
            path.replace(IMAGES / f"digits-{name}.svg")
        else:
            Path(path).unlink()
    curves = read_curves()
    for measurement, found in curves.items():
        draw(found, IMAGES / f"demo-{measurement}.svg")


def write_curves(runs: Path) -> None:
    """The table, with two decimals: an image of 596 is 0.17 percentage points."""
    arms, problems = load_arms([runs])
    assert not problems, problems
    with CURVES.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for arm in sorted(arms, key=lambda arm: (arm.measurement or "", list(LOOKS).index(arm.method))):
            for epoch, values in enumerate(arm.curves["test_accuracy"].T, 1):
                row = [f"{value:.2f}" for value in values]
                writer.writerow([arm.measurement or "running", arm.method, epoch, *row])


def read_curves() -> dict[str, dict[str, np.ndarray]]:
    """By measurement and method the curves (seeds, epochs)."""
    rows: dict[str, dict[str, list[list[float]]]] = {}
    with CURVES.open(encoding="utf-8", newline="") as file:
        for measurement, method, _, *values in csv.reader(file):
            rows.setdefault(measurement, {}).setdefault(method, []).append([float(value) for value in values])
    return {name: {method: np.array(found).T for method, found in of.items()} for name, of in rows.items()}


def draw(curves: dict[str, np.ndarray], path: Path) -> None:
    """The mean over seeds beside the standard deviation over seeds, epoch by epoch; all figures have the same axes."""
    with house_style(), matplotlib.rc_context({"svg.fonttype": "path"}):
        figure = new_figure(2.3)
        mean, spread = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.09, right=0.98, top=0.97, bottom=0.2, wspace=0.28)
        for method, (label, colour, line) in LOOKS.items():
            values = curves[method]
            epochs = np.arange(1, values.shape[1] + 1)
            mean.plot(epochs, values.mean(axis=0), line, color=colour, label=label)
            spread.plot(epochs, values.std(axis=0, ddof=1), line, color=colour)
        mean.set(xlabel="Epoch", ylabel="Mean test accuracy (%)", ylim=(70, 100))
        spread.set(xlabel="Epoch", ylabel="STD over seeds (%)", yscale="log", ylim=(0.15, 15))
        spread.set_yticks([0.2, 0.5, 1, 2, 5, 10], ["0.2", "0.5", "1", "2", "5", "10"])
        spread.minorticks_off()
        mean.legend(loc="lower right")
        save_figure(figure, path)


if __name__ == "__main__":
    main()
