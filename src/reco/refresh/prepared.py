"""Vectors of the bundled catalogue that ship with the package, so that the first start encodes nothing.

They are keyed by content hash and belong to one encoder: a changed text, or another encoder, is encoded as
ever. `make prepared` makes the file again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from reco.catalogue.resource import Resource
from reco.encoder.protocol import Document, Encoder, Matrix, unit
from reco.index.calibration import Vectors
from reco.index.vectors import VectorTable

logger = logging.getLogger(__name__)

FILE = "prepared.safetensors"

_HEADER = 8
_SAMPLE = 6
_AGREEMENT = 0.998
_TABLE = ("parts", "weights", "spans", "bounds")


@dataclass(frozen=True)
class Prepared:
    """The vectors of a catalogue, those of the texts that calibrate it, and its head with its report.

    `encoder` is the fingerprint of the encoder that made them, `asked` maps digests of texts to vectors,
    and `learnt` is the manifest's report of a head: nothing is learnt again while the catalogue is the same.
    `head` is None when the product gained nothing by it.
    """

    encoder: str
    table: VectorTable
    asked: Vectors
    learnt: Mapping[str, Any]
    head: Matrix | None = None

    def drift(self, hashes: Sequence[str]) -> float:
        """Return the share of texts, by content hash, that are not among these."""
        known = self.table.by_hash
        return sum(content not in known for content in hashes) / max(1, len(hashes))

    def to_bytes(self) -> bytes:
        """Return one safetensors file, vectors in half precision."""
        table = self.table
        tensors: dict[str, NDArray[Any]] = {
            "hashes": _packed(table.hashes),
            "parts": table.parts.astype(np.float16),
            "weights": table.weights,
            "spans": table.spans,
            "bounds": table.bounds,
            "texts": _packed(list(self.asked)),
            "asked": np.stack(list(self.asked.values())),
        }
        if self.head is not None:
            tensors["head"] = self.head.astype(np.float16)
        return save(tensors, metadata={"encoder": self.encoder, "learnt": json.dumps(dict(self.learnt))})

    @classmethod
    def from_bytes(cls, data: bytes) -> Prepared:
        """Read the bytes of `to_bytes`. Raises ValueError for anything else."""
        try:
            length = int.from_bytes(data[:_HEADER], "little")
            told = json.loads(data[_HEADER : _HEADER + length])["__metadata__"]
            read = load(data)
            columns = {name: read[name] for name in _TABLE}
            columns["parts"] = columns["parts"].astype(np.float32)
            table = VectorTable(_unpacked(read["hashes"]), **columns)
            asked = dict(zip(_unpacked(read["texts"]), read["asked"], strict=True))
            head = read["head"].astype(np.float32) if "head" in read else None
            return cls(told["encoder"], table, asked, json.loads(told["learnt"]), head)
        except (SafetensorError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise ValueError(f"prepared vectors cannot be read: {error}") from error


def _packed(digests: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(digests)), dtype=np.uint8).reshape(len(digests), -1)


def _unpacked(packed: NDArray[np.uint8]) -> tuple[str, ...]:
    return tuple(row.tobytes().hex() for row in packed)


@cache
def _shipped() -> Prepared | None:
    try:
        return Prepared.from_bytes((files("reco.refresh") / FILE).read_bytes())
    except (OSError, ValueError) as error:
        logger.warning("the prepared vectors are not used, everything is encoded: %s", error)
        return None


def prepared_for(encoder: Encoder) -> Prepared | None:
    """Return what ships for this encoder, None for another one or when the file cannot be read."""
    found = _shipped()
    return found if found is not None and found.encoder == encoder.fingerprint else None


def prepared_table(resources: Sequence[Resource], encoder: Encoder) -> VectorTable | None:
    """Return the prepared vectors if they are those of this encoder, and a sample of them is right.

    The sample is encoded anew: vectors from elsewhere are not taken on trust.
    """
    found = prepared_for(encoder)
    if found is None:
        return None
    rows = [row for row in resources if row.content_hash in found.table.by_hash]
    if not rows:
        return None
    places = np.unique(np.linspace(0, len(rows) - 1, _SAMPLE).astype(int))
    worst = min(_agreement(rows[place], found.table, encoder) for place in places)
    if worst < _AGREEMENT:
        logger.warning("the prepared vectors are not used, a sample differs (cosine %.4f)", worst)
        return None
    return found.table


def _agreement(resource: Resource, table: VectorTable, encoder: Encoder) -> float:
    """Return the least cosine of a resource's prepared parts with freshly encoded ones."""
    kept = table.document(table.by_hash[resource.content_hash]).vectors.parts
    document = Document.of(resource.title, resource.summary, resource.set_aside)
    fresh = encoder.encode_documents([document])[0].parts
    if kept.shape != fresh.shape:
        return 0.0
    return float((unit(kept) * unit(fresh)).sum(axis=1).min())
