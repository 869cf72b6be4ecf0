"""The lookup of one commune or EPCI from a code or a name that a person typed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reco.catalogue.places.codes import written
from reco.catalogue.places.gazetteer import Gazetteer, Locality, bundled
from reco.errors import InvalidQuery
from reco.text.clean import clean, fold

_CODE = re.compile(r"(?:\d[\dAB]\d{3}|\d{9})", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2}")
_NAME = re.compile(r"(?P<name>[^()]+?)\s*(?:\((?P<department>[^()]+)\))?")
_EPCI = re.compile(r"(?:cc|ca|cu|communaute|metropole|eurometropole|agglo\w*|intercommunalite|interco)\b")
_LONGEST = 200
_LISTED = 12
"""Homonyms that an error message lists."""


def chosen(text: str, gazetteer: Gazetteer | None = None) -> Locality:
    """Return the commune or EPCI of an INSEE code, a SIREN, a name, or a name with its département.

    `"22365"`, `"Trémargat"`, `"tremargat (22)"` and `"22110 Trémargat"` give the same commune, and `"2408"`
    is 02408. Raises InvalidQuery: for an
    ambiguous name it lists the homonyms, for an unknown one the nearest names.
    """
    table = gazetteer or bundled()
    typed = clean(text)[:_LONGEST]
    if not _WORD.search(typed) and _CODE.fullmatch(written(typed)):
        return _by_code(typed, table)
    match = _NAME.fullmatch(typed)
    name, inside = table.split(typed)
    found = _by_name(name, table) if match else ()
    if inside:
        found = tuple(place for place in found if place.department in inside)
    elif match and match["department"]:
        found = tuple(place for place in found if _is_in(place, match["department"]))
    if len(found) == 1:
        return found[0]
    raise _ambiguous(typed, found, table) if found else _unknown(typed, table)


def _by_code(code: str, table: Gazetteer) -> Locality:
    place = table.by_code(code)
    if place is None and (found := table.with_postal(code)):
        if len(found) == 1:
            return found[0]
        raise _ambiguous(code, found, table)
    if place is None or place.kind not in ("commune", "epci"):
        raise InvalidQuery(
            f"No commune or EPCI has the code {written(code)}.",
            "Give a current INSEE code or postal code, or the name with its département in brackets.",
        )
    return place


def _by_name(name: str, table: Gazetteer) -> tuple[Locality, ...]:
    if _EPCI.match(fold(name)):
        return table.named(name, ("epci",)) or table.named(name, ("commune",))
    return table.named(name, ("commune",))


def _is_in(place: Locality, department: str) -> bool:
    return fold(place.department) == fold(department)


def _ambiguous(text: str, found: Iterable[Locality], table: Gazetteer) -> InvalidQuery:
    homonyms = sorted(found, key=lambda place: place.code)
    listed = ", ".join(f"{table.label(place)} {place.code}" for place in homonyms[:_LISTED])
    more = f" and {len(homonyms) - _LISTED} more" if len(homonyms) > _LISTED else ""
    what = "postal code" if text[:1].isdigit() else "name"
    return InvalidQuery(
        f"The place {text!r} is the {what} of {len(homonyms)}: {listed}{more}.",
        "Give the code, or the name with its département in brackets.",
    )


def _unknown(text: str, table: Gazetteer) -> InvalidQuery:
    near = table.search(text, 5) or table.search(text.partition("(")[0], 5)
    suggestion = f"Did you mean {', '.join(table.label(place) for place in near)}?" if near else ""
    return InvalidQuery(
        f"No commune or EPCI has the name {text!r}.",
        suggestion or "Give an INSEE code, a SIREN, or the name of a current commune.",
    )
