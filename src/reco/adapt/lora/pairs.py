"""Training pairs from a catalogue: records as queries with their answers, and the held-out records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.catalogue import Catalogue
from reco.encoder.protocol import Document
from reco.text.clean import fold


@dataclass(frozen=True)
class Lesson:
    """A record to learn from. Two lessons of one `group` are not contrasted."""

    title: str
    summary: str
    passages: tuple[str, ...]
    group: int

    def rest(self, passage: int) -> str:
        """Return the text of the record without one of its passages."""
        others = " ".join(text for number, text in enumerate(self.passages) if number != passage)
        return f"{self.title}. {others}" if others else self.title


@dataclass(frozen=True)
class TrainingPair:
    """A query and its answer."""

    asked: str
    answer: str
    group: int


@dataclass(frozen=True)
class Split:
    """Row numbers: those to learn from, those watched for early stopping, and those held out."""

    learnt: NDArray[np.int64]
    watched: NDArray[np.int64]
    judged: NDArray[np.int64]


def lessons_of(catalogue: Catalogue) -> dict[int, Lesson]:
    """Return a lesson for each row that has a title and a summary."""
    groups: dict[str, int] = {}
    found = {}
    for row, resource in enumerate(catalogue):
        document = Document.of(resource.title, resource.summary, resource.set_aside)
        if resource.title and document.spans:
            group = groups.setdefault(fold(resource.title), len(groups))
            passages = tuple(document.summary[s.start : s.end] for s in document.spans)
            found[row] = Lesson(resource.title, " ".join(passages), passages, group)
    return found


def split(lessons: dict[int, Lesson], watched: float, judged: float, seed: int) -> Split:
    """Draw `watched` and `judged` shares of the records; records with one title stay together."""
    generator = np.random.default_rng([seed, 1])
    groups = sorted({lesson.group for lesson in lessons.values()})
    place = dict(zip(groups, generator.permutation(len(groups)) / max(1, len(groups)), strict=True))
    rows = np.asarray(list(lessons), dtype=np.int64)
    places = np.asarray([place[lessons[int(row)].group] for row in rows])
    held = places < judged
    seen = ~held & (places < judged + watched)
    return Split(learnt=rows[~held & ~seen], watched=rows[seen], judged=rows[held])


def batches(lessons: Sequence[Lesson], size: int, seed: int, epoch: int) -> Iterator[list[TrainingPair]]:
    """Yield the batches of an epoch.

    Pairs are each title with its text, and one passage of each record with the rest; batches of the two
    kinds alternate. Deterministic for a seed and an epoch.
    """
    generator = np.random.default_rng([seed, 2, epoch])
    drawn = [int(generator.integers(len(lesson.passages))) for lesson in lessons]
    titles = [TrainingPair(one.title, one.summary, one.group) for one in lessons]
    passages = [
        TrainingPair(one.passages[number], one.rest(number), one.group)
        for one, number in zip(lessons, drawn, strict=True)
    ]
    kinds = [
        _apart([pairs[i] for i in generator.permutation(len(pairs))], size) for pairs in (titles, passages)
    ]
    for turn in range(max(map(len, kinds))):
        yield from (kind[turn] for kind in kinds if turn < len(kind))


def _apart(pairs: Sequence[TrainingPair], size: int) -> list[list[TrainingPair]]:
    """Fill batches in order, with at most one pair of each group in a batch.

    A title that many records share makes small batches with little to contrast. Those less than half as
    large as the first are left out.
    """
    filled: list[list[TrainingPair]] = []
    groups: list[set[int]] = []
    first_open = 0
    for pair in pairs:
        number = first_open
        while number < len(filled) and (len(filled[number]) == size or pair.group in groups[number]):
            number += 1
        if number == len(filled):
            filled.append([])
            groups.append(set())
        filled[number].append(pair)
        groups[number].add(pair.group)
        while first_open < len(filled) and len(filled[first_open]) == size:
            first_open += 1
    return [batch for batch in filled if len(batch) > 1 and 2 * len(batch) >= len(filled[0])]
