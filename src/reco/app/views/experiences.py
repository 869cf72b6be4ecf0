"""Local experiences on a map of France, and the same ones in a list beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import streamlit as st

from reco.app.experiences import BANDS, Experience
from reco.app.figures import france_map, plot
from reco.app.markup import plain
from reco.app.phrases import count, decimal, say
from reco.app.state import failures, shared
from reco.app.widgets import cards
from reco.app.widgets.facets import Facet, narrow
from reco.app.widgets.paging import listed
from reco.catalogue.places import gazetteer
from reco.catalogue.taxonomy import UNKNOWN
from reco.text.clean import fold

PER_PAGE = 12
HEIGHT = 540
NAMED = 6
"""Titles that are in the text over a mark."""


def show() -> None:
    """Draw the boxes, the map and the list."""
    st.title(say("map.title"), anchor=False)
    st.markdown(say("map.lead"))
    everything = shared.experiences_of(failures.snapshot())
    if not everything:
        st.info(say("map.none"), icon=":material/location_off:")
        return
    with st.spinner(say("progress.map")):
        shared.atlas()
    with st.expander(say("filters.open"), icon=":material/filter_list:"):
        found = narrow("map", _facets(), everything)
    shown = [one for one in found if one.spot is not None]
    left, right = st.columns([3, 2], gap="large")
    with left, st.container(key="beside"):
        places = _map(shown)
    with right:
        _list(found, places)
    _nowhere([one for one in found if one.spot is None])


def _facets() -> list[Facet[Experience]]:
    names = {place.code: place.name for place in gazetteer.bundled().all("department")}

    def name(code: str) -> str:
        return names.get(code, code)

    return [
        Facet("theme", say("field.theme"), lambda one: one.resource.themes),
        Facet("scale", say("field.scale"), lambda one: _said(one.resource.scale), _scale),
        Facet("department", say("map.department"), lambda one: _said(one.department), name, name),
        Facet(
            "population",
            say("map.population"),
            lambda one: ("" if one.band is None else str(one.band),),
            _band,
            lambda value: int(value or -1),
        ),
        Facet("year", say("field.year"), lambda one: _said(str(one.resource.year or "")), order=_newest),
        Facet("type", say("field.type"), lambda one: _said(one.resource.type)),
    ]


def _map(shown: Sequence[Experience]) -> list[list[Experience]]:
    """Draw the map, and return the experiences of each mark."""
    groups: dict[tuple[float, float], list[Experience]] = defaultdict(list)
    for one in shown:
        if one.spot is not None:
            groups[one.spot.x, one.spot.y].append(one)
    places = list(groups.values())
    frames = shared.atlas().frames
    seen = st.selectbox(
        say("map.frame"),
        [None, *frames],
        format_func=lambda code: say("map.everywhere") if code is None else _frame(code),
        key="map_frame",
        persist_state="session",
    )
    event = st.plotly_chart(
        france_map.figure(frames, france_map.background(), [_mark(group) for group in places], seen),
        height=HEIGHT,
        key="map_plot",
        on_select="rerun",
        selection_mode="points",
        config=plot.config(),
        alt=say("map.alt", experiences=len(shown), places=len(places)),
    )
    st.caption(say("map.legend"))
    picked = [point["customdata"] for point in event.selection.points]
    return [places[number] for number in map(_number, picked) if number < len(places)] or []


def _mark(group: Sequence[Experience]) -> france_map.Mark:
    spot = group[0].spot
    if spot is None:
        raise ValueError("an experience without a spot has no mark")
    names = list(dict.fromkeys(_where(one) for one in group))
    titles = [f"• {one.resource.title}" for one in group[:NAMED]]
    more = [say("map.more", count=len(group) - NAMED)] if len(group) > NAMED else []
    return france_map.Mark(spot.x, spot.y, spot.exact, len(group), (" ; ".join(names), *titles, *more))


def _list(found: Sequence[Experience], chosen: Sequence[Sequence[Experience]]) -> None:
    items = [one for group in chosen for one in group] or [one for one in found if one.spot is not None]
    items = sorted(
        items, key=lambda one: (fold(one.place.name if one.place else ""), fold(one.resource.title))
    )
    if chosen:
        st.header(
            say("map.chosen", places=" ; ".join(plain(_where(group[0])) for group in chosen)), anchor=False
        )
        st.caption(say("map.unselect"))
    else:
        st.header(count("map.count", len(items)), anchor=False)
    listed(items, "map_page", PER_PAGE, _row)


def _row(one: Experience) -> None:
    key = f"map_{one.place.kind}_{one.place.code}" if one.place is not None else "map_nowhere"
    cards.row(one.resource, key, [_where(one), one.resource.theme, str(one.resource.year or "")])


def _nowhere(items: Sequence[Experience]) -> None:
    """List what the map does not show."""
    if not items:
        return
    st.header(count("map.nowhere", len(items)), anchor=False)
    st.caption(say("map.nowhere_why"))
    ordered = sorted(items, key=lambda one: fold(one.resource.title))
    listed(ordered, "map_nowhere_page", PER_PAGE, _row)


def _where(one: Experience) -> str:
    if one.place is None:
        return one.resource.place
    inside = f" ({one.department})" if one.place.kind != "region" and one.department else ""
    approximate = "" if one.spot is None or one.spot.exact else f", {say('map.about')}"
    return f"{one.place.name}{inside}{approximate}"


def _frame(code: str) -> str:
    return shared.atlas().frames[code].name or say("map.metropole")


def _scale(value: str) -> str:
    return say("coverage.unknown") if value == UNKNOWN else value


def _band(value: str) -> str:
    if not value:
        return say("map.band_unknown")
    at = BANDS.index(int(value))
    low = decimal(BANDS[at], 0)
    if at + 1 == len(BANDS):
        return say("map.band_last", low=low)
    return say("map.band", low=low, high=decimal(BANDS[at + 1] - 1, 0))


def _said(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


def _newest(value: str) -> int:
    return -int(value)


def _number(value: object) -> int:
    return int(value[0]) if isinstance(value, list) else int(str(value))


show()
