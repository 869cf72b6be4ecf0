from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stamina

from reco.catalogue.resource import Record, Rejection
from reco.sources.config import SourceConfig
from reco.sources.read import read

Read = Callable[..., list[Record | Rejection]]


@pytest.fixture
def read_file(tmp_path: Path) -> Read:
    """Write bytes to a file and read it as a source named "test"."""

    def read_bytes(name: str, data: bytes, **options: object) -> list[Record | Rejection]:
        path = tmp_path / name
        path.write_bytes(data)
        return list(read(SourceConfig.model_validate({"name": "test", "path": path, **options})))

    return read_bytes


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield
