"""What a snapshot keeps of its clusters, and how it is kept: Parquet with page checksums, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
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

    `named_by` is the curator who gave the label, "" when it is the texts' own, which is then `proposed`
    too. `stability` is the mean Jaccard overlap with its nearest group in resamples (Hennig 2007),
    `coherence` the NPMI of its keywords; both from the last layout, None when not measured. `theme` is
    the publishers' theme that most of its resources have, `theme_share` the share of those with a theme.
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
        """Its terms as words, heaviest first."""
        return tuple(term.word for term in self.terms)


@dataclass(frozen=True)
class Other:
    """A piece of a cluster that split, or merged: its resources in it, and their share of the whole."""

    id: str
    label: str
    shared: int
    overlap: float


@dataclass(frozen=True)
class Event:
    """What became of a cluster since the night before.

    `birth`, `death`, `split` (into `others`), `merge` (of `others`), `name-dropped` (a curator's name
    whose cluster has truly changed), or, once for the catalogue, `layout` (all was grouped anew: why).
    """

    kind: str
    level: int = 0
    cluster: str = ""
    label: str = ""
    others: tuple[Other, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class LevelQuality:
    """How good a level is. `stability` is the mean adjusted Rand index between resamples (Hubert and
    Arabie 1985), `coherence` the mean NPMI of its clusters, `diversity` the share of distinct words
    among all keywords (Dieng et al. 2020), `agreement` the adjusted mutual information with the
    publishers' first themes (Vinh et al. 2010); None when it cannot be measured.
    """

    level: int
    clusters: int
    stability: float | None
    coherence: float | None
    diversity: float
    agreement: float | None


@dataclass(frozen=True)
class CuratorName:
    """A name that a curator gave, and the resources of the cluster when it was first seen."""

    cluster: str
    name: str
    author: str
    date: str
    reason: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clusters:
    """The clusters of one snapshot. Row i is the snapshot's row i.

    `membership` gives, broadest level first, the cluster id of each resource, "" for an outlier.
    `places` (resources, 2) are on the map, within -1 and 1. `strength` (resources,) is the cosine to the
    middle of its subject, an outlier's being below `fence`. `centres` maps a cluster to its middle in
    `space`. `drift` is the share of resources that came, changed or left since the last layout.

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
    """Names the encoder, head, seed and levels: points of two stamps do not meet."""
    naming: str = ""
    """Names the rules by which labels were given."""
    next_number: int = 1
    drift: float = 0.0
    events: tuple[Event, ...] = ()
    quality: tuple[LevelQuality, ...] = ()
    names: tuple[CuratorName, ...] = field(default=())

    def sharing(self, ids: tuple[str, ...], hashes: tuple[str, ...]) -> Clusters:
        """Return the same with these texts in place of its own, where they are equal: kept once."""
        return replace(
            self,
            ids=ids if ids == self.ids else self.ids,
            hashes=hashes if hashes == self.hashes else self.hashes,
        )

    @property
    def levels(self) -> int:
        """How many levels there are."""
        return len(self.membership)

    @property
    def outliers(self) -> tuple[str, ...]:
        """The ids of the resources that are far from every subject."""
        return tuple(i for i, of in zip(self.ids, self.membership[-1], strict=True) if not of)

    @cached_property
    def by_id(self) -> Mapping[str, Cluster]:
        """Each cluster by its id."""
        return {cluster.id: cluster for cluster in self.clusters}

    def at(self, level: int) -> tuple[Cluster, ...]:
        """Return the clusters of a level, largest first."""
        found = [cluster for cluster in self.clusters if cluster.level == level]
        return tuple(sorted(found, key=lambda cluster: (-cluster.size, cluster.id)))

    def members(self, identifier: str) -> tuple[str, ...]:
        """Return the ids of a cluster's resources, none for an unknown cluster."""
        cluster = self.by_id.get(identifier)
        if cluster is None:
            return ()
        of = self.membership[cluster.level - 1]
        return tuple(i for i, found in zip(self.ids, of, strict=True) if found == identifier)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per cluster, broadest level first, largest first.

        Its fields are the columns; `keywords` (in place of `terms`) and `representatives` are joined.
        """
        import pandas as pd  # only who asks for a table waits for it

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
        """Yield the name and bytes of each file, names without `PREFIX`."""
        yield _RESOURCES, parquet_bytes(self._resources())
        yield _CLUSTERS, parquet_bytes(pa.Table.from_pylist([_row(c) for c in self.clusters], _schema()))
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
            "quality": [asdict(one) for one in self.quality],
            "names": [asdict(name) for name in self.names],
        }
        yield _ABOUT, json.dumps(about, ensure_ascii=False, indent=1).encode("utf-8", "replace")

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Clusters:
        """Read what `to_files` wrote. Raises ValueError or KeyError when it cannot be read."""
        about = json.loads(files[_ABOUT])
        if about["format"] != FORMAT:
            raise ValueError(f"clusters of format {about['format']}, not {FORMAT}")
        rows = table_of(files[_RESOURCES])
        clusters = tuple(_cluster(row) for row in table_of(files[_CLUSTERS]).to_pylist())
        arrays = load(files[_SPACE])
        levels = sum(name.startswith("level_") for name in rows.column_names)
        # A few names stand for all resources: each is kept once.
        once = {name: name for name in ("", *(cluster.id for cluster in clusters))}
        membership = (rows[f"level_{n}"].to_pylist() for n in range(1, levels + 1))
        return cls(
            ids=tuple(rows["id"].to_pylist()),
            hashes=tuple(rows["hash"].to_pylist()),
            membership=tuple(tuple([once.setdefault(name, name) for name in of]) for of in membership),
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
            events=tuple(_event(event) for event in about["events"]),
            quality=tuple(LevelQuality(**one) for one in about["quality"]),
            names=tuple(CuratorName(**{**n, "members": tuple(n["members"])}) for n in about["names"]),
        )

    def _resources(self) -> pa.Table:
        columns: dict[str, Any] = {"id": self.ids, "hash": self.hashes}
        columns |= {f"level_{number}": of for number, of in enumerate(self.membership, start=1)}
        columns |= {"x": self.places[:, 0], "y": self.places[:, 1], "strength": self.strength}
        return pa.table({name: pa.array(values) for name, values in columns.items()})


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float32]:
    return np.asarray(column.to_numpy(), dtype=np.float32)


def _row(cluster: Cluster) -> dict[str, Any]:
    return {**asdict(cluster), "representatives": list(cluster.representatives)}


def _cluster(row: Mapping[str, Any]) -> Cluster:
    terms = tuple(Term(**term) for term in row["terms"])
    return Cluster(**{**row, "terms": terms, "representatives": tuple(row["representatives"])})


def _event(values: Mapping[str, Any]) -> Event:
    return Event(**{**values, "others": tuple(Other(**other) for other in values["others"])})


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
