"""Turning texts into vectors, behind one protocol.

A document's vector is pooled from its *parts*: the frame (prompt, title and special tokens) and one
part per passage of its summary. Every part is a mean over token states of the same contextual
encoding (late chunking, Günther et al. 2024, arXiv:2409.04701), so the parts explain the whole:
before normalisation the document's vector is their weighted mean, and the weights sum to one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reco.encoder.adapter import Adapter
from reco.errors import EncoderMismatch
from reco.text.passages import Span, split, without

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with (documents done, documents in all)."""

RECIPE = "title. summary/1"
"""Names how a text is composed and split; a change re-encodes everything."""


@dataclass(frozen=True)
class Document:
    """A text to encode: `title` belongs to the frame, each span of `summary` is a passage."""

    title: str
    summary: str
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, title: str, summary: str, aside: Sequence[Span] = ()) -> Document:
        """Compose a document, splitting its summary into passages; what is set `aside` is not read."""
        return cls(title, without(summary, aside), tuple(split(summary, aside)))

    @property
    def text(self) -> str:
        """The composed text, as the model reads it after its prompt."""
        return f"{self.title}. {self.summary}" if self.title and self.summary else self.title or self.summary

    @property
    def summary_start(self) -> int:
        """Characters of `text` before the summary begins."""
        return len(self.text) - len(self.summary)


@dataclass(frozen=True)
class DocumentVectors:
    """`parts` (1 + passages, dimension), not normalised, the frame first; `weights` sum to one.

    A part without tokens has weight zero and a zero vector.
    """

    parts: Matrix
    weights: Vector

    @property
    def vector(self) -> Vector:
        """The document's vector, of length one."""
        return unit(self.weights.astype(np.float64) @ self.parts.astype(np.float64))


class Encoder(Protocol):
    """Names itself, and encodes. Vectors of two fingerprints must never meet."""

    @property
    def fingerprint(self) -> str:
        """Digest of weights, prompts and text recipe."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def encode_query(self, text: str) -> Vector:
        """Return the vector of a request, shape (dimension,), length one."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of many requests, (texts, dimension): for learning, never for answering.

        Batches may differ from `encode_query` in the last digits.
        """
        ...

    def encode_truncated(self, texts: Sequence[str]) -> Matrix:
        """Return one unit vector per document text, cut at the model's window: a fixed reference."""
        ...

    def reads_whole(self, text: str) -> bool:
        """Return whether the parts of a document text are known to pool to what `encode_truncated` gives."""
        ...

    def tokens(self, text: str) -> int:
        """Return how many of the model's tokens a text takes, without prompt and special tokens."""
        ...

    def encode_documents(
        self, documents: Sequence[Document], progress: Progress | None = None
    ) -> list[DocumentVectors]:
        """Return the vectors of each document, in order."""
        ...

    def adapted(self, adapter: Adapter | None) -> Encoder:
        """Return this encoder with low-rank weights merged in place of any other, or with none.

        Raises EncoderMismatch for weights that were learnt for another encoder.
        """
        ...


def require_base(adapter: Adapter, base: str) -> None:
    """Raise EncoderMismatch unless an adapter was learnt for the encoder of fingerprint `base`."""
    if adapter.base != base:
        raise EncoderMismatch(
            "What was learnt with `reco adapt --deep` belongs to another encoder than the settings'.",
            "Run `reco refresh` to encode the catalogue with this one, then `reco adapt --deep`.",
        )


def unit(vector: NDArray[np.floating]) -> Vector:
    """Return `vector` scaled to length one along its last axis; a zero vector stays zero."""
    norm = np.linalg.norm(vector, axis=-1, keepdims=True)
    scaled: Vector = np.divide(vector, norm, out=np.zeros_like(vector), where=norm > 0).astype(np.float32)
    return scaled
