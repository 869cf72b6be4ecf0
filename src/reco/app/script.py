"""The script of each interaction: the frame of a page, the language choice, the page, the footer."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from reco.app.phrases import LANGUAGES, STATE, count, day, say
from reco.app.state import curator_access, failures
from reco.app.widgets import basket
from reco.serving import request_queue

HERE = Path(__file__).parent
VIEWS = HERE / "views"
LOGO = HERE / "assets" / "logo.svg"
ICON = HERE / "assets" / "icon.svg"
STYLE = HERE / "assets" / "style.css"
WIDE = ("carte", "catalogue", "explorer")


def show() -> None:
    """Run the chosen page inside the frame."""
    page = st.navigation(_pages(), position="top")
    st.set_page_config(
        page_title=f"{page.title} · {say('app.name')}",
        page_icon=str(ICON),
        # A page with two parts side by side takes the whole screen; text stays in a narrow column.
        layout="wide" if page.url_path in WIDE else "centered",
    )
    st.html(STYLE)
    _streamlit_words()
    st.logo(str(LOGO), size="large")
    _language()
    with failures.told(), st.container(key="wide" if page.url_path in WIDE else None):
        page.run()
    with failures.told():
        _foot()


def _pages() -> list[st.Page]:
    pages = [
        st.Page(VIEWS / "recommend.py", title=say("nav.recommend"), url_path="recommander", default=True),
        st.Page(VIEWS / "dossier.py", title=basket.label(), url_path="dossier"),
        st.Page(VIEWS / "explorer.py", title=say("nav.explorer"), url_path="explorer"),
        st.Page(VIEWS / "experiences.py", title=say("nav.map"), url_path="carte"),
        st.Page(VIEWS / "news.py", title=say("nav.news"), url_path="nouveautes"),
        st.Page(VIEWS / "catalogue.py", title=say("nav.catalogue"), url_path="catalogue"),
        st.Page(VIEWS / "sheet.py", title=say("nav.sheet"), url_path="fiche", visibility="hidden"),
        st.Page(VIEWS / "about.py", title=say("nav.about"), url_path="a-propos"),
    ]
    if curator_access.expected():
        pages.append(st.Page(VIEWS / "curator.py", title=say("nav.curator"), url_path="curation"))
    return pages


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


def _streamlit_words() -> None:
    """Pass our words to `style.css` for what Streamlit says in English and has no setting for."""
    words = {
        "menu": say("app.menu"),
        "enter": say("app.enter"),
        "ctrl-enter": say("app.ctrl_enter"),
        "file-not-written": say("dossier.not_written"),
    }
    variables = ";".join(f'--say-{name}:"{text}"' for name, text in words.items())
    st.html(f"<style>:root{{{variables}}}</style>")


def _foot() -> None:
    from reco.app.state import shared

    manifest = shared.manifest()
    st.space("medium")
    if manifest is not None:
        failures.tell_stale(manifest)
        size = count("foot.resources", manifest.resources)
        st.caption(say("foot.snapshot", number=manifest.snapshot, day=day(manifest.created), size=size))


with request_queue.DRAWING.passing():
    show()
