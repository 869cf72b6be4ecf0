"""Opinions on results: an append-only journal, with the curator's decisions.

The journal is one SQLite file in the home, which several processes may write at once. An opinion never
changes: withdrawals and decisions are rows of their own. A query's text is kept in a separate table, only
with consent, and is deleted when the opinion is withdrawn or rejected.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reco.errors import InvalidInput, StorageError
from reco.ranking.query import LONGEST
from reco.storage import atomic
from reco.text.clean import clean, digest

NAME = "feedback.sqlite"
LONGEST_REASON = 500
MOST_PENDING = 10_000
"""Most opinions that may wait for a curator, so that a robot cannot fill the disk."""

_WAIT_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS opinions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    request TEXT NOT NULL,
    resource TEXT NOT NULL,
    useful INTEGER NOT NULL CHECK (useful IN (0, 1)),
    reason TEXT NOT NULL,
    snapshot TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS decisions (
    opinion INTEGER PRIMARY KEY REFERENCES opinions (id),
    at TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('approved', 'rejected', 'withdrawn')),
    by TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS texts (opinion INTEGER PRIMARY KEY REFERENCES opinions (id), text TEXT NOT NULL);
"""
_APPEND_ONLY = "".join(
    f"CREATE TRIGGER IF NOT EXISTS {table}_{action} BEFORE {action} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'append-only'); END;\n"
    for table in ("opinions", "decisions")
    for action in ("UPDATE", "DELETE")
)
_WAITING = """
SELECT o.id, o.at, o.request, o.resource, o.useful, o.reason, o.snapshot, t.text,
       coalesce(d.verdict, 'pending'), coalesce(d.by, ''), coalesce(d.reason, '')
FROM opinions o LEFT JOIN decisions d ON d.opinion = o.id LEFT JOIN texts t ON t.opinion = o.id
"""


@dataclass(frozen=True)
class FeedbackEntry:
    """One opinion and its decision.

    `text` is the query, None without consent; `request` is its digest. `status` is `pending`, `approved`,
    `rejected` or `withdrawn`. `by` is the curator's name and `decided` the reason.
    """

    id: int
    at: str
    request: str
    resource: str
    useful: bool
    reason: str
    snapshot: str
    text: str | None
    status: str
    by: str
    decided: str


class Feedback:
    """The journal of one home. Each call is one transaction on its own connection."""

    def __init__(self, home: Path) -> None:
        self.path = home / NAME

    def give(
        self,
        request: str,
        resource: str,
        useful: bool,
        snapshot: str,
        reason: str = "",
        consent: bool = False,
    ) -> int:
        """Add an opinion and return its number. Without `consent` only the query's digest is kept.

        Raises InvalidInput for a reason that is too long or when too many opinions wait, StorageError when
        the disk refuses.
        """
        request, why = clean(request), clean(reason)
        if len(why) > LONGEST_REASON or len(request) > LONGEST:
            raise InvalidInput(
                f"A reason has at most {LONGEST_REASON} characters.", "Say in a sentence what is wrong."
            )
        with self._writing() as journal:
            waiting = "SELECT count(*) FROM opinions o LEFT JOIN decisions d ON d.opinion = o.id"
            if journal.execute(f"{waiting} WHERE d.opinion IS NULL").fetchone()[0] >= MOST_PENDING:
                raise InvalidInput(
                    f"{MOST_PENDING:,} opinions wait for a curator; no more are kept.",
                    "Approve or reject some with `reco feedback`.",
                )
            added = journal.execute(
                "INSERT INTO opinions (at, request, resource, useful, reason, snapshot)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (_now(), digest(request), resource, int(useful), why, snapshot),
            )
            number = int(added.lastrowid or 0)
            if consent:
                journal.execute("INSERT INTO texts (opinion, text) VALUES (?, ?)", (number, request))
        return number

    def withdraw(self, number: int) -> None:
        """Withdraw a pending opinion and delete its query's text. A decided one stays as it is."""
        with self._writing() as journal:
            if self._entry(journal, number).status == "pending":
                self._decide(journal, number, "withdrawn", "", "")

    def approve(self, number: int, by: str, reason: str = "") -> None:
        """Approve a pending opinion, which then counts for everyone.

        Raises InvalidInput for an unknown or decided opinion, or when `by` is empty.
        """
        self._judge(number, "approved", by, reason)

    def reject(self, number: int, by: str, reason: str = "") -> None:
        """Reject a pending opinion and delete its query's text. Raises the same errors as `approve`."""
        self._judge(number, "rejected", by, reason)

    def pending(self, most: int = 500) -> tuple[FeedbackEntry, ...]:
        """Return the opinions that wait for a curator, oldest first."""
        return self._read(f"{_WAITING} WHERE d.opinion IS NULL ORDER BY o.id LIMIT ?", (most,))

    def approved(self) -> tuple[FeedbackEntry, ...]:
        """Return the approved opinions, oldest first."""
        return self._read(f"{_WAITING} WHERE d.verdict = 'approved' ORDER BY o.id")

    def entries(self, most: int = 500) -> tuple[FeedbackEntry, ...]:
        """Return the newest opinions of any status, newest first."""
        return self._read(f"{_WAITING} ORDER BY o.id DESC LIMIT ?", (most,))

    def _judge(self, number: int, verdict: str, by: str, reason: str) -> None:
        who, why = clean(by), clean(reason)
        if not who or len(who) > LONGEST_REASON or len(why) > LONGEST_REASON:
            raise InvalidInput(
                f"A decision needs a name, and a reason of at most {LONGEST_REASON} characters.",
                "Say who decides, and why in a sentence.",
            )
        with self._writing() as journal:
            status = self._entry(journal, number).status
            if status != "pending":
                raise InvalidInput(
                    f"Opinion {number} is {status} already.", "`reco feedback list` shows the pending ones."
                )
            self._decide(journal, number, verdict, who, why)

    @staticmethod
    def _decide(journal: sqlite3.Connection, number: int, verdict: str, by: str, reason: str) -> None:
        journal.execute(
            "INSERT INTO decisions (opinion, at, verdict, by, reason) VALUES (?, ?, ?, ?, ?)",
            (number, _now(), verdict, by, reason),
        )
        if verdict != "approved":
            journal.execute("DELETE FROM texts WHERE opinion = ?", (number,))

    @staticmethod
    def _entry(journal: sqlite3.Connection, number: int) -> FeedbackEntry:
        row = journal.execute(f"{_WAITING} WHERE o.id = ?", (number,)).fetchone()
        if row is None:
            raise InvalidInput(f"There is no opinion {number}.", "`reco feedback list` shows them.")
        return _entry_of(row)

    def _read(self, statement: str, values: tuple[object, ...] = ()) -> tuple[FeedbackEntry, ...]:
        if not self.path.exists():
            return ()
        with self._open() as journal:
            return tuple(_entry_of(row) for row in journal.execute(statement, values))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        atomic.make_folder(self.path.parent)
        with self._open() as journal:
            # IMMEDIATE takes the lock here, so that no transaction waits for it halfway.
            journal.execute("BEGIN IMMEDIATE")
            try:
                yield journal
            except BaseException:
                journal.rollback()
                raise
            journal.commit()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the journal, and create its tables if new. Raises StorageError when SQLite refuses."""
        journal = None
        try:
            journal = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, isolation_level=None)
            journal.execute("PRAGMA journal_mode = WAL")
            # Overwrites deleted rows: a withdrawn query must not stay in the file.
            journal.execute("PRAGMA secure_delete = ON")
            if not journal.execute("PRAGMA user_version").fetchone()[0]:
                journal.executescript(
                    f"BEGIN IMMEDIATE; {_SCHEMA} {_APPEND_ONLY} PRAGMA user_version = 1; COMMIT;"
                )
            yield journal
        except sqlite3.Error as error:
            raise StorageError(
                f"The journal of opinions {self.path} cannot be used: {error}.",
                "Check the disk and the file's permissions; move a damaged file away.",
            ) from error
        finally:
            if journal is not None:
                journal.close()


def _entry_of(row: tuple[Any, ...]) -> FeedbackEntry:
    entry = FeedbackEntry(*row)
    return replace(entry, useful=bool(entry.useful))  # SQLite has no booleans


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
