"""What a run is on disk, and how it is read back."""

from amrobust.runs.arms import Arm, Metric
from amrobust.runs.check import Finding, check_runs
from amrobust.runs.execution import Interrupted, execute
from amrobust.runs.grid import GridReporter, GridRow, execute_grid, failures
from amrobust.runs.judged import judged_request
from amrobust.runs.load import command_of, load_arms, tuning_command_of
from amrobust.runs.progress import RunProgress, progress_in, progress_of
from amrobust.runs.reporter import Reporter
from amrobust.runs.store import Run, find_run, open_runs
from amrobust.runs.summary import Summary, summaries
from amrobust.runs.tuning import tune
from amrobust.runs.tuning_record import TunedMethod, TuningFile, read_tuning, write_tuning

__all__ = [
    "Arm",
    "Finding",
    "GridReporter",
    "GridRow",
    "Interrupted",
    "Metric",
    "Reporter",
    "Run",
    "RunProgress",
    "Summary",
    "TunedMethod",
    "TuningFile",
    "check_runs",
    "command_of",
    "execute",
    "execute_grid",
    "failures",
    "find_run",
    "judged_request",
    "load_arms",
    "open_runs",
    "progress_in",
    "progress_of",
    "read_tuning",
    "summaries",
    "tune",
    "tuning_command_of",
    "write_tuning",
]
