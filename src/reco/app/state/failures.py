"""Errors as plain sentences in the visitor's language. Details for the operator go to the log."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from reco.app.phrases import day, hour, say
from reco.app.state import shared
from reco.app.state.shared import NoSnapshot
from reco.errors import (
    EncoderError,
    InvalidQuery,
    InvalidSettings,
    RecoError,
    ServerBusy,
    SnapshotError,
    StorageError,
    UnknownResource,
)
from reco.snapshots.snapshot import Manifest, Snapshot

logger = logging.getLogger(__name__)

# The first class that matches gives the sentence.
_SENTENCES: tuple[tuple[type[RecoError], str], ...] = (
    (NoSnapshot, "failure.no_snapshot"),
    (ServerBusy, "failure.busy"),
    (InvalidQuery, "failure.query"),
    (UnknownResource, "failure.unknown_resource"),
    (InvalidSettings, "failure.settings"),
    (EncoderError, "failure.encoder"),
    (SnapshotError, "failure.snapshot"),
    (StorageError, "failure.storage"),
)


@contextmanager
def told() -> Iterator[None]:
    """Show an error raised inside as a sentence, instead of stopping the page."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, RecoError):
            reference = _reference()
            logger.exception("unexpected failure, reference %s", reference)
            _unexpected(reference)
        else:
            tell(error)


def snapshot() -> Snapshot:
    """Return the current snapshot. Warn the visitor if it replaces a damaged one."""
    opened = shared.opened()
    if opened.instead:
        st.warning(say("failure.instead", number=opened.snapshot.id), icon=":material/history:")
    return opened.snapshot


def tell_stale(found: Manifest) -> None:
    """Warn the visitor if the last check of the catalogue is older than the settings allow."""
    age = shared.freshness(found)
    if age.stale:
        checked = say("foot.stale", day=day(age.checked), time=hour(age.checked))
        st.warning(checked, icon=":material/update:")


def tell(error: Exception) -> None:
    """Show the sentence of an error and log it. An unexpected one shows the reference of its log line."""
    key = next((key for kind, key in _SENTENCES if isinstance(error, kind)), None)
    if key is None:
        reference = _reference()
        logger.error("unexpected failure, reference %s: %s", reference, type(error).__name__)
        _unexpected(reference)
        return
    note(error)
    show = st.info if isinstance(error, NoSnapshot) else st.error
    show(say(key), icon=":material/error:")


def note(error: Exception) -> None:
    """Log an error for which the page has its own words."""
    logger.warning("%s: %s %s", type(error).__name__, error, getattr(error, "hint", ""))


def _unexpected(reference: str) -> None:
    st.error(say("failure.unexpected", reference=reference), icon=":material/error:")


def _reference() -> str:
    return secrets.token_hex(3)
