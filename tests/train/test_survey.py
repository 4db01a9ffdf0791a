"""Every optimizer class of PyTorch and of two packages is trained, stacked and resumed, or refused with the reason."""

import pytest
from survey import PACKAGES, classes, surveyed

NOT_ALL = {
    "schedulefree": {},
    "torch.optim": {},
    "pytorch_optimizer": {},
}
"""Classes that do not learn with their defaults, or whose state is not all in the state dict, and which of the two it is."""


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_every_class_learns_stacks_and_resumes_or_is_refused_with_the_reason(package):
    pytest.importorskip(package)
    rows = {name: surveyed(name) for name in classes(package)}
    trained = {name: row for name, row in rows.items() if not row.refused}
    for name, row in rows.items():
        assert row.refused or row.alone or row.stack_error < 1e-6, name
        assert not row.refused or row.refused.startswith(name), name
    missing = {
        name: [what for what in ("learns", "resumes") if not getattr(row, what)]
        for name, row in trained.items()
    }
    assert {name: what for name, what in missing.items() if what} == NOT_ALL[package]
    if package == "torch.optim":
        assert len(trained) >= 0.9 * len(rows)
