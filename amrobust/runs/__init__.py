"""What a run is on disk, and how it is read back."""

from amrobust.runs.arms import Arm, Metric
from amrobust.runs.check import Finding, check_runs
from amrobust.runs.execution import Interrupted, execute
from amrobust.runs.load import command_of, load_arms
from amrobust.runs.reporter import Reporter
from amrobust.runs.store import Run, find_run, open_runs
from amrobust.runs.summary import Summary, summaries

__all__ = [
    "Arm",
    "Finding",
    "Interrupted",
    "Metric",
    "Reporter",
    "Run",
    "Summary",
    "check_runs",
    "command_of",
    "execute",
    "find_run",
    "load_arms",
    "open_runs",
    "summaries",
]
