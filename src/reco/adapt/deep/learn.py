"""Deep adaptation: low-rank weights learnt from a catalogue alone, and their test.

The adapter trains once, on most records. Held-out records test the very adapter that is then served.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reco.adapt.deep.lowrank import low_rank
from reco.adapt.deep.recipe import DeepRecipe
from reco.adapt.deep.records import Lesson, Split, lessons_of, pairs_of, split
from reco.adapt.head import OFF_DOMAIN, mean_of, reciprocal_ranks, scraps_of
from reco.adapt.proof import Proof
from reco.adapt.training.checkpoint import Checkpoint
from reco.adapt.training.loop import train
from reco.adapt.training.pairs import Pair, batches
from reco.catalogue.catalogue import Catalogue
from reco.encoder.adapter import Adapter
from reco.encoder.protocol import Encoder, Progress
from reco.encoder.sentence import SentenceEncoder
from reco.errors import EncoderError, InvalidInput
from reco.index.vectors import VectorTable, embed
from reco.ranking.measures import randomisation_test
from reco.storage import atomic

FEWEST = 200
"""The fewest records with a summary: below this, too few can be held out."""

_LONG = 9
_METHOD = "deep/2"
"""The name of the training method; a change makes interrupted trainings start again."""


@dataclass(frozen=True, kw_only=True)
class DeepReport(Proof):
    """A learnt adapter, with mean reciprocal ranks of held-out records and of general sentences.

    `plain` is the catalogue encoded without the adapter, `table` with it; `rows` are its rows that were held
    out. Times are in seconds.
    """

    adapter: Adapter
    plain: VectorTable
    table: VectorTable
    judged: int
    steps: int
    training_seconds: float
    encoding_seconds: float
    rows: tuple[int, ...] = ()


def learn_deep(
    catalogue: Catalogue,
    table: VectorTable,
    base: Encoder,
    background: Sequence[str],
    folder: Path,
    recipe: DeepRecipe | None = None,
    progress: Progress | None = None,
    replay: Sequence[Pair] = (),
) -> DeepReport:
    """Learn an adapter of `base`; `table` has the vectors of the catalogue by `base`.

    `replay` are requests written for other resources: with some of them in each batch, what the encoder
    already knows of requests is not forgotten. `background` are general sentences: some are held in place
    during training, others are the off-domain test. An interrupted run resumes from its state in `folder`.
    Raises InvalidInput for a catalogue that is too small or has a single title, EncoderError for an encoder
    that cannot be adapted.
    """
    chosen = recipe or DeepRecipe()
    if not isinstance(base, SentenceEncoder):
        raise EncoderError("This encoder cannot be adapted.", "Name a model under [encoder].")
    lessons = lessons_of(catalogue)
    parts = split(lessons, chosen.judged, chosen.seed)
    _require_enough(lessons, parts)
    started = time.monotonic()
    steps = schedule([lessons[int(row)] for row in parts.learnt], replay, chosen)
    changed = _train(base, steps, background, folder, chosen, progress)
    trained = time.monotonic()
    adapter = low_rank(changed, base.fingerprint, chosen.rank, chosen.scale)
    encoder = base.adapted(adapter)
    adapted, _ = embed(catalogue, encoder, None, progress)
    encoded = time.monotonic()
    judge = _HeldOut(lessons, parts, chosen.seed)
    before, after = judge.ranks(table, base), judge.ranks(adapted, encoder)
    off_before, off_after = (
        reciprocal_ranks(*scraps_of(background, e), None).mean() for e in (base, encoder)
    )
    return DeepReport(
        adapter=adapter,
        plain=table,
        table=adapted,
        records=len(lessons),
        judged=len(parts.judged),
        steps=len(steps),
        before=float(before.mean()),
        after=float(after.mean()),
        p=randomisation_test(after, before),
        off_domain_before=float(off_before),
        off_domain_after=float(off_after),
        training_seconds=round(trained - started, 1),
        encoding_seconds=round(encoded - trained, 1),
        rows=tuple(int(row) for row in parts.judged),
        requests=frozenset(pair.asked for pair in replay),
    )


def _require_enough(lessons: dict[int, Lesson], parts: Split) -> None:
    if len(lessons) < FEWEST:
        raise InvalidInput(
            f"{len(lessons)} records have a summary; at least {FEWEST} are needed to adapt the encoder.",
            "Add records with summaries, or use `reco adapt`, which needs fewer.",
        )
    titles = len({lesson.group for lesson in lessons.values()})
    if titles < FEWEST // 2 or not min(map(len, (parts.learnt, parts.judged))):
        raise InvalidInput(
            f"The records have only {titles} different titles: too few to learn from.",
            "Give records titles of their own, or keep the encoder as it is.",
        )


def schedule(lessons: Sequence[Lesson], replay: Sequence[Pair], recipe: DeepRecipe) -> list[list[Pair]]:
    """Return the batches of all steps: the catalogue's pairs, and some of `replay` among them."""
    found: list[list[Pair]] = []
    for epoch in range(recipe.epochs):
        own = pairs_of(lessons, recipe.seed, epoch)
        drawn = np.random.default_rng([recipe.seed, 5, epoch]).permutation(len(replay))
        again = [replay[i] for i in drawn[: round(recipe.replayed * len(own))]]
        found += batches([*own, *again], recipe.batch, 0.0, (recipe.seed, epoch))
    return found[: recipe.steps]


def _train(
    base: SentenceEncoder,
    steps: Sequence[Sequence[Pair]],
    background: Sequence[str],
    folder: Path,
    recipe: DeepRecipe,
    progress: Progress | None,
) -> dict[str, NDArray[np.float32]]:
    """Return the difference of each matrix, of the upper half of the layers unless the recipe says."""
    long = [sentence for sentence in background if len(sentence.split()) >= _LONG]
    texts = [[(pair.asked, pair.answer) for pair in batch] for batch in steps]
    key = atomic.digest_of(json.dumps([_METHOD, base.fingerprint, asdict(recipe), texts]).encode())
    # The first ones are the off-domain test: training must not hold these in place.
    general = long[OFF_DOMAIN:]
    return train(base.trainable(), steps, general, recipe.loop, Checkpoint(folder, key), progress).differences


class _HeldOut:
    """The held-out test: find each record by its title and by one of its passages, among all records."""

    def __init__(self, lessons: dict[int, Lesson], parts: Split, seed: int) -> None:
        generator = np.random.default_rng([seed, 4])
        self._rows = list(lessons)
        places = {row: place for place, row in enumerate(self._rows)}
        self._places = np.asarray([places[int(row)] for row in parts.judged])
        judged = [lessons[int(row)] for row in parts.judged]
        self._titles = [lesson.title for lesson in judged]
        self._passages = [one.passages[generator.integers(len(one.passages))] for one in judged]

    def ranks(self, table: VectorTable, encoder: Encoder) -> NDArray[np.float64]:
        """Return each held-out record's mean reciprocal rank over two tasks.

        The tasks are to find its text from its title, and its title from a passage.
        """
        documents = [table.document(row).vectors for row in self._rows]
        texts = np.stack([mean_of(found.parts[1:], found.weights[1:]) for found in documents])
        titles = np.stack([found.parts[0] for found in documents])
        by_title = reciprocal_ranks(encoder.encode_queries(self._titles), texts, None, self._places)
        by_passage = reciprocal_ranks(encoder.encode_queries(self._passages), titles, None, self._places)
        return (by_title + by_passage) / 2
