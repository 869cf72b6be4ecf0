"""Finding the clusters of a catalogue: anew, or from those of the night before when little changed."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked
from threadpoolctl import threadpool_limits

from reco.catalogue.catalogue import Catalogue
from reco.clusters import matching, quality
from reco.clusters.curator_names import named
from reco.clusters.grouping import Grouping, Labels, group, require_enough, sizes_for
from reco.clusters.labelling.corpus import Corpus, Text
from reco.clusters.labelling.labels import Description, describe
from reco.clusters.layout import aligned, lay_out
from reco.clusters.matching import Matched
from reco.clusters.model import Cluster, Clusters, CuratorName, Event, LevelQuality
from reco.clusters.update import changed, evolved, representatives
from reco.errors import InvalidInput
from reco.text.clean import digest
from reco.text.tokens import words

RECIPE = "mean shift, ward, k-means, t-sne/5"
"""Names how clusters are found: whoever changes it changes this, and all is laid out anew."""
NAMING = "whole noun phrases of what titles name/2"
"""Names how labels are chosen: whoever changes it changes this and the recipe, and none is kept."""
_USUAL = 0.02
_NEARLY = 0.8
"""Share of the group above from which one has its label."""


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Tuning:
    """How clusters are found: `[clusters]` of the settings.

    `levels` is 2 or 3, None for what suits the size. `relayout` is the share of resources that came,
    changed or left since the last layout above which all is laid out anew. Raises ValueError for a value
    out of its bounds.
    """

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    levels: Annotated[int, Field(ge=2, le=3)] | None = None
    relayout: Annotated[float, Field(gt=0, le=1)] = 0.1


@checked(frozen=True)
class Options(Tuning):
    """How clusters are found, and the names that curators gave."""

    names: tuple[CuratorName, ...] = ()


def find(
    catalogue: Catalogue,
    vectors: NDArray[np.float32],
    options: Options | None = None,
    previous: Clusters | None = None,
    made_by: str = "",
) -> Clusters:
    """Return the clusters of a catalogue from the unit vectors of its resources, (resources, dimension).

    `previous` are those of the night before: what is unchanged keeps its cluster and its place, and
    clusters keep their ids and names. `made_by` names what made the vectors: when it differs from
    that of `previous`, only ids and names carry over. The same for the same seed. Raises InvalidInput
    for fewer than twenty texts that differ or vectors that are not the catalogue's.
    """
    chosen = options or Options()
    _require_matching(catalogue, vectors)
    # One thread: the last digits of sums depend on the number of threads.
    with threadpool_limits(1), warnings.catch_warnings():
        # Texts that are the same make fewer groups than were asked for, which is as it should be.
        warnings.filterwarnings("ignore", message="Number of distinct clusters")
        require_enough(vectors)
        stamp = digest(RECIPE, made_by, repr(chosen.seed), repr(chosen.levels))
        return named(_found(catalogue, vectors, chosen, previous, stamp), chosen.names, previous)


def _found(
    catalogue: Catalogue,
    vectors: NDArray[np.float32],
    options: Options,
    previous: Clusters | None,
    stamp: str,
) -> Clusters:
    if previous is None:
        return _anew(catalogue, vectors, options, None, stamp, "")
    drift = previous.drift + changed(catalogue, previous)
    if stamp != previous.stamp:
        why = "the encoder, what was learnt, or the settings of clusters changed"
    elif drift > options.relayout:
        why = f"{drift:.0%} of the resources came, changed or left since the last layout"
    else:
        return evolved(catalogue, vectors, previous, drift)
    return _anew(catalogue, vectors, options, previous, stamp, why)


def _require_matching(catalogue: Catalogue, vectors: NDArray[np.float32]) -> None:
    if vectors.ndim != 2 or len(vectors) != len(catalogue):
        raise InvalidInput(
            f"There are {len(catalogue)} resources and vectors of shape {vectors.shape}.",
            "Take both from one snapshot: `snapshot.catalogue` and `snapshot.dense.vectors()`.",
        )


@dataclass(frozen=True)
class _Level:
    """One level on its way: its groups' labels by row, ids, what it was matched with, and descriptions."""

    labels: Labels
    ids: tuple[str, ...]
    matched: Matched
    descriptions: tuple[Description, ...]


def _anew(
    catalogue: Catalogue,
    vectors: NDArray[np.float32],
    options: Options,
    previous: Clusters | None,
    stamp: str,
    why: str,
) -> Clusters:
    """Group, describe and lay out everything; `previous` gives its id and name to what is the same."""
    sizes = sizes_for(len(catalogue), options.levels)
    found = group(vectors, options.seed, sizes)
    corpus = Corpus.read(Text(resource.title, resource.read_summary) for resource in catalogue)
    levels, next_number = _levels(catalogue, corpus, found, previous)
    steady = quality.stability(vectors, found, options.seed, sizes)
    clusters = _clusters(catalogue, corpus, found, levels, steady)
    places = lay_out(found.space.place(vectors), found.levels[1], options.seed)
    if previous is not None:
        places = aligned(places, [resource.id for resource in catalogue], previous.places, previous.ids)
    return Clusters(
        ids=tuple(resource.id for resource in catalogue),
        hashes=tuple(resource.content_hash for resource in catalogue),
        membership=tuple(_membership(level) for level in levels),
        places=places,
        strength=found.strength,
        clusters=clusters,
        space=found.space,
        centres={
            name: centre
            for level, centres in zip(levels, found.centres, strict=True)
            for name, centre in zip(level.ids, centres, strict=True)
        },
        fence=found.fence,
        stamp=stamp,
        naming=NAMING,
        next_number=next_number,
        events=_events(levels, clusters, previous, why),
        quality=_quality(catalogue, levels, clusters, steady),
    )


def _levels(
    catalogue: Catalogue, corpus: Corpus, found: Grouping, previous: Clusters | None
) -> tuple[list[_Level], int]:
    """Give every group an id and a description; those of the night before go to what is the same."""
    number = previous.next_number if previous is not None else 1
    known = previous.by_id if previous is not None else {}
    levels: list[_Level] = []
    taken: list[str] = []
    kinds = _kinds(catalogue)
    for row, labels in enumerate(found.levels):
        matched = matching.match(_before(catalogue, row, previous), labels)
        ids = []
        for one in range(len(found.centres[row])):
            ids.append(matched.kept.get(one, f"c{number}"))
            number += one not in matched.kept
        kept = {
            one: known[name].proposed
            for one, name in matched.kept.items()
            if previous is not None
            and previous.naming == NAMING
            and _mostly_old(catalogue, previous, name, labels == one)
        }
        kept |= _same_as_above(labels, levels[-1]) if levels else {}
        inner = found.levels[row + 1] if row + 1 < len(found.levels) else None
        fresh = describe(corpus, labels, found.strength, [*taken, *kept.values()], kinds, inner)
        descriptions = tuple(
            Description(kept.get(one, description.label), description.terms)
            for one, description in enumerate(fresh)
        )
        taken += [description.label for description in descriptions]
        levels.append(_Level(labels, tuple(ids), matched, descriptions))
    return levels, number


def _kinds(catalogue: Catalogue) -> frozenset[str]:
    """Return the stems of the first words of the types that one resource in fifty has: "rapport", "livre"."""
    types = Counter(resource.type for resource in catalogue if resource.type)
    usual = [words(name) for name, count in types.items() if count >= _USUAL * len(catalogue)]
    return frozenset(found[0].stem for found in usual if found)


def _same_as_above(labels: Labels, above: _Level) -> dict[int, str]:
    """Return the labels of the groups that are nearly all of the one above: the same texts have one name."""
    found = {}
    for one in range(int(labels.max()) + 1):
        inside = labels == one
        outer = int(np.bincount(above.labels[inside]).argmax())
        if inside.sum() >= _NEARLY * (above.labels == outer).sum():
            found[one] = above.descriptions[outer].label
    return found


def _mostly_old(catalogue: Catalogue, previous: Clusters, name: str, inside: NDArray[np.bool_]) -> bool:
    """Whether a group is the same with what came since: else its label tells of what it was."""
    now = [catalogue[row].id for row in np.flatnonzero(inside).tolist()]
    left = [member for member in previous.members(name) if catalogue.row(member) is not None]
    return matching.overlap(left, now) >= matching.SAME


def _before(catalogue: Catalogue, row: int, previous: Clusters | None) -> list[str | None]:
    """Return the cluster that each resource was in, "" for an outlier, None for a new resource."""
    if previous is None or row >= previous.levels:
        return [None] * len(catalogue)
    of = dict(zip(previous.ids, previous.membership[row], strict=True))
    return [of.get(resource.id) for resource in catalogue]


def _clusters(
    catalogue: Catalogue,
    corpus: Corpus,
    found: Grouping,
    levels: Sequence[_Level],
    steady: quality.Stability,
) -> tuple[Cluster, ...]:
    clusters = []
    for row, level in enumerate(levels):
        for one, description in enumerate(level.descriptions):
            members = np.flatnonzero(level.labels == one)
            above = levels[row - 1].ids[found.parents[row - 1][one]] if row else ""
            theme, share = quality.main_theme([catalogue[i].themes for i in members.tolist()])
            clusters.append(
                Cluster(
                    id=level.ids[one],
                    level=row + 1,
                    parent=above,
                    label=description.label,
                    proposed=description.label,
                    size=len(members),
                    terms=description.terms,
                    representatives=representatives(catalogue, members, found.strength),
                    stability=_number(steady.groups[row][one]),
                    coherence=_number(quality.coherence(corpus, description.terms)),
                    theme=theme,
                    theme_share=_number(share),
                )
            )
    return tuple(clusters)


def _membership(level: _Level) -> tuple[str, ...]:
    return tuple(level.ids[one] if one >= 0 else "" for one in level.labels.tolist())


def _events(
    levels: Sequence[_Level], clusters: Sequence[Cluster], previous: Clusters | None, why: str
) -> tuple[Event, ...]:
    if previous is None:
        return ()
    labels = {cluster.id: cluster.label for cluster in (*previous.clusters, *clusters)}
    told = [Event("layout", why=why)]
    for row, level in enumerate(levels):
        if row < previous.levels:
            told.extend(matching.events(row + 1, level.matched, level.ids, labels))
    return tuple(told)


def _quality(
    catalogue: Catalogue, levels: Sequence[_Level], clusters: Sequence[Cluster], steady: quality.Stability
) -> tuple[LevelQuality, ...]:
    themes = [resource.themes[0] if resource.themes else "" for resource in catalogue]
    found = []
    for row, level in enumerate(levels):
        here = [cluster for cluster in clusters if cluster.level == row + 1]
        coherences = [cluster.coherence for cluster in here if cluster.coherence is not None]
        found.append(
            LevelQuality(
                level=row + 1,
                clusters=len(here),
                stability=_number(steady.levels[row]),
                coherence=_number(float(np.mean(coherences))) if coherences else None,
                diversity=round(quality.diversity([cluster.terms for cluster in here]), 4),
                agreement=_number(quality.agreement(level.labels, themes)),
            )
        )
    return tuple(found)


def _number(value: float | None) -> float | None:
    """Return a figure to four places, None for one that cannot be had."""
    return None if value is None or np.isnan(value) else round(float(value), 4)
