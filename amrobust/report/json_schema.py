"""The JSON Schema of ``--format json``, made from the very dataclasses that are written.

``python -m amrobust.report.json_schema`` prints it; ``schemas/comparison.schema.json`` is its output, and a test holds the two
together.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib.resources import files
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from amrobust.judge.comparison import GroupComparison
from amrobust.judge.kinds import KINDS
from amrobust.report.json import SCHEMA_VERSION
from amrobust.runs.arms import Arm

FILE = "schemas/comparison.schema.json"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = {
    "description": "A number; JSON has no NaN and no infinities, so that these are words.",
    "anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}],
}
_NOTE = {
    "type": "object",
    "description": "A warning, each once, with what it concerns; empty where it concerns the whole group.",
    "properties": {
        **{name: {"type": "string"} for name in ("kind", "message", "hint")},
        "about": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["kind", "message", "hint", "about"],
}


def published() -> dict[str, Any]:
    """The schema as the package ships it."""
    found = json.loads(files("amrobust.report").joinpath(FILE).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def schema() -> dict[str, Any]:
    """The schema of what :func:`amrobust.report.json.render` writes."""
    definitions: dict[str, Any] = {"number": _NUMBER, "note": _NOTE}
    compared = _object(GroupComparison, definitions, without=("arms",))
    definitions["Claim"]["properties"]["kind"] = {"enum": list(KINDS)}
    arm = _object(Arm, definitions, without=("curves", "metrics", "axis", "declared"))
    arm["properties"] |= {
        "label": {"type": "string", "description": "What the method is called in print."},
        "epochs": {"type": "integer"},
        "final_values": {
            "type": "array",
            "items": _ref("number"),
            "description": "One a seed, in the order of seeds.",
        },
    }
    seeds = {
        "type": "array",
        "items": {"type": ["integer", "string"]},
        "description": "Seeds, as they were given.",
    }
    arm["properties"] |= {"seeds": seeds, "diverged": seeds | {"description": "Seeds that diverged."}}
    arm["required"] += ["label", "epochs", "final_values"]
    definitions["Arm"] = arm
    compared["properties"] |= {
        "arms": {"type": "array", "items": _ref("Arm")},
        "notes": {"type": "array", "items": _ref("note")},
    }
    compared["required"] += ["arms", "notes"]
    definitions["GroupComparison"] = compared
    return {
        "$schema": _DRAFT,
        "title": "A comparison by amrobust",
        "description": "What 'amrobust compare --format json' writes. Within one schema_version properties are added, never "
        "removed or changed.",
        "type": "object",
        "properties": {
            "schema_version": {"const": SCHEMA_VERSION},
            "amrobust_version": {"type": "string"},
            "read": {
                "type": "array",
                "items": {"type": "string"},
                "description": "What was read as what, a line for each log or table.",
            },
            "groups": {"type": "array", "items": _ref("GroupComparison")},
            "problems": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["schema_version", "amrobust_version", "read", "groups", "problems"],
        "$defs": dict(sorted(definitions.items())),
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _object(kind: type, definitions: dict[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    hints = get_type_hints(kind)
    kept = [
        field.name
        for field in fields(kind)
        if field.name not in without and not field.metadata.get("internal")
    ]
    return {
        "type": "object",
        "description": (kind.__doc__ or "").strip().splitlines()[0],
        "properties": {name: _of(hints[name], definitions) for name in kept},
        "required": kept,
    }


def _of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    simple = {str: "string", bool: "boolean", int: "integer", type(None): "null"}
    if hint in simple:
        return {"type": simple[hint]}
    if hint is float:
        return _ref("number")
    if is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}  # a claim has parts that are claims
            definitions[hint.__name__] = _object(hint, definitions)
        return _ref(hint.__name__)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(one, definitions) for one in arguments]}
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return {"type": "array", "items": _of(arguments[0], definitions)}
        parts = [_of(one, definitions) for one in arguments]
        return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    raise TypeError(f"no schema for {hint!r}")


def text() -> str:
    """The schema as it is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
