"""The calibrated levels of a snapshot: what a result promises, and whether a query belongs to the field.

Two probabilities, with plain names. `confidence` is that of a query to be about local public action at all:
`reco.refresh.calibrate` measures it for one encoder and catalogue. The chances of a result, to be useful and
to be squarely about what is asked, come from `promise`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from reco.index.promise import Promise

LEVELS = ("éloigné", "piste", "proche", "très proche")
FARTHEST = LEVELS[0]
Vectors = Mapping[str, NDArray[np.float16]]
_KEY = 16
"""Bytes of a text's digest."""


@dataclass(frozen=True)
class Levels:
    """The levels and the confidence of one snapshot.

    A query vector v from the encoder (dimension,) has the field value `direction @ v - offset`. `weights`
    (intercept, field value, best score) turn it into a probability; a query below `threshold` is outside
    the field. `calibrated` is the origin of `promise`: "judged" for requests judged here, "bundled" for
    what ships with reco, with the reason in `fallback` if others could not be used. `made_for` is the
    stamp of the ranking weights. `asked` are the vectors of the calibration texts by digest, so that the
    next refresh does not encode them again.
    """

    promise: Promise
    direction: tuple[float, ...]
    offset: float
    weights: tuple[float, float, float]
    threshold: float
    calibrated: str
    made_for: str
    fallback: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    asked: Vectors = field(default_factory=dict, repr=False, compare=False)

    def confidence(self, vector: NDArray[np.float32], best: float) -> float:
        """Return the probability, 0 to 1, that a query belongs to the field, given its best score.

        `vector` (dimension,) comes from the encoder, before any head. The fit gives equal weight to
        off-domain queries and to the catalogue's texts.
        """
        value = float(vector.astype(np.float64) @ np.asarray(self.direction)) - self.offset
        intercept, by_field, by_score = self.weights
        return float(1 / (1 + np.exp(-np.clip(intercept + by_field * value + by_score * best, -500, 500))))

    def foreign(self, confidence: float) -> bool:
        """Whether a query of this confidence is outside the field: nothing can be promised then."""
        return confidence < self.threshold

    def to_bytes(self) -> bytes:
        """Return everything but `asked` as JSON."""
        values = asdict(self)
        del values["asked"]
        return json.dumps(values, ensure_ascii=False, sort_keys=True).encode()

    def asked_bytes(self) -> bytes:
        """Return `asked` as a safetensors file."""
        keys = np.frombuffer(bytes.fromhex("".join(self.asked)), dtype=np.uint8).reshape(-1, _KEY)
        return save({"keys": keys.copy(), "vectors": np.stack(list(self.asked.values()))})

    @classmethod
    def from_bytes(cls, data: bytes, asked: bytes | None = None) -> Levels | None:
        """Read the bytes of `to_bytes` and `asked_bytes`. Raises ValueError for any others.

        Levels that an earlier version cut on scores are None: the next refresh measures them.
        """
        values: dict[str, Any] = json.loads(data)
        if "cuts" in values:
            return None
        for name in ("direction", "weights"):
            values[name] = tuple(values[name])
        values["promise"] = Promise.of(values["promise"])
        return cls(**values, asked=_read_vectors(asked) if asked is not None else {})


def _read_vectors(data: bytes) -> dict[str, NDArray[np.float16]]:
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise ValueError(f"the query vectors of the calibration cannot be read: {error}") from error
    return {bytes(key).hex(): vector for key, vector in zip(tensors["keys"], tensors["vectors"], strict=True)}
