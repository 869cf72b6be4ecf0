"""The basket of a visit: kept resources in the visitor's order, with notes. The dossier shows it."""

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
    """The query under which resources were kept."""

    text: str
    filters: Filters


def kept() -> tuple[Item, ...]:
    """Return the kept resources, in the visitor's order."""
    items: tuple[Item, ...] = st.session_state.get(_STATE, ())
    return items


def asked() -> BasketQuery | None:
    """Return the query of the last resource that was kept from results."""
    query: BasketQuery | None = st.session_state.get("basket_asked")
    return query


def button(
    resource: Resource,
    key: str,
    explanation: Explanation | None = None,
    level: str = "",
    request: BasketQuery | None = None,
) -> None:
    """Draw the button that keeps a resource or removes it."""
    in_basket = resource.id in {item.resource.id for item in kept()}
    st.button(
        (say("basket.remove") if in_basket else say("basket.add")) + of(resource.title),
        key=f"keep_{key}",
        icon=":material/bookmark_remove:" if in_basket else ":material/bookmark_add:",
        on_click=remove if in_basket else _add,
        args=(resource.id,) if in_basket else (resource, explanation, level, request),
        disabled=not in_basket and len(kept()) >= MOST,
    )


def label() -> str:
    """Return the name of the dossier page in the menu, with the number of kept resources."""
    return f"{say('nav.dossier')} ({len(kept())})" if kept() else say("nav.dossier")


def key_of(item: Item) -> str:
    """Return the part of widget keys that identifies an item: 12 hexadecimal digits."""
    return digest(item.resource.id)[:12]


def remove(identifier: str) -> None:
    """Remove a resource."""
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
    """Remove all resources."""
    _put(())


def _add(
    resource: Resource, explanation: Explanation | None, level: str, request: BasketQuery | None
) -> None:
    if resource.id in {item.resource.id for item in kept()}:
        # This is the second click of a double click.
        return
    if explanation is None:
        item = Item(resource, (_first_sentences(itemised(resource.summary)),) if resource.summary else ())
    else:
        item = Item(resource, quotes_of(explanation), why.reasons(explanation.contributions), level)
    _put((*kept(), item))
    if request is not None:
        st.session_state["basket_asked"] = request


def _first_sentences(summary: str) -> str:
    """Return the first sentences of a long summary, so that a quote does not stop inside one."""
    if len(summary) <= _EXCERPT:
        return summary
    end = summary[:_EXCERPT].rfind(". ") + 1
    return summary[:end] if end else summary


def _put(items: tuple[Item, ...]) -> None:
    st.session_state[_STATE] = items
