"""A model cut in two: lower layers that stay as they are, and upper ones that learn.

The states that enter the upper layers are computed once for each text and kept, in half precision. Every
later step, forward and backward, goes through the upper layers alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reco.encoder.loading import inner, native_bfloat16
from reco.errors import EncoderError

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

_TOGETHER = 16


class CutModel:
    """A float32 Sentence Transformers model whose last `learnt` layers learn, a third of them by default.

    `lengths` are in tokens, for "query" and "document". At most `kept_bytes` of states are kept.
    Only the matrices of those layers learn, so that what is learnt is a difference of matrices. Raises
    EncoderError for a model without numbered layers.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        learnt: int | None,
        lengths: dict[str, int],
        kept_bytes: int = 6 << 30,
    ) -> None:
        self._layers = numbered_layers(model)
        self._model = model
        self._lengths = lengths
        self._prompts = {kind: prompt_of(model, kind) for kind in ("query", "document")}
        count = len(self._layers)
        self._cut = max(1, count - (learnt or max(1, round(count / 3))))
        self._short = native_bfloat16()
        self._states: dict[tuple[str, str], torch.Tensor] = {}
        self._room = kept_bytes
        model.eval()
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        self.matrices = self._learning()

    def _learning(self) -> dict[str, torch.Tensor]:
        """Return the matrices that learn, by the name of their module in the transformer."""
        import torch

        upper = {id(module) for layer in self._layers[self._cut :] for module in layer.modules()}
        found = {}
        for name, module in inner(self._model).named_modules():
            if isinstance(module, torch.nn.Linear) and id(module) in upper:
                module.weight.requires_grad_(True)
                found[name] = module.weight
        return found

    def vectors(self, texts: Sequence[str], kind: str) -> torch.Tensor:
        """Return unit vectors of texts, (texts, dimension), texts of similar length together."""
        import torch

        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        groups = [order[start : start + _TOGETHER] for start in range(0, len(order), _TOGETHER)]
        found = [self._group([texts[i] for i in group], kind) for group in groups]
        back = np.argsort([i for group in groups for i in group])
        return torch.nn.functional.normalize(torch.cat(found).float()[torch.from_numpy(back)], dim=-1)

    def _group(self, texts: Sequence[str], kind: str) -> torch.Tensor:
        import torch

        features = self._features(texts, kind)
        mask = features["attention_mask"].bool()
        states = self._lower(texts, kind, features, mask)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._short), self._fed(states):
            found: torch.Tensor = self._model(features)["sentence_embedding"]
        return found

    def _features(self, texts: Sequence[str], kind: str) -> Any:
        window = self._model.max_seq_length
        length = self._lengths[kind]
        self._model.max_seq_length = min(length, window or length)
        try:
            return self._model.preprocess(list(texts), prompt=self._prompts[kind] or None)
        finally:
            self._model.max_seq_length = window

    def _lower(self, texts: Sequence[str], kind: str, features: Any, mask: torch.Tensor) -> torch.Tensor:
        """Return what enters the upper layers, (texts, tokens, dimension), from memory where it is kept."""
        import torch

        keys = [(kind, text) for text in texts]
        if all(key in self._states for key in keys):
            known = [self._states[key] for key in keys]
            states = torch.zeros(*mask.shape, known[0].shape[-1])
            states[mask] = torch.cat(known).float()
            return states
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self._short):
            # Rounded the first time too, so that a resumed training sees the same states.
            states = self._captured(features).to(torch.float16)
        for text, state, row in zip(texts, states, mask, strict=True):
            kept = state[row]
            if self._room >= kept.nbytes and (kind, text) not in self._states:
                self._room -= kept.nbytes
                self._states[kind, text] = kept
        return states.float()

    def _captured(self, features: Any) -> torch.Tensor:
        seen: list[Any] = []

        def see(states: torch.Tensor) -> torch.Tensor:
            seen.append(states)
            return states

        with passing(self._layers[self._cut :], see):
            self._model(dict(features))
        first: torch.Tensor = seen[0]
        return first

    @contextlib.contextmanager
    def _fed(self, states: torch.Tensor) -> Iterator[None]:
        with passing(self._layers[: self._cut], lambda _: states):
            yield


@contextlib.contextmanager
def passing(layers: Sequence[Any], through: Callable[[Any], Any]) -> Iterator[None]:
    """Replace what layers do during the block: each returns `through` of the states that it is given."""
    for layer in layers:
        layer.forward = lambda states, *_, **__: through(states)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def numbered_layers(model: SentenceTransformer) -> list[Any]:
    """Return the layers of a model's transformer, in order. Raises EncoderError when it has none."""
    import torch

    stacks = [m for m in inner(model).modules() if isinstance(m, torch.nn.ModuleList)]
    layers = max(stacks, key=len, default=())
    if len(layers) < 2:
        raise EncoderError(
            "This model has no numbered layers to adapt.", "Use `reco adapt`, which learns beside the model."
        )
    return list(layers)


def prompt_of(model: SentenceTransformer, kind: str) -> str:
    """Return the prompt of a model for queries or documents, empty if it has none."""
    names = ("query",) if kind == "query" else ("document", "passage", "corpus")
    return next((prompt for name in names if (prompt := model.prompts.get(name))), "")
