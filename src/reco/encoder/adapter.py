"""Low-rank weights learnt for one encoder (LoRA, Hu et al. 2021, arXiv:2106.09685), and their file format.

They are merged once, when the model is loaded, so a query costs nothing more.
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
    """Low-rank weights. Each adapted matrix W, (out, in), becomes W + scale * alpha / rank * B A.

    `tensors` holds `<module>.lora_A`, (rank, in), and `<module>.lora_B`, (out, rank), in half
    precision. `base` is the fingerprint of their encoder. A `scale` below one averages the adapted and the
    original weights (Wortsman et al. 2022, arXiv:2109.01903).
    """

    tensors: Mapping[str, NDArray[np.float16]]
    base: str
    rank: int
    alpha: int
    scale: float = 1.0

    @property
    def modules(self) -> list[str]:
        """The sorted names of the adapted modules."""
        return sorted(name.removesuffix(_DOWN) for name in self.tensors if name.endswith(_DOWN))

    @cached_property
    def digest(self) -> str:
        """Digest of the weights and their scale. It is part of the adapted encoder's fingerprint."""
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
        """Read the bytes of `to_bytes`. Raises ValueError for anything else."""
        try:
            length = int.from_bytes(data[:_HEADER], "little")
            header = json.loads(data[_HEADER : _HEADER + length])
            config = json.loads(header["__metadata__"]["adapter"])
            return cls(load(data), **config)
        except (SafetensorError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise ValueError(f"an adapter cannot be read: {error}") from error

    def merge_into(self, model: nn.Module) -> None:
        """Add the learnt weights to a float32 model. Raises EncoderError when a matrix does not fit."""
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
                    f"The learnt weights do not fit the model: it has no matrix {name} of that shape.",
                    "Run `reco adapt --undo`, or name the model of these weights under [encoder].",
                )
            with torch.no_grad():
                module.weight += torch.from_numpy(change).to(module.weight.dtype)
