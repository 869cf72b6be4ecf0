"""The files of a dossier, written at the click from all that was typed and ordered before it.

A click sends two messages, in either order: that the button was clicked, with what every box holds by then,
and the wish for a file. Streamlit answers the first by drawing again and the second in a thread of its own.
So the two meet: the file waits for the dossier, which the drawing brings once every callback of the click
has run; and the drawing waits for the file to be begun, because its end may give the button another address
and forget the one that was clicked. For a note and a click sent together, Streamlit draws again the part of
the page that holds the note: so every part of the page delivers.

Each button is drawn alone, so that a note or another file leaves its address as the browser knows it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from reco.app.dossier.content import Dossier, Headings
from reco.app.dossier.document import docx_bytes
from reco.app.dossier.markdown import markdown_bytes
from reco.app.dossier.references import ris_bytes
from reco.app.dossier.tables import table_bytes, xlsx_bytes
from reco.app.phrases import day, say
from reco.app.state import failures, shared
from reco.app.widgets import basket

BROUGHT, BEGUN = 20.0, 10.0
"""Seconds that a file waits for its dossier, and a drawing for its file, at most: a busy server is late.
A file that waited in vain is refused, never written without the last note."""
TITLE, REQUEST = "dossier_title", "dossier_request"
"""Where the visit keeps what the visitor called the dossier, and the request as edited."""

_STATE = "dossier_meetings"
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Writer = Callable[[Dossier, Headings], bytes]


@dataclass(frozen=True)
class Brought:
    """What a file is written from."""

    dossier: Dossier
    headings: Headings


class Meeting:
    """Where the drawing of a clicked button hands what it holds over to the thread that writes the file."""

    def __init__(self) -> None:
        self.clicked = False
        self._there: Brought | None = None
        self._changed = threading.Condition()

    def click(self) -> None:
        """Have the next drawing of the button bring the dossier."""
        self.clicked = True

    def bring(self, what: Brought) -> None:
        """Hand over, and wait until it is collected, `BEGUN` seconds at most."""
        with self._changed:
            self.clicked, self._there = False, what
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._there is not what, BEGUN)
            # Nobody came: the next file must be of its own click.
            self._there = None

    def collect(self) -> Brought:
        """Return what is brought. Raises TimeoutError after `BROUGHT` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._there is not None, BROUGHT)
            found, self._there = self._there, None
            self._changed.notify_all()
        if found is None:
            raise TimeoutError("The click on a file was not answered in time.")
        return found


def buttons() -> None:
    """Draw a button for each kind of file."""
    writers: tuple[tuple[str, str, str, Writer], ...] = (
        (say("dossier.docx"), "docx", _DOCX, docx_bytes),
        (say("dossier.xlsx"), "xlsx", _XLSX, xlsx_bytes),
        (say("dossier.csv"), "csv", "text/csv", table_bytes),
        (say("dossier.ris"), "ris", "application/x-research-info-systems", _references),
        (say("dossier.markdown"), "md", "text/markdown", markdown_bytes),
    )
    with st.container(horizontal=True, gap="small"):
        for name, ending, mime, write in writers:
            _button(name, ending, mime, write)


@st.fragment
def _button(name: str, ending: str, mime: str, write: Writer) -> None:
    with failures.told():
        deliver()
        meeting = _meetings().setdefault(ending, Meeting())
        st.download_button(
            name,
            partial(_written, meeting, write),
            f"{say('dossier.file')}.{ending}",
            mime,
            key=f"take_{ending}",
            icon=":material/download:",
            on_click=meeting.click,
        )


def deliver() -> None:
    """Bring what the visit holds now to each file that was clicked. Each part of the page begins with it."""
    for meeting in list(_meetings().values()):
        if meeting.clicked:
            meeting.bring(Brought(_dossier(), _headings()))


def _meetings() -> dict[str, Meeting]:
    found: dict[str, Meeting] = st.session_state.setdefault(_STATE, {})
    return found


def _written(meeting: Meeting, write: Writer) -> bytes:
    found = meeting.collect()
    return write(found.dossier, found.headings)


def _references(dossier: Dossier, _headings: Headings) -> bytes:
    return ris_bytes(dossier)


def _dossier() -> Dossier:
    title = (st.session_state.get(TITLE) or "").strip() or say("dossier.untitled")
    return Dossier(title, st.session_state.get(REQUEST) or "", basket.kept(), _foot())


def _foot() -> str:
    today = day(datetime.now(UTC).isoformat())
    manifest = shared.manifest()
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
