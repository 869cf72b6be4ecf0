"""What is read of a deliberation, of minutes, of a form or of an e-mail, and what is left out."""

from __future__ import annotations

import streamlit as st

from reco.app.markup import plain, shortened
from reco.app.phrases import count, say
from reco.ranking.query import Query

_LONGEST = 600
"""Characters of a part that are shown."""


def told(query: Query) -> None:
    """Draw what is read and left out of a paper, with a button that searches it whole, or undoes that."""
    if query.whole:
        st.button(say("paper.undo"), key="paper_undo", icon=":material/undo:", on_click=_set, args=(False,))
        return
    reading = query.reading
    if not reading.kind:
        return
    kept = ", ".join(count(f"paper.part.{label}", number) for label, number in reading.labels)
    left = ", ".join(say(f"paper.left.{label}") for label in reading.left_labels)
    with st.expander(say("paper.read", kept=kept, left=left), icon=":material/description:", key="paper"):
        for part in reading.left_out:
            text = shortened(query.text[part.start : part.end], _LONGEST)
            st.markdown(f"**{say(f'paper.left.{part.label}')}** : {plain(text)}")
        st.button(
            say("paper.restore"), key="paper_restore", icon=":material/undo:", on_click=_set, args=(True,)
        )


def _set(whole: bool) -> None:
    st.session_state["whole"] = whole
