"""A snapshot as Parquet files that any data tool reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reco.errors import InvalidInput
from reco.snapshots.snapshot import Snapshot
from reco.storage import atomic
from reco.storage.tables import parquet_bytes

NAMES = ("catalogue", "vectors", "clusters")

_MARK = b"reco.snapshot"
"""The metadata key of a file written by an export, which a later export may replace."""


def export(snapshot: Snapshot, folder: Path) -> dict[str, Path]:
    """Write the files that `Home.export` describes; return their paths by name.

    Raises InvalidInput for a file that no export wrote, StorageError when the disk refuses.
    """
    paths = {name: folder / f"{name}.parquet" for name in NAMES}
    for path in paths.values():
        _require_ours(path)
    atomic.make_folder(folder)
    makers = {"catalogue": _catalogue, "vectors": _vectors, "clusters": _clusters}
    written = {}
    for name, path in paths.items():
        table = makers[name](snapshot)
        if table is None:
            atomic.remove(path)
            continue
        marked = {**(table.schema.metadata or {}), _MARK: snapshot.id.encode()}
        atomic.replace(path, parquet_bytes(table.replace_schema_metadata(marked)))
        written[name] = path
    return written


def _require_ours(path: Path) -> None:
    if not path.exists():
        return
    try:
        ours = _MARK in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowException):
        ours = False
    if not ours:
        raise InvalidInput(
            f"{path} already exists, and no export wrote it.", "Move it, or name another folder."
        )


def _catalogue(snapshot: Snapshot) -> pa.Table:
    return pa.Table.from_pandas(snapshot.catalogue.to_frame(), preserve_index=False, nthreads=1)


def _vectors(snapshot: Snapshot) -> pa.Table:
    rows, dimension = snapshot.vectors.shape
    bounds = np.arange(0, (rows + 1) * dimension, dimension, dtype=np.int32)
    lists = pa.ListArray.from_arrays(bounds, pa.array(snapshot.vectors.ravel()))
    return pa.table({"id": [resource.id for resource in snapshot.catalogue], "vector": lists})


def _clusters(snapshot: Snapshot) -> pa.Table | None:
    """Return the finest cluster and the map position of each resource; None without clusters."""
    clusters = snapshot.clusters
    if clusters is None:
        return None
    finest = clusters.membership[-1]
    return pa.table(
        {
            "id": list(clusters.ids),
            "cluster": list(finest),
            "label": [clusters.by_id[name].label if name else "" for name in finest],
            "x": clusters.places[:, 0],
            "y": clusters.places[:, 1],
        }
    )
