"""What runs at each interaction: the frame around a page, the language, the page, the foot."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from reco.app import basket, failures
from reco.app.wording import LANGUAGES, STATE, count, day, say

HERE = Path(__file__).parent
VIEWS = HERE / "views"
LOGO = HERE / "assets" / "logo.svg"
ICON = HERE / "assets" / "icon.svg"
STYLE = HERE / "assets" / "style.css"


def show() -> None:
    """Run the chosen page inside the frame."""
    st.set_page_config(page_title=say("app.name"), page_icon=str(ICON), layout="centered")
    st.html(STYLE)
    st.logo(str(LOGO), size="large")
    page = st.navigation(
        [
            st.Page(VIEWS / "recommend.py", title=say("nav.recommend"), url_path="recommander", default=True),
            st.Page(VIEWS / "dossier.py", title=basket.label(), url_path="dossier"),
            st.Page(VIEWS / "catalogue.py", title=say("nav.catalogue"), url_path="catalogue"),
            st.Page(VIEWS / "sheet.py", title=say("nav.sheet"), url_path="fiche", visibility="hidden"),
            st.Page(VIEWS / "about.py", title=say("nav.about"), url_path="a-propos"),
        ],
        position="top",
    )
    _language()
    with failures.told():
        page.run()
    with failures.told():
        _foot()


def _language() -> None:
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.segmented_control(
            say("app.language"),
            [code.upper() for code in LANGUAGES],
            default=LANGUAGES[0].upper(),
            required=True,
            key=STATE,
            bind="query-params",
            label_visibility="collapsed",
            width="content",
        )


def _foot() -> None:
    from reco.app import served

    manifest = served.manifest()
    st.space("medium")
    if manifest is not None:
        failures.tell_stale(manifest)
        size = count("foot.resources", manifest.resources)
        st.caption(say("foot.snapshot", number=manifest.snapshot, day=day(manifest.created), size=size))


show()
