"""A cross-encoder: a model that reads a request and a text together, and says how well they fit.

It is a Sentence Transformers `CrossEncoder` (Nogueira and Cho 2019, arXiv:1901.04085) with one output. It is
slow, so it reads the first results only.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from reco.encoder.loading import ModelSource, quiet, require_readable, require_safetensors
from reco.errors import EncoderError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_SETTING = "`rerank` under [ranking]"
_HINT = (
    f"Name in {_SETTING} a folder of a Sentence Transformers CrossEncoder with one output, "
    "or a Hub id, with its commit as `rerank_revision`."
)
_DIGITS = 6
_OUTPUTS = 2
"""Outputs of a classifier whose configuration does not tell: the default of Transformers."""


class SecondReader:
    """A cross-encoder, loaded at its first reading. `source` is a local folder, or a pinned Hub name."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        # Two first callers must not load it twice, and its tokenizer is not made to be shared.
        self._one_at_a_time = threading.Lock()

    @property
    def name(self) -> str:
        """The folder's name or the Hub id."""
        return self._source.folder.name if self._source.folder is not None else self._source.name

    @cached_property
    def fingerprint(self) -> str:
        """What identifies its weights. Raises EncoderError when its folder cannot be used."""
        self.require_usable()
        return self._source.own_weights

    def require_usable(self) -> None:
        """Raise EncoderError when its folder is missing, pickled or damaged, or has no head with one output.

        Nothing is loaded or fetched, so a Hub model is not checked.
        """
        folder = self._source.folder
        if folder is None:
            return
        require_safetensors(folder, _SETTING)
        files = sorted(folder.rglob("*.json")), sorted(folder.rglob("*.safetensors"))
        require_readable(f"The reranker in {folder}", *files, _HINT)
        _require_head(folder)

    def fits(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each text fits the query, 0 to 1, (texts,): the logistic function of the output.

        A fit is the same whatever texts are beside. Raises EncoderError when the model is missing, pickled
        or damaged, or has no head with one output.
        """
        import torch

        if not texts:
            return np.zeros(0)
        with self._one_at_a_time:
            # Padding to a longer text beside would change the last digits, so each pair is read alone.
            scores = self._model.predict(
                [(query, text) for text in texts],
                batch_size=1,
                activation_fn=torch.nn.Sigmoid(),
                show_progress_bar=False,
            )
        return np.asarray(np.round(np.asarray(scores, dtype=np.float64), _DIGITS))

    @cached_property
    def _model(self) -> CrossEncoder:
        from sentence_transformers import CrossEncoder

        self.require_usable()
        folder = self._source.folder
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
        config: Any = model.config
        _require_one_output(self.name, config.architectures, config.num_labels)
        return model


def _require_head(folder: Path) -> None:
    """Refuse a folder that declares no classifier: the library would give it a random head."""
    try:
        config: Any = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise EncoderError(f"The reranker {folder} has no configuration that can be read.", _HINT) from error
    if not isinstance(config, dict):
        raise EncoderError(f"The reranker {folder} has no configuration that can be read.", _HINT)
    labels = config.get("id2label")
    outputs = len(labels) if isinstance(labels, dict) else config.get("num_labels", _OUTPUTS)
    _require_one_output(str(folder), config.get("architectures"), outputs)


def _require_one_output(name: str, architectures: Any, outputs: Any) -> None:
    if not any("SequenceClassification" in str(found) for found in architectures or ()):
        raise EncoderError(f"The model {name} is no reranker: it has no head that scores a pair.", _HINT)
    if outputs != 1:
        raise EncoderError(f"The reranker {name} has {outputs} outputs, not one.", _HINT)
