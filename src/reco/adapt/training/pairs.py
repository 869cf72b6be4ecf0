"""Training pairs, and the batches in which they are contrasted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pair:
    """A query and its answer.

    Two pairs of one `group` are never contrasted, since the answer of each may answer the other. Pairs of
    one `subject` are near each other: contrasting them teaches most.
    """

    asked: str
    answer: str
    group: str
    subject: str = ""


def batches(pairs: Sequence[Pair], size: int, alike: float, seed: Sequence[int]) -> Iterator[list[Pair]]:
    """Yield the batches of an epoch in random order, with at most one pair of each group in a batch.

    The share `alike` of each batch is drawn from pairs of one subject.
    """
    generator = np.random.default_rng(list(seed))
    waiting = [pairs[i] for i in generator.permutation(len(pairs))]
    near = round(size * alike)
    runs = _runs(waiting, near, generator)
    taken = {id(pair) for run in runs for pair in run}
    rest = [pair for pair in waiting if id(pair) not in taken]
    filled = [list(run) for run in runs]
    groups = [{pair.group for pair in run} for run in runs]
    first_open = 0
    for pair in rest:
        number = first_open
        while number < len(filled) and (len(filled[number]) >= size or pair.group in groups[number]):
            number += 1
        if number == len(filled):
            filled.append([])
            groups.append(set())
        filled[number].append(pair)
        groups[number].add(pair.group)
        while first_open < len(filled) and len(filled[first_open]) >= size:
            first_open += 1
    whole = [batch for batch in filled if 2 * len(batch) >= size]
    yield from (whole[i] for i in generator.permutation(len(whole)))


def _runs(pairs: Sequence[Pair], size: int, generator: np.random.Generator) -> list[list[Pair]]:
    """Return groups of `size` pairs of one subject, as many as leave the other half of each batch."""
    by_subject: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_subject.setdefault(pair.subject, []).append(pair)
    runs = [run for subject, found in by_subject.items() if subject for run in _chunks(found, size)]
    most = len(pairs) // max(1, 2 * size) if size else 0
    return [runs[i] for i in generator.permutation(len(runs))[:most]]


def _chunks(pairs: Sequence[Pair], size: int) -> Iterator[list[Pair]]:
    if size < 2:
        return
    open_run: list[Pair] = []
    for pair in pairs:
        if all(pair.group != other.group for other in open_run):
            open_run.append(pair)
        if len(open_run) == size:
            yield open_run
            open_run = []
