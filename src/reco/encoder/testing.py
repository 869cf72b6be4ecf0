"""A small deterministic encoder for tests and fault injection. It ignores meaning."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from reco.encoder.adapter import Adapter
from reco.encoder.protocol import (
    RECIPE,
    Document,
    DocumentVectors,
    Matrix,
    Progress,
    Vector,
    require_base,
    unit,
)
from reco.text.clean import digest, fold

_WORD = re.compile(r"\w+")


class HashingEncoderForTests:
    """Hashes words to fixed pseudo-random directions: no torch, no model, the same vectors everywhere."""

    def __init__(self, dimension: int = 64, seed: int = 0, adapter: Adapter | None = None) -> None:
        self._dimension = dimension
        self._adapter = adapter
        self._base = seed
        # An adapter only has to change the vectors: tests need no more.
        self._seed = seed if adapter is None else zlib.crc32(f"{seed}{adapter.digest}".encode())

    @property
    def fingerprint(self) -> str:
        return digest("hashing-for-tests", str(self._dimension), str(self._seed), RECIPE)

    @property
    def arithmetic(self) -> str:
        return "exact"

    def adapted(self, adapter: Adapter | None) -> HashingEncoderForTests:
        plain = HashingEncoderForTests(self._dimension, self._base)
        if adapter is None:
            return plain
        require_base(adapter, plain.fingerprint)
        return HashingEncoderForTests(self._dimension, self._base, adapter)

    @property
    def dimension(self) -> int:
        return self._dimension

    def encode_query(self, text: str) -> Vector:
        vector, _ = self._mean(text)
        return unit(vector)

    def encode_queries(self, texts: Sequence[str]) -> Matrix:
        return np.stack([self.encode_query(text) for text in texts])

    def encode_truncated(self, texts: Sequence[str]) -> Matrix:
        return np.stack([self.encode_documents([Document(text, "", ())])[0].vector for text in texts])

    def reads_whole(self, text: str) -> bool:
        return False

    def tokens(self, text: str) -> int:
        return len(_WORD.findall(fold(text)))

    def encode_documents(
        self, documents: Sequence[Document], progress: Progress | None = None
    ) -> list[DocumentVectors]:
        done: list[DocumentVectors] = []
        for document in documents:
            done.append(self._encode(document))
            if progress is not None:
                progress(len(done), len(documents))
        return done

    def _encode(self, document: Document) -> DocumentVectors:
        texts = [document.title or " ", *(document.summary[s.start : s.end] for s in document.spans)]
        means, counts = zip(*(self._mean(text) for text in texts), strict=True)
        parts: Matrix = np.stack(means).astype(np.float32)
        weights = np.asarray(counts, dtype=np.float32)
        return DocumentVectors(parts, weights / weights.sum())

    def _mean(self, text: str) -> tuple[Vector, int]:
        words = _WORD.findall(fold(text)) or [""]
        directions = [direction(word, self._seed, self._dimension) for word in words]
        return np.mean(directions, axis=0, dtype=np.float32), len(words)


@lru_cache(maxsize=20_000)
def direction(word: str, seed: int, dimension: int) -> Vector:
    generator = np.random.default_rng([seed, zlib.crc32(word.encode("utf-8", "surrogatepass"))])
    direction = generator.standard_normal(dimension).astype(np.float32)
    direction.flags.writeable = False
    return direction
