"""The curator's decisions: a CSV file that every refresh applies to the sources' resources.

One decision per line: `action,id,field,value,expects,author,date,reason`.

- `hide` leaves a resource out.
- `correct` sets `field` to `value`; `expects` is the source's value when the decision was made.
- `merge` and `split` say that `id` and the id in `value` are, or are not, the same document.
- `pin` sets the place to the one whose code is `value`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reco.catalogue.admission import Rules, admit
from reco.catalogue.places.gazetteer import Gazetteer
from reco.catalogue.resource import FIELDS, Record, Rejection, Resource
from reco.storage import signed_csv
from reco.text.clean import digest

COLUMNS = ("action", "id", "field", "value", "expects", *signed_csv.SIGNATURE)
ACTIONS = ("hide", "correct", "merge", "split", "pin")
_NEEDS_VALUE = ("merge", "split", "pin")
_CORRECTABLE = tuple(name for name in FIELDS if name != "id")


@dataclass(frozen=True)
class Decision:
    """One line of the decisions file; `line` is its number."""

    action: str
    id: str
    field: str
    value: str
    expects: str
    author: str
    date: str
    reason: str
    line: int


@dataclass(frozen=True)
class Stale:
    """A decision that no longer applies, with the reason."""

    line: int
    action: str
    id: str
    why: str


@dataclass(frozen=True)
class Decided:
    """The resources after the decisions, the hidden ids and the stale decisions."""

    resources: tuple[Resource, ...]
    hidden: tuple[str, ...]
    stale: tuple[Stale, ...]


@dataclass(frozen=True)
class Decisions:
    """The decisions of a file, in order; a later line wins over an earlier one."""

    lines: tuple[Decision, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Decisions:
        """Read a file; a missing file has no decisions. Raises InvalidDecisions with every bad line."""
        hint = "Correct these lines. Until then the served snapshot stays as it is."
        lines = signed_csv.read(path, COLUMNS, "decisions", _problems, hint)
        return cls(tuple(Decision(**line.values, line=line.number) for line in lines))

    @property
    def stamp(self) -> str:
        """Digest of the decisions, without author, date and reason."""
        return digest(*(repr((d.action, d.id, d.field, d.value, d.expects)) for d in self.lines))

    @property
    def cited(self) -> frozenset[str]:
        """The ids that the decisions name."""
        others = (d.value for d in self.lines if d.action in ("merge", "split"))
        return frozenset((*(d.id for d in self.lines), *others))

    def pairs(self, action: str) -> tuple[tuple[str, str], ...]:
        """Return the pairs of ids of an action: `merge` or `split`."""
        return tuple((d.id, d.value) for d in self.lines if d.action == action)

    def apply(
        self,
        resources: Iterable[Resource],
        rules: Mapping[str, Rules],
        gazetteer: Gazetteer,
        unread: Collection[str] = (),
    ) -> Decided:
        """Apply every decision that still applies. `rules` gives each source's rules by its name.

        The sources in `unread` could not be read. Their resources come from the previous refresh, with
        the decisions already applied, so a decision on them is not reported as stale.
        """
        found = {resource.id: resource for resource in resources}
        known = frozenset(found)
        hidden: list[str] = []
        stale: list[Stale] = []
        for line in self.lines:
            why = _stale_reason(line, known, gazetteer)
            if not why and line.action in ("correct", "pin"):
                changed = _corrected(found[line.id], line, rules, gazetteer)
                if isinstance(changed, str):
                    why = changed
                else:
                    found[line.id] = changed
            if why and _can_be_checked(line, found, unread):
                stale.append(Stale(line.line, line.action, line.id, why))
            elif not why and line.action == "hide":
                hidden.append(line.id)
        kept = tuple(resource for resource in found.values() if resource.id not in hidden)
        return Decided(kept, tuple(dict.fromkeys(hidden)), tuple(stale))


def _problems(values: signed_csv.Values) -> list[str]:
    action, field, value = values["action"], values["field"], values["value"]
    problems = [] if values["id"] else ["the id is missing"]
    if action not in ACTIONS:
        problems.append(f"the action {action!r} is not one of {', '.join(ACTIONS)}")
    if action == "correct" and field not in _CORRECTABLE:
        problems.append(f"{field!r} is not a field that can be corrected ({', '.join(_CORRECTABLE)})")
    if action in _NEEDS_VALUE and not value:
        problems.append(f"{action} needs a value")
    if action in ("merge", "split") and value == values["id"]:
        problems.append(f"{action} names one resource twice")
    return problems


def _can_be_checked(line: Decision, found: Mapping[str, Resource], unread: Collection[str]) -> bool:
    resource = found.get(line.id)
    return not unread or (resource is not None and resource.source not in unread and line.action == "correct")


def _stale_reason(line: Decision, known: frozenset[str], gazetteer: Gazetteer) -> str:
    others = (line.value,) if line.action in ("merge", "split") else ()
    for identifier in (line.id, *others):
        if identifier not in known:
            return f"no source gives the resource {identifier!r}"
    if line.action == "pin" and gazetteer.by_code(line.value) is None:
        return f"no place has the code {line.value!r}"
    return ""


def _corrected(
    resource: Resource, line: Decision, rules: Mapping[str, Rules], gazetteer: Gazetteer
) -> Resource | str:
    """Return the corrected resource, or the reason why the decision no longer applies."""
    if line.action == "pin":
        place = gazetteer.by_code(line.value)
        name = place.name if place is not None else ""
        return replace(resource, place=name, place_code=line.value)
    values = _values(resource)
    if values[line.field] == line.value:
        return f"the source now says {line.value!r} itself"
    if line.expects and values[line.field] != line.expects:
        return f"the source now says {values[line.field]!r}, not {line.expects!r}"
    # The id as served is no value of the row: it may be longer than an id that a source gives.
    values = {**values, line.field: line.value}
    del values["id"]
    record = Record(resource.source, f"decisions:{line.line}", values)
    changed = admit(record, rules.get(resource.source, Rules()))
    if isinstance(changed, Rejection):
        return "; ".join(changed.problems)
    if line.value.strip() and getattr(changed, line.field) in ("", None):
        return f"the value cannot be used: {'; '.join(changed.notes)}"  # it would empty the field
    return replace(changed, id=resource.id)


def _values(resource: Resource) -> dict[str, str]:
    values = {name: getattr(resource, name) for name in FIELDS}
    return {name: "" if value is None else str(value) for name, value in values.items()}
