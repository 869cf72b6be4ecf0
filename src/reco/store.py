"""Snapshots on disk: written beside, verified, renamed, and served by one atomic replacement.

Layout of a home: `snapshots/<number>/` never changes once it has its name; `CURRENT` holds the
number served and the digest of its manifest; `.lock` is the one writer's.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from reco import storage
from reco.errors import RecoError, RefreshRunning, SnapshotError, StorageError
from reco.snapshot import Manifest, Snapshot, from_files, to_files

logger = logging.getLogger(__name__)

_NO_SNAPSHOT = "Run `reco refresh` first."


@dataclass(frozen=True)
class Entry:
    """One snapshot in the store, as listed."""

    id: str
    manifest: Manifest
    current: bool
    bytes: int


class SnapshotStore:
    """Opens, publishes, rolls back and prunes the snapshots under one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "snapshots"
        self._pointer = home / "CURRENT"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one writer's lock. Raises RefreshRunning at once when another process does."""
        storage.make_folder(self.folder)
        lock = FileLock(self.home / ".lock", timeout=0)
        try:
            with lock:
                self._remove_drafts()
                yield
        except Timeout as error:
            raise RefreshRunning(
                "Another refresh is running in this home.", "Wait for it to end, or use another --home."
            ) from error
        except PermissionError as error:
            raise StorageError(
                f"The home {self.home} cannot be written.", "Check its permissions, or set --home."
            ) from error

    def current(self) -> str | None:
        """Return the number that `CURRENT` names, or None when it is missing or cannot be read."""
        try:
            pointer = self._read_pointer()
        except SnapshotError as error:
            logger.warning("%s", error)
            return None
        return None if pointer is None else pointer[0]

    def ids(self) -> list[str]:
        """Return the numbers of the snapshots on disk, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if p.is_dir() and p.name.isdigit())

    def entries(self) -> list[Entry]:
        """Return what is on disk, oldest first; one whose manifest is unreadable is left to `check`."""
        current = self.current()
        found = []
        for number in self.ids():
            try:
                manifest = self.manifest(number)
            except SnapshotError as error:
                logger.warning("snapshot %s: %s", number, error)
                continue
            size = sum(p.stat().st_size for p in (self.folder / number).rglob("*") if p.is_file())
            found.append(Entry(number, manifest, number == current, size))
        return found

    def manifest(self, number: str) -> Manifest:
        """Return the manifest of one snapshot."""
        return Manifest.from_bytes(self._bytes(self.folder / number / "manifest.json", number))

    def open(self, number: str | None = None) -> Snapshot:
        """Open a snapshot, by default the current one, after checking every byte of it.

        Raises SnapshotError when there is none or when it is damaged.
        """
        expected = None
        if number is None:
            pointer = self._read_pointer()
            if pointer is None:
                raise SnapshotError(f"There is no snapshot in {self.home} yet.", _NO_SNAPSHOT)
            number, expected = pointer
        if number not in self.ids():
            raise SnapshotError(f"There is no snapshot {number} in {self.home}.", "See `reco snapshots`.")
        return self._read(self.folder / number, number, expected)

    def serve(self) -> tuple[Snapshot, str]:
        """Open the current snapshot, or else the newest sound one before it.

        Returns the snapshot and, when it is not the current one, a sentence saying why.
        """
        try:
            return self.open(), ""
        except SnapshotError as error:
            named = self.named()
            for number in reversed(self.ids()):
                if number == named:
                    continue
                try:
                    return self.open(number), f"{error} Snapshot {number} is served instead."
                except SnapshotError as older:
                    logger.warning("snapshot %s is not sound either: %s", number, older)
            raise

    def named(self) -> str:
        """Return the number that `CURRENT` names, or "" when there is none or it cannot be read."""
        try:
            return self.current() or ""
        except SnapshotError:
            return ""

    def next_id(self) -> str:
        """Return the number after the highest ever used here."""
        used = [int(n) for n in (*self.ids(), *self._set_aside(), self.named() or "0")]
        return f"{max(used, default=0) + 1:06d}"

    def write_draft(self, snapshot: Snapshot) -> Path:
        """Write a snapshot beside the published ones and read it back as a reader would."""
        draft = self.folder / f"{snapshot.id}.tmp-{os.getpid()}"
        storage.make_folder(draft / "lexical")
        files = {}
        for name, data in to_files(snapshot).items():
            files[name] = {"sha256": storage.write(draft / name, data), "bytes": len(data)}
        manifest = replace(snapshot.manifest, files=files)
        storage.write(draft / "manifest.json", manifest.to_bytes())
        storage.sync_folder(draft / "lexical")
        storage.sync_folder(draft)
        return draft

    def read_draft(self, draft: Path) -> Snapshot:
        """Open a draft with the checks of `open`."""
        return self._read(draft, draft.name.split(".")[0], None)

    def amend(self, draft: Path, manifest: Manifest) -> None:
        """Give a draft, which nobody reads yet, another manifest."""
        storage.write(draft / "manifest.json", manifest.to_bytes())
        storage.sync_folder(draft)

    def publish(self, draft: Path) -> str:
        """Give a draft its name and serve it. The replacement of `CURRENT` is the commit."""
        number = draft.name.split(".")[0]
        storage.rename(draft, self.folder / number)
        self.point_to(number)
        return number

    def set_aside(self, draft: Path) -> Path:
        """Keep a refused draft for inspection, in place of the one refused before."""
        target = self.folder / f"{draft.name.split('.')[0]}.refused"
        for old in self.folder.glob("*.refused"):
            storage.remove_tree(old)
        storage.rename(draft, target)
        return target

    def point_to(self, number: str) -> None:
        """Serve snapshot `number` from now on."""
        sha = storage.sha256(self.folder / number / "manifest.json")
        pointer = json.dumps({"snapshot": number, "manifest": sha}) + "\n"
        storage.replace(self._pointer, pointer.encode())

    def rollback(self, number: str | None = None) -> str:
        """Serve an older snapshot, by default the one before the current, once it proves sound."""
        current = self.current()
        if number is None:
            before = [n for n in self.ids() if current is None or n < current]
            if not before:
                raise SnapshotError("There is no older snapshot to go back to.", "See `reco snapshots`.")
            number = before[-1]
        self.open(number)
        self.point_to(number)
        return number

    def prune(self, keep: int) -> list[str]:
        """Remove all but the `keep` newest snapshots and the current one; return what was removed."""
        current = self.current()
        old = [number for number in self.ids()[:-keep] if number != current]
        for number in old:
            # A reader that is opening it sees an incomplete folder, refuses it, and polls CURRENT again.
            storage.remove_tree(self.folder / number)
        return old

    def _set_aside(self) -> list[str]:
        return [p.name.split(".")[0] for p in self.folder.glob("*.refused")]

    def _remove_drafts(self) -> None:
        places = (self.folder, self.home, self.home / "quarantine")
        for draft in (path for place in places for path in place.glob("*.tmp-*")):
            if draft.is_dir():
                storage.remove_tree(draft)
            else:
                draft.unlink(missing_ok=True)

    def _read_pointer(self) -> tuple[str, str] | None:
        try:
            values = json.loads(self._pointer.read_bytes())
            return str(values["snapshot"]), str(values["manifest"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SnapshotError(
                f"{self._pointer} cannot be read.", "Run `reco rollback ID` with an id of `reco snapshots`."
            ) from error

    def _read(self, folder: Path, number: str, expected: str | None) -> Snapshot:
        raw = self._bytes(folder / "manifest.json", number)
        if expected is not None and storage.digest_of(raw) != expected:
            raise _damaged(number, "manifest.json is not the one that was published")
        manifest = Manifest.from_bytes(raw)
        if manifest.snapshot != number:
            raise _damaged(number, f"its manifest is that of {manifest.snapshot}")
        files = {}
        for name, known in manifest.files.items():
            data = self._bytes(folder / name, number)
            if storage.digest_of(data) != known["sha256"]:
                raise _damaged(number, f"{name} has changed since it was written")
            files[name] = data
        return from_files(manifest, files)

    def _bytes(self, path: Path, number: str) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise _damaged(number, f"{path.name} cannot be read ({error.strerror or error})") from error


def _damaged(number: str, why: str) -> RecoError:
    return SnapshotError(
        f"Snapshot {number} is damaged: {why}.",
        "Run `reco rollback` to serve the one before, then `reco refresh`.",
    )
