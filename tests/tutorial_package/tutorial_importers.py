"""An importer that a package announces: a text file, ``method seed: value value ...`` a line."""

import numpy as np

from amrobust.ingest.logged import LoggedRun

TITLE = "lines of values"


def recognises(path):
    """By its ending."""
    return path.suffix == ".lines"


def read(path, wanted):
    """A run a line, its values at steps 1, 2, ..."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        name, _, values = line.partition(":")
        method, seed = name.split()
        found = np.array([float(value) for value in values.split()])
        series = {"accuracy": (np.arange(1.0, len(found) + 1), found)}
        yield LoggedRun(path.name, {"method": method, "seed": seed}, series, (path,), line=number)
