"""Low-rank approximation of what was learnt, small enough to travel with a snapshot."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reco.encoder.adapter import Adapter


def low_rank(
    differences: Mapping[str, NDArray[np.float32]], base: str, rank: int, scale: float = 1.0
) -> Adapter:
    """Return the nearest matrices of `rank` to differences, (out, in) by module, as an adapter.

    They are nearest in the sum of squares (Eckart and Young 1936, Psychometrika 1). `base` is the
    fingerprint of the encoder, `scale` the share that is merged.
    """
    tensors = {}
    for name, difference in differences.items():
        left, sizes, right = np.linalg.svd(difference.astype(np.float64), full_matrices=False)
        roots = np.sqrt(sizes[:rank])
        kept = len(roots)
        up, down = np.zeros((len(difference), rank)), np.zeros((rank, difference.shape[1]))
        up[:, :kept], down[:kept] = left[:, :kept] * roots, roots[:, None] * right[:kept]
        tensors[f"{name}.lora_A"] = down.astype(np.float16)
        tensors[f"{name}.lora_B"] = up.astype(np.float16)
    return Adapter(tensors, base, rank, rank, scale)
