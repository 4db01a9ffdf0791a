"""Numbers in sentences."""

import math

import pytest

from amrobust.judge.words import alike, p_text, powers_of_ten, roughly, significant


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (3.4, 3, "3.40"),
        (0.0712, 2, "0.071"),
        (-0.43812, 3, "-0.438"),
        (9.996, 3, "10.0"),
        (1234.4, 3, "1234"),
        (0.0001, 2, "0.00010"),
        (1.2e-5, 2, "1.2 × 10⁻⁵"),
        (-3.456e11, 3, "-3.46 × 10¹¹"),
        (0.0, 3, "0"),
        (math.inf, 3, "∞"),
        (-math.inf, 3, "-∞"),
        (math.nan, 3, "–"),
        (None, 3, "–"),
    ],
)
def test_an_estimate_has_its_significant_digits_and_no_e(
    value: float | None, digits: int, shown: str
) -> None:
    assert significant(value, digits) == shown


def test_a_difference_has_its_sign() -> None:
    assert significant(0.5, sign=True) == "+0.500"
    assert significant(-0.5, sign=True) == "-0.500"


def test_numbers_that_stand_together_are_written_alike() -> None:
    assert alike(-9.56e-5, -2.47e-4, 5.57e-5) == ("-0.0000956", "-0.000247", "0.0000557")
    assert alike(1.2e-5, 1e-5, 3e-5) == ("1.20 × 10⁻⁵", "1.00 × 10⁻⁵", "3.00 × 10⁻⁵")
    assert alike(1.0, 2e-9, None) == ("1.00", "2.00 × 10⁻⁹", "–")


def test_only_exponents_of_numbers_become_powers_of_ten() -> None:
    assert powers_of_ten("margin 1e-05 of 2.5e+10") == "margin 1 × 10⁻⁵ of 2.5 × 10¹⁰"
    assert powers_of_ten("am1[lr=0.1] on case-5, the-3") == "am1[lr=0.1] on case-5, the-3"


@pytest.mark.parametrize(
    ("p", "shown"), [(None, "p not available"), (1e-9, "p < 0.001"), (0.0456, "p = 0.046")]
)
def test_p_values_in_sentences(p: float | None, shown: str) -> None:
    assert p_text(p) == shown


@pytest.mark.parametrize(
    ("n", "shown"), [(7, "7"), (53, "53"), (100, "100"), (174, "180"), (999, "1,000"), (27_491, "28,000")]
)
def test_a_number_of_seeds_that_is_an_estimate_has_two_digits_and_is_never_too_small(
    n: int, shown: str
) -> None:
    assert roughly(n) == shown
