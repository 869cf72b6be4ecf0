"""The two systems. Both get the same texts and unit vectors, and return groups with their words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]

SMALLEST = 10
"""Size of the smallest topic: the default of BERTopic."""


@dataclass(frozen=True)
class Text:
    """A resource as both systems get it, and its known label."""

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
    """Group of each text (texts,), -1 for outliers; the first ten words and the name of each group."""

    labels: Labels
    words: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]


def reco(texts: Sequence[Text], vectors: Vectors) -> Found:
    """Return the groups at the level of subjects, with their words and labels."""
    from reco.clusters.grouping import group, sizes_for
    from reco.clusters.labelling.corpus import Corpus
    from reco.clusters.labelling.corpus import Text as Read
    from reco.clusters.labelling.labels import describe

    found = group(vectors, 0, sizes_for(len(texts)))
    corpus = Corpus.read(Read(text.title, text.summary) for text in texts)
    described = describe(corpus, found.levels[1], found.strength)
    return Found(
        found.levels[1],
        tuple(tuple(term.word for term in one.terms) for one in described),
        tuple(one.label for one in described),
    )


def reco_whole(texts: Sequence[Text], vectors: Vectors) -> None:
    """Do all the work of a refresh: every level, labels, stability by resampling, and the map."""
    from reco.catalogue.catalogue import Catalogue
    from reco.catalogue.resource import Resource
    from reco.clusters.find import find

    resources = [Resource(id=t.id, title=t.title, summary=t.summary, source="bench") for t in texts]
    find(Catalogue(resources), vectors)


def bertopic(texts: Sequence[Text], vectors: Vectors) -> Found:
    """Return topics and their words."""
    return _fitted(texts, vectors)[1]


def bertopic_whole(texts: Sequence[Text], vectors: Vectors) -> None:
    """Make topics, their words, the hierarchy, and the positions of the texts on a map."""
    from umap import UMAP

    model, found = _fitted(texts, vectors)
    if len(found.words) > 1:
        model.hierarchical_topics([text.whole for text in texts])
    UMAP(n_neighbors=10, n_components=2, min_dist=0.0, metric="cosine", random_state=42).fit_transform(
        vectors
    )


def _fitted(texts: Sequence[Text], vectors: Vectors) -> tuple[Any, Found]:
    """Fit BERTopic with its documented best practices and its default size of the smallest topic.

    `language` must not be English, which removes accented letters from the texts.
    """
    from bertopic import BERTopic
    from bertopic.vectorizers import ClassTfidfTransformer
    from hdbscan import HDBSCAN
    from sklearn.feature_extraction.text import CountVectorizer
    from umap import UMAP

    from reco.text.tokens import STOP_WORDS

    model = BERTopic(
        language="multilingual",
        embedding_model=None,
        umap_model=UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=42),
        hdbscan_model=HDBSCAN(
            min_cluster_size=SMALLEST,
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
    return model, Found(np.asarray(labels, dtype=np.int64), words, names)


SYSTEMS: dict[str, tuple[Callable[..., Found], Callable[..., None]]] = {
    "reco": (reco, reco_whole),
    "bertopic": (bertopic, bertopic_whole),
}
