"""What resources say of rules: the laws that their texts quote, and whether those texts are old."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from reco.catalogue.resource import Resource
from reco.text.clean import fold
from reco.text.laws import CODE, Law, quoted

RULES_YEARS = 5
"""Years after which a text about rules is told to be checked."""

OLD_YEARS = 10
"""Years after which any other text is."""

Age = Literal["rules", "old"]


@dataclass(frozen=True)
class Quoting:
    """A resource, and those of the laws that its title and summary quote which were asked for."""

    resource: Resource
    laws: tuple[Law, ...]


@dataclass(frozen=True)
class LawCount:
    """A law, how many resources quote it, and the years of the oldest and the newest of them, if known."""

    law: Law
    resources: int
    oldest: int | None
    newest: int | None


def laws_of(resource: Resource) -> tuple[Law, ...]:
    """Return the laws that a resource's title and summary quote."""
    return quoted(f"{resource.title}\n{resource.summary}")


def quoting(resources: Iterable[Resource], law: Law) -> list[Quoting]:
    """Return the resources that quote a law, oldest year first, those without a year last."""
    found = []
    for resource in resources:
        laws = tuple(one for one in laws_of(resource) if law.covers(one))
        if laws:
            found.append(Quoting(resource, laws))
    return sorted(found, key=lambda one: (*_by_year(one.resource), one.resource.id))


def law_counts(resources: Iterable[Resource]) -> list[LawCount]:
    """Return the laws quoted, the most quoted first. An article counts for its code too."""
    years: dict[Law, list[int | None]] = {}
    names: dict[Law, Law] = {}
    for resource in resources:
        laws = laws_of(resource)
        codes = [Law(CODE, code=law.code) for law in laws if law.article and law.code]
        for law in laws:
            # Of the quotes of one act, the one with its date names it.
            names[law.short] = max(names.get(law.short, law), law, key=lambda one: len(one.date))
        for key in dict.fromkeys([*(law.short for law in laws), *codes]):
            years.setdefault(key, []).append(resource.year)
    counts = [
        LawCount(names.get(key, key), len(found), *_ends([year for year in found if year is not None]))
        for key, found in years.items()
    ]
    return sorted(counts, key=lambda one: (-one.resources, str(one.law)))


def age(resource: Resource, on: date) -> Age | None:
    """Return why the year of a resource is worth a warning `on` a date, the snapshot's; None if it is not.

    "rules" for a text about rules that is `RULES_YEARS` old or more, "old" for any text of `OLD_YEARS`.
    """
    if resource.year is None:
        return None
    years = on.year - resource.year
    if years >= RULES_YEARS and about_rules(resource):
        return "rules"
    return "old" if years >= OLD_YEARS else None


def about_rules(resource: Resource) -> bool:
    """Return whether a text quotes a law or speaks of what the law asks."""
    words = set(_WORD.findall(fold(f"{resource.title} {resource.summary}")))
    return not _WORDS.isdisjoint(words) or bool(laws_of(resource))


def _by_year(resource: Resource) -> tuple[bool, int]:
    return resource.year is None, resource.year or 0


def _ends(years: list[int]) -> tuple[int | None, int | None]:
    return min(years, default=None), max(years, default=None)


_WORD = re.compile(r"\w+")
_WORDS = frozenset(
    "loi lois decret decrets ordonnance ordonnances legislation legislatif legislative legislatifs "
    "legislatives reglementation reglementations reglementaire reglementaires juridique juridiques "
    "juridiquement legal legale legales legaux legalement obligatoire obligatoires obligation obligations "
    "jurisprudence".split()
)
