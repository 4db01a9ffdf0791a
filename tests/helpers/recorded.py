"""A short loop that is recorded, also by processes of their own, which find it by this module's name."""

import amrobust


def logged(directory, seed=0, epochs=3, method="adam", workload="mine", start=1, **options):
    with amrobust.record(directory, method=method, seed=seed, workload=workload, **options) as run:
        for epoch in range(start, start + epochs):
            run.log(epoch, test_accuracy=90 + seed + epoch / 10, test_loss=1 / (epoch + 1))


def record_some(directory, seeds):
    """Record these seeds, one after the other."""
    for seed in seeds:
        logged(directory, seed)
