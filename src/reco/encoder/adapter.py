"""Low-rank weights learnt for one encoder (LoRA, Hu et al. 2021, arXiv:2106.09685), as bytes.

They are added to the weights that they adapt once, when a model is loaded: answering costs nothing more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from reco.errors import EncoderError
from reco.text.clean import digest

if TYPE_CHECKING:
    from torch import nn

_HEADER = 8
_DOWN, _UP = ".lora_A", ".lora_B"


@dataclass(frozen=True)
class Adapter:
    """For each adapted matrix W, (out, in), of a model: W + scale * alpha / rank * B A.

    `tensors` holds `<module>.lora_A`, (rank, in), and `<module>.lora_B`, (out, rank), in half
    precision. `base` is the fingerprint of the encoder that they were learnt for. A `scale` below one
    averages the weights with those of the untuned model (Wortsman et al. 2022, arXiv:2109.01903).
    """

    tensors: Mapping[str, NDArray[np.float16]]
    base: str
    rank: int
    alpha: int
    scale: float = 1.0

    @property
    def modules(self) -> list[str]:
        """Names of the modules that are adapted."""
        return sorted(name.removesuffix(_DOWN) for name in self.tensors if name.endswith(_DOWN))

    @cached_property
    def digest(self) -> str:
        """Names these very weights: part of the fingerprint of the encoder that uses them."""
        weights = b"".join(name.encode() + self.tensors[name].tobytes() for name in sorted(self.tensors))
        return digest(self._config, weights.hex())

    @property
    def _config(self) -> str:
        values = {"base": self.base, "rank": self.rank, "alpha": self.alpha, "scale": self.scale}
        return json.dumps(values, sort_keys=True)

    def to_bytes(self) -> bytes:
        """Return the adapter as one safetensors file, its configuration in the header."""
        return save(dict(self.tensors), metadata={"adapter": self._config})

    @classmethod
    def from_bytes(cls, data: bytes) -> Adapter:
        """Read what `to_bytes` wrote. Raises ValueError when it is not that."""
        try:
            length = int.from_bytes(data[:_HEADER], "little")
            header = json.loads(data[_HEADER : _HEADER + length])
            config = json.loads(header["__metadata__"]["adapter"])
            return cls(load(data), **config)
        except (SafetensorError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise ValueError(f"an adapter cannot be read: {error}") from error

    def merge_into(self, model: nn.Module) -> None:
        """Add the learnt weights to those of a float32 model. Raises EncoderError where they do not fit."""
        import torch

        for name in self.modules:
            down, up = self.tensors[name + _DOWN], self.tensors[name + _UP]
            change = self.scale * self.alpha / self.rank * (up.astype(np.float32) @ down.astype(np.float32))
            try:
                module: Any = model.get_submodule(name)
            except AttributeError:
                module = None
            if module is None or tuple(module.weight.shape) != change.shape:
                raise EncoderError(
                    f"What was learnt does not fit the model: it has no such matrix as {name}.",
                    "Run `reco adapt --undo`, or name the model that it was learnt for under [encoder].",
                )
            with torch.no_grad():
                module.weight += torch.from_numpy(change).to(module.weight.dtype)
