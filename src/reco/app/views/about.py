"""About page: the method in plain words, its limits, privacy, and the current snapshot."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from reco.app.markup import plain
from reco.app.phrases import count, day, decimal, hour, say
from reco.app.state import failures, shared


def show() -> None:
    """Draw the page."""
    st.title(say("about.title"), anchor=False)
    for heading, text in (
        ("about.how", "about.how_text"),
        ("about.why", "about.why_text"),
        ("about.levels", "about.levels_text"),
        ("about.night", "about.night_text"),
        ("about.limits", "about.limits_text"),
        ("about.privacy", "about.privacy_text"),
        ("about.data", "about.data_text"),
    ):
        st.header(say(heading), anchor=False)
        st.markdown(say(text))
    _snapshot()


def _snapshot() -> None:
    st.header(say("about.snapshot"), anchor=False)
    snapshot = failures.snapshot()
    manifest = snapshot.manifest
    st.markdown(
        say(
            "about.snapshot_text",
            number=manifest.snapshot,
            day=day(manifest.created),
            time=hour(manifest.created),
            resources=count("foot.resources", manifest.resources),
            passages=decimal(manifest.passages, 0),
            encoder=manifest.encoder[:12],
        )
    )
    checked = shared.freshness(manifest).checked
    st.markdown(say("about.checked", day=day(checked), time=hour(checked)))
    sources = Counter(resource.source for resource in snapshot.catalogue)
    labels = {source.name: source.label for source in shared.settings().sources if source.label}
    named = [
        f"{plain(labels.get(name, name))} ({decimal(number, 0)})" for name, number in sources.most_common()
    ]
    st.markdown(say("about.sources", sources=", ".join(named)))


show()
