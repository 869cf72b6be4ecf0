"""A snapshot: a catalogue, the vectors of its texts and the indexes derived from them. Immutable."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reco import __version__
from reco.catalogue import Catalogue
from reco.encoder import unit
from reco.errors import SnapshotError
from reco.index import DenseIndex, LexicalIndex, array_bytes, array_of
from reco.resource import Resource
from reco.vectors import VectorTable
from reco.words import words

FORMAT = 1
_TABLE = ("parts", "weights", "spans", "bounds")
_LEXICAL = "lexical/"


@dataclass(frozen=True)
class Manifest:
    """What a snapshot is made of: enough to refuse one that is damaged or made by another encoder."""

    snapshot: str
    created: str
    encoder: str
    dimension: int
    resources: int
    passages: int
    parent: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    format: int = FORMAT
    version: str = __version__

    def to_bytes(self) -> bytes:
        """Return the manifest as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read a manifest. Raises SnapshotError when it is not one, or of another format."""
        try:
            values = json.loads(data)
            manifest = cls(**values)
        except (ValueError, TypeError) as error:
            raise SnapshotError("A snapshot's manifest cannot be read.", "Run `reco check`.") from error
        if manifest.format != FORMAT:
            raise SnapshotError(
                f"Snapshot {manifest.snapshot} has format {manifest.format}; this version reads {FORMAT}.",
                "Run `reco refresh` to make a new one.",
            )
        return manifest


@dataclass(frozen=True)
class Snapshot:
    """What one query is answered from. Row i is the same resource in all of its parts."""

    manifest: Manifest
    catalogue: Catalogue
    table: VectorTable
    dense: DenseIndex
    lexical: LexicalIndex

    @property
    def id(self) -> str:
        """The snapshot's number, as a folder name."""
        return self.manifest.snapshot


def build(manifest: Manifest, catalogue: Catalogue, table: VectorTable) -> Snapshot:
    """Derive the indexes. Pure: nothing is written."""
    dense = DenseIndex.build(unit(table.pooled()))
    lexical = LexicalIndex.build([terms_of(resource) for resource in catalogue])
    return Snapshot(manifest, catalogue, table, dense, lexical)


def terms_of(resource: Resource) -> list[str]:
    """Return the terms by which a resource is found."""
    return [word.stem for word in words(f"{resource.title}. {resource.summary}")]


def to_files(snapshot: Snapshot) -> dict[str, bytes]:
    """Return the snapshot's files by name, all but its manifest."""
    table = {f"{name}.npy": array_bytes(getattr(snapshot.table, name)) for name in _TABLE}
    lexical = {_LEXICAL + name: data for name, data in snapshot.lexical.to_bytes().items()}
    return {
        "catalogue.parquet": _catalogue_bytes(snapshot.catalogue),
        "dense.faiss": snapshot.dense.to_bytes(),
        **table,
        **lexical,
    }


def from_files(manifest: Manifest, files: Mapping[str, bytes]) -> Snapshot:
    """Read what `to_files` wrote. Raises SnapshotError when the parts do not belong together."""
    try:
        catalogue = _catalogue_of(files["catalogue.parquet"])
        arrays = {name: array_of(files[f"{name}.npy"]) for name in _TABLE}
        table = VectorTable(tuple(r.content_hash for r in catalogue), **arrays)
        dense = DenseIndex.from_bytes(files["dense.faiss"])
        lexical = LexicalIndex.from_bytes(
            {name.removeprefix(_LEXICAL): data for name, data in files.items() if name.startswith(_LEXICAL)}
        )
    except (KeyError, ValueError, RuntimeError, pa.ArrowException) as error:
        raise SnapshotError(
            f"Snapshot {manifest.snapshot} cannot be read: {error}", "Run `reco check`, then `reco rollback`."
        ) from error
    snapshot = Snapshot(manifest, catalogue, table, dense, lexical)
    _require_consistent(snapshot)
    return snapshot


def _require_consistent(snapshot: Snapshot) -> None:
    rows = len(snapshot.catalogue)
    counts = {
        rows,
        snapshot.manifest.resources,
        len(snapshot.dense),
        len(snapshot.lexical),
        len(snapshot.table.bounds) - 1,
    }
    parts = {
        len(snapshot.table.parts),
        len(snapshot.table.weights),
        len(snapshot.table.spans),
        int(snapshot.table.bounds[-1]),
    }
    if len(counts) > 1 or len(parts) > 1 or snapshot.dense.dimension != snapshot.manifest.dimension:
        raise SnapshotError(
            f"The parts of snapshot {snapshot.id} do not belong together.", "Run `reco rollback`."
        )


def _catalogue_bytes(catalogue: Catalogue) -> bytes:
    columns = {name: [getattr(resource, name) for resource in catalogue] for name in _schema().names}
    stream = io.BytesIO()
    table = pa.table(columns, schema=_schema())
    pq.write_table(table, stream, compression="zstd", write_page_checksum=True)
    return stream.getvalue()


def _catalogue_of(data: bytes) -> Catalogue:
    rows = pq.read_table(io.BytesIO(data), page_checksum_verification=True).to_pylist()
    return Catalogue(
        Resource(**{**row, "themes": tuple(row["themes"]), "notes": tuple(row["notes"])}) for row in rows
    )


def _schema() -> pa.Schema:
    kinds = {"year": pa.int64(), "themes": pa.list_(pa.string()), "notes": pa.list_(pa.string())}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in Resource.__dataclass_fields__])


def mean_vector(snapshot: Snapshot) -> np.ndarray:
    """Return the mean of the documents' unit vectors: the catalogue's average resource."""
    return np.asarray(snapshot.dense.vectors().mean(axis=0))
