"""Sentence Transformers behind the encoder protocol: windows, late chunking, bfloat16, adapters."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reco.encoder import RECIPE, Document, DocumentVectors, Matrix, Progress, Vector, require_base, unit
from reco.encoder.adapter import Adapter
from reco.errors import EncoderError
from reco.text import digest

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

BATCH_TOKENS = 4096
"""Tokens in one forward pass, padding included: bounds memory whatever the texts."""

_LEAST_ROOM = 8
_SLACK = 8

_SELF_CHECK = (
    "Rénover l'éclairage public d'un village",
    "La commune accompagne les habitants qui veulent partager l'eau, la terre et les bâtiments vacants.",
)
_AGREEMENT = 0.999
_STEP = 16


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from: a local `folder`, or a Hub `name` pinned to a `revision`.

    `stamp` names the weights where hashing the folder's files can be spared. `adapter` holds low-rank
    weights learnt for this very model, merged when it is loaded.
    """

    folder: Path | None = None
    name: str = ""
    revision: str = ""
    stamp: str = ""
    precision: str = "auto"
    adapter: Adapter | None = None


class SentenceEncoder:
    """A Sentence Transformers model. It is loaded at the first encoding, never before."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        # Pages and evaluation ask for the same request several times in a row.
        self._query_vector = lru_cache(maxsize=1024)(self._encode_query)

    @cached_property
    def fingerprint(self) -> str:
        return digest(
            RECIPE,
            self._source.stamp or _weights_digest(self._source),
            self._source.adapter.digest if self._source.adapter is not None else "",
        )

    def adapted(self, adapter: Adapter | None) -> SentenceEncoder:
        base = replace(self._source, adapter=None, stamp=self._source.stamp or _weights_digest(self._source))
        plain = SentenceEncoder(base)
        if adapter is None:
            return plain
        require_base(adapter, plain.fingerprint)
        return SentenceEncoder(replace(base, adapter=adapter))

    def trainable(self) -> SentenceTransformer:
        """Return a model of one's own in float32, with no adapter merged: what an adapter is learnt on."""
        with _quiet():
            return _load(self._source, self._label).float()

    @property
    def dimension(self) -> int:
        found = self._model.get_embedding_dimension()
        if found is None:
            raise EncoderError(f"{self._label} does not say its dimension.", "Choose another model.")
        return int(found)

    def encode_query(self, text: str) -> Vector:
        return self._query_vector(text)

    def _encode_query(self, text: str) -> Vector:
        with _one_thread():
            vector = self._encode([Document("", text, ())], self._prompt("query"), None)[0].vector
        vector.flags.writeable = False
        return vector

    def encode_queries(self, texts: Sequence[str]) -> Matrix:
        found = self._encode([Document("", text, ()) for text in texts], self._prompt("query"), None)
        return np.stack([vectors.vector for vectors in found])

    def encode_truncated(self, texts: Sequence[str]) -> Matrix:
        prompt = self._prompt("document")
        vectors = self._model.encode(
            list(texts), prompt=prompt, show_progress_bar=False, convert_to_tensor=True
        )
        return unit(vectors.float().cpu().numpy())

    def reads_whole(self, text: str) -> bool:
        taken = sum(map(len, self._specials))
        return (
            self._is_mean_pooled
            and taken + self.tokens(self._prompt("document") + text) <= self._window_length
        )

    def tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False, verbose=False))

    def encode_documents(
        self, documents: Sequence[Document], progress: Progress | None = None
    ) -> list[DocumentVectors]:
        return self._encode(documents, self._prompt("document"), progress)

    def _encode(
        self, documents: Sequence[Document], prompt: str, progress: Progress | None
    ) -> list[DocumentVectors]:
        encode = self._late if self._is_mean_pooled else self._separate
        return encode(documents, prompt, progress)

    @cached_property
    def _model(self) -> SentenceTransformer:
        with _quiet():
            model = _load(self._source, self._label)
            if self._source.adapter is not None:
                self._source.adapter.merge_into(inner(model))
            if _is_wanted(self._source.precision) and not _made_short(model):
                if self._source.precision == "bfloat16":
                    raise EncoderError(
                        f"bfloat16 changes what {self._label} says.",
                        'Set precision = "float32" under [encoder].',
                    )
                return SentenceEncoder(replace(self._source, precision="float32"))._model
        return model

    @property
    def _label(self) -> str:
        return str(self._source.folder or self._source.name)

    def _prompt(self, kind: str) -> str:
        prompts = self._model.prompts
        names = ("query",) if kind == "query" else ("document", "passage", "corpus")
        return next((prompt for name in names if (prompt := prompts.get(name))), "")

    @cached_property
    def _is_mean_pooled(self) -> bool:
        """Whether a text's vector is the mean of its token states: what late chunking rests on."""
        from sentence_transformers.base.modules import Transformer
        from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

        modules = list(self._model)
        plain = len(modules) >= 2 and isinstance(modules[0], Transformer) and isinstance(modules[1], Pooling)
        return bool(
            plain
            and modules[1].pooling_mode in ("mean", ("mean",), ["mean"])
            and all(isinstance(module, Normalize) for module in modules[2:])
        )

    def _late(
        self, documents: Sequence[Document], prompt: str, progress: Progress | None
    ) -> list[DocumentVectors]:
        windows = [w for i, d in enumerate(documents) for w in self._windows(i, d, prompt)]
        sums = [np.zeros((1 + len(d.spans), self.dimension), dtype=np.float64) for d in documents]
        counts = [np.zeros(1 + len(d.spans), dtype=np.int64) for d in documents]
        left = np.bincount([w.document for w in windows], minlength=len(documents))
        for batch in _batches(windows):
            for window, states in zip(batch, self._states(batch), strict=True):
                keep = window.owners >= 0
                np.add.at(sums[window.document], window.owners[keep], states[keep])
                np.add.at(counts[window.document], window.owners[keep], 1)
                left[window.document] -= 1
            if progress is not None:
                progress(int((left == 0).sum()), len(documents))
        return [_pooled(total, count) for total, count in zip(sums, counts, strict=True)]

    def _windows(self, index: int, document: Document, prompt: str) -> Iterator[_Window]:
        prefix, suffix = self._specials
        encoded = self._tokenizer(
            prompt + document.text,
            add_special_tokens=False,
            return_offsets_mapping=True,
            truncation=False,
            verbose=False,
        )
        ids = np.asarray(encoded["input_ids"], dtype=np.int64)
        ends = np.asarray([end for _, end in encoded["offset_mapping"]], dtype=np.int64) - len(prompt)
        in_prompt = ends <= 0
        owners = _owners(ends, document)
        if not self._pools_prompt:
            owners[in_prompt] = -1
        lead = np.concatenate([prefix, ids[in_prompt]])
        lead_owners = np.concatenate([np.zeros(len(prefix), dtype=np.int64), owners[in_prompt]])
        body, body_owners = ids[~in_prompt], owners[~in_prompt]
        for start, end in _cuts(body_owners, self._room(len(lead) + len(suffix))):
            yield _Window(
                index,
                np.concatenate([lead, body[start:end], suffix]),
                np.concatenate([lead_owners, body_owners[start:end], np.zeros(len(suffix), dtype=np.int64)]),
            )

    def _states(self, batch: Sequence[_Window]) -> Iterator[Matrix]:
        """Yield the token states of each window, (tokens, dimension), float32."""
        import torch

        # Kernels are kept for each shape met: few shapes, little memory.
        longest = max(len(window.ids) for window in batch)
        longest = min(self._window_length, -(-longest // _STEP) * _STEP)
        ids = torch.full((len(batch), longest), self._tokenizer.pad_token_id or 0, dtype=torch.long)
        mask = torch.zeros((len(batch), longest), dtype=torch.long)
        for row, window in enumerate(batch):
            ids[row, : len(window.ids)] = torch.from_numpy(window.ids)
            mask[row, : len(window.ids)] = 1
        with torch.inference_mode():
            device = self._model.device
            features = self._model[0]({"input_ids": ids.to(device), "attention_mask": mask.to(device)})
            states = features["token_embeddings"].float().cpu().numpy()
        for row, window in enumerate(batch):
            yield states[row, : len(window.ids)]

    def _separate(
        self, documents: Sequence[Document], prompt: str, progress: Progress | None
    ) -> list[DocumentVectors]:
        """Encode each part on its own: for models whose pooling is not a mean of token states."""
        done = []
        prompt_length = len(self._tokenizer.tokenize(prompt))
        for document in documents:
            texts = [document.title, *(document.summary[s.start : s.end] for s in document.spans)]
            if not document.spans and document.summary:
                texts[0] = document.text
            found = [self._pieces(text, prompt_length) for text in texts]
            pieces = [piece for of_text in found for piece in of_text]
            owners = np.repeat(np.arange(len(texts)), [len(of_text) for of_text in found])
            lengths = np.asarray([max(1, len(self._tokenizer.tokenize(piece))) for piece in pieces])
            vectors = self._model.encode(
                pieces, prompt=prompt, show_progress_bar=False, convert_to_numpy=True
            )
            sums = np.zeros((len(texts), self.dimension))
            counts = np.zeros(len(texts), dtype=np.int64)
            np.add.at(sums, owners, vectors * lengths[:, None])
            np.add.at(counts, owners, lengths)
            done.append(_pooled(sums, counts))
            if progress is not None:
                progress(len(done), len(documents))
        return done

    def _pieces(self, text: str, prompt_length: int) -> list[str]:
        """Cut a text into pieces that the window holds beside the prompt."""
        if not text:
            return []
        offsets = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)[
            "offset_mapping"
        ]
        # A word that is cut in two can take more tokens than it did: some room is left for that.
        room = self._room(prompt_length + sum(map(len, self._specials)) + _SLACK)
        starts = [offsets[i][0] for i in range(0, len(offsets), room)] or [0]
        return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True) if text[a:b].strip()]

    def _room(self, taken: int) -> int:
        """Return how many tokens of a text fit in a window of which `taken` are taken."""
        room = self._window_length - taken
        if room < _LEAST_ROOM:
            raise EncoderError(
                f"The prompts of {self._label} leave no room for a text in its window "
                f"of {self._window_length} tokens.",
                "Shorten its prompts, or raise its max_seq_length.",
            )
        return room

    @cached_property
    def _tokenizer(self) -> Any:
        tokenizer = self._model.tokenizer
        if not getattr(tokenizer, "is_fast", False):
            raise EncoderError(f"{self._label} has no fast tokenizer.", "Choose a model with tokenizer.json.")
        return tokenizer

    @cached_property
    def _specials(self) -> tuple[np.ndarray, np.ndarray]:
        """The special tokens before and after a text."""
        encoded = self._tokenizer("a", return_special_tokens_mask=True)
        special = np.asarray(encoded["special_tokens_mask"], dtype=bool)
        ids = np.asarray(encoded["input_ids"], dtype=np.int64)
        inner = np.flatnonzero(~special)
        return ids[: inner[0]], ids[inner[-1] + 1 :]

    @property
    def _pools_prompt(self) -> bool:
        return bool(getattr(self._model[1], "include_prompt", True))

    @property
    def _window_length(self) -> int:
        return int(self._model.get_max_seq_length() or 512)


@dataclass(frozen=True)
class _Window:
    """Tokens read together; `owners[t]` is the part token t belongs to, -1 for none."""

    document: int
    ids: np.ndarray
    owners: np.ndarray


def _owners(ends: np.ndarray, document: Document) -> np.ndarray:
    """Return the part of each token, from the character after its last one."""
    last = np.asarray([span.end for span in document.spans], dtype=np.int64) + document.summary_start
    in_summary = ends > document.summary_start
    if not len(last):
        return np.zeros(len(ends), dtype=np.int64)
    passage = np.minimum(np.searchsorted(last, ends, side="left"), len(last) - 1)
    return np.where(in_summary, 1 + passage, 0)


def _cuts(owners: np.ndarray, room: int) -> Iterator[tuple[int, int]]:
    """Yield token ranges no longer than `room`, cut between passages where one ends late enough."""
    start = 0
    while len(owners) - start > room:
        changes = np.flatnonzero(np.diff(owners[start : start + room + 1])) + 1
        late = changes[changes >= room // 2]
        end = start + (int(late[-1]) if len(late) else room)
        yield start, end
        start = end
    yield start, len(owners)


def _batches(windows: Sequence[_Window]) -> Iterator[list[_Window]]:
    """Group windows of like length, so that little of a batch is padding."""
    batch: list[_Window] = []
    for window in sorted(windows, key=lambda w: len(w.ids), reverse=True):
        if batch and (len(batch) + 1) * len(batch[0].ids) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _pooled(sums: np.ndarray, counts: np.ndarray) -> DocumentVectors:
    parts = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    return DocumentVectors(parts, (counts / max(1, counts.sum())).astype(np.float32))


def _load(source: ModelSource, label: str) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    if source.folder is not None:
        _require_safetensors(source.folder)
    elif not source.revision:
        raise EncoderError(
            f"The model {label} has no pinned revision.", "Set `revision` to a commit under [encoder]."
        )
    try:
        return SentenceTransformer(
            label,
            device="cpu" if source.folder is not None else None,
            revision=source.revision or None,
            trust_remote_code=False,
            local_files_only=source.folder is not None,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, ImportError, RuntimeError, KeyError) as error:
        raise EncoderError(
            f"The model {label} cannot be loaded: {str(error).splitlines()[0]}",
            "Give a Sentence Transformers folder with safetensors weights, or a Hub id and its revision.",
        ) from error


def _require_safetensors(folder: Path) -> None:
    if not folder.is_dir():
        raise EncoderError(f"There is no model folder {folder}.", "Check `folder` under [encoder].")
    pickled = [
        p for p in folder.rglob("*") if p.suffix in {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}
    ]
    if not list(folder.rglob("*.safetensors")) or pickled:
        raise EncoderError(
            f"The model folder {folder} does not hold safetensors weights only.",
            "Convert it with model.save_pretrained(..., safe_serialization=True) and remove pickled files.",
        )


def inner(model: SentenceTransformer) -> Any:
    """Return the transformer inside a Sentence Transformers model, whose modules an adapter names."""
    first: Any = model[0]
    return first.auto_model


def _is_wanted(precision: str) -> bool:
    return precision == "bfloat16" or (precision == "auto" and native_bfloat16())


def _made_short(model: SentenceTransformer) -> bool:
    """Round a model's weights to bfloat16 and return whether it still says what it said."""
    import torch

    exact = model.encode(list(_SELF_CHECK), show_progress_bar=False)
    model.to(torch.bfloat16)
    short = (
        model.encode(list(_SELF_CHECK), show_progress_bar=False, convert_to_tensor=True).float().cpu().numpy()
    )
    agreement = float((unit(exact) * unit(short)).sum(axis=1).min())
    if agreement < _AGREEMENT:
        logger.warning("bfloat16 disagrees with float32 (cosine %.5f)", agreement)
    return agreement >= _AGREEMENT


def native_bfloat16() -> bool:
    """Whether this processor has bfloat16 matrix instructions."""
    import torch

    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(bool(getattr(torch.cpu, name, lambda: False)()) for name in checks)


def _weights_digest(source: ModelSource) -> str:
    return _folder_digest(source.folder) if source.folder is not None else f"{source.name}@{source.revision}"


def _folder_digest(folder: Path) -> str:
    """Digest of every file that decides a vector: weights, tokenizer, configuration."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in {".safetensors", ".json", ".txt", ".model"})
    if not files:
        raise EncoderError(f"There is no model in {folder}.", "Check `folder` under [encoder].")
    state = hashlib.sha256()
    for path in files:
        state.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as stream:
            state.update(hashlib.file_digest(stream, "sha256").digest())
    return state.hexdigest()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run a short text on one thread: with two, waking the other can cost ten times the work."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's own progress bars and notices out of a program's output."""
    from transformers.utils import logging

    library: Any = logging
    before = library.get_verbosity()
    library.set_verbosity_error()
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(before)
        library.enable_progress_bar()
