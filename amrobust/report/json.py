"""The comparison as JSON: every number at full precision, every warning with its hint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from amrobust import __version__
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.notes import notes
from amrobust.runs.arms import Arm, what_was_read
from amrobust.runs.files import shown_json
from amrobust.runs.seeds import NamedSeed, as_given

SCHEMA_VERSION = 3


def render(comparison: Comparison) -> str:
    """A JSON document with the fields of Comparison, GroupComparison, Verdict and Result by their own names.

    Curves are left out (``amrobust export`` writes them); each arm carries its final values instead. ``notes`` lists
    each warning of a group once, with what it concerns. JSON has no NaN and no infinity: they are the strings
    ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "amrobust_version": __version__,
        "read": what_was_read(arm for compared in comparison.groups for arm in compared.arms),
        "groups": [_group(compared) for compared in comparison.groups],
        "problems": list(comparison.problems),
    }
    return shown_json(document, allow_nan=False) + "\n"


def _group(compared: GroupComparison) -> dict[str, Any]:
    arms = [_arm(arm, compared) for arm in compared.arms]
    listed = [{**plain(note.warning), "about": [*note.about, *note.alike]} for note in notes(compared)]
    return {**plain(compared, without=("arms",)), "arms": arms, "notes": listed}


def _arm(arm: Arm, compared: GroupComparison) -> dict[str, Any]:
    from amrobust.stats import final_values

    values = final_values(arm.curves[compared.metric.name], compared.final)
    return {
        **plain(arm, without=("curves", "metrics", "axis", "declared")),
        "label": arm.title,
        "epochs": arm.epochs,
        "final_values": plain(values.tolist()),
    }


def plain(value: Any, without: tuple[str, ...] = ()) -> Any:
    """``value`` as JSON can hold it: dataclasses as objects, tuples as lists, non-finite numbers as strings, seeds as given."""
    if is_dataclass(value):
        return {
            f.name: plain(getattr(value, f.name))
            for f in fields(value)
            if f.name not in without and not f.metadata.get("internal")
        }
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return as_given(value) if isinstance(value, NamedSeed) else value
