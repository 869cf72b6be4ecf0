"""Curation: the curator's decisions, boilerplate and places applied to the sources' resources."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from reco.catalogue import boilerplate
from reco.catalogue.admission import Rules
from reco.catalogue.decisions import Decided, Decisions
from reco.catalogue.fingerprints import Known, Traits
from reco.catalogue.places import gazetteer as places
from reco.catalogue.places.gazetteer import Gazetteer
from reco.catalogue.resource import Resource
from reco.text.clean import digest

RECIPE = "set aside, located/3, families/4"
"""Version of the derived fields and families. Raise it when their code changes: a new snapshot is built."""


@dataclass(frozen=True)
class Curation:
    """The decisions and the gazetteer that curate a catalogue."""

    decisions: Decisions = field(default_factory=Decisions)
    gazetteer: Gazetteer = field(default_factory=places.bundled)

    @property
    def stamp(self) -> str:
        """Digest of everything that decides the derived fields."""
        return digest(RECIPE, self.decisions.stamp, self.gazetteer.stamp)

    def apply(
        self,
        resources: Sequence[Resource],
        rules: Mapping[str, Rules],
        unread: Collection[str] = (),
        known: Known | None = None,
    ) -> Curated:
        """Return the curated resources. `rules` and `unread` are as in `Decisions.apply`.

        `known` are the resources of the previous refresh with their traits.
        """
        decided = self.decisions.apply(resources, rules, self.gazetteer, unread)
        traits = Traits.read(decided.resources, known)
        aside = boilerplate.set_aside(decided.resources, traits)
        locate = lru_cache(maxsize=None)(self.gazetteer.locate)
        served = []
        for resource in decided.resources:
            located = locate(resource.place, resource.place_code, resource.scale)
            notes = tuple(dict.fromkeys((*resource.notes, *located.notes)))
            spans, localities = aside.get(resource.id, ()), located.localities
            same = (notes, spans, localities) == (resource.notes, resource.set_aside, resource.localities)
            served.append(
                resource if same else replace(resource, notes=notes, set_aside=spans, localities=localities)
            )
        return Curated(tuple(served), decided.hidden, decided.stale, traits)


@dataclass(frozen=True)
class Curated(Decided):
    """The curated resources, the hidden ids and the stale decisions, with the traits of the resources."""

    traits: Traits
