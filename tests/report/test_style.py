"""A method looks the same everywhere and unlike every other, in colour and in grey; names stay readable and apart."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from made_up import told

from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.style import BASELINE_COLOUR, COLOURS, labels, series_styles, shaded, styles
from amrobust.report.sweeps import sweeps

Judged = Callable[..., GroupComparison]


def lightness(colour: str) -> float:
    """Relative luminance of an sRGB colour, as WCAG defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_method_looks_the_same_everywhere_and_unlike_every_other(judged: Judged) -> None:
    methods = ("msgd", *(f"am1[m={m}]" for m in range(1, 18)))
    one = judged(methods, seeds=4, epochs=3)
    other = judged(methods[5:9], seeds=4, epochs=3, workload="logistic")
    look = styles(Comparison((one, other)))
    assert look["msgd"].colour == BASELINE_COLOUR
    assert len({(s.colour, s.dashes, s.marker) for s in look.values()}) == len(methods)
    assert styles(Comparison((one,))) == look


def test_forty_unrelated_methods_are_told_apart(judged: Judged) -> None:
    look = styles(Comparison((judged([f"method{k}" for k in range(40)], seeds=4, epochs=2),)))
    assert len({(s.colour, s.dashes, s.marker) for s in look.values()}) == 40


@pytest.mark.parametrize(
    "methods", [None, ("msgd", *(f"am1[m={m}]/{o}" for m in (1, 5, 9) for o in ("I", "II")))]
)
def test_neighbours_differ_without_colour(judged: Judged, methods: tuple[str, ...] | None) -> None:
    compared = judged(methods, seeds=4, epochs=3) if methods else judged(seeds=4, epochs=3)
    look = list(styles(Comparison((compared,))).values())
    assert all(a.dashes != b.dashes and a.marker != b.marker for a, b in pairwise(look))


def test_the_methods_of_a_sweep_are_shades_of_one_colour_that_darken(judged: Judged) -> None:
    methods = ("msgd", "sgd", *(f"am1[m={m}]" for m in (20, 1, 5)))
    look = styles(Comparison((judged(methods, seeds=4, epochs=2),)))
    shades = [look[f"am1[m={m}]"].colour for m in (1, 5, 20)]
    assert lightness(shades[0]) > lightness(shades[1]) > lightness(shades[2])
    assert look["sgd"].colour == COLOURS[0]
    (sweep,) = sweeps(told(methods))
    assert series_styles(look, sweep.series)[0].colour == shades[1]


def test_shades() -> None:
    assert shaded("#336699", 0.0) == "#336699"
    assert shaded("#336699", -1.0) == "#ffffff"
    assert shaded("#336699", 1.0) == "#000000"


def test_long_names_are_shortened_and_stay_apart() -> None:
    names = [f"am1[{'x' * 60},lr={i}]/II" for i in (1, 2)] + [
        "y" * 30 + "a" + "z" * 30,
        "y" * 30 + "b" + "z" * 30,
    ]
    short = labels(names)
    assert len(set(short.values())) == 4
    assert max(map(len, short.values())) <= 34
    assert labels(["msgd"]) == {"msgd": "msgd"}


def test_hyperparameters_are_abbreviated_before_anything_is_cut() -> None:
    names = ["adam[lr=0.1,momentum=0.9]", "adam[lr=0.001,momentum=0.95,weight_decay=0.1]"]
    assert list(labels(names, 40).values()) == ["adam[lr=0.1,mom=0.9]", "adam[lr=0.001,mom=0.95,wd=0.1]"]
    assert labels(names[:1], 40) == {names[0]: names[0]}
