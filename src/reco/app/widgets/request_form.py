"""The query form: a description, typed or read from a file, and the address that reopens it."""

from __future__ import annotations

import logging
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from reco.app.markup import plain, shortened
from reco.app.phrases import decimal, say
from reco.app.share import LONGEST_ADDRESS, code_of, query_of
from reco.app.widgets import filters, locality
from reco.catalogue.catalogue import Filters
from reco.errors import InvalidInput
from reco.ranking.query import Opinion, Query
from reco.sources.sandbox.kinds import SUFFIXES
from reco.sources.sandbox.limits import LONGEST_TEXT, MOST_BYTES
from reco.sources.sandbox.parent import read
from reco.sources.sandbox.refusal import Unreadable

ADDRESS = "q"
"""Name of the address parameter that holds a shared query."""

STEP = 10

logger = logging.getLogger(__name__)


def query_for(text: str, chosen: Filters, opinions: tuple[Opinion, ...]) -> Query:
    """Return the query with all choices of the visitor. Raises InvalidQuery if it is not valid."""
    place = locality.chosen()
    return Query.of(
        text,
        st.session_state.get("wanted", STEP),
        chosen,
        st.session_state.get("without", ()),
        shelf=bool(st.session_state.get("shelf")),
        place=place,
        near=bool(st.session_state.get("near")) and bool(place),
        opinions=opinions,
        exact=st.session_state.get("exact", ()),
        whole=bool(st.session_state.get("whole")),
    )


def begin(text: str) -> None:
    """Make a text the current query, from its first results. Opinions on another query are dropped."""
    if text != st.session_state.get("request"):
        st.session_state["opinions"] = {}
    st.session_state["request"] = text
    st.session_state["wanted"] = STEP
    st.session_state["without"] = ()
    st.session_state["exact"] = ()
    st.session_state["whole"] = False


def reopen(page: str) -> None:
    """Make the query in the address the current one, then remove it from the address."""
    code = st.query_params.get(ADDRESS)
    if code is None:
        return
    del st.query_params[ADDRESS]
    try:
        query = query_of(code)
    except InvalidInput:
        st.warning(say("share.unreadable"), icon=":material/link_off:")
        return
    st.session_state["description"] = query.text
    filters.put(page, query.filters)
    locality.put(query.place)
    st.session_state["shelf"], st.session_state["near"] = query.shelf, query.near
    begin(query.text)
    st.session_state["without"], st.session_state["whole"] = query.without, query.whole
    st.session_state["exact"] = query.exact


def share(query: Query) -> None:
    """Draw the box with the address of a query."""
    with st.popover(say("share.open"), icon=":material/link:", key="share", on_change="rerun") as box:
        if not box.open:
            return
        here = urlsplit(st.context.url or "")
        base = urlunsplit((here.scheme, here.netloc, here.path or "/", "", ""))
        try:
            code = code_of(query, LONGEST_ADDRESS - len(f"{base}?{ADDRESS}="))
        except InvalidInput:
            st.markdown(say("share.too_long"))
            return
        st.markdown(say("share.told"))
        st.code(f"{base}?{urlencode({ADDRESS: code})}", language=None, wrap_lines=True)


def drop_a_file() -> None:
    """Draw the file box. The text of a file becomes the description; the file itself is not kept."""
    turn = st.session_state.setdefault("file_turn", 0)
    words = {"choose": say("file.choose"), "not-taken": say("file.not_taken")}
    variables = ";".join(f'--file-{name}:"{text}"' for name, text in words.items())
    st.html(f"<style>.st-key-upload{{{variables}}}</style>")
    # A new key gives an empty box: otherwise Streamlit keeps the file as long as the visit.
    with st.container(key="upload"):
        upload = st.file_uploader(
            say("file.box"),
            type=list(SUFFIXES),
            max_upload_size=MOST_BYTES // 1_000_000,
            key=f"file_{turn}",
        )
    if upload is not None:
        with st.spinner(say("file.reading"), show_time=True):
            st.session_state["file_told"] = _read_file(upload.getvalue(), upload.name)
        st.session_state["file_turn"] = turn + 1
        st.rerun()
    outcome = st.session_state.get("file_told")
    if outcome is not None:
        readable, sentence = outcome
        (st.success if readable else st.warning)(sentence)


def _read_file(data: bytes, name: str) -> tuple[bool, str]:
    """Put the text of a file in the description. Return whether it was readable, and what to say."""
    label = plain(shortened(name, 80))
    try:
        upload = read(data, name)
    except Unreadable as refused:
        logger.info("a file was not read: %s", refused.reason)
        return False, say("file.refused", name=label, reason=say(f"file.{refused.reason}"))
    st.session_state["description"] = upload.text
    sentence = say("file.taken", name=label)
    return True, f"{sentence} {say('file.cut', count=decimal(LONGEST_TEXT, 0))}" if upload.cut else sentence
