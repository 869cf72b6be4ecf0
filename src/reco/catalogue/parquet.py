"""A catalogue as Parquet, and back. Rows are written and read in batches, to hold them in memory once."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.places.gazetteer import Locality
from reco.catalogue.resource import Resource
from reco.storage.tables import parquet
from reco.text.passages import Span

_ROWS = 4096
_RECURRING = (
    "source",
    "authors",
    "publisher",
    "type",
    "place",
    "place_code",
    "audience",
    "scale",
    "language",
)


def catalogue_bytes(catalogue: Catalogue) -> memoryview:
    """Return a catalogue as the bytes of a Parquet file."""
    schema, stream = _schema(), io.BytesIO()
    with pq.ParquetWriter(stream, schema, compression="zstd", write_page_checksum=True) as writer:
        for start in range(0, len(catalogue), _ROWS):
            writer.write_batch(_batch(catalogue[start : start + _ROWS], schema))
    return stream.getbuffer()


def _batch(resources: Sequence[Resource], schema: pa.Schema) -> pa.RecordBatch:
    columns = {name: [getattr(resource, name) for resource in resources] for name in schema.names}
    columns["set_aside"] = [[(s.start, s.end) for s in spans] for spans in columns["set_aside"]]
    columns["localities"] = [[vars(place) for place in places] for places in columns["localities"]]
    arrays = [_array(columns[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind != pa.string():
        return pa.array(values, type=kind)
    # From a `str`, Arrow makes Python cache its UTF-8: a large catalogue would be in memory twice.
    return pa.array([text.encode() for text in values], type=pa.binary()).cast(kind)


def catalogue_of(data: bytes) -> Catalogue:
    """Read the bytes of `catalogue_bytes`.

    Raises ArrowException for a damaged page, KeyError for a missing column.
    """
    batches = parquet(data).iter_batches(_ROWS, use_threads=False)
    shared: dict[str, str] = {}
    return Catalogue(resource for batch in batches for resource in _resources(batch, shared))


def _resources(batch: pa.RecordBatch, shared: dict[str, str]) -> Iterator[Resource]:
    """Yield the resources of a batch; recurring texts are kept once, in `shared`."""
    columns = {field.name: _values(batch.column(field.name)) for field in batch.schema}
    once = shared.setdefault
    for name in _RECURRING:
        columns[name] = [once(text, text) for text in columns[name]]
    columns["themes"] = [tuple([once(theme, theme) for theme in themes]) for themes in columns["themes"]]
    columns["notes"] = [tuple(notes) for notes in columns["notes"]]
    # Older snapshots lack these derived columns.
    spans, places = (columns.get(name) or [()] * len(batch) for name in ("set_aside", "localities"))
    columns["set_aside"] = [tuple(Span(*edges) for edges in each or ()) for each in spans]
    columns["localities"] = [tuple(Locality(**values) for values in each or ()) for each in places]
    yield from map(Resource, *(columns[name] for name in Resource.__dataclass_fields__))


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_list(column.type) and not len(column.flatten()):
        return [()] * len(column)
    return list(column.to_pylist())


def _schema() -> pa.Schema:
    place = {
        **dict.fromkeys(Locality.__dataclass_fields__, pa.string()),
        "population": pa.int64(),
        "latitude": pa.float64(),
        "longitude": pa.float64(),
    }
    kinds = {
        "year": pa.int64(),
        "themes": pa.list_(pa.string()),
        "notes": pa.list_(pa.string()),
        "set_aside": pa.list_(pa.list_(pa.int32())),
        "localities": pa.list_(pa.struct(list(place.items()))),
    }
    return pa.schema([(name, kinds.get(name, pa.string())) for name in Resource.__dataclass_fields__])
