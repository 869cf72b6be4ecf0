"""The files of a dossier, written at the click from what the visit holds by then.

Leaving a note for a button sends two messages, the note and the wish for a file, which Streamlit answers in
two threads. A file made from what the page held when the button was drawn would lack the note, and the
button of a page that is being drawn again is refused. So the notes are redrawn without the buttons, and
every file is written from one object, which the note reaches as soon as it is received.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from reco.app import basket, served
from reco.app.wording import day, say
from reco.dossier import (
    Dossier,
    Headings,
    docx_bytes,
    markdown_bytes,
    ris_bytes,
    table_bytes,
    xlsx_bytes,
)

MOMENT = 0.4
"""Seconds that a file waits for a note sent with the click."""
TITLE, REQUEST = "dossier_title", "dossier_request"
"""Where the visit keeps what the visitor called the dossier, and the request as edited."""

_STATE = "dossier_held"
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Writer = Callable[[Dossier, Headings], bytes]


@dataclass
class Held:
    """What the files of one visit are written from, now."""

    dossier: Dossier
    headings: Headings


def hold() -> None:
    """Bring what the files of the visit are written from up to date."""
    _held()


def buttons() -> None:
    """Draw a button for each kind of file."""
    held = _held()
    writers: tuple[tuple[str, str, str, Writer], ...] = (
        (say("dossier.docx"), "docx", _DOCX, docx_bytes),
        (say("dossier.xlsx"), "xlsx", _XLSX, xlsx_bytes),
        (say("dossier.csv"), "csv", "text/csv", table_bytes),
        (say("dossier.ris"), "ris", "application/x-research-info-systems", _references),
        (say("dossier.markdown"), "md", "text/markdown", markdown_bytes),
    )
    with st.container(horizontal=True, gap="small"):
        for name, ending, mime, write in writers:
            st.download_button(
                name,
                partial(_written, held, write),
                f"{say('dossier.file')}.{ending}",
                mime,
                key=f"take_{ending}",
                icon=":material/download:",
                on_click="ignore",
            )


def _held() -> Held:
    """Return what the files are written from, up to date: one object for the whole visit."""
    dossier, headings = _dossier(), _headings()
    held: Held | None = st.session_state.get(_STATE)
    if held is None:
        held = st.session_state[_STATE] = Held(dossier, headings)
    held.dossier, held.headings = dossier, headings
    return held


def _written(held: Held, write: Writer) -> bytes:
    time.sleep(MOMENT)
    return write(held.dossier, held.headings)


def _references(dossier: Dossier, _headings: Headings) -> bytes:
    return ris_bytes(dossier)


def _dossier() -> Dossier:
    title = (st.session_state.get(TITLE) or "").strip() or say("dossier.untitled")
    return Dossier(title, st.session_state.get(REQUEST) or "", basket.kept(), _foot())


def _foot() -> str:
    today = day(datetime.now(UTC).isoformat())
    manifest = served.manifest()
    if manifest is None:
        return say("dossier.foot_today", today=today)
    return say("dossier.foot", number=manifest.snapshot, day=day(manifest.created), today=today)


def _headings() -> Headings:
    return Headings(
        request=say("dossier.request"),
        resources=say("dossier.resources"),
        rank=say("dossier.rank"),
        title=say("field.title"),
        level=say("field.level"),
        publisher=say("field.publisher"),
        authors=say("field.authors"),
        year=say("field.year"),
        type=say("field.type"),
        theme=say("field.theme"),
        place=say("field.place"),
        quotes=say("dossier.quotes"),
        reasons=say("dossier.reasons"),
        note=say("dossier.note"),
        link=say("field.link"),
        source=say("field.source"),
        id=say("field.id"),
        open_quote=say("quote.open"),
        close_quote=say("quote.close"),
    )
