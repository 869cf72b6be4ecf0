"""The encoder protocol: texts in, vectors out.

A document's vector is pooled from its *parts*: the frame (prompt, title, special tokens) and one part
per passage of the summary. Each part is the mean of its token states in one contextual encoding (late
chunking, Günther et al. 2024, arXiv:2409.04701). So the parts explain the whole: before normalisation,
the document's vector is their weighted mean, and the weights sum to one.
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
"""Version of the composition and splitting of texts. A change re-encodes everything."""


@dataclass(frozen=True)
class Document:
    """A text to encode. `title` belongs to the frame; each span of `summary` is a passage."""

    title: str
    summary: str
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, title: str, summary: str, aside: Sequence[Span] = ()) -> Document:
        """Compose a document and split its summary into passages. The spans of `aside` are blanked."""
        return cls(title, without(summary, aside), tuple(split(summary, aside)))

    @property
    def text(self) -> str:
        """The composed text, without the prompt: "title. summary"."""
        return f"{self.title}. {self.summary}" if self.title and self.summary else self.title or self.summary

    @property
    def summary_start(self) -> int:
        """The position of the summary in `text`, in characters."""
        return len(self.text) - len(self.summary)


@dataclass(frozen=True)
class DocumentVectors:
    """The vectors of a document: `parts`, (1 + passages, dimension), frame first, and their `weights`.

    Parts are not normalised; weights sum to one. A part without tokens is a zero vector of weight zero.
    """

    parts: Matrix
    weights: Vector

    @property
    def vector(self) -> Vector:
        """The document's unit vector, (dimension,)."""
        return unit(self.weights.astype(np.float64) @ self.parts.astype(np.float64))


class QueryEncoder(Protocol):
    """What a recommender needs of an encoder."""

    @property
    def fingerprint(self) -> str:
        """Digest of weights, prompts and text recipe."""

    def encode_query(self, text: str) -> Vector:
        """Return the unit vector of a query, (dimension,)."""


class Encoder(QueryEncoder, Protocol):
    """An encoder of texts. Never compare vectors of two fingerprints."""

    @property
    def arithmetic(self) -> str:
        """What rounds a vector's last bits: the precision of the weights, and the processor's kernels."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def encode_queries(self, texts: Sequence[str]) -> Matrix:
        """Return the unit vectors of many queries, (texts, dimension), for training only.

        Batching may change the last digits, so results use `encode_query`.
        """

    def encode_truncated(self, texts: Sequence[str]) -> Matrix:
        """Return a unit vector per document text, (texts, dimension), cut at the model's window."""

    def reads_whole(self, text: str) -> bool:
        """Return whether the parts of a document text are known to pool to its `encode_truncated` vector."""

    def tokens(self, text: str) -> int:
        """Return the number of model tokens in a text, without prompt and special tokens."""

    def encode_documents(
        self, documents: Sequence[Document], progress: Progress | None = None
    ) -> list[DocumentVectors]:
        """Return the vectors of each document, in order."""

    def adapted(self, adapter: Adapter | None) -> Encoder:
        """Return this encoder with the adapter's weights merged, in place of any others; None removes them.

        Raises EncoderMismatch for an adapter learnt for another encoder.
        """


def require_base(adapter: Adapter, base: str) -> None:
    """Raise EncoderMismatch unless `adapter` was learnt for the encoder with fingerprint `base`."""
    if adapter.base != base:
        raise EncoderMismatch(
            "The weights learnt by `reco adapt --deep` belong to another encoder than that of the settings.",
            "Run `reco refresh` to encode the catalogue with this one, then `reco adapt --deep`.",
        )


def unit(vector: NDArray[np.floating]) -> Vector:
    """Return `vector` scaled to length one along its last axis; a zero vector stays zero."""
    norm = np.linalg.norm(vector, axis=-1, keepdims=True)
    scaled: Vector = np.divide(vector, norm, out=np.zeros_like(vector), where=norm > 0).astype(np.float32)
    return scaled
