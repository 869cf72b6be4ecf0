"""Measuring at refresh what scores are worth: against unrelated requests, and against judgements.

Two things are asked of every snapshot. Does a request belong to the field? Linear discriminant analysis
(Fisher 1936; the covariance is shrunk half-way to a multiple of the identity, after Friedman 1989) of
request vectors, unrelated sentences on one side, the catalogue's own titles, passages, themes and
phrases on the other; then a logistic regression of that figure and of the best score, each measured on
texts that did not teach it, long and terse, answered without their own resource. And is a result close? By
the best scores that unrelated requests reach, or by precision where a golden set was judged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from reco.catalogue.resource import Resource
from reco.encoder.protocol import Encoder
from reco.errors import InvalidQuery
from reco.evaluation.beir import Topic
from reco.index.calibration import LEVELS, Levels, Vectors
from reco.ranking.recommender import Fusion, Query, Recommender
from reco.ranking.scoring import Scorer
from reco.ranking.search import expanded
from reco.refresh.baseline import Baseline, comparable
from reco.refresh.recipe import Recipe
from reco.snapshots.snapshot import Snapshot
from reco.text.background import unrelated
from reco.text.clean import digest
from reco.text.clean import fold as bare
from reco.text.tokens import words

logger = logging.getLogger(__name__)

LARGE = 10_000
"""Resources above which what scores are worth is not measured every night."""

FEWEST = 50
"""Resources below which nothing is calibrated: levels and verdict are None."""

FALSE_HOPES = 0.05
"""Share of the unrelated requests that are not told *nothing*: where the threshold lies."""

CUTS = (0.5, 0.75, 0.95)
"""Quantiles of the best scores of unrelated requests from which a result has each level above the lowest."""

PRECISIONS = (0.15, 0.4, 0.75)
"""Where judgements exist: the share of relevant results at a score from which it has each level."""

_MOST = 600
"""Resources whose texts are asked: the time they take does not grow with the catalogue."""
_SCORED = 400
"""Texts of each side whose best score is measured."""
_FOLDS = 5
_PENALTY = 1e-4
_FEWEST_JUDGED = 150
_FIRST = 10

Matrix = NDArray[np.float64]


def measured(snapshot: Snapshot, encoder: Encoder, baseline: Baseline | None, recipe: Recipe) -> Snapshot:
    """Return the snapshot with what its scores are worth: measured, or as the night before.

    To measure takes as long as hundreds of searches. What it gives is an estimate from a sample, so that
    a large catalogue keeps it until `recipe.drift` of it has changed since; a small one never does.
    """
    previous = comparable(baseline, snapshot.manifest.encoder)
    known = previous.levels if previous is not None else None
    if previous is None or known is None:
        return calibrated(snapshot, encoder, recipe)
    drift = previous.drift("levels", snapshot.table.hashes)
    if (
        not recipe.calibrate
        or len(snapshot.catalogue) <= LARGE
        or drift >= recipe.drift
        or previous.manifest.settings.get("making") != recipe.stamp
        or not previous.has_head(snapshot.head)
    ):
        return calibrated(snapshot, encoder, recipe, known.asked)
    last = previous.manifest.report.get("levels", {})
    return replace(snapshot, levels=known).reporting(levels={**last, "drift": drift})


def calibrated(
    snapshot: Snapshot, encoder: Encoder, recipe: Recipe, asked: Vectors | None = None
) -> Snapshot:
    """Return a snapshot that knows what its scores are worth; `asked` are vectors of the same encoder."""
    levels = (
        calibrate(snapshot, encoder, recipe.fusion, unrelated(), recipe.golden, asked)
        if recipe.calibrate
        else None
    )
    found = replace(snapshot, levels=levels)
    if levels is None:
        return found
    told = {"calibrated": levels.calibrated, **levels.figures, "precision": dict(levels.precision)}
    return found.reporting(levels=told)


@dataclass(frozen=True)
class _Texts:
    """Texts asked of a snapshot.

    For each: the row that it comes from, -1 for none; its fold; whether the discriminant learns from it,
    and whether its best score is measured.
    """

    texts: tuple[str, ...]
    rows: NDArray[np.int64]
    folds: NDArray[np.int64]
    taught: NDArray[np.bool_]
    scored: NDArray[np.bool_]


def calibrate(
    snapshot: Snapshot,
    encoder: Encoder,
    fusion: Fusion,
    background: Sequence[str],
    topics: Sequence[Topic] = (),
    known: Vectors | None = None,
) -> Levels | None:
    """Measure a snapshot; None for fewer than `FEWEST` resources, or vectors that are no directions.

    `background` are unrelated requests, `topics` judged ones, none without a golden set, and `known` the
    vectors that the same encoder gave to some of the texts (`Levels.asked`). Deterministic.
    """
    if len(snapshot.catalogue) < FEWEST:
        return None
    asked = _own_texts(snapshot), _unrelated(background)
    scorer = Scorer(snapshot, fusion)
    memory = _encoded([text for side in asked for text in side.texts], scorer, encoder, known or {})
    vectors = tuple(np.stack([memory[digest(t)] for t in side.texts]).astype(np.float64) for side in asked)
    if not (np.isfinite(vectors[0]).all() and np.isfinite(vectors[1]).all()):
        logger.warning("levels are not calibrated: a vector is not a direction")
        return None
    direction, offset = _discriminant(*(v[t.taught] for t, v in zip(asked, vectors, strict=True)))
    sides = _held_out(asked, (vectors[0], vectors[1]))
    figures = [_figures(scorer, snapshot, *one) for one in zip(asked, vectors, sides, strict=True)]
    weights = _logistic(*figures)
    threshold = float(np.quantile(_chances(weights, figures[1]), 1 - FALSE_HOPES))
    cuts, precision = _cuts(Recommender(snapshot, encoder, fusion), topics, figures[1][:, 1])
    return Levels(
        cuts=cuts,
        direction=tuple(float(v) for v in direction),
        offset=offset,
        weights=(float(weights[0]), float(weights[1]), float(weights[2])),
        threshold=threshold,
        calibrated="golden" if precision else "background",
        made_for=fusion.stamp,
        precision=precision,
        figures=_told(*(_chances(weights, found) < threshold for found in figures)),
        asked=memory,
    )


def _own_texts(snapshot: Snapshot) -> _Texts:
    """Return what a catalogue says of itself: titles, a passage of each resource, themes and phrases.

    Requests are long or terse, so passages and scraps of titles are those whose score is measured.
    Which ones are chosen depends on the texts alone: a changed resource changes no other choice.
    """
    catalogue = snapshot.catalogue
    chosen = sorted(range(len(catalogue)), key=lambda row: catalogue[row].content_hash)[:_MOST]
    found: list[tuple[str, int, int, bool, bool]] = []
    for place, row in enumerate(sorted(chosen)):
        resource = catalogue[row]
        spans = [span for span in snapshot.table.document(row).spans if span.start >= 0]
        found.append((resource.title, row, place % _FOLDS, True, False))
        found.append((_scrap(resource), row, place % _FOLDS, False, True))
        if spans:
            span = spans[_drawn(resource) % len(spans)]
            found.append((resource.summary[span.start : span.end], row, place % _FOLDS, True, True))
    phrases = {theme for resource in catalogue for theme in resource.themes}
    phrases.update(entry.full for entry in snapshot.acronyms.entries)
    for place, phrase in enumerate(sorted(sorted(phrases, key=digest)[:_MOST])):
        found.append((phrase, -1, place % _FOLDS, True, False))
    texts, *columns = zip(*found, strict=True)
    return _Texts(tuple(texts), *(np.asarray(column) for column in columns))


def _scrap(resource: Resource) -> str:
    """Return two or three words of a title that follow each other, as a terse request is typed."""
    read = [word for word in words(resource.title) if not word.stem.isdigit()]
    if len(read) < 2:
        return resource.title.lower()
    drawn = _drawn(resource)
    count = min(len(read), 2 + drawn % 2)
    at = drawn // 7 % (len(read) - count + 1)
    text = resource.title[read[at].start : read[at + count - 1].end].lower()
    return bare(text) if drawn // 2 % 2 else text


def _drawn(resource: Resource) -> int:
    return int(resource.content_hash[:8], 16)


def _unrelated(background: Sequence[str]) -> _Texts:
    every = np.ones(len(background), dtype=bool)
    numbers = np.arange(len(background))
    return _Texts(tuple(background), np.full(len(background), -1), numbers % _FOLDS, every, every)


def _encoded(
    texts: Sequence[str], scorer: Scorer, encoder: Encoder, known: Vectors
) -> dict[str, NDArray[np.float16]]:
    """Return the vector of each text by its digest, as a request has it, acronyms in both forms."""
    wanted = {digest(text): text for text in texts}
    missing = [key for key in wanted if key not in known]
    fresh: Mapping[str, NDArray[np.float16]] = {}
    if missing:
        read = [expanded(wanted[key], scorer.expansions(wanted[key])) for key in missing]
        # Half precision whether remembered or not, so that both give the same figures.
        fresh = dict(zip(missing, encoder.encode_queries(read).astype(np.float16), strict=True))
    return {key: known[key] if key in known else fresh[key] for key in wanted}


def _discriminant(inside: Matrix, outside: Matrix) -> tuple[Matrix, float]:
    """Return the direction that tells the first from the second, and where the middle lies along it."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    labels = np.repeat([1, 0], [len(inside), len(outside)])
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
    model.fit(np.concatenate([inside, outside]), labels)
    direction = model.coef_[0]
    return direction, float(direction @ model.means_.mean(axis=0))


def _held_out(asked: tuple[_Texts, _Texts], vectors: tuple[Matrix, Matrix]) -> tuple[Matrix, Matrix]:
    """Return each text's figure by a discriminant that did not learn from its fold."""
    sides = np.empty(len(vectors[0])), np.empty(len(vectors[1]))
    for fold in range(_FOLDS):
        learnt = [v[t.taught & (t.folds != fold)] for t, v in zip(asked, vectors, strict=True)]
        direction, offset = _discriminant(*learnt)
        for texts, found, side in zip(asked, vectors, sides, strict=True):
            side[texts.folds == fold] = found[texts.folds == fold] @ direction - offset
    return sides


def _figures(scorer: Scorer, snapshot: Snapshot, asked: _Texts, vectors: Matrix, sides: Matrix) -> Matrix:
    """Return (texts, 2): the side of the field and the best score, for some texts evenly drawn.

    A resource's own text is answered without it and its other listings.
    """
    every = np.flatnonzero(asked.scored)
    drawn = every[np.unique(np.linspace(0, len(every) - 1, _SCORED).astype(np.int64))]
    best = []
    for place in drawn:
        text = asked.texts[place]
        vector = snapshot.request(vectors[place].astype(np.float32))
        reading = scorer.read(vector, text, scorer.expansions(text))
        allowed = np.ones(len(snapshot.catalogue), dtype=bool)
        if asked.rows[place] >= 0:
            allowed[snapshot.listings(int(asked.rows[place]))] = False
        best.append(float(scorer.score(reading, scorer.candidates(reading, allowed, 1)).max(initial=0.0)))
    return np.column_stack([sides[drawn], best])


def _logistic(inside: Matrix, outside: Matrix) -> Matrix:
    """Return intercept and slopes that tell two groups of equal weight apart.

    A small penalty on the standardised slopes keeps groups that do not overlap from infinity.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    both = np.concatenate([inside, outside])
    labels = np.repeat([1, 0], [len(inside), len(outside)])
    scaler = StandardScaler().fit(both)
    model = LogisticRegression(
        C=1 / (_PENALTY * len(both)), class_weight="balanced", solver="newton-cholesky", tol=1e-10
    )
    model.fit(scaler.transform(both), labels)
    plain = model.coef_[0] / scaler.scale_
    return np.asarray([model.intercept_[0] - plain @ scaler.mean_, *plain])


def _cuts(
    recommender: Recommender, topics: Sequence[Topic], unrelated: Matrix
) -> tuple[tuple[float, float, float], dict[str, float]]:
    """Return the scores of the three levels, and each level's precision where it is known."""
    plain = np.quantile(unrelated, CUTS)
    judged = _judged(recommender, topics)
    if len(judged) < _FEWEST_JUDGED or not judged[:, 2].any():
        return (float(plain[0]), float(plain[1]), float(plain[2])), {}
    cuts = _by_precision(judged, plain)
    held_out = [
        (
            np.searchsorted(_by_precision(judged[judged[:, 0] % 2 != half], plain), score, side="right"),
            relevant,
        )
        for half in (0, 1)
        for _, score, relevant in judged[judged[:, 0] % 2 == half]
    ]
    found = np.asarray(held_out)
    precision = {
        name: round(float(found[found[:, 0] == place, 1].mean()), 3)
        for place, name in enumerate(LEVELS)
        if (found[:, 0] == place).any()
    }
    return (float(cuts[0]), float(cuts[1]), float(cuts[2])), precision


def _judged(recommender: Recommender, topics: Sequence[Topic]) -> Matrix:
    """Return (results, 3): the topic's number, the score, and whether the judges found it relevant."""
    found = []
    for number, topic in enumerate(topics):
        try:
            hits = recommender.rank(Query.of(topic.text, _FIRST))
        except InvalidQuery:
            continue
        for hit in hits:
            relevance = topic.qrels.get(recommender.snapshot.catalogue[hit.row].id)
            if relevance is not None:
                found.append((number, hit.score, float(relevance > 0)))
    return np.asarray(found, dtype=np.float64).reshape(-1, 3)


def _by_precision(judged: Matrix, otherwise: Matrix) -> Matrix:
    """Return the least scores at which isotonic regression finds each of `PRECISIONS`.

    A precision that is never reached leaves the cut where unrelated requests put it.
    """
    ordered = judged[np.argsort(judged[:, 1], kind="stable")]
    chances = isotonic_regression(ordered[:, 2]).x
    cuts = otherwise.copy()
    for place, wanted in enumerate(PRECISIONS):
        reached = np.flatnonzero(chances >= wanted)
        if len(reached):
            cuts[place] = ordered[reached[0], 1]
    return np.maximum.accumulate(cuts)


def _chances(weights: Matrix, figures: Matrix) -> Matrix:
    chances: Matrix = 1 / (1 + np.exp(-np.clip(weights[0] + figures @ weights[1:], -500, 500)))
    return chances


def _told(ours: NDArray[np.bool_], unrelated: NDArray[np.bool_]) -> dict[str, float]:
    """Return what a manifest keeps: shares told *nothing*, on texts that did not teach the discriminant."""
    return {
        "own_texts_told_nothing": round(float(ours.mean()), 4),
        "unrelated_told_nothing": round(float(unrelated.mean()), 4),
        "own_texts": len(ours),
        "unrelated": len(unrelated),
    }
