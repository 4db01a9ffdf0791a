"""A backend that a package announces."""

from amrobust.workloads.backends.numpy_backend import NumpyBackend


class Plain(NumpyBackend):
    """NumPy by another name."""

    name = "plain"
