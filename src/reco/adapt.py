"""Learning from a catalogue alone: a linear head on a frozen encoder.

No label and no log: a record's title and its passages are requests that its own text should answer.
Requests that people judged, once a curator has approved them, are further lessons of the same kind.
Pairs are contrasted within a batch in both directions (InfoNCE, van den Oord et al. 2018,
arXiv:1807.03748), and the layer is held near the identity, where it starts.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reco.catalogue import Catalogue
from reco.encoder import Encoder, Matrix, unit
from reco.errors import InvalidInput
from reco.measures import randomisation_test
from reco.snapshot import Snapshot

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

FEWEST = 100
"""Records with a summary below which a catalogue teaches nothing that holds."""

FOLDS = 2
OFF_DOMAIN = 150
"""General sentences that are tried; the time they take does not grow with the catalogue."""

_SIGNIFICANT = 0.05
_OFF_DOMAIN_LOSS = 0.01


@dataclass(frozen=True)
class HeadRecipe:
    """How a head is learnt. `identity` weighs the squared distance to the identity."""

    epochs: int = 30
    batch: int = 256
    rate: float = 3e-4
    temperature: float = 0.05
    identity: float = 0.01
    seed: int = 0


@dataclass(frozen=True)
class HeadReport:
    """What was learnt: mean reciprocal ranks of held-out records, and of general sentences.

    `kept` says whether the head won beyond noise and lost nothing off-domain beyond 1 %.
    """

    head: Matrix
    records: int
    before: float
    after: float
    p: float
    off_domain_before: float
    off_domain_after: float

    @property
    def figures(self) -> dict[str, float]:
        """Everything but the head itself."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "head"}

    @property
    def kept(self) -> bool:
        """Whether the head deserves to be used."""
        gained = self.after > self.before and self.p < _SIGNIFICANT
        return gained and self.off_domain_after >= self.off_domain_before * (1 - _OFF_DOMAIN_LOSS)


@dataclass(frozen=True)
class Lessons:
    """Vectors to learn from, one row a record: its title and a passage read as requests, and targets.

    `answers` is the record without its title, `frames` its title alone. `judged` are people's requests,
    each with the row here, in `places`, of the record found useful for it, and its own number in `requests`:
    two records useful for one request are no contrast, like two records of one title.
    """

    titles: Matrix
    passages: Matrix
    answers: Matrix
    frames: Matrix
    groups: NDArray[np.int64]
    judged: Matrix
    places: NDArray[np.int64]
    requests: NDArray[np.int64]


def learn_head(
    snapshot: Snapshot,
    encoder: Encoder,
    background: Sequence[str],
    recipe: HeadRecipe | None = None,
    pairs: Sequence[tuple[str, str]] = (),
) -> HeadReport:
    """Learn a head from a snapshot's records, and try the recipe on records that it did not see.

    `pairs` are requests with the id of a resource that was found useful for each; `background` are
    general sentences, found from scraps of themselves, on which nothing may be lost. Raises
    InvalidInput for a catalogue too small to learn from. Deterministic for a seed.
    """
    chosen = recipe or HeadRecipe()
    lessons = _lessons(snapshot, encoder, chosen.seed, pairs)
    before, after = _cross_validated(lessons, chosen)
    head = _train(lessons, np.arange(len(lessons.titles)), chosen)
    scraps = scraps_of(background, encoder)
    return HeadReport(
        head=head,
        records=len(lessons.titles),
        before=float(before.mean()),
        after=float(after.mean()),
        p=randomisation_test(after, before),
        off_domain_before=float(reciprocal_ranks(*scraps, None).mean()),
        off_domain_after=float(reciprocal_ranks(*scraps, head).mean()),
    )


def _cross_validated(lessons: Lessons, recipe: HeadRecipe) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return every record's ranks without a head, and with one that did not learn from it."""
    folds = np.arange(len(lessons.titles)) % FOLDS
    before = _tasks(lessons, None)
    after = before.copy()
    for fold in range(FOLDS):
        head = _train(lessons, np.flatnonzero(folds != fold), recipe)
        after[folds == fold] = _tasks(lessons, head)[folds == fold]
    return before, after


def _tasks(lessons: Lessons, head: Matrix | None) -> NDArray[np.float64]:
    """Return each record's mean reciprocal rank: its text from its title, its title from a passage."""
    texts = reciprocal_ranks(lessons.titles, lessons.answers, head)
    titles = reciprocal_ranks(lessons.passages, lessons.frames, head)
    return (texts + titles) / 2


def _lessons(snapshot: Snapshot, encoder: Encoder, seed: int, pairs: Sequence[tuple[str, str]]) -> Lessons:
    table, catalogue = snapshot.table, snapshot.catalogue
    rows = np.flatnonzero(np.diff(table.bounds) > 1).astype(np.int64)
    if len(rows) < FEWEST:
        raise InvalidInput(
            f"{len(rows)} records have a summary; at least {FEWEST} are needed to learn from a catalogue.",
            "Add records with summaries, or keep the encoder as it is.",
        )
    generator = np.random.default_rng(seed)
    picks = np.asarray([1 + generator.integers(np.diff(table.bounds)[row] - 1) for row in rows])
    documents = [table.document(int(row)) for row in rows]
    answers = np.stack([mean_of(d.vectors.parts[1:], d.vectors.weights[1:]) for d in documents])
    spans = [document.spans[pick] for document, pick in zip(documents, picks, strict=True)]
    passages = [catalogue[row].summary[s.start : s.end] for row, s in zip(rows, spans, strict=True)]
    places = {catalogue[row].id: place for place, row in enumerate(rows)}
    known = [(text, places[identifier]) for text, identifier in pairs if identifier in places]
    titles = encoder.encode_queries([catalogue[row].title for row in rows])
    return Lessons(
        titles=titles,
        passages=encoder.encode_queries(passages),
        answers=answers,
        frames=np.stack([document.vectors.parts[0] for document in documents]),
        groups=_groups(catalogue, rows),
        judged=encoder.encode_queries([text for text, _ in known]) if known else titles[:0],
        places=np.asarray([place for _, place in known], dtype=np.int64),
        requests=np.unique([text for text, _ in known], return_inverse=True)[1].astype(np.int64),
    )


def mean_of(parts: Matrix, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    total = float(weights.sum())
    mean = weights @ parts / total if total else parts.mean(axis=0)
    return np.asarray(mean, dtype=np.float32)


def _groups(catalogue: Catalogue, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the distinct titles: two records of one title are no contrast to each other."""
    _, numbers = np.unique([catalogue[row].title for row in rows], return_inverse=True)
    return np.asarray(numbers, dtype=np.int64)


def _train(lessons: Lessons, rows: NDArray[np.int64], recipe: HeadRecipe) -> Matrix:
    import torch
    from sentence_transformers.base.modules import Dense

    torch.manual_seed(recipe.seed)
    size = lessons.titles.shape[1]
    layer = Dense(size, size, bias=False, activation_function=torch.nn.Identity())
    identity = torch.eye(size)
    with torch.no_grad():
        layer.linear.weight.copy_(identity)
    optimiser = torch.optim.AdamW(layer.parameters(), lr=recipe.rate, weight_decay=0.0)
    generator = np.random.default_rng(recipe.seed)
    answers = torch.from_numpy(np.asarray(lessons.answers))
    everyone = np.arange(len(lessons.titles))
    # People's requests are learnt among titles, whose records are what theirs are told apart from.
    sets = [
        (
            np.concatenate([lessons.titles, lessons.judged]),
            np.concatenate([everyone, lessons.places]),
            np.concatenate([lessons.groups, lessons.requests + len(everyone)]),
        ),
        (lessons.passages, everyone, lessons.groups),
    ]
    for _ in range(recipe.epochs):
        for vectors, places, requests in sets:
            asked = torch.from_numpy(np.asarray(vectors))
            order = generator.permutation(np.flatnonzero(np.isin(places, rows)))
            for start in range(0, len(order), recipe.batch):
                chosen = order[start : start + recipe.batch]
                owners = places[chosen]
                same = _same(lessons.groups[owners]) | _same(requests[chosen])
                loss = _contrast(layer.linear(asked[chosen]), layer.linear(answers[owners]), same, recipe)
                loss = loss + recipe.identity * ((layer.linear.weight - identity) ** 2).sum()
                optimiser.zero_grad()
                torch.autograd.backward(loss)
                optimiser.step()
    return np.ascontiguousarray(layer.linear.weight.detach().numpy(), dtype=np.float32)


def _same(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which pairs of a batch have one number, each with itself left out."""
    return np.asarray((numbers[:, None] == numbers[None, :]) & ~np.eye(len(numbers), dtype=bool))


def _contrast(
    asked: torch.Tensor, answers: torch.Tensor, same: NDArray[np.bool_], recipe: HeadRecipe
) -> torch.Tensor:
    """Return the symmetric in-batch InfoNCE loss; what is the `same` is masked for each other."""
    import torch
    from torch.nn.functional import cross_entropy, normalize

    logits = normalize(asked, dim=-1) @ normalize(answers, dim=-1).T / recipe.temperature
    logits = logits.masked_fill(torch.from_numpy(same), -1e4)
    own = torch.arange(len(same))
    return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2


def _through(vectors: Matrix, head: Matrix | None) -> Matrix:
    return unit(vectors if head is None else vectors @ head.T)


def reciprocal_ranks(
    asked: Matrix, answers: Matrix, head: Matrix | None, own: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Return the reciprocal rank of each request's `own` answer among all; by default answer i for i."""
    cosines = _through(asked, head) @ _through(answers, head).T
    places = np.arange(len(asked)) if own is None else own
    found = cosines[np.arange(len(asked)), places]
    ranks: NDArray[np.float64] = 1.0 + (cosines > found[:, None]).sum(axis=1)
    return 1.0 / ranks


def scraps_of(sentences: Sequence[str], encoder: Encoder) -> tuple[Matrix, Matrix]:
    """Return the vectors of every third word of general sentences, and of the sentences."""
    long = [sentence for sentence in sentences if len(sentence.split()) >= 9][:OFF_DOMAIN]
    scraps = [" ".join(sentence.split()[1::3]) for sentence in long]
    return encoder.encode_queries(scraps), encoder.encode_truncated(long)
