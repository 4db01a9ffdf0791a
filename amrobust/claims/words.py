"""Counts as sentences, tables and captions have them."""

from __future__ import annotations


def counted(n: int, noun: str) -> str:
    """``1 seed``, ``5 seeds``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
