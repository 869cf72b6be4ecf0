"""How it works in plain words, what it cannot do, what it keeps, and which snapshot is served."""

from __future__ import annotations

import streamlit as st

from reco.app import failures
from reco.app.wording import count, day, decimal, say


def show() -> None:
    """Draw the page."""
    st.title(say("about.title"), anchor=False)
    for heading, text in (
        ("about.how", "about.how_text"),
        ("about.why", "about.why_text"),
        ("about.limits", "about.limits_text"),
        ("about.privacy", "about.privacy_text"),
    ):
        st.header(say(heading), anchor=False)
        st.markdown(say(text))
    _snapshot()


def _snapshot() -> None:
    st.header(say("about.snapshot"), anchor=False)
    manifest = failures.snapshot().manifest
    st.markdown(
        say(
            "about.snapshot_text",
            number=manifest.snapshot,
            day=day(manifest.created),
            time=manifest.created[11:16],
            resources=count("foot.resources", manifest.resources),
            passages=decimal(manifest.passages, 0),
            encoder=manifest.encoder[:12],
        )
    )


show()
