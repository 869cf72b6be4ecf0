"""Clusters of a catalogue: a new layout, or an update of the last clusters when little changed."""

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
"""Version of the grouping. Change it with the method: the next refresh then makes a new layout."""
NAMING = "whole noun phrases of what titles name/2"
"""Version of the labelling. Change it, and `RECIPE`, with the rules: the next refresh then keeps no label."""
_USUAL_TYPE = 0.02
"""Share of the resources from which a type is usual: no label begins with it."""
_NEARLY_ALL = 0.8
"""Share of its parent from which a group has the parent's label."""


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Tuning:
    """The settings of the clusters, `[clusters]`.

    `levels` is 2, 3, or None for the number that fits the catalogue's size. `relayout` is the share of
    resources added, changed or removed since the last layout above which a new layout is made. Raises
    ValueError for a value out of bounds.
    """

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    levels: Annotated[int, Field(ge=2, le=3)] | None = None
    relayout: Annotated[float, Field(gt=0, le=1)] = 0.1


@checked(frozen=True)
class Options(Tuning):
    """The options of `find`: the settings and the curators' names."""

    names: tuple[CuratorName, ...] = ()


def find(
    catalogue: Catalogue,
    vectors: NDArray[np.float32],
    options: Options | None = None,
    previous: Clusters | None = None,
    made_by: str = "",
) -> Clusters:
    """Return the clusters of a catalogue from the unit vectors of its resources, (resources, dimension).

    `previous` are the clusters of the last refresh: unchanged resources keep their cluster and place, and
    clusters keep ids and names. `made_by` names the encoder and head of the vectors: when it changes, only
    ids and names carry over. Deterministic for a seed. Raises InvalidInput for fewer than twenty distinct
    texts, or for vectors that do not match the catalogue.
    """
    chosen = options or Options()
    _require_matching(catalogue, vectors)
    # One thread, since the last digits of sums depend on the number of threads.
    with threadpool_limits(1), warnings.catch_warnings():
        # Equal texts make fewer groups than `sizes` ask for, which is right.
        warnings.filterwarnings("ignore", message="Number of distinct clusters")
        require_enough(vectors)
        stamp = digest(RECIPE, made_by, repr(chosen.seed), repr(chosen.levels))
        return named(_find(catalogue, vectors, chosen, previous, stamp), chosen.names, previous)


def _find(
    catalogue: Catalogue,
    vectors: NDArray[np.float32],
    options: Options,
    previous: Clusters | None,
    stamp: str,
) -> Clusters:
    if previous is None:
        return _new_layout(catalogue, vectors, options, None, stamp, "")
    drift = previous.drift + changed(catalogue, previous)
    if stamp != previous.stamp:
        why = "the encoder, the head or the settings of clusters changed"
    elif drift > options.relayout:
        why = f"{drift:.0%} of the resources were added, changed or removed since the last layout"
    else:
        return evolved(catalogue, vectors, previous, drift)
    return _new_layout(catalogue, vectors, options, previous, stamp, why)


def _require_matching(catalogue: Catalogue, vectors: NDArray[np.float32]) -> None:
    if vectors.ndim != 2 or len(vectors) != len(catalogue):
        raise InvalidInput(
            f"The catalogue has {len(catalogue)} resources, but the vectors have shape {vectors.shape}.",
            "Take both from one snapshot: `snapshot.catalogue` and `snapshot.dense.vectors()`.",
        )


@dataclass(frozen=True)
class _Level:
    """One level of a new layout: the group of each row, and the groups' ids, matches and descriptions."""

    labels: Labels
    ids: tuple[str, ...]
    matched: Matched
    descriptions: tuple[Description, ...]


def _new_layout(
    catalogue: Catalogue,
    vectors: NDArray[np.float32],
    options: Options,
    previous: Clusters | None,
    stamp: str,
    why: str,
) -> Clusters:
    """Make a new layout: group, describe and map every resource. Same clusters keep ids and labels."""
    sizes = sizes_for(len(catalogue), options.levels)
    grouping = group(vectors, options.seed, sizes)
    corpus = Corpus.read(Text(resource.title, resource.read_summary) for resource in catalogue)
    levels, next_number = _levels(catalogue, corpus, grouping, previous)
    stability = quality.stability(vectors, grouping, options.seed, sizes)
    clusters = _clusters(catalogue, corpus, grouping, levels, stability)
    places = lay_out(grouping.space.place(vectors), grouping.levels[1], options.seed)
    if previous is not None:
        places = aligned(places, [resource.id for resource in catalogue], previous.places, previous.ids)
    return Clusters(
        ids=tuple(resource.id for resource in catalogue),
        hashes=tuple(resource.content_hash for resource in catalogue),
        membership=tuple(_membership(level) for level in levels),
        places=places,
        strength=grouping.strength,
        clusters=clusters,
        space=grouping.space,
        centres={
            name: centre
            for level, centres in zip(levels, grouping.centres, strict=True)
            for name, centre in zip(level.ids, centres, strict=True)
        },
        fence=grouping.fence,
        stamp=stamp,
        naming=NAMING,
        next_number=next_number,
        events=_events(levels, clusters, previous, why),
        quality=_quality(catalogue, levels, clusters, stability),
    )


def _levels(
    catalogue: Catalogue, corpus: Corpus, grouping: Grouping, previous: Clusters | None
) -> tuple[list[_Level], int]:
    """Give each group an id and a description. A group that matches an old cluster keeps its id and label."""
    number = previous.next_number if previous is not None else 1
    known = previous.by_id if previous is not None else {}
    levels: list[_Level] = []
    earlier_labels: list[str] = []
    kinds = _kinds(catalogue)
    for row, labels in enumerate(grouping.levels):
        matched = matching.match(_old_clusters(catalogue, row, previous), labels)
        ids = []
        for index in range(len(grouping.centres[row])):
            ids.append(matched.kept.get(index, f"c{number}"))
            number += index not in matched.kept
        kept = {
            index: known[name].proposed
            for index, name in matched.kept.items()
            if previous is not None
            and previous.naming == NAMING
            and _mostly_old(catalogue, previous, name, labels == index)
        }
        kept |= _same_as_above(labels, levels[-1]) if levels else {}
        inner = grouping.levels[row + 1] if row + 1 < len(grouping.levels) else None
        fresh = describe(corpus, labels, grouping.strength, [*earlier_labels, *kept.values()], kinds, inner)
        descriptions = tuple(
            Description(kept.get(index, description.label), description.terms)
            for index, description in enumerate(fresh)
        )
        earlier_labels += [description.label for description in descriptions]
        levels.append(_Level(labels, tuple(ids), matched, descriptions))
    return levels, number


def _kinds(catalogue: Catalogue) -> frozenset[str]:
    """Return the stems of the first words of usual types ("rapport", "livre"): one resource in fifty."""
    types = Counter(resource.type for resource in catalogue if resource.type)
    usual = [words(name) for name, count in types.items() if count >= _USUAL_TYPE * len(catalogue)]
    return frozenset(type_words[0].stem for type_words in usual if type_words)


def _same_as_above(labels: Labels, above: _Level) -> dict[int, str]:
    """Return the parent's label for each group that is nearly all of its parent: same texts, same label."""
    parent_labels = {}
    for index in range(int(labels.max()) + 1):
        inside = labels == index
        parent = int(np.bincount(above.labels[inside]).argmax())
        if inside.sum() >= _NEARLY_ALL * (above.labels == parent).sum():
            parent_labels[index] = above.descriptions[parent].label
    return parent_labels


def _mostly_old(catalogue: Catalogue, previous: Clusters, name: str, inside: NDArray[np.bool_]) -> bool:
    """Whether a group is mostly its old cluster, new resources included. If not, its label is out of date."""
    now = [catalogue[row].id for row in np.flatnonzero(inside).tolist()]
    left = [member for member in previous.members(name) if catalogue.row(member) is not None]
    return matching.overlap(left, now) >= matching.SAME


def _old_clusters(catalogue: Catalogue, row: int, previous: Clusters | None) -> list[str | None]:
    """Return the old cluster of each resource, "" for an outlier, None for a new resource."""
    if previous is None or row >= previous.levels:
        return [None] * len(catalogue)
    cluster_of = dict(zip(previous.ids, previous.membership[row], strict=True))
    return [cluster_of.get(resource.id) for resource in catalogue]


def _clusters(
    catalogue: Catalogue,
    corpus: Corpus,
    grouping: Grouping,
    levels: Sequence[_Level],
    stability: quality.Stability,
) -> tuple[Cluster, ...]:
    clusters = []
    for row, level in enumerate(levels):
        for index, description in enumerate(level.descriptions):
            members = np.flatnonzero(level.labels == index)
            above = levels[row - 1].ids[grouping.parents[row - 1][index]] if row else ""
            theme, share = quality.main_theme([catalogue[i].themes for i in members.tolist()])
            clusters.append(
                Cluster(
                    id=level.ids[index],
                    level=row + 1,
                    parent=above,
                    label=description.label,
                    proposed=description.label,
                    size=len(members),
                    terms=description.terms,
                    representatives=representatives(catalogue, members, grouping.strength),
                    stability=_number(stability.groups[row][index]),
                    coherence=_number(quality.coherence(corpus, description.terms)),
                    theme=theme,
                    theme_share=_number(share),
                )
            )
    return tuple(clusters)


def _membership(level: _Level) -> tuple[str, ...]:
    return tuple(level.ids[index] if index >= 0 else "" for index in level.labels.tolist())


def _events(
    levels: Sequence[_Level], clusters: Sequence[Cluster], previous: Clusters | None, why: str
) -> tuple[Event, ...]:
    if previous is None:
        return ()
    labels = {cluster.id: cluster.label for cluster in (*previous.clusters, *clusters)}
    events = [Event("layout", why=why)]
    for row, level in enumerate(levels):
        if row < previous.levels:
            events.extend(matching.events(row + 1, level.matched, level.ids, labels))
    return tuple(events)


def _quality(
    catalogue: Catalogue, levels: Sequence[_Level], clusters: Sequence[Cluster], stability: quality.Stability
) -> tuple[LevelQuality, ...]:
    themes = [resource.themes[0] if resource.themes else "" for resource in catalogue]
    qualities = []
    for row, level in enumerate(levels):
        at_level = [cluster for cluster in clusters if cluster.level == row + 1]
        coherences = [cluster.coherence for cluster in at_level if cluster.coherence is not None]
        qualities.append(
            LevelQuality(
                level=row + 1,
                clusters=len(at_level),
                stability=_number(stability.levels[row]),
                coherence=_number(float(np.mean(coherences))) if coherences else None,
                diversity=round(quality.diversity([cluster.terms for cluster in at_level]), 4),
                agreement=_number(quality.agreement(level.labels, themes)),
            )
        )
    return tuple(qualities)


def _number(value: float | None) -> float | None:
    """Round a figure to four decimals; None for a missing or undefined figure."""
    return None if value is None or np.isnan(value) else round(float(value), 4)
