"""Where the shared development data lie, if they do."""

import os
from pathlib import Path

SHARED = Path(os.environ.get("AMROBUST_SHARED", Path(__file__).resolve().parents[3] / "shared"))
