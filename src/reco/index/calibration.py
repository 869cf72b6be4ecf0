"""The calibrated levels of a snapshot: the meaning of a score, and whether a query belongs to the field.

No threshold is a fixed cosine. `reco.refresh.calibrate` measures every figure for one encoder, one
catalogue and one set of ranking weights.
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

LEVELS = ("éloigné", "piste", "proche", "très proche")
FARTHEST = LEVELS[0]
Vectors = Mapping[str, NDArray[np.float16]]
_KEY = 16
"""Bytes of a text's digest."""


@dataclass(frozen=True)
class Levels:
    """The levels and the confidence of one snapshot.

    `cuts` are the lowest scores of *piste*, *proche* and *très proche*. A query vector v from the encoder
    (dimension,) has the field value `direction @ v - offset`. `weights` (intercept, field value, best
    score) turn it into a probability; a query below `threshold` gets the verdict *nothing*. `calibrated`
    is the origin of the cuts: "golden" for judgements, with the `precision` of each level on queries held
    out from the fit, or "background". `made_for` is the stamp of the ranking weights. `asked` are the
    vectors of the calibration texts by digest, so that the next refresh does not encode them again.
    """

    cuts: tuple[float, float, float]
    direction: tuple[float, ...]
    offset: float
    weights: tuple[float, float, float]
    threshold: float
    calibrated: str
    made_for: str
    precision: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    asked: Vectors = field(default_factory=dict, repr=False, compare=False)

    def level(self, score: float) -> str:
        """Return the level of a score, one of `LEVELS`."""
        return LEVELS[int(np.searchsorted(self.cuts, score, side="right"))]

    def confidence(self, vector: NDArray[np.float32], best: float) -> float:
        """Return the probability, 0 to 1, that a query belongs to the field, given its best score.

        `vector` (dimension,) comes from the encoder, before any head. The fit gives equal weight to
        off-domain queries and to the catalogue's texts.
        """
        value = float(vector.astype(np.float64) @ np.asarray(self.direction)) - self.offset
        intercept, by_field, by_score = self.weights
        return float(1 / (1 + np.exp(-np.clip(intercept + by_field * value + by_score * best, -500, 500))))

    def verdict(self, confidence: float, best: str | None) -> str:
        """Return *nothing*, *weak* or *found*, given the confidence and the level of the best result."""
        if confidence < self.threshold or best is None:
            return "nothing"
        return "found" if best in LEVELS[2:] else "weak"

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
    def from_bytes(cls, data: bytes, asked: bytes | None = None) -> Levels:
        """Read the bytes of `to_bytes` and `asked_bytes`. Raises ValueError for any others."""
        values: dict[str, Any] = json.loads(data)
        for name in ("cuts", "direction", "weights"):
            values[name] = tuple(values[name])
        return cls(**values, asked=_read_vectors(asked) if asked is not None else {})


def _read_vectors(data: bytes) -> dict[str, NDArray[np.float16]]:
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise ValueError(f"the query vectors of the calibration cannot be read: {error}") from error
    return {bytes(key).hex(): vector for key, vector in zip(tensors["keys"], tensors["vectors"], strict=True)}
