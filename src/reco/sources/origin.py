"""The bytes of a source, from a file or from the web, unpacked when they are gzipped."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from reco.errors import SourceError
from reco.sources.config import SourceConfig

LONGEST_LINE = 64_000_000
"""Bytes read at most for one line: more than any text we keep, less than what exhausts memory."""

_GZIP = b"\x1f\x8b"


@contextmanager
def opened(config: SourceConfig, cache: Path | None) -> Iterator[BinaryIO]:
    """Open the bytes of a source for reading, seekable unless gzipped.

    Raises `SourceError` when they cannot be had, also while they are being read.
    """
    try:
        with _raw(config, cache) as stream:
            start = stream.read(2)
            stream.seek(0)
            yield cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if start == _GZIP else stream
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(config, error) from error


def lines(config: SourceConfig, stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream, with their ends. Raises `SourceError` above `max_bytes`."""
    total = 0
    while line := stream.readline(LONGEST_LINE):
        total += len(line)
        if total > config.max_bytes:
            raise _too_large(config)
        yield line


def whole(config: SourceConfig, cache: Path | None) -> bytes:
    """Return the bytes of a source at once. Raises `SourceError`, also above `max_bytes`."""
    with opened(config, cache) as stream:
        data = stream.read(config.max_bytes + 1)
    if len(data) > config.max_bytes:
        raise _too_large(config)
    return data


def unreadable(config: SourceConfig, error: Exception | str) -> SourceError:
    """Return the error of a source whose content is not what its kind promises."""
    if isinstance(error, FileNotFoundError):
        return SourceError(
            f"source {config.name}: {config.place} does not exist",
            "Correct `path` of this source, or put the file there.",
        )
    what = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return SourceError(
        f"source {config.name}: {config.place} cannot be read as {config.kind}: {what}",
        "Check that the file is whole and that `kind` of this source is right.",
    )


def _too_large(config: SourceConfig) -> SourceError:
    return SourceError(
        f"source {config.name}: {config.place} is larger than {config.max_bytes} bytes",
        "Raise `max_bytes` of this source if that size is expected.",
    )


@contextmanager
def _raw(config: SourceConfig, cache: Path | None) -> Iterator[BinaryIO]:
    if config.path is not None:
        with config.path.open("rb") as file:
            yield file
    else:
        from reco.sources.remote import Remote

        with Remote(config, cache) as remote:
            yield io.BytesIO(remote.get(config.url, remember=True).body)
