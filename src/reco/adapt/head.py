"""A linear head for a frozen encoder, learnt from the catalogue alone.

No label and no log is needed. A record's title is a query for the record's text, and each passage is a
query for the rest of the record. Queries with opinions that a curator approved are more pairs of the same
kind.

Training contrasts the pairs of a batch in both directions (InfoNCE, van den Oord et al. 2018,
arXiv:1807.03748) and keeps the layer near the identity, where it starts. The learnt change is then
multiplied by 1.25, since officers' queries are farther from their results than the training pairs are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reco.adapt.proof import Proof
from reco.encoder.protocol import DocumentVectors, Encoder, Matrix, unit
from reco.errors import InvalidInput
from reco.ranking.measures import randomisation_test
from reco.snapshots.snapshot import Snapshot

if TYPE_CHECKING:
    import torch

FEWEST = 100
"""The fewest records with a summary: below this, what a head learns does not generalise."""

FOLDS = 2
OFF_DOMAIN = 150
"""General sentences in the off-domain test; its time does not grow with the catalogue."""


@dataclass(frozen=True)
class HeadRecipe:
    """The hyperparameters of a head. `identity` weighs the squared distance to the identity.

    An epoch uses every title, and one passage of every record, drawn among `passages`. `records` and
    `steps` bound the time for any catalogue. `strength` multiplies the learnt distance to the identity.
    """

    epochs: int = 90
    steps: int = 600
    batch: int = 2048
    records: int = 1300
    passages: int = 4
    rate: float = 3e-4
    temperature: float = 0.05
    identity: float = 0.01
    strength: float = 1.25
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class HeadReport(Proof):
    """A learnt head, with mean reciprocal ranks of held-out records and of general sentences.

    `rows` are the snapshot's rows that it was learnt from; `held_out` has a head for each fold, learnt from
    the others: record i is of fold i modulo their number.
    """

    head: Matrix
    rows: tuple[int, ...] = ()
    held_out: tuple[Matrix, ...] = ()


@dataclass(frozen=True)
class Lessons:
    """Vectors to learn from, one row per record: its title as a query, and its targets.

    `answers` are records without their title, `frames` are titles as documents. `passages` are some
    passages of each record as queries: `owners` is their record, and `rests` is that record without the
    passage, or its title when nothing else is left.

    `judged` are visitors' queries with an approved opinion. `places` is the row here of the useful record,
    and `requests` numbers the queries. Two records useful for one query are not contrasted, nor are two
    records with one title, which `groups` numbers.
    """

    titles: Matrix
    passages: Matrix
    owners: NDArray[np.int64]
    rests: Matrix
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
    """Learn a head from a snapshot's records, and test it by cross-validation on held-out records.

    `pairs` are queries with the id of a useful resource. `background` are general sentences: finding each
    one from a third of its words is the off-domain test. Raises InvalidInput for a catalogue too small to
    learn from. Deterministic for a seed.
    """
    chosen = recipe or HeadRecipe()
    lessons = _lessons(snapshot, encoder, chosen, pairs)
    before, after, held_out = _cross_validated(lessons, chosen)
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
        rows=tuple(_training_rows(snapshot, chosen.records)),
        held_out=held_out,
        requests=frozenset(text for text, _ in pairs),
    )


def _cross_validated(
    lessons: Lessons, recipe: HeadRecipe
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[Matrix, ...]]:
    """Return each record's mean reciprocal rank without a head and with its fold's, and those heads."""
    folds = np.arange(len(lessons.titles)) % FOLDS
    before = _task_ranks(lessons, None)
    after = before.copy()
    heads = []
    for fold in range(FOLDS):
        head = _train(lessons, np.flatnonzero(folds != fold), recipe)
        after[folds == fold] = _task_ranks(lessons, head)[folds == fold]
        heads.append(head)
    return before, after, tuple(heads)


def _task_ranks(lessons: Lessons, head: Matrix | None) -> NDArray[np.float64]:
    """Return each record's mean reciprocal rank: its text from its title, its title from a passage."""
    texts = reciprocal_ranks(lessons.titles, lessons.answers, head)
    _, first = np.unique(lessons.owners, return_index=True)
    titles = reciprocal_ranks(lessons.passages[first], lessons.frames, head)
    return (texts + titles) / 2


def _lessons(
    snapshot: Snapshot, encoder: Encoder, recipe: HeadRecipe, pairs: Sequence[tuple[str, str]]
) -> Lessons:
    catalogue = snapshot.catalogue
    rows = _training_rows(snapshot, recipe.records)
    passages = _passages(snapshot, rows, recipe)
    documents = [snapshot.table.document(row).vectors for row in rows]
    places = {catalogue[row].id: place for place, row in enumerate(rows)}
    judged = [(text, places[identifier]) for text, identifier in pairs if identifier in places]
    titles = encoder.encode_queries([catalogue[row].title for row in rows])
    return Lessons(
        titles=titles,
        passages=encoder.encode_queries([text for _, _, text in passages]),
        owners=np.asarray([place for place, _, _ in passages], dtype=np.int64),
        rests=np.stack([_rest(documents[place], part) for place, part, _ in passages]),
        answers=np.stack([mean_of(document.parts[1:], document.weights[1:]) for document in documents]),
        frames=np.stack([document.parts[0] for document in documents]),
        groups=np.unique([catalogue[row].title for row in rows], return_inverse=True)[1].astype(np.int64),
        judged=encoder.encode_queries([text for text, _ in judged]) if judged else titles[:0],
        places=np.asarray([place for _, place in judged], dtype=np.int64),
        requests=np.unique([text for text, _ in judged], return_inverse=True)[1].astype(np.int64),
    )


def _training_rows(snapshot: Snapshot, limit: int) -> list[int]:
    """Return the rows to learn from, in order: those with a summary, `limit` of them by content hash."""
    rows = np.flatnonzero(np.diff(snapshot.table.bounds) > 1).tolist()
    if len(rows) < FEWEST:
        raise InvalidInput(
            f"{len(rows)} records have a summary; at least {FEWEST} are needed to learn from a catalogue.",
            "Add records with summaries, or keep the encoder as it is.",
        )
    return sorted(sorted(rows, key=lambda row: snapshot.catalogue[row].content_hash)[:limit])


def _passages(snapshot: Snapshot, rows: Sequence[int], recipe: HeadRecipe) -> list[tuple[int, int, str]]:
    """Return some passages of each record: its place among `rows`, the passage's part, and its text."""
    generator = np.random.default_rng(recipe.seed)
    passages = []
    for place, row in enumerate(rows):
        spans, summary = snapshot.table.document(row).spans, snapshot.catalogue[row].summary
        for part in (1 + generator.permutation(len(spans) - 1)[: recipe.passages]).tolist():
            passages.append((place, part, summary[spans[part].start : spans[part].end]))
    return passages


def _rest(document: DocumentVectors, part: int) -> NDArray[np.float32]:
    """Return the mean vector of a record without its title and one passage; its title if nothing is left."""
    weights = document.weights.copy()
    weights[[0, part]] = 0.0
    return mean_of(document.parts, weights) if weights.any() else document.parts[0]


def mean_of(parts: Matrix, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weighted mean of parts, (dimension,); the plain mean when all weights are zero."""
    total = float(weights.sum())
    mean = weights @ parts / total if total else parts.mean(axis=0)
    return np.asarray(mean, dtype=np.float32)


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
    for queries, answers, same in itertools.islice(_batches(lessons, rows, recipe, generator), recipe.steps):
        loss = _contrast(layer.linear(queries), layer.linear(answers), same, recipe)
        loss = loss + recipe.identity * ((layer.linear.weight - identity) ** 2).sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    learnt = identity + recipe.strength * (layer.linear.weight.detach() - identity)
    return np.ascontiguousarray(learnt.numpy(), dtype=np.float32)


def _batches(
    lessons: Lessons, rows: NDArray[np.int64], recipe: HeadRecipe, generator: np.random.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor, NDArray[np.bool_]]]:
    """Yield queries, their answers, and a mask of the pairs not to contrast, for all epochs."""
    import torch

    all_rows = np.arange(len(lessons.titles))
    # Visitors' queries share batches with titles: the records of these are their negatives.
    titles = (
        np.concatenate([lessons.titles, lessons.judged]),
        lessons.answers,
        np.concatenate([all_rows, lessons.places]),
        np.concatenate([all_rows, lessons.places]),
        np.concatenate([lessons.groups, lessons.requests + len(all_rows)]),
    )
    passages = (
        lessons.passages,
        lessons.rests,
        np.arange(len(lessons.passages)),
        lessons.owners,
        lessons.groups[lessons.owners],
    )
    for _ in range(recipe.epochs):
        for queries, answers, targets, owners, requests in (titles, passages):
            order = generator.permutation(np.flatnonzero(np.isin(owners, rows)))
            if queries is lessons.passages:
                order = order[np.sort(np.unique(owners[order], return_index=True)[1])]
            for chosen in np.array_split(order, -(-len(order) // recipe.batch)):
                same = _same(lessons.groups[owners[chosen]]) | _same(requests[chosen])
                yield (
                    torch.from_numpy(np.asarray(queries[chosen])),
                    torch.from_numpy(np.asarray(answers[targets[chosen]])),
                    same,
                )


def _same(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which pairs of a batch have the same number, the diagonal left out."""
    return np.asarray((numbers[:, None] == numbers[None, :]) & ~np.eye(len(numbers), dtype=bool))


def _contrast(
    queries: torch.Tensor, answers: torch.Tensor, same: NDArray[np.bool_], recipe: HeadRecipe
) -> torch.Tensor:
    """Return the symmetric in-batch InfoNCE loss; pairs in `same` are masked."""
    import torch
    from torch.nn.functional import cross_entropy, normalize

    logits = normalize(queries, dim=-1) @ normalize(answers, dim=-1).T / recipe.temperature
    logits = logits.masked_fill(torch.from_numpy(same), -1e4)
    targets = torch.arange(len(same))
    return (cross_entropy(logits, targets) + cross_entropy(logits.T, targets)) / 2


def _project(vectors: Matrix, head: Matrix | None) -> Matrix:
    return unit(vectors if head is None else vectors @ head.T)


def reciprocal_ranks(
    asked: Matrix, answers: Matrix, head: Matrix | None, own: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Return the reciprocal rank of each query's `own` answer among all; by default, answer i for query i."""
    cosines = _project(asked, head) @ _project(answers, head).T
    places = np.arange(len(asked)) if own is None else own
    own_cosines = cosines[np.arange(len(asked)), places]
    ranks: NDArray[np.float64] = 1.0 + (cosines > own_cosines[:, None]).sum(axis=1)
    return 1.0 / ranks


def scraps_of(sentences: Sequence[str], encoder: Encoder) -> tuple[Matrix, Matrix]:
    """Return the vectors of every third word of each general sentence, and of the whole sentences."""
    long = [sentence for sentence in sentences if len(sentence.split()) >= 9][:OFF_DOMAIN]
    scraps = [" ".join(sentence.split()[1::3]) for sentence in long]
    return encoder.encode_queries(scraps), encoder.encode_truncated(long)
