"""Arrays in NumPy's `.npy` format, without pickle and without copies."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

Pieces = tuple[bytes | memoryview, ...]


def array_pieces(array: NDArray[Any]) -> Pieces:
    """Return an array in the `.npy` format: its header, then a view of its memory."""
    whole = np.ascontiguousarray(array)
    header = io.BytesIO()
    npy.write_array_header_1_0(header, npy.header_data_from_array_1_0(whole))
    return header.getvalue(), whole.reshape(-1).view(np.uint8).data


def array_of(data: bytes) -> NDArray[Any]:
    """Return a read-only view of the array that `array_pieces` wrote.

    Raises ValueError for another version of the format, or for pickled objects.
    """
    stream = io.BytesIO(data)
    if npy.read_magic(stream) != (1, 0):
        raise ValueError("an array is not in version 1.0 of the .npy format")
    shape, by_columns, kind = npy.read_array_header_1_0(stream)
    if kind.hasobject:
        raise ValueError("an array holds objects")
    start = stream.tell()
    values = np.frombuffer(data, dtype=kind, offset=start) if len(data) > start else np.empty(0, dtype=kind)
    return values.reshape(shape, order="F" if by_columns else "C")
