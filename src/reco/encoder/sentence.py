"""The encoder protocol over Sentence Transformers: windows, late chunking, bfloat16, adapters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from reco.encoder.adapter import Adapter
from reco.encoder.chunking import Window, batches, cuts, owners_of, pooled
from reco.encoder.loading import (
    ModelSource,
    inner,
    loaded,
    made_short,
    native_bfloat16,
    one_thread,
    quiet,
)
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
from reco.encoder.taught import Difference
from reco.errors import EncoderError
from reco.text.clean import digest

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


_LEAST_ROOM = 8
_SLACK = 8

_STEP = 16


class SentenceEncoder:
    """A Sentence Transformers model, loaded at the first encoding."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        # The app and the evaluation encode the same query several times in a row.
        self._query_vector = lru_cache(maxsize=1024)(self._encode_query)

    @cached_property
    def fingerprint(self) -> str:
        return digest(
            RECIPE,
            self._source.weights,
            self._source.adapter.digest if self._source.adapter is not None else "",
        )

    @property
    def arithmetic(self) -> str:
        import torch

        return f"{self._model.dtype} {torch.backends.cpu.get_cpu_capability()}".removeprefix("torch.")

    def adapted(self, adapter: Adapter | None) -> SentenceEncoder:
        base = replace(self._source, adapter=None, stamp=self._source.own_weights)
        plain = SentenceEncoder(base)
        if adapter is None:
            return plain
        require_base(adapter, plain.fingerprint)
        return SentenceEncoder(replace(base, adapter=adapter))

    def taught(self, difference: Difference | None) -> SentenceEncoder:
        """Return this encoder with other taught differences, without adapter."""
        return SentenceEncoder(replace(self._source, taught=difference, adapter=None))

    def trainable(self) -> SentenceTransformer:
        """Return a new copy of the model, in float32 and without adapter, to train an adapter on."""
        with quiet():
            return loaded(self._source, self._label).float()

    @property
    def dimension(self) -> int:
        dimension = self._model.get_embedding_dimension()
        if dimension is None:
            raise EncoderError(f"{self._label} does not state its dimension.", "Choose another model.")
        return int(dimension)

    def encode_query(self, text: str) -> Vector:
        return self._query_vector(text)

    def _encode_query(self, text: str) -> Vector:
        with one_thread():
            vector = self._encode([Document("", text, ())], self._prompt("query"), None)[0].vector
        vector.flags.writeable = False
        return vector

    def encode_queries(self, texts: Sequence[str]) -> Matrix:
        encoded = self._encode([Document("", text, ()) for text in texts], self._prompt("query"), None)
        return np.stack([vectors.vector for vectors in encoded])

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
        with quiet():
            model = loaded(self._source, self._label)
            if self._source.adapter is not None:
                self._source.adapter.merge_into(inner(model))
            precision = self._source.precision
            short = precision == "bfloat16" or (precision == "auto" and native_bfloat16())
            if short and not made_short(model):
                if precision == "bfloat16":
                    raise EncoderError(
                        f"bfloat16 changes the vectors of {self._label}.",
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
        """Whether a text's vector is the mean of its token states. Late chunking requires it."""
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
        for batch in batches(windows):
            for window, states in zip(batch, self._states(batch), strict=True):
                keep = window.owners >= 0
                np.add.at(sums[window.document], window.owners[keep], states[keep])
                np.add.at(counts[window.document], window.owners[keep], 1)
                left[window.document] -= 1
            if progress is not None:
                progress(int((left == 0).sum()), len(documents))
        return [pooled(total, count) for total, count in zip(sums, counts, strict=True)]

    def _windows(self, index: int, document: Document, prompt: str) -> Iterator[Window]:
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
        owners = owners_of(ends, document)
        if not getattr(self._model[1], "include_prompt", True):
            owners[in_prompt] = -1
        lead = np.concatenate([prefix, ids[in_prompt]])
        lead_owners = np.concatenate([np.zeros(len(prefix), dtype=np.int64), owners[in_prompt]])
        body, body_owners = ids[~in_prompt], owners[~in_prompt]
        for start, end in cuts(body_owners, self._room(len(lead) + len(suffix))):
            yield Window(
                index,
                np.concatenate([lead, body[start:end], suffix]),
                np.concatenate([lead_owners, body_owners[start:end], np.zeros(len(suffix), dtype=np.int64)]),
            )

    def _states(self, batch: Sequence[Window]) -> Iterator[Matrix]:
        """Yield the token states of each window, (tokens, dimension), float32."""
        import torch

        # Kernels are cached for each shape: few shapes keep memory low.
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
        """Encode each part separately, for models that do not pool by the mean of token states."""
        done = []
        prompt_length = len(self._tokenizer.tokenize(prompt))
        for document in documents:
            texts = [document.title, *(document.summary[s.start : s.end] for s in document.spans)]
            if not document.spans and document.summary:
                texts[0] = document.text
            pieces_by_text = [self._pieces(text, prompt_length) for text in texts]
            pieces = [piece for of_text in pieces_by_text for piece in of_text]
            owners = np.repeat(np.arange(len(texts)), [len(of_text) for of_text in pieces_by_text])
            lengths = np.asarray([max(1, len(self._tokenizer.tokenize(piece))) for piece in pieces])
            vectors = self._model.encode(
                pieces, prompt=prompt, show_progress_bar=False, convert_to_numpy=True
            )
            sums = np.zeros((len(texts), self.dimension))
            counts = np.zeros(len(texts), dtype=np.int64)
            np.add.at(sums, owners, vectors * lengths[:, None])
            np.add.at(counts, owners, lengths)
            done.append(pooled(sums, counts))
            if progress is not None:
                progress(len(done), len(documents))
        return done

    def _pieces(self, text: str, prompt_length: int) -> list[str]:
        """Cut a text into pieces that fit in the window after the prompt."""
        if not text:
            return []
        offsets = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)[
            "offset_mapping"
        ]
        # A word cut in two can take more tokens than before, so some room is left.
        room = self._room(prompt_length + sum(map(len, self._specials)) + _SLACK)
        starts = [offsets[i][0] for i in range(0, len(offsets), room)] or [0]
        return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True) if text[a:b].strip()]

    def _room(self, taken: int) -> int:
        """Return the tokens left in a window when `taken` are used."""
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
    def _window_length(self) -> int:
        return int(self._model.get_max_seq_length() or 512)
