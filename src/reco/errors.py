"""The exceptions of reco. Each says what happened and what to do about it."""

from __future__ import annotations


class RecoError(Exception):
    """A failure that a person can act on.

    `hint` says in one sentence what to do; `exit_code` is that of the command line.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InvalidInput(RecoError):
    """Input that cannot be used. The message lists every problem."""

    exit_code = 2


class InvalidQuery(InvalidInput):
    """A query that cannot be answered, such as an empty one."""


class InvalidSettings(InvalidInput):
    """A `reco.toml` or a `RECO_*` variable that cannot be used."""


class InvalidDecisions(InvalidInput):
    """An invalid file of a curator's decisions."""


class UnknownResource(InvalidInput):
    """An id that is not in the served snapshot."""


class SourceError(RecoError):
    """A source that cannot be read at all. A bad row is a `Rejection` instead."""


class NoCatalogue(SourceError):
    """A text, XML or JSON in which no resource is found: it may be no catalogue at all."""


class EncoderError(RecoError):
    """A model that is missing, unsafe or unusable."""


class SnapshotError(RecoError):
    """A snapshot that is missing, damaged or made by another encoder."""


class EncoderMismatch(SnapshotError):
    """An intact snapshot whose vectors another encoder made."""


class StorageError(RecoError):
    """A write that the disk refused: it is full, read-only, or belongs to another user."""


class UnconfirmedWrite(StorageError):
    """A change that every reader sees, but that the disk did not confirm: a power cut may undo it."""


class ServerBusy(RecoError):
    """More queries at the same time than the server can answer."""


class RefreshRunning(RecoError):
    """Another refresh holds the lock of the home."""

    exit_code = 3


class PublishRefused(RecoError):
    """A gate refused the new snapshot; the old one is still served."""

    exit_code = 4
