"""Text for language models: lines of words separated by spaces, each line ended by an end-of-sentence word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError

END = "<eos>"
MAX_WORDS = 1_000_000
"""Different words: an embedding of more is not usable."""


@dataclass(frozen=True)
class Corpus:
    """Each text as word numbers, and the words in the order of their numbers."""

    texts: tuple[NDArray[np.int64], ...]
    words: tuple[str, ...]


def parse(contents: Sequence[tuple[str, bytes]]) -> Corpus:
    """The texts of (name, UTF-8 content), words numbered in the order in which they first appear.

    Every line that holds a word ends with ``<eos>``. Raises UserError on a text that is not UTF-8, that holds no words, or
    where there are more than a million different words.
    """
    numbers: dict[str, int] = {}
    texts = []
    for name, content in contents:
        try:
            lines = content.decode().splitlines()
        except UnicodeDecodeError as error:
            raise UserError(f"{name} is not UTF-8 text: byte {error.start:,} is wrong") from None
        tokens = [
            numbers.setdefault(word, len(numbers))
            for line in lines
            if line.strip()
            for word in (*line.split(), END)
        ]
        if not tokens:
            raise UserError(f"{name} holds no words")
        if len(numbers) > MAX_WORDS:
            raise UserError(f"{name} holds too many different words: more than {MAX_WORDS:,}")
        texts.append(np.array(tokens, np.int64))
    return Corpus(tuple(texts), tuple(numbers))
