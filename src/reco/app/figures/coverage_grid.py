"""How many resources each theme and type has: a grid where the screen has room for one, else a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from reco.app.markup import badge, plain
from reco.app.phrases import count, decimal, say
from reco.app.widgets.paging import pages, turned
from reco.catalogue.coverage import Coverage
from reco.catalogue.taxonomy import UNKNOWN

PER_PAGE = 40
PAGE = "coverage_page"
ACROSS = 110
"""How many characters of columns the narrowest screen that has the grid has room for."""
BESIDE = 3
"""What the space between two columns is worth, in characters."""
NAMED = 12
"""How many names a sentence may hold; more are folded."""
APART = "\u00a0· "
"""Between two labels: the sign ends a line, and begins none."""
FILLED = 0.25
"""The share of cells that must hold something for the empty ones to be marked."""


def show(covered: Coverage) -> None:
    """Draw themes in rows, types in columns, at one scale or at all.

    `style.css` shows the list in place of the grid where the screen is narrow.
    """
    st.markdown(say("coverage.lead"))
    scale = st.selectbox(
        say("field.scale"),
        [None, *(scale for scale in covered.scales if scale)],
        format_func=_scale,
        key="coverage_scale",
        persist_state="session",
    )
    st.markdown(count("coverage.gaps", len(covered.gaps(scale))))
    counts = _counts(covered, scale)
    # A row or a column without anything is one sentence: labels may be many more than a screen holds.
    held = counts.loc[counts.any(axis=1), counts.any(axis=0)]
    missing = [theme for theme in counts.index if theme and theme not in held.index]
    _nothing("coverage.no_theme", say("coverage.no_theme_fold", count=len(missing)), missing)
    missing = [kind for kind in counts.columns if kind and kind not in held.columns]
    _nothing("coverage.no_type", say("coverage.no_type_fold", count=len(missing)), missing)
    if held.size:
        # Where nearly all cells are empty, a mark on each would hide the others.
        _held(held, marked=bool((held != 0).to_numpy().mean() >= FILLED))


def _counts(covered: Coverage, scale: str | None) -> pd.DataFrame:
    """Return counts by theme and type; what has no theme, or no type, is last."""
    themes = sorted(covered.themes, key=lambda theme: not theme)
    types = sorted(covered.types, key=lambda kind: not kind)
    return pd.DataFrame([[covered.count(t, k, scale) for k in types] for t in themes], themes, types)


def _nothing(sentence: str, folded: str, names: Sequence[str]) -> None:
    if not names:
        return
    told = say(sentence, names=APART.join(plain(name) for name in names))
    if len(names) <= NAMED:
        st.markdown(told)
        return
    with st.expander(folded):
        st.markdown(told)


def _held(held: pd.DataFrame, marked: bool) -> None:
    themes = max(_broad(_theme(theme)) for theme in held.index)
    fits = themes + sum(_broad(_type(kind)) for kind in held.columns) <= ACROSS
    if not fits:
        # Labels of a catalogue's own follow no order that a reader knows: its subjects come first.
        held = held.loc[held.sum(axis=1).sort_values(ascending=False, kind="stable").index]
        st.caption(say("coverage.order"))
    part = held.iloc[turned(len(held), PAGE, PER_PAGE)]
    if fits:
        with st.container(key="coverage_grid"):
            _grid(part, marked)
    with st.container(key="coverage_narrow" if fits else "coverage_list"):
        _list(part, marked)
    pages(len(held), PAGE, PER_PAGE)


def _broad(label: str) -> int:
    """Return how many characters a column needs at least: a heading is broken between words."""
    return BESIDE + max(map(len, (*label.split(), say("coverage.none"))))


def _grid(held: pd.DataFrame, marked: bool) -> None:
    empty = badge(say("coverage.none"), "orange") if marked else "–"
    table = held.map(lambda number: decimal(number, 0) if number else empty)
    named = table.rename(index=lambda t: plain(_theme(t)), columns=lambda k: plain(_type(k)))
    st.table(named.rename_axis(say("field.theme")), alt=say("coverage.table"))


def _list(held: pd.DataFrame, marked: bool) -> None:
    types = [str(kind) for kind in held.columns]
    rows = zip(held.index, held.to_numpy().tolist(), strict=True)
    st.markdown("\n".join(_line(theme, dict(zip(types, row, strict=True)), marked) for theme, row in rows))


def _line(theme: str, row: Mapping[str, int], marked: bool) -> str:
    """Return a theme, the types that it has, most first, and those that it lacks where few are lacking."""
    found = sorted((kind for kind in row if row[kind]), key=lambda kind: -row[kind])
    lines = [
        say("coverage.line", theme=plain(_theme(theme)), size=count("coverage.size", sum(row.values()))),
        APART.join(f"{plain(_type(kind))}\u00a0**{decimal(row[kind], 0)}**" for kind in found),
    ]
    lacking = [plain(_type(kind)) for kind in row if kind and not row[kind]]
    if marked and theme and lacking:
        lines.append(f"{badge(say('coverage.lacking'), 'orange')} {APART.join(lacking)}")
    return "- " + "  \n  ".join(lines)


def _theme(label: str) -> str:
    return label or say("coverage.untold_theme")


def _type(label: str) -> str:
    return label or say("coverage.untold_type")


def _scale(value: str | None) -> str:
    if value is None:
        return say("coverage.all_scales")
    return say("coverage.unknown") if value == UNKNOWN else value
