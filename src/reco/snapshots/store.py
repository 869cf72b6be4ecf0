"""The store of snapshots on disk: drafts, verification, publication, rollback and pruning.

A draft is written beside the snapshots, verified, renamed, and served by one atomic replacement. In a home,
`snapshots/<number>/` never changes once it has its name, `.lock` belongs to the one writer, and
`reco.snapshots.current` owns `CURRENT` and the seals.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from reco.errors import RefreshRunning, SnapshotError, StorageError
from reco.index.terms import Counted
from reco.snapshots import carryover as carried
from reco.snapshots.carryover import Carried
from reco.snapshots.current import MANIFEST, Commits, Verified, bytes_of, damaged, is_number, unreadable
from reco.snapshots.snapshot import Manifest, Snapshot, from_files, to_files
from reco.storage import atomic

logger = logging.getLogger(__name__)
Part = TypeVar("Part")

_RETRIES = 5


@dataclass(frozen=True)
class SnapshotEntry:
    """One line of the list of snapshots; `bytes` is its size on disk."""

    id: str
    manifest: Manifest
    current: bool
    bytes: int


class SnapshotStore:
    """Opens, publishes, rolls back and prunes the snapshots under one home.

    >>> home.store.ids(), home.store.current()
    (['000001'], '000001')
    >>> home.store.open("000001").manifest.resources
    24
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "snapshots"
        self._commits = Commits(home, self.folder)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock. Raises RefreshRunning at once when another process holds it."""
        atomic.make_folder(self.folder)
        lock = FileLock(self.home / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise RefreshRunning(
                "Another refresh is running in this home.", "Wait for it to end, or use another --home."
            ) from error
        except OSError as error:
            raise StorageError(
                f"The disk refused the lock of {self.home}: {error.strerror or error}.",
                "Free some space or check the folder's permissions, or set --home.",
            ) from error
        try:
            self._remove_drafts()
            self._settle()
            yield
        finally:
            lock.release()

    def current(self) -> str | None:
        """Return the number in `CURRENT`, or None when the file is missing or cannot be read."""
        try:
            pointer = self._commits.read()
        except SnapshotError as error:
            logger.warning("%s", error)
            return None
        return None if pointer is None else pointer[0]

    def ids(self) -> list[str]:
        """Return the numbers of the committed snapshots on disk, oldest first."""
        pointed = self._commits.pointed()
        current = pointed[0] if pointed is not None else ""
        return [number for number in self._numbers() if number == current or self._commits.is_sealed(number)]

    def lineage(self, made: Manifest) -> list[str]:
        """Return the numbers of a snapshot's ancestors on disk, oldest first.

        Snapshots that were rolled back from are left out. When the parent is not on disk, the next older
        snapshot stands for it.
        """
        ancestors: list[str] = []
        older, parent = [number for number in self.ids() if number < made.snapshot], made.parent
        while older:
            ancestors.append(parent if parent in older else older[-1])
            older = older[: older.index(ancestors[-1])]
            try:
                parent = self.manifest(ancestors[-1]).parent
            except SnapshotError:
                parent = ""
        return ancestors[::-1]

    def entries(self) -> list[SnapshotEntry]:
        """Return the snapshots on disk, oldest first; one with a damaged manifest is logged and left out."""
        current = self.current()
        listed = []
        for number in self.ids():
            try:
                manifest = self.manifest(number)
            except SnapshotError as error:
                logger.warning("snapshot %s: %s", number, error)
                continue
            listed.append(SnapshotEntry(number, manifest, number == current, _size(self.folder / number)))
        return listed

    def manifest(self, number: str) -> Manifest:
        """Return a snapshot's manifest. Raises SnapshotError when it is not the committed one."""
        return Manifest.from_bytes(self._commits.manifest(number))

    def open(self, number: str | None = None) -> Snapshot:
        """Open a snapshot, by default the current one, and check every byte of it.

        Raises SnapshotError when there is none or when it is damaged.
        """
        digest = None
        if number is None:
            pointer = self._commits.read()
            if pointer is None:
                raise self._no_current()
            number, digest = pointer
        if number not in self.ids():
            raise SnapshotError(f"There is no snapshot {number} in {self.home}.", "See `reco snapshots`.")
        with self._held(self.folder / number, number):
            return self._read(self.folder / number, number, self._commits.manifest(number, digest))

    def _no_current(self) -> SnapshotError:
        if not self.ids():
            return SnapshotError(f"There is no snapshot in {self.home} yet.", "Run `reco refresh` first.")
        return SnapshotError(
            f"{self.home / 'CURRENT'} is missing.", "Run `reco rollback ID` with an id of `reco snapshots`."
        )

    def carried(self, number: str) -> Carried | None:
        """Return the carried rows of a snapshot, without counts; None when they cannot be used."""
        return self._part(number, carried.ROWS, carried.rows_of)

    def counts(self, number: str) -> Counted | None:
        """Return the term counts of a snapshot; None when they cannot be used."""
        return self._part(number, carried.COUNTS, carried.counts_of)

    def _part(self, number: str, name: str, read: Callable[[bytes], Part | None]) -> Part | None:
        try:
            with self._held(self.folder / number, number):
                manifest = Manifest.from_bytes(self._commits.manifest(number))
                files = Verified(self.folder / number, manifest)
                return read(files[name]) if name in files else None
        except (SnapshotError, KeyError, ValueError, SafetensorError) as error:
            logger.warning("%s of snapshot %s is made anew: %s", name, number, error)
            return None

    def serve(self) -> tuple[Snapshot, str]:
        """Open the current snapshot, or else the newest sound one before it, or else any sound one.

        Returns the snapshot, and a sentence with the reason when it is not the current one.
        """
        try:
            return self._open_current(), ""
        except SnapshotError as error:
            for number in self._fallbacks(self.named()):
                try:
                    return self.open(number), f"{error} Snapshot {number} is served instead."
                except SnapshotError as older:
                    logger.warning("snapshot %s is not sound either: %s", number, older)
            raise

    def _open_current(self) -> Snapshot:
        """Open the current snapshot; try again when another takes its place meanwhile."""
        for _ in range(_RETRIES):
            pointed = self._commits.pointed()
            try:
                return self.open()
            except SnapshotError:
                if self._commits.pointed() == pointed:
                    raise
        return self.open()

    def _fallbacks(self, named: str) -> list[str]:
        # Last come those newer than the current one: somebody rolled back from them.
        others = [number for number in self.ids() if number != named]
        return sorted(others, key=lambda number: (number < named, number), reverse=True)

    def named(self) -> str:
        """Return the number in `CURRENT`, or "" when there is none or it cannot be read."""
        return self.current() or ""

    def next_id(self) -> str:
        """Return the number after the highest one used in this home."""
        refused = (path.name.split(".")[0] for path in self.folder.glob("*.refused"))
        used = [int(n) for n in (*self._numbers(), *filter(is_number, refused), self.named() or "0")]
        return f"{max(used, default=0) + 1:06d}"

    def write_draft(self, snapshot: Snapshot) -> Path:
        """Write a snapshot beside the published ones. When the disk refuses, the draft is removed."""
        draft = self.folder / f"{snapshot.id}.tmp-{os.getpid()}"
        with self.abandoning(draft):
            self._write(snapshot, draft)
        return draft

    def _write(self, snapshot: Snapshot, draft: Path) -> None:
        atomic.make_folder(draft / "lexical")
        files = {}
        for name, pieces in to_files(snapshot):
            size = sum(memoryview(piece).nbytes for piece in pieces)
            files[name] = {"sha256": atomic.write(draft / name, *pieces), "bytes": size}
            del pieces  # frees them before the next ones are made
        manifest = replace(snapshot.manifest, files=files)
        atomic.write(draft / MANIFEST, manifest.to_bytes())
        atomic.sync_folder(draft / "lexical")
        atomic.sync_folder(draft)

    def read_draft(self, draft: Path) -> Snapshot:
        """Open a draft, with the same checks as `open`."""
        number = draft.name.split(".")[0]
        return self._read(draft, number, bytes_of(draft / MANIFEST, number))

    def amend(self, draft: Path, manifest: Manifest) -> None:
        """Replace the manifest of a draft."""
        atomic.write(draft / MANIFEST, manifest.to_bytes())
        atomic.sync_folder(draft)

    def publish(self, draft: Path) -> str:
        """Give a draft its final name and serve it. The replacement of `CURRENT` is the commit.

        Returns its number once it is served. If the disk does not confirm the write, a warning is logged
        and the next writer commits it again. Raises StorageError when the previous snapshot is still
        served.
        """
        number = draft.name.split(".")[0]
        folder = self.folder / number
        with self.abandoning(draft, folder):
            atomic.rename(draft, folder)
            self._commits.commit(number)
        return number

    @contextmanager
    def abandoning(self, *folders: Path) -> Iterator[None]:
        """Remove these folders on a StorageError, as far as the disk allows.

        The next writer removes the rest.
        """
        try:
            yield
        except StorageError:
            # A failed fsync may have lost the data, so a second fsync would prove nothing.
            for folder in folders:
                with suppress(StorageError):
                    atomic.remove_tree(folder)
            raise

    def set_aside(self, draft: Path) -> Path:
        """Keep a refused draft for inspection, in place of the last refused one."""
        target = self.folder / f"{draft.name.split('.')[0]}.refused"
        for old in self.folder.glob("*.refused"):
            atomic.remove_tree(old)
        atomic.rename(draft, target)
        return target

    def rollback(self, number: str | None = None) -> str:
        """Check an older snapshot, by default the one before the current, and serve it."""
        current = self.current()
        if number is None:
            before = [n for n in self.ids() if current is None or n < current]
            if not before:
                raise SnapshotError("There is no older snapshot to go back to.", "See `reco snapshots`.")
            number = before[-1]
        self.open(number)
        self._commits.commit(number)
        return number

    def prune(self, keep: int) -> list[str]:
        """Remove all but the `keep` newest snapshots and the current one; return the numbers removed.

        A snapshot that another process is opening stays until the next time. All stay while `CURRENT`
        cannot be read. Raises ValueError unless `keep` >= 1.
        """
        if keep < 1:
            raise ValueError("at least one snapshot is kept")
        current = self.current()
        if current is None:
            return []
        old = [number for number in self.ids()[:-keep] if number != current]
        return [number for number in old if self._remove(number)]

    def _remove(self, number: str) -> bool:
        folder = self.folder / number
        with atomic.claim(folder / MANIFEST) as free:
            if free:
                # Renamed first: if the process dies here, half a snapshot must not look like a whole one.
                going = folder.with_name(f"{number}.tmp-removed")
                atomic.rename(folder, going)
                atomic.remove_tree(going)
        return free

    def _remove_drafts(self) -> None:
        other_folders = (self.home / "quarantine", self.home / "cache", self.home / "held")
        snapshots = (self.folder / number for number in self._numbers())
        folders = (self.folder, self.home, *other_folders, *snapshots)
        for draft in (path for folder in folders for path in folder.glob("*.tmp-*")):
            if draft.is_dir():
                atomic.remove_tree(draft)
            else:
                atomic.remove(draft)

    def _settle(self) -> None:
        """Finish an interrupted commit, and remove renamed snapshots that were never committed."""
        try:
            pointer = self._commits.read()
        except SnapshotError:
            return  # CURRENT may have named any of them.
        for number in self._numbers():
            if not self._commits.is_sealed(number) and (pointer is None or number != pointer[0]):
                logger.warning("Snapshot %s was never committed and is removed.", number)
                self._remove(number)
        with suppress(StorageError):  # a full disk must not prevent pruning
            self._commits.finish()

    def _numbers(self) -> list[str]:
        try:
            return sorted(p.name for p in self.folder.iterdir() if is_number(p.name) and p.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise SnapshotError(
                f"{self.folder} cannot be read: {error.strerror or error}.", "See `reco doctor`."
            ) from error

    @contextmanager
    def _held(self, folder: Path, number: str) -> Iterator[None]:
        """Keep `prune` from removing a snapshot while it is read."""
        with ExitStack() as stack:
            try:
                stack.enter_context(atomic.reading(folder / MANIFEST))
            except OSError as error:
                raise unreadable(number, MANIFEST, error) from error
            yield

    def _read(self, folder: Path, number: str, raw: bytes) -> Snapshot:
        manifest = Manifest.from_bytes(raw)
        if manifest.snapshot != number:
            raise damaged(number, f"its manifest is that of {manifest.snapshot}")
        files = Verified(folder, manifest)
        snapshot = from_files(manifest, files)
        files.require_rest()
        return snapshot


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # pruned during the walk
                total += (Path(place) / name).stat().st_size
    return total
