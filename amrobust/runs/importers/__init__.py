"""Runs that other tools logged, read without executing anything in them: one small module a format."""

from amrobust.runs.importers.assemble import Gathered, gather
from amrobust.runs.importers.imported import ImportedMethod
from amrobust.runs.importers.naming import Mappings
from amrobust.runs.importers.policies import Policies
from amrobust.runs.importers.read import arms_of, read_path
from amrobust.runs.importers.registry import detect, get, names

__all__ = [
    "Gathered",
    "ImportedMethod",
    "Mappings",
    "Policies",
    "arms_of",
    "detect",
    "gather",
    "get",
    "names",
    "read_path",
]
