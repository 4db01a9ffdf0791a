"""Trackers that are asked over the network, by their addresses: mlflow://HOST/EXPERIMENT and wandb://ENTITY/PROJECT."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from amrobust.errors import UserError
from amrobust.ingest.assemble import Gathered, gather
from amrobust.ingest.limits import MAX_CELLS
from amrobust.ingest.logged import LoggedRun
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Policies
from amrobust.runs.files import escape

READERS = {"mlflow": "live_mlflow", "mlflow+https": "live_mlflow", "wandb": "live_wandb"}
"""By the scheme of an address, the module of this room that asks its tracker's own client."""
_ADDRESS = re.compile(r"(?P<scheme>[a-z+]+)://(?P<place>[^/]+)/(?P<project>.+?)/?")


def is_address(text: str) -> bool:
    """Whether ``text`` is meant as an address, and as no path."""
    return "://" in text


def read_address(
    address: str, mappings: Mappings | None = None, policies: Policies | None = None
) -> tuple[Gathered, str]:
    """The methods of one experiment, or project, of a tracker, and the tracker's name.

    Its client logs in as it always does: amrobust sees no password. Raises UserError where the address is none, the client is
    not installed, or the tracker refuses; and what :func:`amrobust.ingest.assemble.gather` refuses.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or found["scheme"] not in READERS:
        raise UserError(
            f"{escape(address)} is no tracker's address: give mlflow://HOST:PORT/EXPERIMENT (mlflow+https:// where it has a "
            "certificate), wandb://ENTITY/PROJECT, or a file or folder"
        )
    scheme, project = found["scheme"], unquote(found["project"])
    tracker = scheme.partition("+")[0]
    reader = import_module(f"amrobust.ingest.{READERS[scheme]}")
    logged = list(_bounded(address, reader.read(scheme, found["place"], project)))
    if not logged:
        raise UserError(f"{escape(address)} has no runs")
    return gather(logged, mappings or Mappings(), policies or Policies(), stem=project), tracker


def client(module: str, extra: str) -> Any:
    """A tracker's client. Raises UserError where it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise UserError(
            f"asking the tracker needs its own client ({error}): pip install 'amrobust[{extra}]'"
        ) from None


def _bounded(address: str, runs: Iterator[LoggedRun]) -> Iterator[LoggedRun]:
    points = 0
    for run in runs:
        points += sum(len(values) for values, _ in run.series.values())
        if points > MAX_CELLS:
            raise UserError(f"{escape(address)} has more than {MAX_CELLS:,} values")
        yield run
