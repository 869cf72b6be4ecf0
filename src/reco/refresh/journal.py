"""The journal: documents that a refresh has encoded, kept until its snapshot is published.

One file per home, for one encoder. A header names the encoder's fingerprint. Each record comes after its
length and its SHA-256 digest, and holds a content hash, then a document's weights, spans and parts.
Records are appended a chunk at a time; everything after the first damaged record is dropped.
"""

from __future__ import annotations

import hashlib
import logging
import struct
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from reco.encoder.protocol import DocumentVectors
from reco.index.vectors import EncodedDocument
from reco.storage import atomic
from reco.text.passages import Span

logger = logging.getLogger(__name__)

_NAME = "encoded"
_MAGIC = b"reco journal 1\n"
_LENGTH = struct.Struct("<Q")
_SHAPE = struct.Struct("<HII")
_DIGEST = hashlib.sha256().digest_size


class Journal:
    """The encoded documents under `folder`, for one encoder. Only the holder of the lock uses it."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder
        self._path = folder / _NAME
        self._header = _MAGIC + fingerprint.encode() + b"\n"

    def recall(self, wanted: Collection[str]) -> dict[str, EncodedDocument]:
        """Return the documents whose content hash is in `wanted`, and remove all others.

        Documents of another encoder, unwanted ones and a damaged tail leave the disk, so the file never
        holds more than one catalogue. Raises StorageError when the disk refuses.
        """
        if not self._folder.is_dir():
            return {}
        # A process that died here may have left a draft of the shortened file.
        for other in self._folder.iterdir():
            if other != self._path:
                atomic.remove(other)
        data = self._read()
        records = {key: record for key, record in self._records(data) if key in wanted}
        whole = len(self._header) + sum(map(len, records.values()))
        if len(data) != whole or not data.startswith(self._header):
            atomic.replace(self._path, b"".join((self._header, *records.values())))
        return {key: _document(record) for key, record in records.items()}

    def keep(self, done: Mapping[str, EncodedDocument]) -> None:
        """Append documents by content hash, and wait until they are on the disk."""
        records = b"".join(_record(key, document) for key, document in done.items())
        if self._path.exists():
            atomic.append(self._path, records)
            return
        atomic.make_folder(self._folder)
        atomic.append(self._path, self._header + records)
        atomic.sync_folder(self._folder)

    def clear(self) -> None:
        """Delete the journal."""
        if self._folder.is_dir():
            atomic.remove_tree(self._folder)

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            logger.warning("the journal cannot be read, so its documents are encoded again: %s", error)
            return b""

    def _records(self, data: bytes) -> Iterator[tuple[str, memoryview]]:
        """Yield the content hash and the bytes of each valid record, without copying them."""
        if not data.startswith(self._header):
            return
        view = memoryview(data)
        start = len(self._header)
        while start + _LENGTH.size + _DIGEST <= len(data):
            (length,) = _LENGTH.unpack_from(data, start)
            body = start + _LENGTH.size + _DIGEST
            payload = view[body : body + length]
            if len(payload) < length or hashlib.sha256(payload).digest() != data[body - _DIGEST : body]:
                return
            yield _key(payload), view[start : body + length]
            start = body + length


def _record(key: str, document: EncodedDocument) -> bytes:
    name = key.encode()
    parts = np.ascontiguousarray(document.vectors.parts, dtype="<f4")
    weights = np.ascontiguousarray(document.vectors.weights, dtype="<f4")
    spans = np.asarray([(span.start, span.end) for span in document.spans], dtype="<i4")
    shape = _SHAPE.pack(len(name), *parts.shape)
    payload = b"".join((shape, name, weights.tobytes(), spans.tobytes(), parts.tobytes()))
    return _LENGTH.pack(len(payload)) + hashlib.sha256(payload).digest() + payload


def _key(payload: memoryview) -> str:
    length, _, _ = _SHAPE.unpack_from(payload)
    return bytes(payload[_SHAPE.size : _SHAPE.size + length]).decode()


def _document(record: memoryview) -> EncodedDocument:
    payload = record[_LENGTH.size + _DIGEST :]
    length, count, dimension = _SHAPE.unpack_from(payload)
    numbers = payload[_SHAPE.size + length :]
    weights = np.frombuffer(numbers, dtype="<f4", count=count)
    spans = np.frombuffer(numbers[4 * count :], dtype="<i4", count=2 * count).reshape(count, 2)
    parts = np.frombuffer(numbers[12 * count :], dtype="<f4", count=count * dimension)
    return EncodedDocument(
        DocumentVectors(parts.reshape(count, dimension), weights),
        tuple(Span(int(start), int(end)) for start, end in spans),
    )
