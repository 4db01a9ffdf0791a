"""Backends: the same numbers on each, blocks and sparse rows that change nothing, and what is missing said."""

import builtins
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amrobust.errors import UserError
from amrobust.workloads import backends
from amrobust.workloads.backends.numpy_backend import DenseMatrix, SparseMatrix, block_length
from amrobust.workloads.backends.patterns import factored
from amrobust.workloads.problem import HINGE, LOGISTIC, Problem

RNG = np.random.default_rng(0)
ROWS = np.where(RNG.random((3000, 40)) < 0.1, RNG.normal(size=(3000, 40)), 0.0)
X = RNG.normal(size=(7, 40))


@pytest.mark.parametrize("loss", [LOGISTIC, HINGE], ids=lambda loss: loss.name)
@pytest.mark.parametrize("kind", [DenseMatrix, SparseMatrix])
@pytest.mark.parametrize("points", [1, 7, 300])
def test_blocks_and_sparse_rows_give_the_plain_formulas(loss, kind, points):
    x = RNG.normal(size=(points, 40))
    margins = x @ ROWS.T
    np.testing.assert_allclose(kind(ROWS).mean(x, loss.value), loss.value(margins).mean(axis=1), rtol=1e-12)
    expected = loss.slope(margins) @ ROWS / len(ROWS)
    np.testing.assert_allclose(kind(ROWS).mean_gradient(x, loss.slope), expected, atol=1e-14)


@pytest.mark.parametrize("rows", ["plain", "patterns"])
@pytest.mark.parametrize("points", [7, 100])
def test_a_sparse_gradient_is_the_same_whichever_points_are_beside_it(rows, points):
    matrix = SparseMatrix(ROWS if rows == "plain" else CATEGORIES)
    x = RNG.normal(size=(points, (ROWS if rows == "plain" else CATEGORIES).shape[1]))
    together = matrix.mean_gradient(x, LOGISTIC.slope)
    assert np.array_equal(matrix.mean_gradient(x[2:5], LOGISTIC.slope), together[2:5])


def one_hot(features, values, samples):
    chosen = RNG.integers(values, size=(samples, features))
    return (chosen[:, :, None] == np.arange(values)).reshape(samples, -1).astype(float)


CATEGORIES = one_hot(features=6, values=4, samples=2000) * RNG.choice([-1.0, 1.0], size=(2000, 1))
MEASURED = np.where(RNG.random((2000, 2)) < 0.5, RNG.normal(size=(2000, 2)), 0.0)


class TestPatterns:
    @pytest.mark.parametrize(
        ("rows", "per_row"),
        [
            (CATEGORIES, 2),
            (np.hstack([CATEGORIES, MEASURED]), 3),
            (np.hstack([MEASURED, np.zeros((2000, 3)), CATEGORIES]), 3),
        ],
        ids=["one-hot", "with measurements behind", "with measurements before"],
    )
    def test_the_factors_make_the_matrix_and_need_few_entries_a_row(self, rows, per_row):
        chosen, patterns = factored(rows)
        np.testing.assert_array_equal((chosen @ patterns).toarray(), rows)
        assert chosen.nnz < (per_row + 0.1) * len(rows)
        assert patterns.nnz < len(rows)

    @given(
        st.lists(
            st.lists(st.sampled_from([0.0, 0.0, 1.0, -1.0, 0.5]), min_size=3, max_size=3), min_size=1
        ).map(lambda rows: np.array(rows * 20))
    )
    def test_the_factors_make_any_matrix(self, rows):
        factors = factored(rows)
        if factors is not None:
            np.testing.assert_array_equal((factors[0] @ factors[1]).toarray(), rows)

    def test_rows_that_share_nothing_are_left_as_they_are(self):
        assert factored(ROWS) is None
        assert factored(np.zeros((5, 3))) is None

    @pytest.mark.parametrize("points", [1, 7, 300])
    def test_patterns_give_the_plain_formulas(self, points):
        x = RNG.normal(size=(points, CATEGORIES.shape[1]))
        margins = x @ CATEGORIES.T
        matrix = SparseMatrix(CATEGORIES)
        np.testing.assert_allclose(
            matrix.mean(x, LOGISTIC.value), LOGISTIC.value(margins).mean(axis=1), rtol=1e-12
        )
        expected = LOGISTIC.slope(margins) @ CATEGORIES / len(CATEGORIES)
        np.testing.assert_allclose(matrix.mean_gradient(x, LOGISTIC.slope), expected, atol=1e-14)


def test_blocks_shrink_as_points_grow():
    assert [block_length(points) for points in (1, 20, 64, 1000, 10_000)] == [4096, 2048, 1024, 256, 256]


@pytest.mark.parametrize(("density", "kind"), [(0.1, SparseMatrix), (0.5, DenseMatrix)])
def test_numpy_takes_sparse_products_where_few_entries_are_not_zero(density, kind):
    rows = np.where(RNG.random((50, 40)) < density, 1.0, 0.0)
    assert isinstance(backends.get().matrix(rows, "float64"), kind)


@pytest.mark.parametrize("loss", [LOGISTIC, HINGE], ids=lambda loss: loss.name)
@pytest.mark.parametrize("name", ["torch", "jax"])
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
def test_every_backend_gives_numpys_values(loss, name, precision, tolerance):
    if name == "jax":
        pytest.importorskip("jax", reason="jax is not installed (pip install 'amrobust[jax]')")
    problem = Problem(ROWS, loss)
    library = backends.get(name)
    with library.computing():
        objective, x = problem.on(library, precision), library.array(X, precision)
        assert str(x.dtype).endswith(precision)
        np.testing.assert_allclose(library.numpy(objective.loss(x)), problem.loss(X), rtol=tolerance)
        np.testing.assert_allclose(library.numpy(objective.gradient(x)), problem.gradient(X), atol=tolerance)


class TestMistakes:
    def test_an_unknown_name(self):
        with pytest.raises(UserError, match="did you mean 'numpy'"):
            backends.get("nunpy")
        with pytest.raises(UserError, match="choose one of numpy, torch, jax"):
            backends.get("xyzzy")

    @pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
    def test_a_device_that_is_not_there(self, name):
        if name == "jax":
            pytest.importorskip("jax", reason="jax is not installed (pip install 'amrobust[jax]')")
        with pytest.raises(UserError, match="quantum") as caught:
            backends.get(name, "quantum")
        assert "\n" not in str(caught.value)

    def test_a_missing_library_names_the_extra(self, monkeypatch):
        real = builtins.__import__

        def missing(name, *arguments):
            if name == "jax":
                raise ModuleNotFoundError("No module named 'jax'", name="jax")
            return real(name, *arguments)

        monkeypatch.setattr(builtins, "__import__", missing)
        monkeypatch.delitem(sys.modules, "amrobust.workloads.backends.jax_backend", raising=False)
        backends.get.cache_clear()
        with pytest.raises(UserError, match=r"pip install 'amrobust\[jax\]'"):
            backends.get("jax")


def test_another_packages_backend_is_found_by_its_name(tmp_path, monkeypatch):
    """As an installed distribution would announce it."""
    (tmp_path / "their_backend.py").write_text(
        "from amrobust.workloads.backends.numpy_backend import NumpyBackend\n"
        "class Theirs(NumpyBackend):\n    name = 'theirs'\n"
    )
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[amrobust.backends]\ntheirs = their_backend:Theirs\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "theirs" in backends.names()
    assert backends.get("theirs").name == "theirs"
