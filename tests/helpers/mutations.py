"""Inputs made from valid ones: bytes cut, doubled, flipped and spliced, and JSON with parts of it exchanged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

ODD = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 10**400, 0.5, 1e308, -0.0, "", "x", "../x", "/etc/passwd", "\x1b[2J",
    "\ud800", "a" * 20_000, [], {}, [[]], {"a": {}}, [0] * 1000,
)  # fmt: skip
"""Values that stand where others are expected."""


def mutated(data: bytes, rng: Random, tokens: Sequence[str], most: int = 6) -> bytes:
    """``data`` after up to ``most`` changes."""
    for _ in range(rng.randint(1, most)):
        start = rng.randint(0, len(data))
        end = min(len(data), start + rng.choice((0, 1, 2, 4, 8, 50)))
        choice = rng.randrange(7)
        piece = data[start:end]
        if choice == 0:
            piece = b""
        elif choice == 1:
            piece = piece * rng.choice((2, 3, 50))
        elif choice == 2:
            piece = bytes(byte ^ (1 << rng.randrange(8)) for byte in piece)
        elif choice == 3:
            piece = bytes(rng.randrange(256) for _ in range(rng.choice((1, 4, 8))))
        elif choice == 4 and tokens:
            piece = rng.choice(tokens).encode("utf-8", "surrogatepass")
        elif choice == 5:
            other = rng.randint(0, len(data))
            piece = data[other : other + rng.choice((1, 4, 30))]
        else:
            piece = rng.choice((b"\x00", b"\xff", b"\n", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80"))
        data = data[:start] + piece + data[end:]
    return data


def mutated_json(data: bytes, rng: Random, most: int = 4) -> bytes:
    """JSON in which some values and keys are exchanged for others; ``data`` itself where it is no JSON."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return data
    for _ in range(rng.randint(1, most)):
        content = _changed(content, rng)
    return json.dumps(content).encode()


def _changed(value: Any, rng: Random) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        choice = rng.random()
        if choice < 0.08:
            return {name: item for name, item in value.items() if name != key}
        if choice < 0.16:
            return {
                (rng.choice(("", "x", "../x", "7", key + "x")) if name == key else name): i
                for name, i in value.items()
            }
        return value | {key: _changed(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        choice = rng.random()
        if choice < 0.1:
            return value[:place] + value[place + 1 :]
        if choice < 0.2:
            return [*value, value[place]]
        return [*value[:place], _changed(value[place], rng), *value[place + 1 :]]
    if isinstance(value, int) and not isinstance(value, bool) and rng.random() < 0.5:
        return value + rng.choice((-1, 1, 10**6))
    return rng.choice(ODD)
