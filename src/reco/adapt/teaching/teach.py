"""The whole way from public sheets and written requests to the weights that the package ships.

First the sheets alone, at a steady rate: they teach what French people ask of public action. Then written
requests and the catalogue, with a share of the sheets again so that they are not forgotten, while the rate
falls to zero.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from reco.adapt.head import OFF_DOMAIN, reciprocal_ranks
from reco.adapt.teaching.lessons import of_catalogue, of_requests, of_sheets
from reco.adapt.teaching.sheets import Sheet
from reco.adapt.training.checkpoint import Checkpoint
from reco.adapt.training.loop import LoopRecipe, train
from reco.adapt.training.pairs import Pair, batches
from reco.catalogue.catalogue import Catalogue
from reco.encoder.bundled import STAMP
from reco.encoder.protocol import Progress
from reco.encoder.sentence import SentenceEncoder
from reco.encoder.taught import Difference
from reco.storage.atomic import digest_of
from reco.text.background import background

_METHOD = "teach/1"
_LONG = 9
_HELD_OUT = 20
"""One sheet in this many is never learnt from, and measures what was."""


@dataclass(frozen=True)
class Teaching:
    """The hyperparameters. `alike` is the share of a batch that is of one subject.

    In each of the second part's `epochs`, every request and title is used once, and a share `replayed` of
    the sheets' pairs.
    """

    batch: int = 64
    alike: float = 0.5
    epochs: int = 2
    replayed: float = 0.25
    loop: LoopRecipe = field(default_factory=LoopRecipe)
    seed: int = 0


@dataclass(frozen=True)
class HeldOut:
    """Mean reciprocal ranks over sheets that were never learnt from: their text among all, from a title."""

    sheets: int
    before: float
    after: float


def kept_aside(sheet: Sheet) -> bool:
    """Return whether a sheet is one that only measures."""
    return int(hashlib.sha256(sheet.id.encode()).hexdigest(), 16) % _HELD_OUT == 0


def schedule(
    sheets: Sequence[Sheet], catalogue: Catalogue, requests: Mapping[str, Sequence[str]], recipe: Teaching
) -> tuple[list[list[Pair]], int]:
    """Return the batches of all steps, and how many of them are of the first part."""
    general = of_sheets(sheet for sheet in sheets if not kept_aside(sheet))
    own = [*of_requests(catalogue, requests), *of_catalogue(catalogue)]
    first = list(batches(general, recipe.batch, recipe.alike, (recipe.seed, 0)))
    steps = list(first)
    for epoch in range(1, recipe.epochs + 1):
        drawn = np.random.default_rng([recipe.seed, 7, epoch]).permutation(len(general))
        again = [general[i] for i in drawn[: round(recipe.replayed * len(general))]]
        steps += batches([*own, *again], recipe.batch, recipe.alike, (recipe.seed, epoch))
    return steps, len(first)


def teach(
    base: SentenceEncoder,
    steps: Sequence[Sequence[Pair]],
    steady: int,
    folder: Path,
    recipe: Teaching,
    progress: Progress | None = None,
) -> Difference:
    """Learn from the batches of `steps`, the first `steady` at the full rate. Resumes from `folder`.

    `base` is the plain bundled encoder. Raises StorageError when the disk refuses.
    """
    loop = replace(recipe.loop, steady=steady, seed=recipe.seed)
    texts = [[(pair.asked, pair.answer) for pair in batch] for batch in steps]
    key = digest_of(json.dumps([_METHOD, base.fingerprint, asdict(loop), texts]).encode())
    general = [sentence for sentence in background() if len(sentence.split()) >= _LONG][OFF_DOMAIN:]
    checkpoint = Checkpoint(folder, key)
    learnt = train(base.trainable(), steps, general, loop, checkpoint, progress)
    return Difference.of(learnt.differences, STAMP)


def held_out(sheets: Sequence[Sheet], before: SentenceEncoder, after: SentenceEncoder) -> HeldOut:
    """Measure two encoders on the sheets kept aside, among the texts of all sheets."""
    texts = [sheet.text for sheet in sheets]
    places = np.asarray([place for place, sheet in enumerate(sheets) if kept_aside(sheet)])
    titles = [sheets[place].title for place in places]
    ranks = [
        float(reciprocal_ranks(e.encode_queries(titles), e.encode_truncated(texts), None, places).mean())
        for e in (before, after)
    ]
    return HeldOut(len(places), *ranks)
