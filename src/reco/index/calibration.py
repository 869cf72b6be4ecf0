"""How sure an answer is: what a score is worth here, and whether a request belongs to the field at all.

Nothing is a fixed cosine: every figure is measured at refresh, by `calibration`, for one encoder, one
catalogue and one set of weights.
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
    """What scores mean in one snapshot.

    `cuts` are the scores from which a result is *piste*, *proche* and *très proche*. `direction`
    (dimension,) and `offset` say on which side of the field a request's vector lies, as the encoder gives
    it; `weights` turn that figure and the best score into a probability, as intercept, field, score; a
    request below `threshold` gets *nothing*. `calibrated` says what the cuts come from: "golden" for
    judgements, with the `precision` of each level on requests that did not set them, or "background".
    `made_for` is the stamp of the weights of the ranking. `asked` are vectors of the texts that it was
    measured with, by digest, so that the next refresh does not encode them again.
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
        """Return the level of a result that has this score."""
        return LEVELS[int(np.searchsorted(self.cuts, score, side="right"))]

    def confidence(self, vector: NDArray[np.float32], best: float) -> float:
        """Return the probability, 0 to 1, that a request belongs here, given its best result's score.

        `vector` (dimension,) is the encoder's own, before any head. Unrelated requests and the
        catalogue's own texts weigh the same in it.
        """
        side = float(vector.astype(np.float64) @ np.asarray(self.direction)) - self.offset
        intercept, by_side, by_score = self.weights
        return float(1 / (1 + np.exp(-np.clip(intercept + by_side * side + by_score * best, -500, 500))))

    def verdict(self, confidence: float, best: str | None) -> str:
        """Return *nothing*, *weak* or *found* for a request, from the level of its best result, if any."""
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
        """Read what `to_bytes` and `asked_bytes` wrote. Raises ValueError when it is not that."""
        values: dict[str, Any] = json.loads(data)
        for name in ("cuts", "direction", "weights"):
            values[name] = tuple(values[name])
        return cls(**values, asked=_read(asked) if asked is not None else {})


def _read(data: bytes) -> dict[str, NDArray[np.float16]]:
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise ValueError(f"the vectors of requests cannot be read: {error}") from error
    return {bytes(key).hex(): vector for key, vector in zip(tensors["keys"], tensors["vectors"], strict=True)}
