"""A snapshot: an immutable catalogue, the vectors of its texts and the indexes built from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.parquet import catalogue_bytes, catalogue_of
from reco.clusters.model import PREFIX as CLUSTERS
from reco.clusters.model import Clusters
from reco.encoder.adapter import Adapter
from reco.encoder.protocol import DocumentVectors, Vector, unit
from reco.errors import SnapshotError
from reco.index.acronyms import Acronyms
from reco.index.arrays import Pieces, array_of, array_pieces
from reco.index.calibration import Levels, Vectors
from reco.index.dense import DenseIndex
from reco.index.duplicates import Families
from reco.index.lexical import LexicalIndex
from reco.index.terms import CatalogueTerms
from reco.index.vectors import EncodedDocument, VectorTable
from reco.snapshots.carryover import PREFIX as CARRIED
from reco.snapshots.carryover import Carried
from reco.version import __version__

FORMAT = 1
_TABLE = ("parts", "weights", "spans", "bounds")
_LEXICAL = "lexical/"
_KINDS = ("words", "grams")
_HEAD = "head.safetensors"
_FAMILIES = "families.json"
_ADAPTER = "adapter.safetensors"
_LEVELS = "levels.json"
_ASKED = "asked.safetensors"


@dataclass(frozen=True)
class Manifest:
    """The description of a snapshot.

    It has enough to refuse a snapshot that is damaged or made by another encoder.
    """

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
        """Read a manifest. Raises SnapshotError when it cannot be read or has another format."""
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
    """Everything that answers a query. Row i is the same resource in all parts.

    >>> home.snapshot.id, len(home.snapshot.catalogue)
    ('000001', 24)
    """

    manifest: Manifest
    catalogue: Catalogue
    table: VectorTable
    dense: DenseIndex
    words: LexicalIndex
    grams: LexicalIndex
    acronyms: Acronyms
    """The acronyms given at refresh, and those that the catalogue's texts define.

    Example: `"PLU" -> "plan local d'urbanisme (PLU)"`.
    """
    head: NDArray[np.float32] | None = None
    """A linear layer learnt from the catalogue, (dimension, dimension), for pooled and query vectors.

    The table keeps the encoder's vectors, so a new head encodes nothing again.
    """
    families: Families | None = None
    """The resources listed more than once; None in a snapshot older than this search."""
    adapter: Adapter | None = None
    """Low-rank weights (LoRA) learnt from the catalogue, merged into the encoder that made the table."""
    grouping: Clusters | Callable[[], Clusters] | None = None
    """The clusters, or a function that decodes them from disk; see `clusters`. No query needs them."""
    levels: Levels | None = None
    """The calibration of scores; None when not measured, and after a change of encoder or head."""
    carried: Carried | None = None
    """The data for the next refresh; None in a snapshot opened from disk, since no query needs it."""

    def document(self, row: int) -> EncodedDocument:
        """Return the parts of one row, through the head if there is one."""
        encoded = self.table.document(row)
        if self.head is None:
            return encoded
        parts = encoded.vectors.parts @ self.head.T
        return EncodedDocument(DocumentVectors(parts, encoded.vectors.weights), encoded.spans)

    def request(self, vector: Vector) -> Vector:
        """Return a query vector through the head, as the dense index expects it."""
        return vector if self.head is None else unit(vector @ self.head.T)

    def towards(self, vector: Vector) -> Vector:
        """Return the query vector to multiply with the table's own parts: q·Hv = (H'q)·v."""
        return vector if self.head is None else (vector @ self.head).astype(np.float32)

    def with_head(self, head: NDArray[np.float32] | None) -> Snapshot:
        """Return a copy with another head, or with none."""
        return replace(self, dense=_dense(self.table, head), head=head, levels=None)

    def encoded_by(self, encoder: str, table: VectorTable, adapter: Adapter | None) -> Snapshot:
        """Return a copy whose `table` comes from the encoder with this fingerprint, without a head."""
        manifest = replace(self.manifest, encoder=encoder, dimension=table.parts.shape[1])
        dense = _dense(table)
        return replace(
            self, manifest=manifest, table=table, dense=dense, head=None, adapter=adapter, levels=None
        )

    def reporting(self, **report: Mapping[str, object]) -> Snapshot:
        """Return a copy whose manifest has these parts in its report, by name."""
        manifest = replace(self.manifest, report={**self.manifest.report, **report})
        return replace(self, manifest=manifest)

    @property
    def asked(self) -> Vectors:
        """Vectors of the texts that measured the levels, by digest; empty without levels."""
        return self.levels.asked if self.levels is not None else {}

    def listings(self, row: int) -> list[int]:
        """Return the rows of all listings of a resource, newest first; only `row` when it is listed once."""
        identifier = self.catalogue[row].id
        if self.families is None or identifier not in self.families.of:
            return [row]
        rows = (self.catalogue.row(member) for member in self.families.of[identifier].members)
        return [listing for listing in rows if listing is not None]

    @cached_property
    def clusters(self) -> Clusters | None:
        """The clusters of resources and their map, decoded on first access.

        None when clusters are turned off or not found: `manifest.report["clusters"]` says why. Raises
        SnapshotError when they cannot be read or belong to another catalogue.
        """
        return self.grouping() if callable(self.grouping) else self.grouping

    @cached_property
    def listed_again(self) -> NDArray[np.bool_]:
        """Which rows are listed more than once, (rows,)."""
        of = {} if self.families is None else self.families.of
        return np.fromiter((resource.id in of for resource in self.catalogue), np.bool_, len(self.catalogue))

    @cached_property
    def part_lengths(self) -> NDArray[np.float64]:
        """Length of each part's vector through the head, (parts,); never zero."""
        lengths = np.empty(len(self.table.parts))
        for start in range(0, len(lengths), 8_192):
            block = self.table.parts[start : start + 8_192]
            seen = block if self.head is None else block @ self.head.T
            lengths[start : start + len(block)] = np.linalg.norm(seen, axis=1)
        return np.maximum(lengths, 1e-12)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The unit vectors of the dense index, (resources, dimension); read-only."""
        return self.dense.vectors()

    @property
    def id(self) -> str:
        """The snapshot's number, which is the name of its folder, such as `000042`."""
        return self.manifest.snapshot


def build(
    manifest: Manifest,
    catalogue: Catalogue,
    table: VectorTable,
    head: NDArray[np.float32] | None = None,
    acronyms: Acronyms | None = None,
    families: Families | None = None,
    carried: Carried | None = None,
    said: CatalogueTerms | None = None,
) -> Snapshot:
    """Build the indexes of a snapshot in memory. Nothing is written.

    `acronyms` are those to find in the catalogue, unless `said` has its terms already. `carried` is kept
    for the next refresh, with the counts of terms.
    """
    terms = said if said is not None else CatalogueTerms.by(catalogue, table.hashes, acronyms)
    counts = terms.counts
    # First: its input is the largest of the temporary arrays.
    grams = LexicalIndex.reading(counts.written, counts.runs)
    return Snapshot(
        manifest,
        catalogue,
        table,
        dense=_dense(table, head),
        words=LexicalIndex.build(counts.written.read(counts.stems).beside(counts.concepts)),
        grams=grams,
        acronyms=terms.acronyms,
        head=head,
        families=families,
        carried=carried.counting(counts) if carried is not None else None,
    )


def same_head(one: NDArray[np.float32] | None, other: NDArray[np.float32] | None) -> bool:
    """Whether two heads are the same layer, or both are None."""
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)


def _dense(table: VectorTable, head: NDArray[np.float32] | None = None) -> DenseIndex:
    blocks = (block for _, block in table.directed(head))
    return DenseIndex.of(table.parts.shape[1], len(table), blocks)


def to_files(snapshot: Snapshot) -> Iterator[tuple[str, Pieces]]:
    """Yield the name and bytes, in pieces, of each file but the manifest.

    Files come one at a time, and arrays are not copied, so that a large snapshot is in memory once.
    """
    # First: it takes the most memory beside the snapshot itself.
    if snapshot.carried is not None:
        yield from ((f"{CARRIED}{name}", pieces) for name, pieces in snapshot.carried.to_files())
    yield "catalogue.parquet", (catalogue_bytes(snapshot.catalogue),)
    yield "acronyms.json", (snapshot.acronyms.to_bytes(),)
    yield "dense.faiss", snapshot.dense.to_pieces()
    if snapshot.head is not None:
        yield _HEAD, (save({"head": snapshot.head}),)
    if snapshot.families is not None:
        yield _FAMILIES, (snapshot.families.to_bytes(),)
    if snapshot.adapter is not None:
        yield _ADAPTER, (snapshot.adapter.to_bytes(),)
    if snapshot.clusters is not None:
        for name, data in snapshot.clusters.to_files():
            yield f"{CLUSTERS}{name}", (data,)
    if snapshot.levels is not None:
        yield _LEVELS, (snapshot.levels.to_bytes(),)
        if snapshot.levels.asked:
            yield _ASKED, (snapshot.levels.asked_bytes(),)
    for name in _TABLE:
        yield f"{name}.npy", array_pieces(getattr(snapshot.table, name))
    for kind in _KINDS:
        for name, pieces in getattr(snapshot, kind).to_files():
            yield f"{_LEXICAL}{kind}.{name}", pieces


def from_files(manifest: Manifest, files: Mapping[str, bytes]) -> Snapshot:
    """Read the files that `to_files` wrote. Raises SnapshotError when they cannot be read or disagree."""
    try:
        dense = DenseIndex.from_bytes(files["dense.faiss"])  # first: FAISS copies its input
        # In a thread: reading arrays takes as long as parsing the catalogue, and releases the GIL.
        with ThreadPoolExecutor(1) as beside:
            arrays = beside.submit(_arrays_of, files)
            lexical = beside.submit(_lexical_of, files)
            catalogue = catalogue_of(files["catalogue.parquet"])
            hashes = tuple(resource.content_hash for resource in catalogue)
            table = VectorTable(hashes, **arrays.result())
            words, grams = lexical.result()
        grouped = _under(CLUSTERS, files)
        ids = tuple(resource.id for resource in catalogue)
        snapshot = Snapshot(
            manifest,
            catalogue,
            table,
            dense,
            words=words,
            grams=grams,
            acronyms=Acronyms.from_bytes(files["acronyms.json"]),
            head=load(files[_HEAD])["head"] if _HEAD in files else None,
            families=Families.from_bytes(files[_FAMILIES]) if _FAMILIES in files else None,
            adapter=Adapter.from_bytes(files[_ADAPTER]) if _ADAPTER in files else None,
            grouping=partial(_clusters_of, manifest.snapshot, grouped, ids, hashes) if grouped else None,
            levels=Levels.from_bytes(files[_LEVELS], files.get(_ASKED)) if _LEVELS in files else None,
        )
    except (KeyError, ValueError, TypeError, RuntimeError, SafetensorError, pa.ArrowException) as error:
        raise _unreadable(manifest.snapshot, error) from error
    _require_consistent(snapshot)
    return snapshot


def _clusters_of(
    number: str, files: Mapping[str, bytes], ids: tuple[str, ...], hashes: tuple[str, ...]
) -> Clusters:
    try:
        clusters = Clusters.from_files(files)
    except (KeyError, ValueError, TypeError, RuntimeError, SafetensorError, pa.ArrowException) as error:
        raise _unreadable(number, error) from error
    if clusters.ids != ids:
        raise SnapshotError(f"The parts of snapshot {number} do not belong together.", "Run `reco rollback`.")
    return clusters.sharing(ids, hashes)


def _unreadable(number: str, error: Exception) -> SnapshotError:
    return SnapshotError(
        f"Snapshot {number} cannot be read: {error}", "Run `reco check`, then `reco rollback`."
    )


def _arrays_of(files: Mapping[str, bytes]) -> dict[str, NDArray[Any]]:
    return {name: array_of(files[f"{name}.npy"]) for name in _TABLE}


def _lexical_of(files: Mapping[str, bytes]) -> list[LexicalIndex]:
    return [LexicalIndex.from_files(_under(f"{_LEXICAL}{kind}.", files)) for kind in _KINDS]


def _under(prefix: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name.removeprefix(prefix): files[name] for name in files if name.startswith(prefix)}


def _require_consistent(snapshot: Snapshot) -> None:
    rows = len(snapshot.catalogue)
    counts = {
        rows,
        snapshot.manifest.resources,
        len(snapshot.dense),
        len(snapshot.words),
        len(snapshot.grams),
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
