"""Numbers show the digits that their uncertainty supports."""

import math

import pytest

from amrobust.report.numbers import Precision, interval_heading, p_value, percent, ratio, ratio_interval
from amrobust.stats import Result


@pytest.mark.parametrize(
    ("sizes", "value", "shown"),
    [
        ([0.17, 0.15], 94.7345, "94.73"),
        ([1.7], 94.7345, "94.7"),
        ([170.0], 94.7345, "95"),
        ([1.7e-6], 2.34567e-4, "2.346 × 10⁻⁴"),
        ([0.17, 1.5, 2.6], 94.7345, "94.73"),
        ([1.7e-6, 1.5, 2.6], 94.7345, "94.73"),
        ([1.7e-5, 1.5e-6, 2.6e-5], 0.00012345, "0.000123"),
        ([], 1.234, "1.2"),
    ],
)
def test_a_column_shows_two_digits_of_its_smallest_spread_but_for_a_tiny_one(
    sizes: list[float], value: float, shown: str
) -> None:
    assert Precision.of(sizes, digits=2)(value) == shown


@pytest.mark.parametrize(
    ("sizes", "size", "value", "shown"),
    [
        ([0.4, 4e99], 0.4, 0.57012, "0.57"),
        ([0.4, 4e99], 4e99, 1.612e99, "1.6 × 10⁹⁹"),
        ([3.2, 4e99, 5e99], 3.2, 1.612, "1.6"),
        ([0.02, 64.0], 0.02, 4.00212, "4.002"),
        ([0.02, 64.0], 64.0, 26.7777, "26.8"),
        ([0.17, 1.5, 2.6], 1.5, 94.7345, "94.73"),
        ([1.7e-9, 1.5, 2.6], 1.7e-9, 94.7345, "94.734500"),
        ([1.7e-9, 1.5e-9, 2.6], 2.6, 94.7345, "94.7"),
        ([0.17], 0.0, 94.7345, "94.73"),
        ([0.17], None, 94.7345, "94.73"),
    ],
)
def test_a_method_far_from_the_others_hides_no_digits_of_theirs_and_has_its_own(
    sizes: list[float], size: float | None, value: float, shown: str
) -> None:
    assert Precision.of(sizes, digits=2).for_row(size)(value) == shown


def test_a_number_has_no_more_digits_than_a_computer_keeps() -> None:
    assert Precision(0.4, 2)(1.5e99) == "1.500000000000000 × 10⁹⁹"


def test_an_end_that_is_far_beyond_the_estimate_has_no_digits_beside_it() -> None:
    result = Result("Avg. STD", "jackknife", (8,), 25.67, 0.0012, 2.811431955828e10, 0.95)
    assert Precision(25.67, 3).interval(result) == "[0.0, 2.81 × 10¹⁰]"
    large = Result("mean", "t", (8,), 123456789.0, 123456777.0, 123456801.0, 0.95)
    assert Precision(12.0, 2).interval(large) == "[1.23456777 × 10⁸, 1.23456801 × 10⁸]"


def test_signs_zero_and_what_is_not_a_number() -> None:
    two = Precision(0.17, 2)
    assert two(0.123, sign=True) == "+0.12"
    assert two(-0.001, sign=True) == "+0.00"
    assert two(-0.001) == "0.00"
    assert two(None) == two(math.nan) == "–"
    assert (two(math.inf), two(-math.inf)) == ("∞", "-∞")


def test_intervals_and_their_heading() -> None:
    def result(low: float, high: float, level: float) -> Result:
        return Result("STD", "Bonett", (20,), 0.2, low, high, level)

    assert Precision(0.17, 2).interval(result(0.134, 0.256, 0.95)) == "[0.13, 0.26]"
    assert Precision(0.17, 2).interval(None) == "–"
    assert ratio_interval(result(0.5549, math.inf, 0.95)) == "[0.55, ∞]"
    assert interval_heading([result(0, 1, 0.95), None, result(0, 1, 0.95)]) == "95 % interval"
    assert interval_heading([result(0, 1, 0.95), result(0, 1, 0.99)]) == "Interval"
    assert percent(1 - 0.05 / 15) == "99.67 %"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.714, "0.71"),
        (1, "1.00"),
        (0.01234, "0.0123"),
        (123.4, "123"),
        (12345.0, "12345"),
        (1.234e-5, "1.23 × 10⁻⁵"),
        (None, "–"),
    ],
)
def test_ratios(value: float | None, shown: str) -> None:
    assert ratio(value) == shown


@pytest.mark.parametrize(
    ("p", "shown"), [(0.0321, "0.032"), (0.0009, "<0.001"), (0.001, "0.001"), (1.0, "1.000"), (None, "–")]
)
def test_p_values(p: float | None, shown: str) -> None:
    assert p_value(p) == shown
