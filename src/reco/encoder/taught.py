"""What the bundled model was taught: the difference of its upper matrices, in eight bits.

Each row of a difference has one scale, so that it is off by less than a hundredth of its size. The
difference is added once, when the model is loaded, so a query costs nothing more. `docs/taught.md` says
what it was learnt from, and how to make it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from reco.errors import EncoderError

if TYPE_CHECKING:
    from torch import nn

FILE = "taught.safetensors"

_HEADER = 8
_STEPS, _SCALES = ".steps", ".scales"


@dataclass(frozen=True)
class Difference:
    """Differences to the matrices of one model. `base` identifies the model's own weights.

    `tensors` holds `<module>.steps`, int8, (out, in), and `<module>.scales`, float16, (out, 1): the
    difference is their product.
    """

    tensors: Mapping[str, NDArray[Any]]
    base: str

    @property
    def modules(self) -> list[str]:
        """The sorted names of the matrices that change."""
        return sorted(name.removesuffix(_STEPS) for name in self.tensors if name.endswith(_STEPS))

    @cached_property
    def digest(self) -> str:
        """Digest of the differences; it is part of the encoder's fingerprint."""
        state = hashlib.blake2b(self.base.encode(), digest_size=16)
        for name in sorted(self.tensors):
            state.update(name.encode())
            state.update(self.tensors[name].tobytes())
        return state.hexdigest()

    @classmethod
    def of(cls, differences: Mapping[str, NDArray[np.float32]], base: str) -> Difference:
        """Round differences, (out, in) by module, to eight bits."""
        tensors: dict[str, NDArray[Any]] = {}
        for name, values in differences.items():
            scales = (np.abs(values).max(axis=1, keepdims=True) / 127).astype(np.float16)
            safe = np.where(scales > 0, scales, 1).astype(np.float32)
            tensors[name + _STEPS] = np.clip(np.rint(values / safe), -127, 127).astype(np.int8)
            tensors[name + _SCALES] = scales
        return cls(tensors, base)

    def of_module(self, name: str) -> NDArray[np.float32]:
        """Return the difference of one matrix, (out, in)."""
        steps, scales = self.tensors[name + _STEPS], self.tensors[name + _SCALES]
        return np.asarray(steps.astype(np.float32) * scales.astype(np.float32))

    def to_bytes(self) -> bytes:
        """Return the differences as one safetensors file, their base in the header."""
        return save(dict(self.tensors), metadata={"base": self.base})

    @classmethod
    def from_bytes(cls, data: bytes) -> Difference:
        """Read the bytes of `to_bytes`. Raises ValueError for anything else."""
        try:
            length = int.from_bytes(data[:_HEADER], "little")
            header = json.loads(data[_HEADER : _HEADER + length])
            return cls(load(data), header["__metadata__"]["base"])
        except (SafetensorError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise ValueError(f"the differences cannot be read: {error}") from error

    def merge_into(self, model: nn.Module) -> None:
        """Add the differences to a float32 model. Raises EncoderError when a matrix does not fit."""
        import torch

        for name in self.modules:
            change = self.of_module(name)
            try:
                module: Any = model.get_submodule(name)
            except AttributeError:
                module = None
            if module is None or tuple(module.weight.shape) != change.shape:
                raise EncoderError(
                    f"What was taught does not fit the model: it has no matrix {name} of that shape.",
                    "Set `taught = false` under [encoder], or reinstall reco.",
                )
            with torch.no_grad():
                module.weight += torch.from_numpy(change).to(module.weight.dtype)


@cache
def taught(base: str) -> Difference:
    """Return what the package holds for the model `base`.

    Raises EncoderError when the file cannot be read or was learnt for other weights.
    """
    hint = "Reinstall reco, or set `taught = false` under [encoder]."
    try:
        found = Difference.from_bytes((files("reco.encoder") / FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise EncoderError(f"The taught weights {FILE} cannot be read: {error}.", hint) from error
    if found.base != base:
        raise EncoderError(f"The taught weights {FILE} were learnt for another model.", hint)
    return found
