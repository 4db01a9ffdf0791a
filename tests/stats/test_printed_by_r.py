"""Against what R prints for the worked examples of its own manual pages, whose data come with it, and of Brunner and Munzel."""

import pytest

from amrobust import stats

# Student's sleep data (Cushny and Peebles 1905): hours gained by two drugs in ten patients.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def test_welchs_t_of_the_sleep_data():
    """``t.test(extra ~ group, data = sleep)``."""
    found = stats.mean_difference(FIRST, SECOND)
    assert found.estimate / found.se == pytest.approx(-1.8608, abs=5e-5)
    assert found.df == pytest.approx(17.776, abs=5e-4)
    assert found.p == pytest.approx(0.07939, abs=5e-6)
    assert (found.low, found.high) == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)


def test_the_paired_t_of_the_sleep_data():
    """``t.test(sleep$extra[1:10], sleep$extra[11:20], paired = TRUE)``."""
    found = stats.mean_difference(FIRST, SECOND, paired=True)
    assert found.estimate / found.se == pytest.approx(-4.0621, abs=5e-5)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert (found.low, found.high) == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)


def test_the_rank_sum_of_the_permeability_data():
    """``wilcox.test(x, y, alternative = "g")``, W = 35, p = 0.1272 (Hollander and Wolfe 1973); here both sides."""
    x = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    y = [1.15, 0.88, 0.90, 0.74, 1.21]
    found = stats.mann_whitney(x, y, better="higher")
    assert found.estimate * 50 == pytest.approx(35)
    assert found.p == pytest.approx(2 * 0.1272, abs=1e-4)


def test_the_probability_of_superiority_of_the_pain_scores():
    """``lawstat::brunner.munzel.test``: 0.788961, statistic 3.1375, data of Brunner and Munzel (2000)."""
    y = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1]
    n = [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]
    found = stats.chance_of_winning(n, y, better="higher")
    assert found.estimate == pytest.approx(0.788961, abs=5e-7)
    se = found.se * found.estimate * (1 - found.estimate)
    assert (found.estimate - 0.5) / se == pytest.approx(3.1375, abs=5e-5)
