"""The file of a run that says which test examples were right, beside its curves.

First a bit for every seed, output and epoch, in this order, whether anything is known there, then for every one of them, known
or not, a bit an example, each row padded to whole bytes. Its length follows from the manifest, which has its checksum; nothing
in it is executed or decompressed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from amrobust.runs.correctness import Correctness, SeedCorrectness, agrees, width
from amrobust.runs.manifest import CorrectFile, RunMetadata
from amrobust.runs.validators import CorruptRun

MOST_BYTES = 200_000_000
"""Of the file of one run: 20 seeds of four outputs on 10,000 examples over 90 epochs take 9 MB."""


def length(examples: int, seeds: int, facts: RunMetadata) -> int:
    """Bytes of the file of a run."""
    rows = seeds * len(facts.outputs) * facts.epochs
    return width(rows) + rows * width(examples)


def encode(
    found: Mapping[int, SeedCorrectness], seeds: Sequence[int], facts: RunMetadata
) -> tuple[CorrectFile, bytes] | None:
    """The file of the complete ``seeds``, ascending, and the manifest's entry for it.

    None where nothing is known of any, where several metrics or numbers of examples are told, and where it would be too long.
    """
    kinds = {(each.metric, each.examples) for each in found.values()}
    if len(kinds) != 1:
        return None
    ((metric, examples),) = kinds
    if (
        metric not in [each.name for each in facts.metrics]
        or length(examples, len(seeds), facts) > MOST_BYTES
    ):
        return None
    blank = SeedCorrectness.blank(metric, examples, facts.outputs, facts.epochs)
    each = [found.get(seed, blank) for seed in seeds]
    known = np.concatenate(
        [one.known.get(output, blank.known[output]) for one in each for output in facts.outputs]
    )
    bits = np.concatenate(
        [one.bits.get(output, blank.bits[output]) for one in each for output in facts.outputs]
    )
    data = np.packbits(known).tobytes() + bits.tobytes()
    sha256 = hashlib.sha256(data).hexdigest()
    return CorrectFile(f"correct-{sha256[:12]}.bits", sha256, len(data), metric, examples), data


def decode(
    data: bytes, entry: CorrectFile, seeds: Sequence[int], facts: RunMetadata
) -> dict[str, Correctness]:
    """What :func:`encode` wrote, by output. Raises CorruptRun on another length."""
    if len(data) != length(entry.examples, len(seeds), facts):
        raise CorruptRun("its file of correct examples does not have the seeds and epochs of its manifest")
    shape = (len(seeds), len(facts.outputs), facts.epochs)
    flags = width(int(np.prod(shape)))
    raw = np.frombuffer(data, np.uint8)
    known = np.unpackbits(raw[:flags], count=int(np.prod(shape))).astype(bool).reshape(shape)
    bits = raw[flags:].reshape(*shape, width(entry.examples))
    return {
        output: Correctness(
            entry.metric,
            entry.examples,
            tuple(seeds),
            facts.coordinates.values,
            bits[:, place],
            known[:, place],
        )
        for place, output in enumerate(facts.outputs)
    }


def by_seed(found: Mapping[str, Correctness]) -> dict[int, SeedCorrectness]:
    """The same by seed, for those of which anything is known."""
    if not found:
        return {}
    first = next(iter(found.values()))
    return {
        seed: SeedCorrectness(
            first.metric,
            first.examples,
            {output: each.bits[row] for output, each in found.items()},
            {output: each.known[row] for output, each in found.items()},
        )
        for row, seed in enumerate(first.seeds)
        if any(each.known[row].any() for each in found.values())
    }


def check(found: Mapping[str, Correctness], curves: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> None:
    """Raise CorruptRun unless the bits give the accuracies that are recorded, as percentages or as shares of one."""
    for output, each in found.items():
        accuracy = curves[output][each.metric][each.known]
        right = np.unpackbits(each.bits[each.known], axis=1, count=each.examples).mean(
            axis=1, dtype=np.float64
        )
        if not (agrees(accuracy, right) or agrees(accuracy, 100 * right)):
            raise CorruptRun("its file of correct examples gives other accuracies than its curves")
