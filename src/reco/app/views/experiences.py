"""Map page: local experiences on a map of France, and in a list beside it."""

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
"""Most titles in the hover text of a mark."""


def show() -> None:
    """Draw the filters, the map and the list."""
    st.title(say("map.title"), anchor=False)
    st.markdown(say("map.lead"))
    everything = shared.experiences_of(failures.snapshot())
    if not everything:
        st.info(say("map.none"), icon=":material/location_off:")
        return
    with st.spinner(say("progress.map")):
        shared.atlas()
    with st.expander(say("filters.open"), icon=":material/filter_list:"):
        matching = narrow("map", _facets(), everything)
    shown = [item for item in matching if item.spot is not None]
    left, right = st.columns([3, 2], gap="large")
    with left, st.container(key="beside"):
        places = _map(shown)
    with right:
        _list(matching, places)
    _off_map([item for item in matching if item.spot is None])


def _facets() -> list[Facet[Experience]]:
    names = {place.code: place.name for place in gazetteer.bundled().all("department")}

    def name(code: str) -> str:
        return names.get(code, code)

    return [
        Facet("theme", say("field.theme"), lambda item: item.resource.themes),
        Facet("scale", say("field.scale"), lambda item: _known(item.resource.scale), _scale),
        Facet("department", say("map.department"), lambda item: _known(item.department), name, name),
        Facet(
            "population",
            say("map.population"),
            lambda item: ("" if item.band is None else str(item.band),),
            _band,
            lambda value: int(value or -1),
        ),
        Facet("year", say("field.year"), lambda item: _known(str(item.resource.year or "")), order=_newest),
        Facet("type", say("field.type"), lambda item: _known(item.resource.type)),
    ]


def _map(shown: Sequence[Experience]) -> list[list[Experience]]:
    """Draw the map. Return the experiences at each selected mark."""
    groups: dict[tuple[float, float], list[Experience]] = defaultdict(list)
    for item in shown:
        if item.spot is not None:
            groups[item.spot.x, item.spot.y].append(item)
    places = list(groups.values())
    frames = shared.atlas().frames
    frame_code = st.selectbox(
        say("map.frame"),
        [None, *frames],
        format_func=lambda code: say("map.everywhere") if code is None else _frame(code),
        key="map_frame",
        persist_state="session",
    )
    event = st.plotly_chart(
        france_map.figure(frames, france_map.background(), [_mark(group) for group in places], frame_code),
        height=HEIGHT,
        key="map_plot",
        on_select="rerun",
        selection_mode="points",
        config=plot.config(),
        alt=say("map.alt", experiences=len(shown), places=len(places)),
    )
    st.caption(say("map.legend"))
    clicked = [point["customdata"] for point in event.selection.points]
    return [places[number] for number in map(_number, clicked) if number < len(places)] or []


def _mark(group: Sequence[Experience]) -> france_map.Mark:
    spot = group[0].spot
    if spot is None:
        raise ValueError("An experience without a spot has no mark.")
    names = list(dict.fromkeys(_where(item) for item in group))
    titles = [f"• {item.resource.title}" for item in group[:NAMED]]
    more = [say("map.more", count=len(group) - NAMED)] if len(group) > NAMED else []
    return france_map.Mark(spot.x, spot.y, spot.exact, len(group), (" ; ".join(names), *titles, *more))


def _list(shown: Sequence[Experience], clicked: Sequence[Sequence[Experience]]) -> None:
    items = [item for group in clicked for item in group] or [item for item in shown if item.spot is not None]
    items = sorted(
        items, key=lambda item: (fold(item.place.name if item.place else ""), fold(item.resource.title))
    )
    if clicked:
        st.header(
            say("map.chosen", places=" ; ".join(plain(_where(group[0])) for group in clicked)), anchor=False
        )
        st.caption(say("map.unselect"))
    else:
        st.header(count("map.count", len(items)), anchor=False)
    listed(items, "map_page", PER_PAGE, _row)


def _row(item: Experience) -> None:
    key = f"map_{item.place.kind}_{item.place.code}" if item.place is not None else "map_nowhere"
    cards.row(item.resource, key, [_where(item), item.resource.theme, str(item.resource.year or "")])


def _off_map(items: Sequence[Experience]) -> None:
    """List the experiences that the map does not show."""
    if not items:
        return
    st.header(count("map.nowhere", len(items)), anchor=False)
    st.caption(say("map.nowhere_why"))
    ordered = sorted(items, key=lambda one: fold(one.resource.title))
    listed(ordered, "map_nowhere_page", PER_PAGE, _row)


def _where(item: Experience) -> str:
    if item.place is None:
        return item.resource.place
    inside = f" ({item.department})" if item.place.kind != "region" and item.department else ""
    approximate = "" if item.spot is None or item.spot.exact else f", {say('map.about')}"
    return f"{item.place.name}{inside}{approximate}"


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


def _known(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


def _newest(value: str) -> int:
    return -int(value)


def _number(value: object) -> int:
    return int(value[0]) if isinstance(value, list) else int(str(value))


show()
