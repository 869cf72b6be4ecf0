"""The snapshot served and the snapshots ever committed: `CURRENT` and the seals.

`CURRENT` holds the number of the served snapshot and the digest of its manifest; replacing that file is the
commit. The seal, `manifest.sha256` in the snapshot's folder, is written next. It records that the snapshot
was committed, and keeps every byte verifiable once `CURRENT` names another snapshot.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from reco.errors import RecoError, SnapshotError, StorageError, UnconfirmedWrite
from reco.snapshots.snapshot import Manifest
from reco.storage import atomic

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
_SEAL = "manifest.sha256"
_NUMBER = re.compile(r"[0-9]{1,18}")


def is_number(name: str) -> bool:
    """Whether a name can be that of a snapshot's folder, such as `000042`."""
    return _NUMBER.fullmatch(name) is not None


class Commits:
    """The commits of one home: `CURRENT` and the seals of the snapshots in `folder`."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._folder = folder
        self._pointer = home / "CURRENT"

    def read(self) -> tuple[str, str] | None:
        """Return the number and the manifest's digest that `CURRENT` holds; None without that file.

        Raises SnapshotError when the file cannot be read.
        """
        try:
            values = json.loads(self._pointer.read_bytes())
            number, digest = str(values["snapshot"]), str(values["manifest"])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SnapshotError(
                f"{self._pointer} cannot be read: {error.strerror or error}.", "See `reco doctor`."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise self._garbled() from error
        # A tampered `CURRENT` must not make us read outside the folder.
        if not is_number(number):
            raise self._garbled()
        return number, digest

    def _garbled(self) -> SnapshotError:
        return SnapshotError(
            f"{self._pointer} cannot be read.", "Run `reco rollback ID` with an id of `reco snapshots`."
        )

    def pointed(self) -> tuple[str, str] | None:
        """Return the same as `read`, or None when `CURRENT` cannot be read."""
        try:
            return self.read()
        except SnapshotError:
            return None

    def is_sealed(self, number: str) -> bool:
        """Whether the snapshot has a seal."""
        return (self._folder / number / _SEAL).exists()

    def manifest(self, number: str, pointed: str | None = None) -> bytes:
        """Return a manifest's bytes, checked against `pointed`, if given, and the seal, or else `CURRENT`.

        Raises SnapshotError when a digest differs.
        """
        raw = bytes_of(self._folder / number / MANIFEST, number)
        digest = atomic.digest_of(raw)
        if pointed is not None and digest != pointed:
            raise damaged(number, f"{MANIFEST} is not the one that was published")
        if self.is_sealed(number):
            if bytes_of(self._folder / number / _SEAL, number) != _seal_of(digest):
                raise damaged(number, f"{MANIFEST} and {_SEAL} do not agree")
        elif (number, digest) != self.pointed():
            raise damaged(number, f"it has no {_SEAL}")
        return raw

    def commit(self, number: str) -> None:
        """Serve a snapshot from now on. Raises StorageError when the previous one is still served.

        Logs a warning when the disk does not confirm the write; the next writer commits it again.
        """
        self.finish()
        try:
            self._serve_and_seal(number, atomic.sha256(self._folder / number / MANIFEST))
        except UnconfirmedWrite as error:
            logger.warning("Snapshot %s is served, but a power cut could undo it. %s", number, error)

    def finish(self) -> None:
        """Seal the snapshot that `CURRENT` names.

        Without a seal it would be removed once another takes its place.
        """
        pointed = self.pointed()
        if pointed is None or not (self._folder / pointed[0]).is_dir() or self.is_sealed(pointed[0]):
            return
        with suppress(SnapshotError):  # a damaged snapshot is not worth keeping
            manifest = bytes_of(self._folder / pointed[0] / MANIFEST, pointed[0])
            if atomic.digest_of(manifest) == pointed[1]:
                self._serve_and_seal(*pointed)

    def _serve_and_seal(self, number: str, digest: str) -> None:
        """Replace `CURRENT`, then write the seal. Raises UnconfirmedWrite when only the seal fails."""
        pointer = json.dumps({"snapshot": number, "manifest": digest}) + "\n"
        atomic.replace(self._pointer, pointer.encode())
        if not self.is_sealed(number):
            try:
                atomic.replace(self._folder / number / _SEAL, _seal_of(digest))
            except StorageError as error:
                raise UnconfirmedWrite(str(error), error.hint) from error


def _seal_of(digest: str) -> bytes:
    # The format that `sha256sum` writes and checks.
    return f"{digest}  {MANIFEST}\n".encode()


class Verified(Mapping[str, bytes]):
    """The files of a snapshot, each read on access and checked against the manifest.

    Files are not cached, so the bytes of one are free before the next becomes objects.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder, self._manifest = folder, manifest
        self._sound: set[str] = set()

    def __getitem__(self, name: str) -> bytes:
        entry = self._manifest.files[name]
        data = bytes_of(self._folder / name, self._manifest.snapshot)
        if atomic.digest_of(data) != entry["sha256"]:
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
        """Check the files not read yet. Raises SnapshotError."""
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
    """Return the error for a file that the disk does not read."""
    return damaged(number, f"{name} cannot be read ({error.strerror or error})")


def damaged(number: str, why: str) -> RecoError:
    """Return the error for a snapshot whose files are not as they were written."""
    return SnapshotError(
        f"Snapshot {number} is damaged: {why}.",
        "Run `reco rollback` to serve the one before, then `reco refresh`.",
    )
