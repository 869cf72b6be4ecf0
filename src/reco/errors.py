"""The exception tree. Each error says what happened and what to do about it."""

from __future__ import annotations


class RecoError(Exception):
    """A failure that a person can act on.

    `hint` is one sentence saying what to do; `exit_code` is what the command line returns.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InvalidInput(RecoError):
    """What the user gave cannot be used: every problem is in the message."""

    exit_code = 2


class InvalidQuery(InvalidInput):
    """A query that cannot be answered as it stands."""


class InvalidSettings(InvalidInput):
    """A `reco.toml` that cannot be used."""


class InvalidDecisions(InvalidInput):
    """A file of a curator's decisions that cannot be used."""


class UnknownResource(InvalidInput):
    """An id that the served snapshot does not hold."""


class SourceError(RecoError):
    """A source could not be read as a whole; a bad row is a `Rejection`, never this."""


class EncoderError(RecoError):
    """A model that is missing, unsafe or unusable."""


class SnapshotError(RecoError):
    """A snapshot is missing, damaged or made by another encoder."""


class EncoderMismatch(SnapshotError):
    """A sound snapshot whose vectors another encoder made."""


class StorageError(RecoError):
    """The disk refused: full, read-only, or not ours to write."""


class UnconfirmedWrite(StorageError):
    """The disk took a change, which every reader sees, but could not promise that it outlives a power cut."""


class ServerBusy(RecoError):
    """More requests came at the same time than can be answered."""


class RefreshRunning(RecoError):
    """Another refresh holds the lock."""

    exit_code = 3


class PublishRefused(RecoError):
    """A publish gate refused the new snapshot; the old one is still served."""

    exit_code = 4
