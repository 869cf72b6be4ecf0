"""The dossier of a visit: what was kept, in which order, with which notes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from reco.app.dossier.content import Item, quotes_of
from reco.app.markup import of
from reco.app.phrases import say
from reco.app.widgets import why
from reco.catalogue.catalogue import Filters
from reco.catalogue.resource import Resource
from reco.ranking.explain import Explanation
from reco.text.clean import digest, itemised

MOST = 100
_STATE = "basket"
_EXCERPT = 600


@dataclass(frozen=True)
class BasketQuery:
    """The request under which resources were kept."""

    text: str
    filters: Filters


def kept() -> tuple[Item, ...]:
    """Return what was kept, in the visitor's order."""
    found: tuple[Item, ...] = st.session_state.get(_STATE, ())
    return found


def asked() -> BasketQuery | None:
    """Return the request of the last resource that was kept from results."""
    found: BasketQuery | None = st.session_state.get("basket_asked")
    return found


def button(
    resource: Resource,
    key: str,
    explanation: Explanation | None = None,
    level: str = "",
    request: BasketQuery | None = None,
) -> None:
    """Draw what keeps a resource, or lets it go."""
    there = resource.id in {item.resource.id for item in kept()}
    st.button(
        (say("basket.remove") if there else say("basket.add")) + of(resource.title),
        key=f"keep_{key}",
        icon=":material/bookmark_remove:" if there else ":material/bookmark_add:",
        on_click=remove if there else _add,
        args=(resource.id,) if there else (resource, explanation, level, request),
        disabled=not there and len(kept()) >= MOST,
    )


def label() -> str:
    """Return the name of the page in the menu, with how many resources it holds."""
    return f"{say('nav.dossier')} ({len(kept())})" if kept() else say("nav.dossier")


def key_of(item: Item) -> str:
    """Return what names an item's widgets."""
    return digest(item.resource.id)[:12]


def remove(identifier: str) -> None:
    """Let a resource go."""
    _put(tuple(item for item in kept() if item.resource.id != identifier))


def move(identifier: str, step: int) -> None:
    """Move a resource by `step` places, as far as the ends allow."""
    items = list(kept())
    place = next((n for n, item in enumerate(items) if item.resource.id == identifier), None)
    if place is not None:
        item = items.pop(place)
        items.insert(max(0, place + step), item)
        _put(tuple(items))


def annotate(identifier: str, note: str) -> None:
    """Replace the note on a resource."""
    _put(tuple(replace(i, note=note) if i.resource.id == identifier else i for i in kept()))


def empty() -> None:
    """Let everything go."""
    _put(())


def _add(
    resource: Resource, explanation: Explanation | None, level: str, request: BasketQuery | None
) -> None:
    if resource.id in {item.resource.id for item in kept()}:
        # The second half of a double click.
        return
    if explanation is None:
        item = Item(resource, (_beginning(itemised(resource.summary)),) if resource.summary else ())
    else:
        item = Item(resource, quotes_of(explanation), why.reasons(explanation.contributions), level)
    _put((*kept(), item))
    if request is not None:
        st.session_state["basket_asked"] = request


def _beginning(summary: str) -> str:
    """Return the first sentences of a summary: a quote must not stop in the middle of one."""
    if len(summary) <= _EXCERPT:
        return summary
    end = summary[:_EXCERPT].rfind(". ") + 1
    return summary[:end] if end else summary


def _put(items: tuple[Item, ...]) -> None:
    st.session_state[_STATE] = items
