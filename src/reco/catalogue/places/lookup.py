"""The place that a person chose, from what they wrote: one commune or EPCI, or why it cannot be one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reco.catalogue.places.gazetteer import Gazetteer, Locality, bundled
from reco.errors import InvalidQuery
from reco.text.clean import clean, fold

_CODE = re.compile(r"(?:\d[\dAB]\d{3}|\d{9})", re.IGNORECASE)
_NAMED = re.compile(r"(?P<name>[^()]+?)\s*(?:\((?P<department>[^()]+)\))?")
_EPCI = re.compile(r"(?:cc|ca|cu|communaute|metropole|eurometropole|agglo\w*|intercommunalite|interco)\b")
_LONGEST = 200
_LISTED = 12
"""Homonyms that a message lists."""


def chosen(text: str, gazetteer: Gazetteer | None = None) -> Locality:
    """Return the commune or EPCI of an INSEE code, a SIREN, a name, or a name with its département.

    Raises InvalidQuery with the homonyms of a name that several share, and with names that are near
    to one that is unknown.
    """
    table = gazetteer or bundled()
    wanted = clean(text)[:_LONGEST]
    if _CODE.fullmatch(wanted):
        return _coded(wanted.upper(), table)
    named = _NAMED.fullmatch(wanted)
    found = _called(named["name"], table) if named else ()
    if named and named["department"]:
        found = tuple(place for place in found if _is_in(place, named["department"], table))
    if len(found) == 1:
        return found[0]
    raise _shared(wanted, found, table) if found else _unknown(wanted, table)


def _coded(code: str, table: Gazetteer) -> Locality:
    place = table.by_code(code)
    if place is None or place.kind not in ("commune", "epci"):
        raise InvalidQuery(
            f"No commune or EPCI has the code {code}.",
            "Give today's INSEE code, not a postal code, or the name with its département in brackets.",
        )
    return place


def _called(name: str, table: Gazetteer) -> tuple[Locality, ...]:
    if _EPCI.match(fold(name)):
        return table.named(name, ("epci",)) or table.named(name, ("commune",))
    return table.named(name, ("commune",))


def _is_in(place: Locality, department: str, table: Gazetteer) -> bool:
    names = {found.code for found in table.named(department, ("department",))}
    return place.department in names or fold(place.department) == fold(department)


def _shared(text: str, found: Iterable[Locality], table: Gazetteer) -> InvalidQuery:
    homonyms = sorted(found, key=lambda place: place.code)
    listed = ", ".join(f"{table.label(place)} {place.code}" for place in homonyms[:_LISTED])
    more = f" and {len(homonyms) - _LISTED} more" if len(homonyms) > _LISTED else ""
    return InvalidQuery(
        f"The place {text!r} is the name of {len(homonyms)}: {listed}{more}.",
        "Give the code, or the name with its département in brackets.",
    )


def _unknown(text: str, table: Gazetteer) -> InvalidQuery:
    near = table.search(text, 5) or table.search(text.partition("(")[0], 5)
    said = f"Did you mean {', '.join(table.label(place) for place in near)}?" if near else ""
    return InvalidQuery(
        f"No commune or EPCI is known as {text!r}.",
        said or "Give an INSEE code, a SIREN, or the name of a commune of today.",
    )
