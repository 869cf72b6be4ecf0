"""News page: what each night changed, and why the first results of saved projects moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from reco.app.addresses import FEED
from reco.app.markup import plain
from reco.app.phrases import count, day, decimal, group, hour, say
from reco.app.state import failures, history
from reco.app.widgets import cards
from reco.catalogue.resource import Resource
from reco.projects.changes import Move, ProjectMoves
from reco.serving import request_queue
from reco.snapshots.history import NightChanges
from reco.text.clean import fold

SHOWN = 60
"""Most resources listed for one night. A first refresh brings thousands."""


def show() -> None:
    """Draw the table of nights, one night, and the saved projects on that night."""
    st.title(say("news.title"), anchor=False)
    st.markdown(say("news.lead"))
    with st.spinner(say("progress.nights")):
        nights = history.nights(failures.snapshot())
    _feed()
    if not nights:
        st.info(say("news.none"), icon=":material/bedtime:")
        return
    _summary(nights)
    night = st.selectbox(
        say("news.night"), nights, format_func=_night_label, key="news_night", persist_state="session"
    )
    _night(night or nights[0])
    _projects(night or nights[0])


def _feed() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.link_button(say("news.feed"), FEED, icon=":material/rss_feed:")
        st.download_button(
            say("news.download"),
            history.feed,
            FEED,
            "application/atom+xml",
            icon=":material/download:",
            on_click="ignore",
        )
    st.caption(say("news.feed_why", count=history.NEWEST))


def _summary(nights: Sequence[NightChanges]) -> None:
    rows = {_night_label(night): [len(night.came), len(night.changed), len(night.left)] for night in nights}
    columns = [say("news.came"), say("news.changed"), say("news.left")]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    # Without a name, the index has an empty heading.
    named = table.rename_axis(say("news.night"))
    st.table(named.style.format(_integer), alt=say("news.table"))


def _integer(number: Any) -> str:
    return decimal(number, 0)


def _night(night: NightChanges) -> None:
    st.header(_night_label(night), anchor=False)
    if not (night.came or night.changed or night.left):
        st.markdown(say("news.same"))
    themes = sorted({theme for resource in _resources(night) for theme in resource.themes}, key=fold)
    chosen = st.multiselect(
        say("field.theme"), themes, key="news_theme", placeholder=say("filters.all"), persist_state="session"
    )
    wanted = frozenset(chosen)
    _part("came", say("news.came"), [resource for resource in night.came if _passes(resource, wanted)])
    changed = [revised for revised in night.changed if _passes(revised.resource, wanted)]
    names = {revised.resource.id: _fields(revised.fields) for revised in changed}
    _part("changed", say("news.changed"), [revised.resource for revised in changed], names)
    _part("left", say("news.left"), [resource for resource in night.left if _passes(resource, wanted)])


def _part(kind: str, title: str, found: Sequence[Resource], facts: dict[str, str] | None = None) -> None:
    """List the resources that came, changed or left, by theme. Each appears once, under its first theme."""
    if not found:
        return
    st.subheader(f"{title} ({decimal(len(found), 0)})", anchor=False)
    by_theme: dict[str, list[Resource]] = defaultdict(list)
    for resource in found[:SHOWN]:
        by_theme[(resource.themes or ("",))[0]].append(resource)
    for theme in sorted(by_theme, key=fold):
        with st.expander(f"{plain(theme) or say('news.no_theme')} ({len(by_theme[theme])})", len(found) <= 8):
            for resource in by_theme[theme]:
                _line(resource, kind, (facts or {}).get(resource.id, ""))
    if len(found) > SHOWN:
        st.caption(say("news.more", count=decimal(len(found) - SHOWN, 0)))


def _line(resource: Resource, kind: str, fact: str) -> None:
    facts = [fact, resource.type, resource.publisher, str(resource.year or "")]
    if kind == "left":
        # A resource that left has no sheet to link to.
        with st.container(gap=None):
            st.markdown(f"**{plain(resource.title)}**")
            st.caption(" · ".join(plain(fact) for fact in facts if fact))
    else:
        cards.row(resource, f"news_{kind}", facts)


def _projects(night: NightChanges) -> None:
    st.header(say("news.projects"), anchor=False)
    with st.spinner(say("progress.projects")), request_queue.DRAWING.aside():
        projects = history.moves(night)
    if not projects:
        st.markdown(say("news.no_projects"))
        return
    st.caption(say("news.projects_why"))
    for project in projects:
        _project(project)


def _project(project: ProjectMoves) -> None:
    moves = len(project.entries) + len(project.exits)
    summary = say("news.problem") if project.problem is not None else count("news.moves", moves)
    with st.expander(f"**{plain(project.name)}** : {summary}", expanded=0 < moves <= 6):
        if project.problem is not None:
            st.markdown(say("news.problem_why"))
        for title, found, sign in (
            (say("news.entries"), project.entries, ":material/add_circle:"),
            (say("news.exits"), project.exits, ":material/do_not_disturb_on:"),
        ):
            if found:
                lines = [f"- {sign} {_move(move)}" for move in found]
                st.markdown(f"**{title}**\n\n" + "\n".join(lines))


def _move(move: Move) -> str:
    why = say(f"cause.{move.cause}")
    return say("news.move", title=plain(move.title), rank=move.rank, why=why)


def _passes(resource: Resource, themes: frozenset[str]) -> bool:
    return not themes or not themes.isdisjoint(resource.themes)


def _resources(night: NightChanges) -> list[Resource]:
    return [*night.came, *(revised.resource for revised in night.changed), *night.left]


def _fields(names: Sequence[str]) -> str:
    known = group("field")
    return say("news.fields", fields=", ".join(known[name].lower() for name in names if name in known))


def _night_label(night: NightChanges) -> str:
    # Two refreshes on one day are two nights: the time tells them apart.
    return say("news.dated", day=day(night.created), time=hour(night.created), number=night.after)


show()
