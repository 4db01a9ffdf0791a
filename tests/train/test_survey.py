"""Every optimizer class of PyTorch and of two packages is trained, stacked and resumed, or refused with the reason."""

import pytest
from survey import PACKAGES, classes, surveyed


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_every_class_learns_stacks_and_resumes_or_is_refused_with_the_reason(package):
    pytest.importorskip(package)
    rows = {name: surveyed(name) for name in classes(package)}
    trained = {name: row for name, row in rows.items() if not row.refused}
    for name, row in rows.items():
        assert row.refused or row.alone or row.stack_error < 1e-6, name
        assert not row.refused or row.refused.startswith(name), name
    whole = [row for row in trained.values() if row.learns and row.resumes]
    if package == "pytorch_optimizer":  # Some diverge with their defaults, or keep objects in their state.
        assert len(whole) >= 0.9 * len(trained)
    else:
        assert len(whole) == len(trained)
    if package == "torch.optim":
        assert len(trained) >= 0.9 * len(rows)
