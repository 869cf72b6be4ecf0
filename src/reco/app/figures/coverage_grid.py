"""The coverage grid: number of resources by theme and type. A list replaces a grid that is too wide."""

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
"""Most characters of all columns on the narrowest screen that shows the grid."""
BESIDE = 3
"""Width of the space between two columns, in characters."""
NAMED = 12
"""Most names in a sentence. A longer list is folded."""
APART = "\u00a0· "
"""Separator of two labels. Its no-break space keeps the dot at the end of a line, never at the start."""
FILLED = 0.25
"""Least share of filled cells for which the empty cells are marked."""


def show(covered: Coverage) -> None:
    """Draw themes in rows and types in columns, for one scale or for all.

    `style.css` shows the list instead of the grid on a narrow screen.
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
    # A sentence lists the empty rows and columns: a screen cannot hold them all in the grid.
    filled = counts.loc[counts.any(axis=1), counts.any(axis=0)]
    missing = [theme for theme in counts.index if theme and theme not in filled.index]
    _list_empty("coverage.no_theme", say("coverage.no_theme_fold", count=len(missing)), missing)
    missing = [kind for kind in counts.columns if kind and kind not in filled.columns]
    _list_empty("coverage.no_type", say("coverage.no_type_fold", count=len(missing)), missing)
    if filled.size:
        # If nearly all cells are empty, a mark on each would hide the filled ones.
        _draw(filled, marked=bool((filled != 0).to_numpy().mean() >= FILLED))


def _counts(covered: Coverage, scale: str | None) -> pd.DataFrame:
    """Return counts by theme and type. The row without a theme and the column without a type come last."""
    themes = sorted(covered.themes, key=lambda theme: not theme)
    types = sorted(covered.types, key=lambda kind: not kind)
    return pd.DataFrame([[covered.count(t, k, scale) for k in types] for t in themes], themes, types)


def _list_empty(sentence: str, folded: str, names: Sequence[str]) -> None:
    if not names:
        return
    text = say(sentence, names=APART.join(plain(name) for name in names))
    if len(names) <= NAMED:
        st.markdown(text)
        return
    with st.expander(folded):
        st.markdown(text)


def _draw(counts: pd.DataFrame, marked: bool) -> None:
    themes = max(_least_width(_theme(theme)) for theme in counts.index)
    fits = themes + sum(_least_width(_type(kind)) for kind in counts.columns) <= ACROSS
    if not fits:
        # Readers know no order of a catalogue's own labels, so the largest themes come first.
        counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
        st.caption(say("coverage.order"))
    part = counts.iloc[turned(len(counts), PAGE, PER_PAGE)]
    if fits:
        with st.container(key="coverage_grid"):
            _grid(part, marked)
    with st.container(key="coverage_narrow" if fits else "coverage_list"):
        _list(part, marked)
    pages(len(counts), PAGE, PER_PAGE)


def _least_width(label: str) -> int:
    """Return the least width of a column, in characters. A heading breaks between words."""
    return BESIDE + max(map(len, (*label.split(), say("coverage.none"))))


def _grid(counts: pd.DataFrame, marked: bool) -> None:
    empty = badge(say("coverage.none"), "orange") if marked else "–"
    table = counts.map(lambda number: decimal(number, 0) if number else empty)
    named = table.rename(index=lambda t: plain(_theme(t)), columns=lambda k: plain(_type(k)))
    st.table(named.rename_axis(say("field.theme")), alt=say("coverage.table"))


def _list(counts: pd.DataFrame, marked: bool) -> None:
    types = [str(kind) for kind in counts.columns]
    rows = zip(counts.index, counts.to_numpy().tolist(), strict=True)
    st.markdown("\n".join(_line(theme, dict(zip(types, row, strict=True)), marked) for theme, row in rows))


def _line(theme: str, row: Mapping[str, int], marked: bool) -> str:
    """Return a theme, its types by decreasing count, then its missing types if these are marked."""
    present = sorted((kind for kind in row if row[kind]), key=lambda kind: -row[kind])
    lines = [
        say("coverage.line", theme=plain(_theme(theme)), size=count("coverage.size", sum(row.values()))),
        APART.join(f"{plain(_type(kind))}\u00a0**{decimal(row[kind], 0)}**" for kind in present),
    ]
    missing = [plain(_type(kind)) for kind in row if kind and not row[kind]]
    if marked and theme and missing:
        lines.append(f"{badge(say('coverage.lacking'), 'orange')} {APART.join(missing)}")
    return "- " + "  \n  ".join(lines)


def _theme(label: str) -> str:
    return label or say("coverage.untold_theme")


def _type(label: str) -> str:
    return label or say("coverage.untold_type")


def _scale(value: str | None) -> str:
    if value is None:
        return say("coverage.all_scales")
    return say("coverage.unknown") if value == UNKNOWN else value
