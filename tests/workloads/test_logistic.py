"""The convex problem: loss and gradient against independent computation, noise on its sphere, files read or refused."""

import gzip

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from amrobust.errors import UserError
from amrobust.workloads import samples
from amrobust.workloads.convex import LOGISTIC
from amrobust.workloads.problem import Problem, sphere_noise

PARAMS = dict(LOGISTIC.defaults)


@pytest.fixture
def problem():
    return LOGISTIC.problem(PARAMS)


def test_gradient_is_the_losss_by_finite_differences(problem):
    x = np.random.default_rng(0).normal(size=(3, 30))
    for row, gradient in zip(x, problem.gradient(x), strict=True):
        numeric = approx_fprime(row, lambda point: problem.loss(point[None])[0], 1e-6)
        np.testing.assert_allclose(gradient, numeric, atol=1e-6)


def test_loss_is_scikit_learns(problem):
    x = np.random.default_rng(1).normal(size=30)
    probability = 1 / (1 + np.exp(-problem.signed_rows @ x))
    expected = log_loss(np.ones(len(probability)), np.stack([1 - probability, probability], 1), labels=[0, 1])
    assert problem.loss(x[None])[0] == pytest.approx(expected)


def test_the_gradient_vanishes_where_scikit_learn_finds_the_minimum():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(200, 3))
    labels = np.where(rng.random(200) < 1 / (1 + np.exp(-rows @ [1.0, -2.0, 0.5])), 1, -1)
    fitted = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(rows, labels)
    assert abs(Problem(labels[:, None] * rows).gradient(fitted.coef_)).max() < 1e-5


def test_large_margins_neither_overflow_nor_warn(problem):
    huge = np.full((1, 30), 1e5)
    assert np.isfinite(problem.loss(huge)).all()
    assert np.isfinite(problem.gradient(huge)).all()


def test_rows_have_unit_length(problem):
    np.testing.assert_allclose(np.linalg.norm(problem.signed_rows, axis=1), 1)


def test_noise_lies_on_the_sphere_and_has_mean_zero():
    noise = sphere_noise(np.random.default_rng(0), 20_000, 5, 2.5)
    np.testing.assert_allclose(np.linalg.norm(noise, axis=1), 2.5)
    assert abs(noise.mean(axis=0)).max() < 0.05


def test_noise_is_the_same_in_pieces():
    whole = sphere_noise(np.random.default_rng(3), 10, 4, 1.0)
    generator = np.random.default_rng(3)
    pieces = np.concatenate([sphere_noise(generator, 3, 4, 1.0), sphere_noise(generator, 7, 4, 1.0)])
    assert np.array_equal(whole, pieces)


def test_a5a_has_its_published_size(shared):
    problem = LOGISTIC.problem(PARAMS | {"data": str(shared("data/libsvm/a5a"))})
    assert problem.signed_rows.shape == (6414, 122)  # 123 declared, the largest index present is 122


class TestFiles:
    TEXT = "+1 1:3 2:4\n-1 2:1\n+1 1:1\n"

    def test_the_same_content_elsewhere_and_compressed_is_the_same_problem(self, tmp_path):
        plain, packed = tmp_path / "a.txt", tmp_path / "b.gz"
        plain.write_text(self.TEXT)
        packed.write_bytes(gzip.compress(self.TEXT.encode()))
        problem = LOGISTIC.problem(PARAMS | {"data": str(plain)})
        assert problem.signed_rows.tolist() == [[0.6, 0.8], [0, -1], [1, 0]]
        digests = {LOGISTIC.data_digest(PARAMS | {"data": str(path)}) for path in (plain, packed)}
        assert len(digests) == 1

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"hello world\n",
            b"1 1:x\n",
            b"\x00\xff\x80",
            b"+1 1:1\n+1 2:1\n",
            b"1 1:nan\n2 1:1\n",
            b"1 1:1\n2 2:1\n3 1:1\n",
        ],
        ids=["empty", "words", "letters", "binary", "one label", "NaN", "three labels"],
    )
    def test_anything_else_is_refused_in_one_line(self, tmp_path, content):
        path = tmp_path / "bad"
        path.write_bytes(content)
        with pytest.raises(UserError) as caught:
            LOGISTIC.problem(PARAMS | {"data": str(path)})
        assert "\n" not in str(caught.value)

    def test_a_truncated_archive_is_refused(self, tmp_path):
        path = tmp_path / "bad.gz"
        path.write_bytes(gzip.compress(self.TEXT.encode() * 100)[:40])
        with pytest.raises(UserError, match="cannot read"):
            LOGISTIC.problem(PARAMS | {"data": str(path)})


class TestSetsOfTheCatalogue:
    """a1a, a5a and a9a by name, from the data directory."""

    @pytest.fixture
    def root(self, tmp_path, monkeypatch):
        monkeypatch.setenv("AMROBUST_DATA", str(tmp_path / "data"))
        monkeypatch.chdir(tmp_path)
        (tmp_path / "data" / "libsvm").mkdir(parents=True)
        return tmp_path

    def test_a_set_is_found_by_name_and_is_the_same_problem_as_its_file(self, root):
        path = root / "data" / "libsvm" / "a1a.gz"
        path.write_bytes(gzip.compress(TestFiles.TEXT.encode()))
        by_name, by_path = PARAMS | {"data": "a1a"}, PARAMS | {"data": str(path)}
        assert LOGISTIC.data_digest(by_name) == LOGISTIC.data_digest(by_path)
        assert LOGISTIC.data_note(by_name) == "a1a not the publisher's bytes"
        assert LOGISTIC.data_note(by_path) is None

    def test_a_file_of_that_name_comes_first(self, root):
        (root / "a9a").write_text(TestFiles.TEXT)
        assert samples.signed_samples("a9a")[0].shape == (3, 2)

    def test_an_absent_set_is_said_with_its_hint(self, root):
        with pytest.raises(UserError, match=r"a5a is not in .*amrobust data fetch a5a"):
            samples.signed_samples("a5a")
        with pytest.raises(UserError, match="no file a6a, and none of the sets a1a, a5a, a9a"):
            samples.signed_samples("a6a")


@pytest.mark.parametrize(
    "change", [{"sigma": -1.0}, {"iterations": 0}, {"record_every": 7}, {"sigma": float("nan")}]
)
def test_values_that_make_no_sense_are_refused(change):
    with pytest.raises(UserError):
        LOGISTIC.check({**PARAMS, **change})
