"""What decides keeps its bands, measured again; run with: pytest -m calibration (the full study is ``amrobust calibrate``)."""

import pytest

from amrobust.judge.calibration import cells, measure
from amrobust.stats.calibration import Effort

pytestmark = pytest.mark.calibration


@pytest.mark.parametrize("cell", cells(), ids=lambda cell: cell.name)
def test_what_decides_keeps_its_band(cell):
    for figure in measure(cell, Effort(values=1_500, curves=300, slow=30), root=1):
        assert not figure.outside, figure
