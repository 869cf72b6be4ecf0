"""Download buttons of a dossier. A file contains everything typed and ordered before the click.

A click sends two messages, in either order: the click itself, with the current value of every box, and the
HTTP request for the file. Streamlit redraws for the first and answers the second in another thread. `Meeting`
joins the two:

- The file waits for the dossier. The redraw brings it after all callbacks of the click.
- The redraw waits until the file is begun. Otherwise its end could give the button another address and forget
  the clicked one.

For a note and a click sent together, Streamlit redraws the part of the page with the note. Every part of the
page therefore calls `deliver`. Each button is a fragment, so that a note or another file keeps its address.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from reco.app.dossier.content import Dossier, Headings
from reco.app.dossier.document import docx_bytes
from reco.app.dossier.markdown import markdown_bytes
from reco.app.dossier.references import ris_bytes
from reco.app.dossier.tables import table_bytes, xlsx_bytes
from reco.app.phrases import day, group, say
from reco.app.state import failures, shared
from reco.app.widgets import basket

BROUGHT, BEGUN = 20.0, 10.0
"""Most seconds that a file waits for its dossier, and a redraw for its file: a busy server is late.
A file that waits longer is refused, never written without the last note."""
TITLE, REQUEST = "dossier_title", "dossier_request"
"""Session keys of the title of the dossier, and of the query as the visitor edited it."""

_STATE = "dossier_meetings"
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Writer = Callable[[Dossier, Headings], bytes]


@dataclass(frozen=True)
class Brought:
    """The data of a file: the dossier and its headings."""

    dossier: Dossier
    headings: Headings


class Meeting:
    """Hand-over of the dossier from the redraw of a clicked button to the thread that writes the file."""

    def __init__(self) -> None:
        self.clicked = False
        self._pending: Brought | None = None
        self._changed = threading.Condition()

    def click(self) -> None:
        """Ask the next redraw of the button to bring the dossier."""
        self.clicked = True

    def bring(self, what: Brought) -> None:
        """Hand the dossier over, and wait at most `BEGUN` seconds until the file collects it."""
        with self._changed:
            self.clicked, self._pending = False, what
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._pending is not what, BEGUN)
            # Drop what no file collected: the next file must get the dossier of its own click.
            self._pending = None

    def collect(self) -> Brought:
        """Return the dossier that the redraw brings. Raises TimeoutError after `BROUGHT` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending is not None, BROUGHT)
            found, self._pending = self._pending, None
            self._changed.notify_all()
        if found is None:
            raise TimeoutError("The page did not bring the dossier to its file in time: click again.")
        return found


def buttons() -> None:
    """Draw one button per format."""
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
            partial(_file_bytes, meeting, write),
            f"{say('dossier.file')}.{ending}",
            mime,
            key=f"take_{ending}",
            icon=":material/download:",
            on_click=meeting.click,
        )


def deliver() -> None:
    """Bring the dossier to each clicked file. Every part of the page starts with this call."""
    for meeting in list(_meetings().values()):
        if meeting.clicked:
            meeting.bring(Brought(_dossier(), _headings()))


def _meetings() -> dict[str, Meeting]:
    meetings: dict[str, Meeting] = st.session_state.setdefault(_STATE, {})
    return meetings


def _file_bytes(meeting: Meeting, write: Writer) -> bytes:
    brought = meeting.collect()
    return write(brought.dossier, brought.headings)


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
    words = {**group("dossier"), **group("field")}
    words |= {"open_quote": say("quote.open"), "close_quote": say("quote.close")}
    return Headings(**{field.name: words[field.name] for field in fields(Headings)})
