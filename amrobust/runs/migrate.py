"""Manifests of earlier schema versions, brought to the current one step by step.

A change of the manifest's form raises ``SCHEMA_VERSION`` by one and adds the step from the version before it here. What
is on disk stays as it is until its run is next committed, and is then written in the current form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from amrobust.runs.manifest import SCHEMA_VERSION

Content = dict[str, Any]
Step = Callable[[Content], Content]


def _only_trained(content: Content) -> Content:
    """Version 2 says where imported seeds came from; before it every seed was trained, for which nothing is said."""
    return content


def _not_tuned(content: Content) -> Content:
    """Version 3 says how hyperparameters were chosen; before it nothing was recorded about that."""
    return content | {"tuning": None}


def _known_and_placed(content: Content) -> Content:
    """Version 4 says how a metric's direction and unit are known, and where curves were measured.

    Our own workloads always said the former, for others nothing was; the latter were the epochs from 1 on.
    """
    foreign = any(made.get("source") is not None for made in content["provenance"])
    by = "not recorded" if foreign else "workload"
    metrics = [
        {"name": name, "better": better, "unit": unit, "better_by": by, "unit_by": by}
        for name, better, unit in content["facts"]["metrics"]
    ]
    return content | {"facts": content["facts"] | {"metrics": metrics}}


def _declared(content: Content) -> Content:
    """Version 5 says which declaration a seed was trained under, identities cover code, and curves may have cells in which
    nothing was measured; before it neither was so.
    """
    return content


STEPS: Mapping[int, Step] = {1: _only_trained, 2: _not_tuned, 3: _known_and_placed, 4: _declared}
"""For each earlier version, what turns the content of a manifest of that version into that of the next one.

A step may meet content that a stranger made up: what it does not find as it expects raises LookupError, TypeError,
ValueError or AttributeError, and the fields that it leaves are checked afterwards like any other.
"""


def to_current(content: Content, version: int) -> Content:
    """``content`` of schema ``version`` in the current form."""
    for step in range(version, SCHEMA_VERSION):
        content = STEPS[step](content)
    return content
