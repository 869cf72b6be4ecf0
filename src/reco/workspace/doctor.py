"""The doctor: it finds the faults of a home. Each fault has one name, and a hint that says what to do.

It writes nothing and loads no model. It reports a fault at its cause and leaves out the consequences, such
as the age of a damaged snapshot, or a failed refresh whose cause is still there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from reco.encoder.settings import fingerprint_of, require_model
from reco.errors import EncoderError, EncoderMismatch, InvalidInput, InvalidSettings, RecoError, SnapshotError
from reco.evaluation.beir import read_topics
from reco.refresh.log import runs
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from reco.sources.read import require_child
from reco.storage import atomic
from reco.workspace.home import Home
from reco.workspace.settings import Settings
from reco.workspace.status import freshness

Level = Literal["error", "warning", "info"]

_LEVELS: Mapping[str, Level] = {
    "settings": "error",
    "source-missing": "error",
    "source-unreadable": "error",
    "source-process": "error",
    "acronyms": "error",
    "decisions": "error",
    "cluster-names": "error",
    "golden": "error",
    "judged": "error",
    "model": "error",
    "reranker": "error",
    "home-missing": "error",
    "home-not-writable": "error",
    "home-not-readable": "error",
    "lock-held": "info",
    "leftover-drafts": "warning",
    "refused-snapshot": "warning",
    "no-snapshot": "error",
    "current-missing": "error",
    "current-unreadable": "error",
    "current-names-nothing": "error",
    "snapshot-damaged": "error",
    "older-snapshot-damaged": "warning",
    "encoder-changed": "error",
    "disk-space": "error",
    "clock": "error",
    "stale": "error",
    "last-refresh-failed": "warning",
}

NAMES = tuple(_LEVELS)
"""The names of all diagnoses."""

ROOM = 3
"""Free space that a refresh may need, in sizes of the current snapshot: the draft and its growth."""

_AHEAD = timedelta(minutes=5)
_GIVE = "Give the home and everything in it to the user that runs the refresh (chown -R)."
_FILES = (".lock", "CURRENT", "refresh.log", "feedback.sqlite", "journal/encoded", "projects/.lock")
"""Files written in place. Any other file is replaced or removed, which needs a writable folder only."""


@dataclass(frozen=True)
class Problem:
    """One diagnosis. An `error` needs a person: it affects what is served, or the next refresh."""

    name: str
    level: Level
    message: str
    hint: str


@dataclass(frozen=True)
class Diagnosis:
    """All diagnoses of a home; `ok` when none is an error."""

    ok: bool
    findings: tuple[Problem, ...]


def diagnose(config: Path | None = None, home: Path | None = None) -> Diagnosis:
    """Check the settings, the model, the sources and the home that a refresh would use."""
    try:
        opened = Home.open(home, config=config)
    except InvalidSettings as error:
        return _diagnosis([_problem("settings", str(error), error.hint)])
    settings, path = opened.settings, opened.path
    findings = [*_sources(settings), *_process(settings), *_inputs(settings)]
    blocked = list(_home(path))
    findings += blocked
    if not any(finding.level == "error" for finding in blocked):
        sound_model = not any(finding.name == "model" for finding in findings)
        findings += _contents(opened.store, settings, sound_model)
    if not any(finding.level == "error" for finding in findings):
        findings += _last_refresh(path)
    return _diagnosis(findings)


def _problem(name: str, message: str, hint: str) -> Problem:
    return Problem(name, _LEVELS[name], message, hint)


def _diagnosis(findings: list[Problem]) -> Diagnosis:
    return Diagnosis(not any(finding.level == "error" for finding in findings), tuple(findings))


def _sources(settings: Settings) -> Iterator[Problem]:
    files = {source.name: source.path for source in settings.sources if source.path is not None}
    missing = [name for name, path in files.items() if not path.exists()]
    if missing:
        yield _problem(
            "source-missing",
            "; ".join(f"source {name}: {files[name]} does not exist" for name in missing) + ".",
            "Put the file back, or correct `path`; until then the source keeps its earlier rows.",
        )
    unreadable = [n for n, path in files.items() if n not in missing and not _may(path, os.R_OK)]
    if unreadable:
        yield _problem(
            "source-unreadable",
            "; ".join(f"source {name}: {files[name]} cannot be read" for name in unreadable) + ".",
            "Let the user that runs the refresh read it (chown, chmod); the source keeps its earlier rows.",
        )


def _process(settings: Settings) -> Iterator[Problem]:
    for source in settings.sources[:1]:
        try:
            require_child(source)
        except RecoError as error:
            yield _problem("source-process", str(error), error.hint)


def _inputs(settings: Settings) -> Iterator[Problem]:
    """Read what the settings name beside sources: a refresh or an answer does not start without it."""
    checks: dict[str, Callable[[], object]] = {
        "acronyms": settings.ranking.table,
        "decisions": settings.curation.curation,
        "cluster-names": settings.clusters.options,
        "reranker": settings.ranking.require_reranker,
    }
    if (folder := settings.gates.golden) is not None:
        checks["golden"] = lambda: read_topics(folder)
    if (judged := settings.levels.judged) is not None:
        checks["judged"] = lambda: read_topics(judged)
    checks["model"] = lambda: require_model(settings.encoder)
    for name, check in checks.items():
        try:
            check()
        except (InvalidInput, EncoderError) as error:
            yield _problem(name, str(error), error.hint)


def _home(home: Path) -> Iterator[Problem]:
    if closed := next((path for path in (*reversed(home.parents), home) if _is_closed(path)), None):
        yield _problem("home-not-readable", f"{closed} cannot be entered by {_me()}.", _GIVE)
        return
    if not home.exists():
        yield _problem(
            "home-missing",
            f"The home {home} does not exist.",
            "Run `reco refresh`, or correct --home or RECO_HOME.",
        )
        return
    folders, files = _contained(home)
    snapshot_paths = [path for path in (*folders, *files) if path.is_relative_to(home / "snapshots")]
    if closed := next((path for path in snapshot_paths if not _may(path, os.R_OK)), None):
        yield _problem(
            "home-not-readable", f"{closed} cannot be read, so its snapshot cannot be opened.", _GIVE
        )
        return
    # Folders of old snapshots too: a prune must be able to empty them.
    unwritable = [path for path in folders if not (path.is_dir() and _may(path, os.R_OK | os.W_OK | os.X_OK))]
    files_in_place = [home / name for name in _FILES]
    unwritable += [path for path in files_in_place if path.exists() and not _may(path, os.R_OK | os.W_OK)]
    if unwritable:
        yield _unwritable(unwritable[0])


def _contained(home: Path) -> tuple[list[Path], list[Path]]:
    """Return a home's folders, itself first, and its files; skip what a refresh removes meanwhile."""
    walked = [(Path(folder), files) for folder, _, files in os.walk(home)] or [(home, [])]
    folders = [folder for folder, _ in walked if folder == home or folder.exists()]
    files = (folder / name for folder, names in walked for name in sorted(names))
    return sorted(folders), [path for path in files if path.exists()]


def _is_closed(path: Path) -> bool:
    """Whether the folder exists and this user may not enter it."""
    return os.path.isdir(path) and not _may(path, os.X_OK)  # noqa: PTH112 - `is_dir` raises for one within


def _unwritable(path: Path) -> Problem:
    if hasattr(os, "statvfs") and os.statvfs(path).f_flag & os.ST_RDONLY:
        return _problem(
            "home-not-writable",
            f"{path} is on a disk that is mounted read-only.",
            "Find out why (dmesg: the kernel does so to a failing disk), then mount it again with rw.",
        )
    return _problem("home-not-writable", f"{path} cannot be written by {_me()}.", _GIVE)


def _me() -> str:
    return f"user {os.geteuid()}" if hasattr(os, "geteuid") else "this user"


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _contents(store: SnapshotStore, settings: Settings, sound_model: bool) -> Iterator[Problem]:
    yield from _traces(store)
    yield from _older(store)
    snapshot, fault = _current(store)
    if snapshot is None:
        if fault is not None:
            yield fault
        return
    if sound_model:
        yield from _encoder(settings, snapshot)
    yield from _space(store, snapshot)
    yield from _time(store, snapshot, settings.operation.stale_hours)


def _traces(store: SnapshotStore) -> Iterator[Problem]:
    if _is_held(store.home / ".lock"):
        yield _problem("lock-held", "A refresh is running in this home.", "Wait for it to end.")
    else:
        others = (store.home / name for name in ("quarantine", "cache", "held"))
        places = (store.home, store.folder, *others)
        drafts = [path.name for place in places for path in sorted(place.glob("*.tmp-*"))]
        if drafts:
            yield _problem(
                "leftover-drafts",
                f"A refresh was stopped before its end and left {', '.join(drafts)}.",
                "The next refresh removes it. If this comes back every day, find out what stops the refresh.",
            )
    refused = sorted(path.name for path in store.folder.glob("*.refused"))
    if refused:
        yield _problem(
            "refused-snapshot",
            f"A gate refused {', '.join(refused)}, which is kept for inspection.",
            f"See refresh.log for the reason; fix the source, or remove {store.folder / refused[-1]}.",
        )


def _is_held(lock: Path) -> bool:
    """Whether a refresh holds the lock. The check itself takes the lock for an instant."""
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def _older(store: SnapshotStore) -> Iterator[Problem]:
    current = store.named()
    faults = {number: _damage(store, number) for number in store.ids() if number != current}
    damaged = [f"{number}: {why}" for number, why in faults.items() if why]
    if damaged:
        yield _problem(
            "older-snapshot-damaged",
            f"Snapshots that are not served are damaged: {'; '.join(damaged)}.",
            "`reco rollback` cannot use them. Remove their folders, and check the disk.",
        )


def _damage(store: SnapshotStore, number: str) -> str:
    try:
        files = store.manifest(number).files
    except SnapshotError as error:
        return str(error)
    folder = store.folder / number
    return ", ".join(
        name for name, entry in files.items() if not _is_as_written(folder / name, entry["sha256"])
    )


def _is_as_written(path: Path, digest: str) -> bool:
    try:
        return atomic.sha256(path) == digest
    except OSError:
        return False


def _current(store: SnapshotStore) -> tuple[Snapshot | None, Problem | None]:
    """Open the served snapshot as a reader does, or return the one fault that prevents it."""
    ids, number = store.ids(), store.current()
    hint = "Run `reco rollback ID` with an id of `reco snapshots`, then `reco refresh`."
    if number is None and (store.home / "CURRENT").exists():
        return None, _problem("current-unreadable", f"{store.home / 'CURRENT'} cannot be read.", hint)
    if number is None and ids:
        return None, _problem("current-missing", f"{store.home / 'CURRENT'} is missing.", hint)
    if number is None:
        message = f"There is no snapshot in {store.home} yet."
        return None, _problem("no-snapshot", message, "Run `reco refresh`.")
    if number not in ids:
        message = f"{store.home / 'CURRENT'} names snapshot {number}, which does not exist."
        return None, _problem("current-names-nothing", message, hint)
    try:
        return store.open(), None
    except SnapshotError as error:
        return None, _problem("snapshot-damaged", str(error), error.hint)


def _encoder(settings: Settings, snapshot: Snapshot) -> Iterator[Problem]:
    try:
        fingerprint = fingerprint_of(settings.encoder, snapshot.adapter)
    except EncoderMismatch:
        fingerprint = ""
    if fingerprint != snapshot.manifest.encoder:
        yield _problem(
            "encoder-changed",
            f"Snapshot {snapshot.id} was made by another encoder than the one in the settings.",
            "Run `reco refresh`, which encodes everything again, or restore [encoder].",
        )


def _space(store: SnapshotStore, snapshot: Snapshot) -> Iterator[Problem]:
    folder = store.folder / snapshot.id
    needed = ROOM * sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    free = shutil.disk_usage(store.home).free
    if free < needed:
        yield _problem(
            "disk-space",
            f"{free / 1e6:,.1f} MB are free in {store.home}; a refresh may need {needed / 1e6:,.1f} MB.",
            "Free some space, or run `reco prune`.",
        )


def _time(store: SnapshotStore, snapshot: Snapshot, stale_hours: float) -> Iterator[Problem]:
    now = datetime.now(UTC)
    written = datetime.fromtimestamp((store.home / "CURRENT").stat().st_mtime, UTC)
    age = freshness(store.home, snapshot.manifest.created, stale_hours)
    dates = {
        f"Snapshot {snapshot.id}": max(datetime.fromisoformat(snapshot.manifest.created), written),
        # A quiet night writes no other date. If it lies ahead, the home would not be stale until then.
        "The last refresh that succeeded": datetime.fromisoformat(age.checked),
    }
    ahead = [f"{what} is dated {at:%Y-%m-%d %H:%M} UTC" for what, at in dates.items() if at > now + _AHEAD]
    if ahead:
        yield _problem(
            "clock",
            f"{ahead[0]}, in the future.",
            "Set this machine's clock (timedatectl); if it is right, run `reco refresh` again.",
        )
        return
    if age.stale:
        yield _problem(
            "stale",
            f"No refresh has succeeded for {age.hours:,.0f} hours (limit: {stale_hours:,.0f}).",
            "See refresh.log in the home, and check that the timer runs (systemctl list-timers).",
        )


def _last_refresh(home: Path) -> Iterator[Problem]:
    last = next((run for run in runs(home) if run.outcome != "busy"), None)
    if last is not None and last.outcome == "failed":
        yield _problem(
            "last-refresh-failed",
            f"The last refresh, on {last.end}, failed: {last.error}",
            "Nothing else is wrong now: run `reco refresh` again.",
        )
