"""Atomic file operations: a file is wholly on the disk, or not there at all.

Every change of the disk calls `operation` first. Fault tests replace it to count the changes, make one
fail, or kill the process there.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal

from reco.errors import StorageError, UnconfirmedWrite

if sys.platform == "win32":  # Windows itself refuses to remove a file that is open
    fcntl = None
else:
    import fcntl

Operation = Callable[[str, Path], None]
Piece = bytes | memoryview


def _proceed(name: str, path: Path) -> None:
    """Do nothing. Fault tests replace this hook."""


operation: Operation = _proceed


@contextmanager
def _storage_errors(action: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"The disk refused to {action} {path}: {error.strerror or error}.",
            "Free some space or check the folder's permissions, then run the command again.",
        ) from error


def make_folder(path: Path) -> None:
    """Create a folder and its parents, and wait until their names are on the disk."""
    with _storage_errors("create", path):
        operation("mkdir", path)
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
    for folder in reversed(missing):
        sync_folder(folder.parent)


@contextmanager
def _synced(action: str, path: Path, mode: Literal["wb", "ab", "ab+"]) -> Iterator[BinaryIO]:
    """Open a file to write, and wait at the end of the block until its bytes are on the disk."""
    with _storage_errors(action, path):
        operation("open", path)
        with path.open(mode) as stream:
            operation("write", path)
            yield stream
            stream.flush()
            operation("fsync", path)
            os.fsync(stream.fileno())


def write(path: Path, *pieces: Piece) -> str:
    """Write a new file from `pieces`, wait until it is on the disk, and return its sha256."""
    state = hashlib.sha256()
    # Hashing and writing both release the GIL, so a large file is hashed while it is written.
    with _synced("write", path, "wb") as stream, ThreadPoolExecutor(1) as hasher:
        for piece in pieces:
            hashed = hasher.submit(state.update, piece)
            stream.write(piece)
            hashed.result()
    return state.hexdigest()


def append_line(path: Path, line: bytes) -> None:
    """Append a line and wait until it is on the disk. A line that was cut short is ended first."""
    with _synced("append to", path, "ab+") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            line = line if stream.read(1) == b"\n" else b"\n" + line
        stream.write(line)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Keep a file from being claimed during the block. Raises OSError when it is missing or claimed."""
    with path.open("rb") as stream:
        _try_lock(stream, shared=True)
        yield


@contextmanager
def claim(path: Path) -> Iterator[bool]:
    """Yield whether a file has no reader, and keep readers out during the block. A missing file is free."""
    if fcntl is None or not path.exists():
        yield True
        return
    with _storage_errors("lock", path), path.open("rb") as stream:
        try:
            _try_lock(stream, shared=False)
            free = True
        except BlockingIOError:
            free = False
        yield free


def _try_lock(stream: BinaryIO, shared: bool) -> None:
    # Never waits: a reader must not hang on a stopped writer.
    if fcntl is None:
        return
    try:
        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return  # This disk has no locks. A reader that loses its files reopens the current snapshot.


def append(path: Path, data: bytes) -> None:
    """Append bytes to a file and wait until they are on the disk."""
    with _synced("append to", path, "ab") as stream:
        stream.write(data)


def replace(path: Path, data: bytes) -> None:
    """Replace the content of a file in one step: a reader sees the old bytes or the new ones, never a mix.

    Raises UnconfirmedWrite when readers see the new bytes but a power cut may bring back the old ones.
    """
    draft = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        write(draft, data)
        with _storage_errors("replace", path):
            operation("rename", path)
            draft.replace(path)
    finally:
        if draft.exists():
            with suppress(StorageError):
                remove(draft)
    try:
        sync_folder(path.parent)
    except StorageError as error:
        raise UnconfirmedWrite(str(error), error.hint) from error


def rename(source: Path, target: Path) -> None:
    """Give a folder its final name, and wait until the name is on the disk."""
    with _storage_errors("rename", source):
        operation("rename", target)
        source.rename(target)
    sync_folder(target.parent)


def remove(path: Path) -> None:
    """Remove a file; a missing file is no error."""
    with _storage_errors("remove", path):
        operation("unlink", path)
        path.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Remove a folder and its content; missing files are no error."""
    with _storage_errors("remove", path):
        for folder, _, files in os.walk(path, topdown=False):
            for name in files:
                remove(Path(folder) / name)
            operation("rmdir", Path(folder))
            Path(folder).rmdir()


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    with _storage_errors("sync", path):
        operation("fsync", path)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of(data: Piece) -> str:
    """Return the sha256 of bytes in memory."""
    return hashlib.sha256(data).hexdigest()
