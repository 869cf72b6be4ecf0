"""The two systems, each given the same texts and unit vectors, and asked for groups and their words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Text:
    """A resource as both systems read it, and its known label."""

    id: str
    title: str
    summary: str
    known: str

    @property
    def whole(self) -> str:
        """Title and summary."""
        return f"{self.title}. {self.summary}".strip()


@dataclass(frozen=True)
class Found:
    """Groups, (texts,), -1 for outliers, their ten first words, and their labels."""

    labels: Labels
    words: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]


def reco(texts: Sequence[Text], vectors: Vectors, level: int = 2) -> Found:
    """All that a refresh does: every level, labels, stability by resampling, and the map."""
    from reco.catalogue import Catalogue
    from reco.clusters import find
    from reco.resource import Resource

    catalogue = Catalogue(Resource(id=t.id, title=t.title, summary=t.summary, source="bench") for t in texts)
    found = find(catalogue, vectors)
    # A group's number is its place among those of the level; the order has no meaning.
    groups = {cluster.id: number for number, cluster in enumerate(found.at(level))}
    row_of = {identifier: row for row, identifier in enumerate(found.ids)}
    membership = found.membership[level - 1]
    return Found(
        np.asarray([groups.get(membership[row_of[text.id]], -1) for text in texts]),
        tuple(cluster.keywords for cluster in found.at(level)),
        tuple(cluster.label for cluster in found.at(level)),
    )


def reco_groups(texts: Sequence[Text], vectors: Vectors) -> Labels:
    """Only the groups, of the level of subjects."""
    from reco.clusters.grouping import group, sizes_for

    return group(vectors, 0, sizes_for(len(texts))).levels[1]


def bertopic(texts: Sequence[Text], vectors: Vectors, smallest: int = 10) -> Found:
    """BERTopic as its documentation of best practices has it, with its default of the smallest topic."""
    from bertopic import BERTopic
    from bertopic.vectorizers import ClassTfidfTransformer
    from hdbscan import HDBSCAN
    from sklearn.feature_extraction.text import CountVectorizer
    from umap import UMAP

    from reco.words import STOP_WORDS

    model = BERTopic(
        embedding_model=None,
        umap_model=UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=42),
        hdbscan_model=HDBSCAN(
            min_cluster_size=smallest,
            metric="euclidean",
            cluster_selection_method="eom",
            prediction_data=True,
        ),
        vectorizer_model=CountVectorizer(stop_words=sorted(STOP_WORDS)),
        ctfidf_model=ClassTfidfTransformer(),
        top_n_words=10,
    )
    labels, _ = model.fit_transform([text.whole for text in texts], vectors)
    topics = range(max(labels) + 1)
    words = tuple(tuple(word for word, _ in model.get_topic(topic) if word) for topic in topics)
    names = tuple(" ".join(found[:4]) for found in words)
    return Found(np.asarray(labels, dtype=np.int64), words, names)


def bertopic_groups(texts: Sequence[Text], vectors: Vectors) -> Labels:
    """Only the topics."""
    return bertopic(texts, vectors).labels


SYSTEMS: dict[str, tuple[Callable[..., Found], Callable[..., Labels]]] = {
    "reco": (reco, reco_groups),
    "bertopic": (bertopic, bertopic_groups),
}
