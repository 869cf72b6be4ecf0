"""The head of a first snapshot, learnt from this project's own catalogue.

`python -m benchmarks.starter` makes it; `docs/starter.md` describes it and its measures.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from reco.errors import EncoderError

FILE = "starter.safetensors"
_BASE = "base"


def starting_head(fingerprint: str) -> NDArray[np.float32] | None:
    """Return the head, (dimension, dimension), if it was learnt for this encoder; else None.

    Raises EncoderError when the file in the package cannot be read.
    """
    base, head = _read()
    return head if base == fingerprint else None


def to_bytes(head: NDArray[np.float32], fingerprint: str) -> bytes:
    """Return a head in half precision as a safetensors file with the fingerprint of its encoder."""
    return save({"head": head.astype(np.float16)}, metadata={_BASE: fingerprint})


@cache
def _read() -> tuple[str, NDArray[np.float32]]:
    path = files("reco.adapt") / FILE
    try:
        data = path.read_bytes()
        with safe_open(str(path), framework="np") as stream:
            base = str(stream.metadata()[_BASE])
        head: NDArray[np.float32] = load(data)["head"].astype(np.float32)
    except (OSError, KeyError, TypeError, SafetensorError) as error:
        raise EncoderError(
            f"The starting head {FILE} cannot be read: {error}.", "Reinstall reco, or run `make setup`."
        ) from error
    head.flags.writeable = False
    return base, head
