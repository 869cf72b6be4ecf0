"""How far a training has come, on the disk: a killed run goes on from there, another's is removed."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from reco.storage import atomic

logger = logging.getLogger(__name__)

_FILE = "state.safetensors"
_HEADER = 8


@dataclass(frozen=True)
class State:
    """Steps done, the losses watched after each epoch, and every tensor of the model and optimiser."""

    step: int = 0
    watched: tuple[float, ...] = ()
    tensors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpoint:
    """A file in `folder`, replaced in one step. `key` names the data and settings of the training."""

    folder: Path
    key: str

    def read(self) -> State | None:
        """Return where this very training was interrupted; what another left is removed."""
        if not self.folder.exists():
            return None
        try:
            data = (self.folder / _FILE).read_bytes()
            length = int.from_bytes(data[:_HEADER], "little")
            values = json.loads(json.loads(data[_HEADER : _HEADER + length])["__metadata__"]["state"])
            if values["key"] == self.key:
                return State(int(values["step"]), tuple(values["watched"]), load(data))
            logger.warning("an interrupted adaptation of other texts or settings was removed")
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            logger.warning("an interrupted adaptation cannot be read and starts again: %s", error)
        self.remove()
        return None

    def write(self, state: State) -> None:
        """Keep a state. Raises StorageError when the disk refuses."""
        atomic.make_folder(self.folder)
        values = json.dumps({"key": self.key, "step": state.step, "watched": state.watched}, sort_keys=True)
        atomic.replace(self.folder / _FILE, save(dict(state.tensors), metadata={"state": values}))

    def remove(self) -> None:
        """Forget the training."""
        if self.folder.exists():
            atomic.remove_tree(self.folder)
