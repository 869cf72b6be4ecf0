"""Files that are either wholly on the disk or not there at all.

Every operation that changes the disk goes through `operation`, so that tests can count them, make
one fail, or kill the process at any of them.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from reco.errors import StorageError, UnconfirmedWrite

if sys.platform == "win32":  # Windows itself refuses to remove a file that is open
    fcntl = None
else:
    import fcntl

Operation = Callable[[str, Path], None]
Piece = bytes | memoryview


def _proceed(name: str, path: Path) -> None:
    """Do nothing: what a fault test replaces."""


operation: Operation = _proceed


@contextmanager
def _refusals(action: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"The disk refused to {action} {path}: {error.strerror or error}.",
            "Free some space or check the folder's permissions, then run the command again.",
        ) from error


def make_folder(path: Path) -> None:
    """Create a folder and its parents, and wait until the new names are on the disk."""
    with _refusals("create", path):
        operation("mkdir", path)
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
    for folder in reversed(missing):
        sync_folder(folder.parent)


def write(path: Path, *pieces: Piece) -> str:
    """Write a new file from its pieces, wait until it is on the disk, and return its sha256."""
    state = hashlib.sha256()
    with _refusals("write", path):
        operation("open", path)
        with path.open("wb") as stream:
            operation("write", path)
            # Neither takes the interpreter: a large file is hashed while it is written.
            with ThreadPoolExecutor(1) as beside:
                for piece in pieces:
                    hashed = beside.submit(state.update, piece)
                    stream.write(piece)
                    hashed.result()
            stream.flush()
            operation("fsync", path)
            os.fsync(stream.fileno())
    return state.hexdigest()


def append_line(path: Path, line: bytes) -> None:
    """Add a line to a file and wait until it is on the disk; it never joins one that was cut short."""
    with _refusals("append to", path):
        operation("open", path)
        with path.open("ab+") as stream:
            if stream.tell():
                stream.seek(-1, os.SEEK_END)
                line = line if stream.read(1) == b"\n" else b"\n" + line
            operation("write", path)
            stream.write(line)
            stream.flush()
            operation("fsync", path)
            os.fsync(stream.fileno())


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Keep a file from being claimed meanwhile. Raises OSError when it is missing or claimed already."""
    with path.open("rb") as stream:
        _try_lock(stream, shared=True)
        yield


@contextmanager
def claim(path: Path) -> Iterator[bool]:
    """Yield whether nobody is reading a file, and let nobody begin meanwhile; a missing file is free."""
    if fcntl is None or not path.exists():
        yield True
        return
    with _refusals("lock", path), path.open("rb") as stream:
        try:
            _try_lock(stream, shared=False)
            free = True
        except BlockingIOError:
            free = False
        yield free


def _try_lock(stream: BinaryIO, shared: bool) -> None:
    # Never waits: a reader must not hang on a writer that is stopped.
    if fcntl is None:
        return
    try:
        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return  # A disk without locks: a reader whose files go away opens the current snapshot anew.


def append(path: Path, data: bytes) -> None:
    """Add bytes to a file and wait until they are on the disk."""
    with _refusals("append to", path):
        operation("open", path)
        with path.open("ab") as stream:
            operation("write", path)
            stream.write(data)
            stream.flush()
            operation("fsync", path)
            os.fsync(stream.fileno())


def replace(path: Path, data: bytes) -> None:
    """Give a file new content in one step: a reader sees the old bytes or the new ones.

    Raises UnconfirmedWrite when readers see the new ones but a power cut could bring back the old.
    """
    draft = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        write(draft, data)
        with _refusals("replace", path):
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
    """Give a folder its final name, and wait until that is on the disk."""
    with _refusals("rename", source):
        operation("rename", target)
        source.rename(target)
    sync_folder(target.parent)


def remove(path: Path) -> None:
    """Remove a file; one that is already gone is no error."""
    with _refusals("remove", path):
        operation("unlink", path)
        path.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Remove a folder and all it holds; what is already gone is no error."""
    with _refusals("remove", path):
        for folder, _, files in os.walk(path, topdown=False):
            for name in files:
                remove(Path(folder) / name)
            operation("rmdir", Path(folder))
            Path(folder).rmdir()


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    with _refusals("sync", path):
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
