"""The state of an interrupted training on disk.

A killed run resumes from it; the state of another training is removed.
"""

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
    """The steps done, their losses, and every tensor of the model and optimiser."""

    step: int = 0
    losses: tuple[float, ...] = ()
    tensors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpoint:
    """A state file in `folder`, replaced atomically; `key` is a digest of the training's data and recipe."""

    folder: Path
    key: str

    def read(self) -> State | None:
        """Return the state of this training, if it was interrupted; remove the state of another."""
        if not self.folder.exists():
            return None
        try:
            data = (self.folder / _FILE).read_bytes()
            length = int.from_bytes(data[:_HEADER], "little")
            values = json.loads(json.loads(data[_HEADER : _HEADER + length])["__metadata__"]["state"])
            if values["key"] == self.key:
                return State(int(values["step"]), tuple(values["losses"]), load(data))
            logger.warning("an interrupted adaptation of other texts or settings was removed")
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            logger.warning("an interrupted adaptation cannot be read and starts again: %s", error)
        self.remove()
        return None

    def write(self, state: State) -> None:
        """Replace the state. Raises StorageError when the disk refuses."""
        atomic.make_folder(self.folder)
        values = json.dumps({"key": self.key, "step": state.step, "losses": state.losses}, sort_keys=True)
        atomic.replace(self.folder / _FILE, save(dict(state.tensors), metadata={"state": values}))

    def remove(self) -> None:
        """Remove the state."""
        if self.folder.exists():
            atomic.remove_tree(self.folder)
