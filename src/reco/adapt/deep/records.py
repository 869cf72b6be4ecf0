"""What a catalogue teaches: records as queries with their answers, and the records held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.adapt.training.pairs import Pair
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
class Split:
    """Row numbers: those to learn from, and those held out."""

    learnt: NDArray[np.int64]
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


def split(lessons: dict[int, Lesson], judged: float, seed: int) -> Split:
    """Hold out the share `judged` of the records; records with one title stay together."""
    generator = np.random.default_rng([seed, 1])
    groups = sorted({lesson.group for lesson in lessons.values()})
    place = dict(zip(groups, generator.permutation(len(groups)) / max(1, len(groups)), strict=True))
    rows = np.asarray(list(lessons), dtype=np.int64)
    places = np.asarray([place[lessons[int(row)].group] for row in rows])
    held = places < judged
    return Split(learnt=rows[~held], judged=rows[held])


def pairs_of(lessons: Sequence[Lesson], seed: int, epoch: int) -> list[Pair]:
    """Return each title with its text, and one passage of each record with the rest."""
    generator = np.random.default_rng([seed, 2, epoch])
    drawn = [int(generator.integers(len(lesson.passages))) for lesson in lessons]
    titles = [Pair(one.title, one.summary, str(one.group)) for one in lessons]
    passages = [
        Pair(one.passages[number], one.rest(number), str(one.group))
        for one, number in zip(lessons, drawn, strict=True)
    ]
    return [*titles, *passages]
