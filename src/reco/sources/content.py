"""The bytes of a source, from a file or the web, unpacked if gzipped."""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.encodings import charset_of, decoded

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LONGEST_LINE = 16_000_000
"""Most bytes read for one line. No text that is kept is longer; parsing takes ten times as much memory."""

_GZIP = b"\x1f\x8b"
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)*\s*(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Contents:
    """All bytes of a source. `content_type` and `url`, the final address, are "" for a file."""

    data: bytes
    content_type: str = ""
    url: str = ""


class _Body(io.BytesIO):
    """The body of an answer, with what its headers say of it."""

    def __init__(self, data: bytes, content_type: str, url: str) -> None:
        super().__init__(data)
        self.content_type = content_type
        self.url = url


@contextmanager
def opened(config: SourceConfig, cache: Path | None) -> Iterator[BinaryIO]:
    """Open the bytes of a source for reading, seekable unless gzipped.

    Raises `SourceError` when they cannot be read, also later in the block.
    """
    try:
        with _raw(config, cache) as stream:
            start = stream.read(2)
            stream.seek(0)
            yield cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if start == _GZIP else stream
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(config, error) from error


def lines(config: SourceConfig, stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream, line ends included. Raises `SourceError` above `max_bytes`."""
    total = 0
    while line := stream.readline(LONGEST_LINE):
        total += len(line)
        if total > config.max_bytes:
            raise _too_large(config)
        yield line


class Limited(io.RawIOBase):
    """A stream that raises `SourceError` above `max_bytes`: a small gzip file can unpack to any size."""

    def __init__(self, config: SourceConfig, stream: BinaryIO) -> None:
        self._config = config
        self._stream = stream
        self._left = config.max_bytes

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` from the stream, and return the number of bytes."""
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        self._left -= len(data)
        if self._left < 0:
            raise _too_large(self._config)
        view[: len(data)] = data
        return len(data)


def whole(config: SourceConfig, cache: Path | None) -> bytes:
    """Return all bytes of a source. Raises `SourceError`, also above `max_bytes`."""
    return contents(config, cache).data


def contents(config: SourceConfig, cache: Path | None) -> Contents:
    """Return all bytes of a source, and what its server says of them. Raises as `whole` does."""
    with opened(config, cache) as stream:
        data = stream.read(config.max_bytes + 1)
        raw = stream.fileobj if isinstance(stream, gzip.GzipFile) else stream
    if len(data) > config.max_bytes:
        raise _too_large(config)
    return Contents(data, raw.content_type, raw.url) if isinstance(raw, _Body) else Contents(data)


def is_html(data: bytes) -> bool:
    """Return whether bytes are a web page: a portal that is down or wants a login often answers one."""
    return _PAGE.match(data[:2_000]) is not None


def shown_place(config: SourceConfig) -> str:
    """Return the path or address of a source for a message or a locator, without secret parameters."""
    if not config.url:
        return config.place
    from reco.sources.remote import shown  # here, as below: a file needs no HTTP client

    return shown(config.url)


def unreadable(config: SourceConfig, error: Exception | str) -> SourceError:
    """Return the error for a source whose content does not match its kind."""
    if isinstance(error, MemoryError):
        return too_heavy(config)
    if isinstance(error, FileNotFoundError):
        return SourceError(
            f"source {config.name}: {shown_place(config)} does not exist",
            "Correct `path` of this source, or put the file there.",
        )
    detail = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return SourceError(
        f"source {config.name}: {shown_place(config)} cannot be read as {config.kind}: {detail}",
        "Check that the file is whole and that `kind` of this source is right.",
    )


def too_heavy(config: SourceConfig) -> SourceError:
    """Return the error for a source whose reading takes more memory than `max_memory`."""
    return SourceError(
        f"source {config.name}: reading {shown_place(config)} takes more than "
        f"{config.max_memory / 1e9:g} GB of memory",
        "Divide the file, or save it as CSV or JSON Lines, which are read row by row. If the machine has "
        "the memory, raise `max_memory` of this source.",
    )


def too_slow(config: SourceConfig) -> SourceError:
    """Return the error for a source whose reading takes more time than `max_seconds`."""
    return SourceError(
        f"source {config.name}: reading {shown_place(config)} takes more than {config.max_seconds:g} seconds",
        "Open it to see whether it is what you expect; if it is, raise `max_seconds` of this source.",
    )


def _too_large(config: SourceConfig) -> SourceError:
    return SourceError(
        f"source {config.name}: {shown_place(config)} is larger than {config.max_bytes} bytes",
        "Raise `max_bytes` of this source if that size is expected.",
    )


@contextmanager
def _raw(config: SourceConfig, cache: Path | None) -> Iterator[BinaryIO]:
    if config.path is not None:
        if stat.S_IFMT(mode := config.path.stat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
            # Opening a pipe would block for ever.
            raise unreadable(config, f"it is not a file ({stat.filemode(mode)})")
        with config.path.open("rb") as file:
            before = _state(file)
            yield file
            if _state(file) != before:
                raise SourceError(
                    f"source {config.name}: {shown_place(config)} changed while it was being read",
                    "Write it under a name that ends with .part, rename it, then refresh again.",
                )
    else:
        from reco.sources.remote import Remote

        with Remote(config, cache) as remote:
            fetched = remote.get(config.url, remember=True)
            said = fetched.headers.get("content-type", "")
            yield _Body(_as_said(config, fetched.body, said), said, fetched.url)


def _as_said(config: SourceConfig, body: bytes, content_type: str) -> bytes:
    """Return a text that is read line by line in UTF-8, if only its server tells its encoding."""
    charset = charset_of(content_type)
    if config.kind not in ("csv", "jsonl") or config.encoding or not charset or body.startswith(_GZIP):
        return body
    return decoded(body, [charset])[0].encode("utf-8", "surrogateescape")


def _state(file: BinaryIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns
