"""A cross-encoder: a model that reads a request and a text together, and says how well they fit.

It is a Sentence Transformers `CrossEncoder` (Nogueira and Cho 2019, arXiv:1901.04085) with one output. It is
slow, so it reads the first results only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from reco.encoder.loading import ModelSource, quiet, require_safetensors
from reco.errors import EncoderError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_HINT = "Name a folder or a Hub id of a Sentence Transformers CrossEncoder with one output."
_DIGITS = 6


class SecondReader:
    """A cross-encoder, loaded at its first reading. `source` is a local folder, or a pinned Hub name."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source

    @property
    def name(self) -> str:
        """The folder's name or the Hub id."""
        return self._source.folder.name if self._source.folder is not None else self._source.name

    @cached_property
    def fingerprint(self) -> str:
        """What identifies its weights."""
        return self._source.own_weights

    def fits(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each text fits the query, 0 to 1, (texts,).

        Raises EncoderError when the model is missing, pickled, or has no head with one output.
        """
        import torch

        if not texts:
            return np.zeros(0)
        scores = self._model.predict(
            [(query, text) for text in texts],
            batch_size=len(texts),
            activation_fn=torch.nn.Sigmoid(),
            show_progress_bar=False,
        )
        # Padding changes the last digits; they must not decide a rank.
        return np.asarray(np.round(scores, _DIGITS), dtype=np.float64)

    @cached_property
    def _model(self) -> CrossEncoder:
        from sentence_transformers import CrossEncoder

        folder = self._source.folder
        if folder is not None:
            require_safetensors(folder)
            _require_head(folder)
        try:
            with quiet():
                model: CrossEncoder = CrossEncoder(
                    str(folder or self._source.name),
                    device="cpu" if folder is not None else None,
                    revision=self._source.revision or None,
                    trust_remote_code=False,
                    local_files_only=folder is not None,
                    model_kwargs={"use_safetensors": True},
                )
        except (OSError, ValueError, ImportError, RuntimeError, KeyError, SafetensorError) as error:
            raise EncoderError(
                f"The reranker {self.name} cannot be loaded: {str(error).splitlines()[0]}", _HINT
            ) from error
        _require_one_output(model, self.name)
        return model


def _require_head(folder: Path) -> None:
    """Refuse a folder that declares no classifier: the library would give it a random head."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise EncoderError(f"The reranker {folder} has no configuration that can be read.", _HINT) from error
    declared = [str(name) for name in config.get("architectures") or ()]
    if not any("SequenceClassification" in name for name in declared):
        raise EncoderError(
            f"The model in {folder} is no reranker: it has no head that scores a pair of texts.", _HINT
        )


def _require_one_output(model: CrossEncoder, name: str) -> None:
    config: Any = model.config
    declared = [str(found) for found in getattr(config, "architectures", None) or ()]
    if not any("SequenceClassification" in found for found in declared):
        raise EncoderError(f"The model {name} is no reranker: it has no head that scores a pair.", _HINT)
    if config.num_labels != 1:
        raise EncoderError(f"The reranker {name} has {config.num_labels} outputs, not one.", _HINT)
