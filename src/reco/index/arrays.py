"""Arrays in NumPy's own format, without pickle and without copies."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

Pieces = tuple[bytes | memoryview, ...]


def array_pieces(array: NDArray[Any]) -> Pieces:
    """Return an array in NumPy's own format: its header, then its memory itself, not a copy."""
    whole = np.ascontiguousarray(array)
    header = io.BytesIO()
    npy.write_array_header_1_0(header, npy.header_data_from_array_1_0(whole))
    return header.getvalue(), whole.reshape(-1).view(np.uint8).data


def array_of(data: bytes) -> NDArray[Any]:
    """Read what `array_pieces` wrote, without a copy, read-only; pickled content is refused."""
    stream = io.BytesIO(data)
    if npy.read_magic(stream) != (1, 0):
        raise ValueError("an array is not in NumPy's format 1.0")
    shape, by_columns, kind = npy.read_array_header_1_0(stream)
    if kind.hasobject:
        raise ValueError("an array holds objects")
    start = stream.tell()
    values = np.frombuffer(data, dtype=kind, offset=start) if len(data) > start else np.empty(0, dtype=kind)
    return values.reshape(shape, order="F" if by_columns else "C")
