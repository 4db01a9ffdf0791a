"""Declared analyses: what to train and what is claimed of it, in a TOML file that is checked before anything runs.

A file is read in :mod:`~amrobust.analysis.declared`, held against what it will train in :mod:`~amrobust.analysis.planned`, and
carried out in :mod:`~amrobust.analysis.run`.
"""

from amrobust.analysis.declared import Analysis, Setting, analysis_names, load_analysis, scales_of
from amrobust.analysis.planned import checked_claims, labels_of, specs_of_setting
from amrobust.analysis.run import run_analysis

__all__ = [
    "Analysis",
    "Setting",
    "analysis_names",
    "checked_claims",
    "labels_of",
    "load_analysis",
    "run_analysis",
    "scales_of",
    "specs_of_setting",
]
