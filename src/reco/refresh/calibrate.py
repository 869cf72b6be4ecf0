"""Calibration: measure at refresh which queries belong to the field, and what figures of a result promise.

Does a query belong to the field? Linear discriminant analysis (Fisher 1936; the covariance is shrunk
half-way to a multiple of the identity, after Friedman 1989) separates the query vectors of the catalogue's
own titles, passages, themes and phrases from those of unrelated sentences. A logistic regression combines
its figure with the best score. Both are measured on held-out texts, long and short, each answered without
its own resource.

What does a result promise? `reco.refresh.promising` learns it from requests judged in this home, if there are
enough; else what was learnt from those that reco ships is used as it is, since its figures mean the same in
every catalogue.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.resource import Resource
from reco.encoder.protocol import Encoder
from reco.errors import InvalidInput
from reco.evaluation.beir import Topic
from reco.index.calibration import Levels, Vectors
from reco.index.promise import Promise, bundled
from reco.ranking.recommender import Fusion, Recommender
from reco.ranking.scoring import Scorer
from reco.ranking.search import expanded
from reco.refresh.baseline import Baseline, comparable
from reco.refresh.prepared import prepared_for
from reco.refresh.promising import learn_and_measure
from reco.refresh.recipe import Recipe
from reco.snapshots.snapshot import Snapshot, same_head
from reco.text.background import unrelated
from reco.text.clean import digest
from reco.text.clean import fold as bare
from reco.text.tokens import words

logger = logging.getLogger(__name__)

LARGE = 10_000
"""Number of resources above which levels are not measured every night."""

FEWEST = 50
"""Number of resources below which nothing is calibrated: levels and verdict are None."""

FALSE_HOPES = 0.05
"""Share of unrelated queries whose verdict is not *nothing*: it sets the threshold."""

_MOST = 600
"""Resources whose texts serve as queries: their time does not grow with the catalogue."""
_SCORED = 400
"""Texts of each side whose best score is measured."""
_FOLDS = 5
_PENALTY = 1e-4

Matrix = NDArray[np.float64]


def measured(snapshot: Snapshot, encoder: Encoder, baseline: Baseline | None, recipe: Recipe) -> Snapshot:
    """Return the snapshot with its levels: measured now, or kept from the previous snapshot.

    A measure takes as long as hundreds of searches, and is an estimate from a sample. A large catalogue
    keeps it until `recipe.drift` of it has changed; a small one is measured each time.
    """
    previous = comparable(baseline, snapshot.manifest.encoder)
    known = previous.levels if previous is not None else None
    if previous is None or known is None:
        prepared = prepared_for(encoder)
        return calibrated(snapshot, encoder, recipe, prepared.asked if prepared is not None else None)
    drift = previous.drift("levels", snapshot.table.hashes)
    if (
        not recipe.calibrate
        or len(snapshot.catalogue) <= LARGE
        or drift >= recipe.drift
        or previous.manifest.settings.get("making") != recipe.stamp
        or not same_head(previous.head, snapshot.head)
    ):
        return calibrated(snapshot, encoder, recipe, known.asked)
    last = previous.manifest.report.get("levels", {})
    return replace(snapshot, levels=known).reporting(levels={**last, "drift": drift})


def calibrated(
    snapshot: Snapshot, encoder: Encoder, recipe: Recipe, asked: Vectors | None = None
) -> Snapshot:
    """Return the snapshot with its levels measured; `asked` are known vectors of the same encoder."""
    levels = (
        calibrate(snapshot, encoder, recipe.fusion, unrelated(), recipe.judged, asked)
        if recipe.calibrate
        else None
    )
    result = replace(snapshot, levels=levels)
    if levels is None:
        return result
    report = {
        "calibrated": levels.calibrated,
        **({"fallback": levels.fallback} if levels.fallback else {}),
        **levels.figures,
        "measured": dict(levels.promise.measured),
    }
    return result.reporting(levels=report)


@dataclass(frozen=True)
class _Texts:
    """Texts that serve as queries.

    For each: the row of its resource, -1 for none; its fold; whether the discriminant learns from it; and
    whether its best score is measured.
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
    """Measure the levels of a snapshot. None for fewer than `FEWEST` resources, or non-finite vectors.

    `background` are unrelated queries, `topics` requests whose results were judged (empty without any).
    `known` are the vectors that the same encoder gave to some of the texts (`Levels.asked`). Deterministic.
    """
    if len(snapshot.catalogue) < FEWEST:
        return None
    groups = _own_texts(snapshot), _background_texts(background)
    scorer = Scorer(snapshot, fusion)
    query_vectors = _encoded([text for side in groups for text in side.texts], scorer, encoder, known or {})
    vectors = tuple(
        np.stack([query_vectors[digest(t)] for t in side.texts]).astype(np.float64) for side in groups
    )
    if not (np.isfinite(vectors[0]).all() and np.isfinite(vectors[1]).all()):
        logger.warning("levels are not calibrated: a vector holds a NaN or an infinity")
        return None
    direction, offset = _discriminant(*(v[t.taught] for t, v in zip(groups, vectors, strict=True)))
    sides = _held_out(groups, (vectors[0], vectors[1]))
    figures = [_figures(scorer, snapshot, *group) for group in zip(groups, vectors, sides, strict=True)]
    weights = _logistic(*figures)
    threshold = float(np.quantile(_chances(weights, figures[1]), 1 - FALSE_HOPES))
    promise, fallback = _promise(Recommender(snapshot, encoder, fusion), topics)
    return Levels(
        promise=promise,
        direction=tuple(float(v) for v in direction),
        offset=offset,
        weights=(float(weights[0]), float(weights[1]), float(weights[2])),
        threshold=threshold,
        calibrated="judged" if topics and not fallback else "bundled",
        made_for=fusion.stamp,
        fallback=fallback,
        figures=_report(*(_chances(weights, figure) < threshold for figure in figures)),
        asked=query_vectors,
    )


def _own_texts(snapshot: Snapshot) -> _Texts:
    """Return texts of the catalogue: titles, one passage per resource, themes and acronyms in full.

    Queries are long or short, so scores are measured on passages and on fragments of titles. The choice
    depends on the texts alone: a changed resource does not change the others' part.
    """
    catalogue = snapshot.catalogue
    chosen = sorted(range(len(catalogue)), key=lambda row: catalogue[row].content_hash)[:_MOST]
    entries: list[tuple[str, int, int, bool, bool]] = []
    for place, row in enumerate(sorted(chosen)):
        resource = catalogue[row]
        spans = [span for span in snapshot.table.document(row).spans if span.start >= 0]
        entries.append((resource.title, row, place % _FOLDS, True, False))
        entries.append((_fragment(resource), row, place % _FOLDS, False, True))
        if spans:
            span = spans[_hash_number(resource) % len(spans)]
            entries.append((resource.summary[span.start : span.end], row, place % _FOLDS, True, True))
    phrases = {theme for resource in catalogue for theme in resource.themes}
    phrases.update(acronym.full for acronym in snapshot.acronyms.entries)
    for place, phrase in enumerate(sorted(sorted(phrases, key=digest)[:_MOST])):
        entries.append((phrase, -1, place % _FOLDS, True, False))
    texts, *columns = zip(*entries, strict=True)
    return _Texts(tuple(texts), *(np.asarray(column) for column in columns))


def _fragment(resource: Resource) -> str:
    """Return two or three consecutive words of a title, like a short query."""
    title_words = [word for word in words(resource.title) if not word.stem.isdigit()]
    if len(title_words) < 2:
        return resource.title.lower()
    number = _hash_number(resource)
    count = min(len(title_words), 2 + number % 2)
    first = number // 7 % (len(title_words) - count + 1)
    text = resource.title[title_words[first].start : title_words[first + count - 1].end].lower()
    return bare(text) if number // 2 % 2 else text


def _hash_number(resource: Resource) -> int:
    return int(resource.content_hash[:8], 16)


def _background_texts(background: Sequence[str]) -> _Texts:
    every = np.ones(len(background), dtype=bool)
    numbers = np.arange(len(background))
    return _Texts(tuple(background), np.full(len(background), -1), numbers % _FOLDS, every, every)


def _encoded(
    texts: Sequence[str], scorer: Scorer, encoder: Encoder, known: Vectors
) -> dict[str, NDArray[np.float16]]:
    """Return each text's query vector by its digest, with acronyms in both forms as in a search."""
    texts_by_digest = {digest(text): text for text in texts}
    missing = [key for key in texts_by_digest if key not in known]
    fresh: Mapping[str, NDArray[np.float16]] = {}
    if missing:
        queries = [expanded(texts_by_digest[key], scorer.expansions(texts_by_digest[key])) for key in missing]
        # Known vectors are in half precision: fresh ones too, so that both give the same figures.
        fresh = dict(zip(missing, encoder.encode_queries(queries).astype(np.float16), strict=True))
    return {key: known[key] if key in known else fresh[key] for key in texts_by_digest}


def _discriminant(inside: Matrix, outside: Matrix) -> tuple[Matrix, float]:
    """Return the direction that separates the two groups, and the midpoint of their means along it."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    labels = np.repeat([1, 0], [len(inside), len(outside)])
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
    model.fit(np.concatenate([inside, outside]), labels)
    direction = model.coef_[0]
    return direction, float(direction @ model.means_.mean(axis=0))


def _held_out(groups: tuple[_Texts, _Texts], vectors: tuple[Matrix, Matrix]) -> tuple[Matrix, Matrix]:
    """Return each text's figure from a discriminant that did not learn from its fold."""
    sides = np.empty(len(vectors[0])), np.empty(len(vectors[1]))
    for fold in range(_FOLDS):
        learnt = [v[t.taught & (t.folds != fold)] for t, v in zip(groups, vectors, strict=True)]
        direction, offset = _discriminant(*learnt)
        for texts, group_vectors, side in zip(groups, vectors, sides, strict=True):
            side[texts.folds == fold] = group_vectors[texts.folds == fold] @ direction - offset
    return sides


def _figures(scorer: Scorer, snapshot: Snapshot, texts: _Texts, vectors: Matrix, sides: Matrix) -> Matrix:
    """Return (texts, 2): the discriminant's figure and the best score, for evenly drawn texts.

    A resource's own text is answered without the resource and its other listings.
    """
    every = np.flatnonzero(texts.scored)
    drawn = every[np.unique(np.linspace(0, len(every) - 1, _SCORED).astype(np.int64))]
    best = []
    for place in drawn:
        text = texts.texts[place]
        vector = snapshot.request(vectors[place].astype(np.float32))
        parsed = scorer.read(vector, text, scorer.expansions(text))
        allowed = np.ones(len(snapshot.catalogue), dtype=bool)
        if texts.rows[place] >= 0:
            allowed[snapshot.listings(int(texts.rows[place]))] = False
        best.append(float(scorer.score(parsed, scorer.candidates(parsed, allowed, 1)).max(initial=0.0)))
    return np.column_stack([sides[drawn], best])


def _logistic(inside: Matrix, outside: Matrix) -> Matrix:
    """Return the intercept and slopes of a logistic regression between two groups of equal weight.

    A small penalty on the standardised slopes keeps them finite when the groups do not overlap.
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


def _promise(recommender: Recommender, topics: Sequence[Topic]) -> tuple[Promise, str]:
    """Return what the results promise, and why the judged topics could not tell it; "" if they did."""
    if not topics:
        return bundled(), ""
    try:
        return learn_and_measure(recommender, topics), ""
    except InvalidInput as error:
        logger.warning("the judged requests are not used for levels: %s", error)
        return bundled(), str(error)


def _chances(weights: Matrix, figures: Matrix) -> Matrix:
    chances: Matrix = 1 / (1 + np.exp(-np.clip(weights[0] + figures @ weights[1:], -500, 500)))
    return chances


def _report(ours: NDArray[np.bool_], unrelated: NDArray[np.bool_]) -> dict[str, float]:
    """Return the manifest's figures: shares with the verdict *nothing*, on held-out texts."""
    return {
        "own_texts_told_nothing": round(float(ours.mean()), 4),
        "unrelated_told_nothing": round(float(unrelated.mean()), 4),
        "own_texts": len(ours),
        "unrelated": len(unrelated),
    }
