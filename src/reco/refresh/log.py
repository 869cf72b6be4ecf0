"""The refresh log: one JSON line per refresh, beside the snapshots, whatever the outcome.

A quiet night publishes nothing, so only this log shows that it succeeded.
"""

from __future__ import annotations

import functools
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec

from reco.errors import PublishRefused, RecoError, RefreshRunning, StorageError
from reco.refresh.report import RefreshRefused, RefreshReport
from reco.snapshots.store import SnapshotStore
from reco.storage import atomic

logger = logging.getLogger(__name__)

Outcome = Literal["ok", "quiet", "refused", "busy", "failed"]
"""Published; nothing changed; a gate refused; another refresh was running; any other failure."""

NAME = "refresh.log"
LARGEST = 1_000_000
"""Bytes above which the log is renamed to `refresh.log.1`, which replaces the earlier one."""

COUNTS = ("read", "added", "changed", "removed", "unchanged", "rejected", "encoded", "reused")
_LONGEST = 2_000


@dataclass(frozen=True)
class LoggedRefresh:
    """One line of the log. Times are ISO 8601 in UTC; `failures` maps each failed source to its reason.

    `forced` says who published against the gates (`by`) and the `reason`. The snapshot's manifest says it
    too, but is pruned after some nights.
    """

    start: str
    end: str
    seconds: float
    outcome: Outcome
    exit_code: int
    snapshot: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    forced: Mapping[str, str] | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the sources were read and the served snapshot is up to date with them."""
        return self.outcome in ("ok", "quiet")


Rest = ParamSpec("Rest")


def recorded(
    work: Callable[Concatenate[SnapshotStore, Rest], RefreshReport],
) -> Callable[Concatenate[SnapshotStore, Rest], RefreshReport]:
    """Decorate a refresh so that it appends its line to the log of the store's home, even when it fails."""

    @functools.wraps(work)
    def run(store: SnapshotStore, /, *args: Rest.args, **kwargs: Rest.kwargs) -> RefreshReport:
        started, clock = _now(), time.monotonic()
        try:
            report = work(store, *args, **kwargs)
        except BaseException as error:
            record(store.home, _failure(error, started, time.monotonic() - clock))
            raise
        record(store.home, _success(report, started, time.monotonic() - clock))
        return report

    return run


def record(home: Path, run: LoggedRefresh) -> None:
    """Append a line to the log. A line that cannot be written is a warning, never a failure."""
    # A refresh that failed before it made its home must not create the folder.
    if not home.is_dir():
        return
    path = home / NAME
    try:
        # A refresh without the lock does not rename the file: the holder of the lock may be renaming it.
        if run.outcome != "busy" and path.exists() and path.stat().st_size > LARGEST:
            atomic.rename(path, path.with_name(f"{NAME}.1"))
        line = json.dumps(asdict(run), ensure_ascii=False) + "\n"
        atomic.append_line(path, line.encode("utf-8", "replace"))
    except (StorageError, OSError) as error:
        logger.warning("the refresh could not be recorded in %s: %s", path, error)


def runs(home: Path) -> Iterator[LoggedRefresh]:
    """Yield the refreshes of a home, newest first. Truncated or damaged lines are skipped."""
    for name in (NAME, f"{NAME}.1"):
        try:
            lines = (home / name).read_bytes().splitlines()
        except OSError:
            continue
        for line in reversed(lines):
            try:
                run = LoggedRefresh(**json.loads(line))
                dated = datetime.fromisoformat(run.end).tzinfo is not None
            except (ValueError, TypeError):
                continue
            if dated:
                yield run


def last_success(home: Path) -> LoggedRefresh | None:
    """Return the last refresh that succeeded, quiet or not."""
    return next((run for run in runs(home) if run.succeeded), None)


def last_failure(home: Path) -> LoggedRefresh | None:
    """Return the last refresh that failed or was refused; a `busy` one did not fail."""
    return next((run for run in runs(home) if run.outcome in ("failed", "refused")), None)


def _success(report: RefreshReport, started: str, seconds: float) -> LoggedRefresh:
    return LoggedRefresh(
        start=started,
        end=_now(),
        seconds=round(seconds, 3),
        outcome="ok" if report.published else "quiet",
        exit_code=0,
        **_report_fields(report),
    )


def _report_fields(report: RefreshReport) -> dict[str, Any]:
    return {
        "snapshot": report.snapshot,
        "counts": {name: getattr(report, name) for name in COUNTS},
        "failures": {source: why[:_LONGEST] for source, why in report.failures.items()},
        "forced": report.forced,
    }


def _failure(error: BaseException, started: str, seconds: float) -> LoggedRefresh:
    known = isinstance(error, RecoError)
    return LoggedRefresh(
        start=started,
        end=_now(),
        seconds=round(seconds, 3),
        outcome=_outcome(error),
        exit_code=error.exit_code if isinstance(error, RecoError) else 1,
        **(_report_fields(error.report) if isinstance(error, RefreshRefused) else {}),
        error=(str(error) if known else f"{type(error).__name__}: {error}")[:_LONGEST],
    )


def _outcome(error: BaseException) -> Outcome:
    if isinstance(error, PublishRefused):
        return "refused"
    return "busy" if isinstance(error, RefreshRunning) else "failed"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
