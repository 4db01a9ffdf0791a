"""The cells of families and of failing seeds: what they count can be told from what they are drawn from."""

import pytest

from amrobust.judge.calibration import BOUNDS, FAILING, cells, measure
from amrobust.stats.calibration import Effort

EFFORT = Effort(100, 100, 25)


def figures(topic, condition, n, ratio):
    (cell,) = (c for c in cells() if (c.topic, c.condition, c.n, c.ratio) == (topic, condition, n, ratio))
    return {(figure.construction, figure.measure): figure.value for figure in measure(cell, EFFORT)}


def test_a_family_in_part_false_has_its_errors_and_the_power_of_each_kind_of_claim():
    found = figures("families in part false", "AR(0.8) curves", 10, 2.0)
    assert found.pop(("any equality rejected (Holm)", "type I error")) < 0.25
    assert found[("better mean (Holm)", "power")] > 0.9
    assert set(found) == {
        (f"{kind} (Holm)", "power") for kind in ("better mean", "less spread", "less Avg. STD")
    }
    equal = figures("families", "AR(0.8) curves", 5, 2.0)
    assert {measured for _, measured in equal} == {"type I error"}


@pytest.mark.parametrize("condition", ["AR(0.8) curves", FAILING])
def test_what_no_single_failing_seed_undoes_is_a_part_of_what_is_supported(condition):
    found = figures("failing seeds", condition, 5, 3.0)
    for kind in ("less spread", "less Avg. STD"):
        assert found[(f"{kind}, undone by no single failing seed", "power")] <= found[(kind, "power")]
    bounds = [f"failures bounded by {100 * bound:.0f} %" for bound in BOUNDS]
    shown = [value for (name, _), value in found.items() if name in bounds]
    # Five seeds without a failure leave a probability of 45 % open.
    assert shown == [] if condition != FAILING else shown[:2] == [0.0, 0.0] and shown[2] > 0.2


def test_false_verdicts_without_a_warning_are_a_part_of_all_of_them():
    (cell,) = (
        cell for cell in cells() if (cell.topic, cell.condition, cell.n) == ("warned verdicts", FAILING, 5)
    )
    found = {figure.construction: figure.value for figure in measure(cell, Effort(slow=60))}
    for kind in ("less spread", "less Avg. STD"):
        assert found[f"{kind}, without a warning of its samples"] <= found[kind]
    assert found["less spread, without a warning of its samples"] < found["less spread"]
