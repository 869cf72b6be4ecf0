"""The clusters of a snapshot, and their files: Parquet with page checksums, safetensors and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import TypeAdapter
from safetensors.numpy import load, save

from reco.clusters.grouping import Space
from reco.clusters.labelling.labels import Term
from reco.storage.tables import parquet_bytes, table_of

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
PREFIX = "clusters."
_RESOURCES = "resources.parquet"
_CLUSTERS = "groups.parquet"
_SPACE = "space.safetensors"
_ABOUT = "about.json"


@dataclass(frozen=True)
class Cluster:
    """A group of resources. `level` 1 is the broadest; `parent` is the cluster above, "" at level 1.

    `proposed` is the label from the texts. `label` is the same, unless a curator named the cluster:
    `named_by` is then the curator, else "". `stability` is the mean Jaccard overlap with the nearest group
    in resamples (Hennig 2007), and `coherence` the NPMI of the keywords; both date from the last layout
    and are None when not measured. `theme` is the most frequent publishers' theme of its resources, and
    `theme_share` its share among resources with a theme.
    """

    id: str
    level: int
    parent: str
    label: str
    proposed: str
    size: int
    terms: tuple[Term, ...] = ()
    representatives: tuple[str, ...] = ()
    named_by: str = ""
    stability: float | None = None
    coherence: float | None = None
    theme: str = ""
    theme_share: float | None = None

    @property
    def keywords(self) -> tuple[str, ...]:
        """The words of its terms, heaviest first."""
        return tuple(term.word for term in self.terms)


@dataclass(frozen=True)
class Other:
    """A piece of a cluster that split or merged: its number of resources, and their share of the whole."""

    id: str
    label: str
    shared: int
    overlap: float


@dataclass(frozen=True)
class Event:
    """A change of a cluster since the last refresh.

    `kind` is `birth`, `death`, `split` (into `others`), `merge` (of `others`), `name-dropped` (`why` the
    curator's name no longer applies) or, once for the catalogue, `layout` (`why` a new layout was made).
    """

    kind: str
    level: int = 0
    cluster: str = ""
    label: str = ""
    others: tuple[Other, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class LevelQuality:
    """The quality of a level; None for a figure that cannot be measured.

    `stability` is the mean adjusted Rand index between resamples (Hubert and Arabie 1985), `coherence`
    the mean NPMI of its clusters, `diversity` the share of distinct words among all keywords (Dieng et
    al. 2020), `agreement` the adjusted mutual information with the publishers' first themes (Vinh et al.
    2010).
    """

    level: int
    clusters: int
    stability: float | None
    coherence: float | None
    diversity: float
    agreement: float | None


@dataclass(frozen=True)
class CuratorName:
    """A curator's name for a cluster, and the cluster's resources when the name was first applied."""

    cluster: str
    name: str
    author: str
    date: str
    reason: str
    members: tuple[str, ...] = ()


_ROWS = TypeAdapter(tuple[Cluster, ...])
_EVENTS = TypeAdapter(tuple[Event, ...])
_QUALITY = TypeAdapter(tuple[LevelQuality, ...])
_NAMES = TypeAdapter(tuple[CuratorName, ...])


@dataclass(frozen=True)
class Clusters:
    """The clusters of one snapshot. Row i is row i of the snapshot.

    `membership` has, for each level from the broadest, the cluster id of each resource, "" for an outlier.
    `places` (resources, 2) are coordinates on the map, between -1 and 1. `strength` (resources,) is the
    cosine to the centre of the resource's level-2 cluster; outliers are below `fence`. `centres` maps a
    cluster to its centre in `space`. `drift` is the share of resources added, changed or removed since
    the last layout.

    >>> clusters = home.clusters
    >>> len(clusters.to_frame()) == len(clusters.clusters)
    True
    >>> list(clusters.places_to_frame().columns)[:3]
    ['id', 'cluster_1', 'label_1']
    """

    ids: tuple[str, ...]
    hashes: tuple[str, ...]
    membership: tuple[tuple[str, ...], ...]
    places: NDArray[np.float32]
    strength: NDArray[np.float32]
    clusters: tuple[Cluster, ...]
    space: Space
    centres: Mapping[str, NDArray[np.float32]]
    fence: float
    stamp: str
    """Digest of encoder, head, seed and levels: points under two stamps are not comparable."""
    naming: str = ""
    """The version of the labelling rules."""
    next_number: int = 1
    drift: float = 0.0
    events: tuple[Event, ...] = ()
    quality: tuple[LevelQuality, ...] = ()
    names: tuple[CuratorName, ...] = field(default=())

    def sharing(self, ids: tuple[str, ...], hashes: tuple[str, ...]) -> Clusters:
        """Return clusters that reuse equal `ids` and `hashes`, so memory holds them once."""
        return replace(
            self,
            ids=ids if ids == self.ids else self.ids,
            hashes=hashes if hashes == self.hashes else self.hashes,
        )

    @property
    def levels(self) -> int:
        """The number of levels."""
        return len(self.membership)

    @property
    def outliers(self) -> tuple[str, ...]:
        """The ids of the resources far from every cluster."""
        return tuple(i for i, cluster in zip(self.ids, self.membership[-1], strict=True) if not cluster)

    @cached_property
    def by_id(self) -> Mapping[str, Cluster]:
        """The clusters by id."""
        return {cluster.id: cluster for cluster in self.clusters}

    def at(self, level: int) -> tuple[Cluster, ...]:
        """Return the clusters of a level, largest first."""
        clusters = [cluster for cluster in self.clusters if cluster.level == level]
        return tuple(sorted(clusters, key=lambda cluster: (-cluster.size, cluster.id)))

    def members(self, identifier: str) -> tuple[str, ...]:
        """Return the ids of a cluster's resources; none for an unknown cluster."""
        cluster = self.by_id.get(identifier)
        if cluster is None:
            return ()
        column = self.membership[cluster.level - 1]
        return tuple(i for i, other in zip(self.ids, column, strict=True) if other == identifier)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per cluster, broadest level first, largest first.

        Its fields are the columns; `keywords` (in place of `terms`) and `representatives` are joined.
        """
        import pandas as pd  # slow to import, so only for a table

        rows = [
            {
                **{name: value for name, value in asdict(cluster).items() if name != "terms"},
                "keywords": ", ".join(cluster.keywords),
                "representatives": "; ".join(cluster.representatives),
            }
            for level in range(1, self.levels + 1)
            for cluster in self.at(level)
        ]
        return pd.DataFrame(rows)

    def places_to_frame(self) -> pd.DataFrame:
        """Return one row per resource: id, cluster and label at each level, outlier, strength, x, y."""
        import pandas as pd

        frame = pd.DataFrame({"id": list(self.ids)})
        for number, of in enumerate(self.membership, start=1):
            frame[f"cluster_{number}"] = list(of)
            frame[f"label_{number}"] = [self.by_id[i].label if i else "" for i in of]
        frame["outlier"] = [not of for of in self.membership[-1]]
        frame["strength"] = self.strength
        frame[["x", "y"]] = self.places
        return frame

    def to_files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the name, without `PREFIX`, and the bytes of each file."""
        yield _RESOURCES, parquet_bytes(self._resources())
        yield _CLUSTERS, parquet_bytes(pa.Table.from_pylist(list(map(asdict, self.clusters)), _schema()))
        order = sorted(self.centres)
        centres = np.stack([self.centres[name] for name in order]).astype(np.float32)
        arrays = {"centre": self.space.centre, "axes": self.space.axes, "centres": centres}
        yield _SPACE, save({name: np.ascontiguousarray(value) for name, value in arrays.items()})
        about = {
            "format": FORMAT,
            "stamp": self.stamp,
            "fence": self.fence,
            "naming": self.naming,
            "next_number": self.next_number,
            "drift": self.drift,
            "events": [asdict(event) for event in self.events],
            "quality": [asdict(level) for level in self.quality],
            "names": [asdict(name) for name in self.names],
        }
        yield _ABOUT, json.dumps(about, ensure_ascii=False, indent=1).encode("utf-8", "replace")

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Clusters:
        """Read the files of `to_files`. Raises ValueError or KeyError for unreadable files."""
        about = json.loads(files[_ABOUT])
        if about["format"] != FORMAT:
            raise ValueError(f"clusters have format {about['format']}; this version reads {FORMAT}")
        rows = table_of(files[_RESOURCES])
        clusters = _ROWS.validate_python(table_of(files[_CLUSTERS]).to_pylist())
        arrays = load(files[_SPACE])
        levels = sum(name.startswith("level_") for name in rows.column_names)
        # Many resources share a few cluster ids: memory holds each id once.
        shared = {name: name for name in ("", *(cluster.id for cluster in clusters))}
        membership = (rows[f"level_{n}"].to_pylist() for n in range(1, levels + 1))
        return cls(
            ids=tuple(rows["id"].to_pylist()),
            hashes=tuple(rows["hash"].to_pylist()),
            membership=tuple(tuple([shared.setdefault(name, name) for name in ids]) for ids in membership),
            places=np.column_stack([_numbers(rows["x"]), _numbers(rows["y"])]),
            strength=_numbers(rows["strength"]),
            clusters=clusters,
            space=Space(arrays["centre"], arrays["axes"]),
            centres=dict(zip(sorted(c.id for c in clusters), arrays["centres"], strict=True)),
            fence=float(about["fence"]),
            stamp=str(about["stamp"]),
            naming=str(about.get("naming", "")),
            next_number=int(about["next_number"]),
            drift=float(about["drift"]),
            events=_EVENTS.validate_python(about["events"]),
            quality=_QUALITY.validate_python(about["quality"]),
            names=_NAMES.validate_python(about["names"]),
        )

    def _resources(self) -> pa.Table:
        columns: dict[str, Any] = {"id": self.ids, "hash": self.hashes}
        columns |= {f"level_{number}": ids for number, ids in enumerate(self.membership, start=1)}
        columns |= {"x": self.places[:, 0], "y": self.places[:, 1], "strength": self.strength}
        return pa.table({name: pa.array(values) for name, values in columns.items()})


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float32]:
    return np.asarray(column.to_numpy(), dtype=np.float32)


def _schema() -> pa.Schema:
    term = pa.struct(
        [("stem", pa.string()), ("word", pa.string()), ("weight", pa.float64()), ("documents", pa.int64())]
    )
    kinds = {
        "level": pa.int64(),
        "size": pa.int64(),
        "terms": pa.list_(term),
        "representatives": pa.list_(pa.string()),
        "stability": pa.float64(),
        "coherence": pa.float64(),
        "theme_share": pa.float64(),
    }
    return pa.schema([(name, kinds.get(name, pa.string())) for name in Cluster.__dataclass_fields__])
