"""A snapshot's files as they are read: each checked against the manifest when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reco import storage
from reco.errors import RecoError, SnapshotError
from reco.snapshot import Manifest


class Verified(Mapping[str, bytes]):
    """A snapshot's files, each read when it is asked for and checked against the manifest.

    Nobody holds the bytes of one file while the next is made into objects.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder, self._manifest = folder, manifest
        self._sound: set[str] = set()

    def __getitem__(self, name: str) -> bytes:
        known = self._manifest.files[name]
        data = bytes_of(self._folder / name, self._manifest.snapshot)
        if storage.digest_of(data) != known["sha256"]:
            raise damaged(self._manifest.snapshot, f"{name} has changed since it was written")
        self._sound.add(name)
        return data

    def __contains__(self, name: object) -> bool:
        return name in self._manifest.files

    def __iter__(self) -> Iterator[str]:
        return iter(self._manifest.files)

    def __len__(self) -> int:
        return len(self._manifest.files)

    def require_rest(self) -> None:
        """Check the files that nobody asked for. Raises SnapshotError."""
        for name in self:
            if name not in self._sound:
                self[name]


def bytes_of(path: Path, number: str) -> bytes:
    """Return the bytes of a file of a snapshot. Raises SnapshotError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(number, path.name, error) from error


def unreadable(number: str, name: str, error: OSError) -> RecoError:
    """Return the error of a file that the disk does not give."""
    return damaged(number, f"{name} cannot be read ({error.strerror or error})")


def damaged(number: str, why: str) -> RecoError:
    """Return the error of a snapshot that is not as it was written."""
    return SnapshotError(
        f"Snapshot {number} is damaged: {why}.",
        "Run `reco rollback` to serve the one before, then `reco refresh`.",
    )
