"""Clusters as DataFrames, and selections to DataFrames and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reco.catalogue.catalogue import Catalogue
from reco.clusters.model import Clusters
from reco.errors import InvalidInput, UnknownResource


def resources(clusters: Clusters, catalogue: Catalogue) -> pd.DataFrame:
    """Return one row per resource: its fields, cluster and label at each level, outlier, strength, x, y."""
    frame = catalogue.to_frame()
    for number, cluster_ids in enumerate(clusters.membership, start=1):
        frame[f"cluster_{number}"] = list(cluster_ids)
        frame[f"label_{number}"] = [clusters.by_id[i].label if i else "" for i in cluster_ids]
    frame["outlier"] = [not cluster_id for cluster_id in clusters.membership[-1]]
    frame["strength"] = clusters.strength
    frame[["x", "y"]] = clusters.places
    return frame


def table(clusters: Clusters) -> pd.DataFrame:
    """Return one row per cluster, broadest level first, then largest first; keywords joined by commas."""
    rows = [
        {
            **{name: value for name, value in asdict(cluster).items() if name != "terms"},
            "keywords": ", ".join(cluster.keywords),
            "representatives": "; ".join(cluster.representatives),
        }
        for level in range(1, clusters.levels + 1)
        for cluster in clusters.at(level)
    ]
    return pd.DataFrame(rows)


def coordinates(clusters: Clusters) -> pd.DataFrame:
    """Return the coordinates of each resource on the map: id, x, y."""
    places = clusters.places
    return pd.DataFrame({"id": list(clusters.ids), "x": places[:, 0], "y": places[:, 1]})


def terms(clusters: Clusters) -> pd.DataFrame:
    """Return the terms of each cluster, heaviest first: cluster, rank, word, stem, weight, documents."""
    rows = [
        {"cluster": cluster.id, "rank": rank, **asdict(term)}
        for cluster in clusters.clusters
        for rank, term in enumerate(cluster.terms, start=1)
    ]
    return pd.DataFrame(rows, columns=["cluster", "rank", "word", "stem", "weight", "documents"])


def hierarchy(clusters: Clusters) -> pd.DataFrame:
    """Return each cluster with its parent, for a treemap: id, parent, level, label, size."""
    names = ("id", "parent", "level", "label", "size")
    return pd.DataFrame([{name: getattr(c, name) for name in names} for c in clusters.clusters])


def events(clusters: Clusters) -> pd.DataFrame:
    """Return the changes of clusters since the last refresh, one row per event and other cluster."""
    rows = []
    for event in clusters.events:
        fields = {"kind": event.kind, "level": event.level, "cluster": event.cluster, "label": event.label}
        for other in [asdict(other) for other in event.others] or [{}]:
            rows.append({**fields, "why": event.why, **{f"other_{k}": v for k, v in other.items()}})
    others = [f"other_{name}" for name in ("id", "label", "shared", "overlap")]
    columns = ["kind", "level", "cluster", "label", "why", *others]
    return pd.DataFrame(rows, columns=columns)


def quality(clusters: Clusters) -> pd.DataFrame:
    """Return the figures of each level: clusters, stability, coherence, diversity, agreement."""
    return pd.DataFrame([asdict(level) for level in clusters.quality])


def vectors(catalogue: Catalogue, matrix: NDArray[np.float32]) -> pd.DataFrame:
    """Return the vectors of resources: ids as the index, one column per dimension."""
    index = pd.Index([resource.id for resource in catalogue], name="id")
    return pd.DataFrame(matrix, index=index, columns=[f"v{n}" for n in range(matrix.shape[1])])


def select(frame: pd.DataFrame, ids: Iterable[str]) -> pd.DataFrame:
    """Return the rows of some ids, in their order. Raises UnknownResource for ids not in the table."""
    wanted = list(dict.fromkeys(ids))
    known = frame.set_index("id", drop=False)
    if missing := [identifier for identifier in wanted if identifier not in known.index]:
        raise UnknownResource(
            f"The table has no resource {', '.join(missing[:5])}.",
            "Take the table and the ids from one snapshot.",
        )
    return known.loc[wanted].reset_index(drop=True)


def selection(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the ids of a table's rows, each once. Raises InvalidInput without a column `id`."""
    if "id" not in frame.columns:
        raise InvalidInput(f"The table has no column `id`; it has {', '.join(map(str, frame.columns))}.")
    return tuple(dict.fromkeys(str(identifier) for identifier in frame["id"]))
