"""The exceptions of reco. The message says what happened; the hint says what to do."""

from __future__ import annotations


class RecoError(Exception):
    """A failure that a person can act on.

    `hint` is one sentence on what to do; `exit_code` is the exit code of the command line.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InvalidInput(RecoError):
    """Unusable input from the user. The message lists every problem."""

    exit_code = 2


class InvalidQuery(InvalidInput):
    """An invalid query."""


class InvalidSettings(InvalidInput):
    """An invalid `reco.toml`."""


class InvalidDecisions(InvalidInput):
    """An invalid file of a curator's decisions."""


class UnknownResource(InvalidInput):
    """An id that is not in the served snapshot."""


class SourceError(RecoError):
    """A source that cannot be read as a whole. A single bad row is a `Rejection` instead."""


class EncoderError(RecoError):
    """A model that is missing, unsafe or unusable."""


class SnapshotError(RecoError):
    """A snapshot that is missing, damaged or made by another encoder."""


class EncoderMismatch(SnapshotError):
    """An intact snapshot, or adapter, that belongs to another encoder."""


class StorageError(RecoError):
    """The disk refused an operation: it is full, read-only, or not writable by this user."""


class UnconfirmedWrite(StorageError):
    """A change that every reader sees, but that a power cut may undo."""


class ServerBusy(RecoError):
    """Too many queries arrived at the same time, and the queue is full."""


class RefreshRunning(RecoError):
    """Another refresh holds the lock."""

    exit_code = 3


class PublishRefused(RecoError):
    """A gate refused the new snapshot. The old one is still served."""

    exit_code = 4
