"""The commented `[[sources]]` table of a source, as text for a settings file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from reco.catalogue.resource import FIELDS
from reco.sources.discovery.columns import Mapped
from reco.sources.discovery.proposal import Proposal
from reco.text.clean import clean

_WIDTH = 110
_MOST_UNREAD, _LONGEST_NAME = 12, 60


def table(values: Mapping[str, object], proposal: Proposal, found: Mapped, unread: Sequence[str]) -> str:
    """Return the table. `values` are its settings without `fields`, `unread` the columns that nothing reads.

    Text of the source is cleaned before it stands in a comment: a line break there would start a setting.
    """
    lines = [*_comment(f"{proposal.what}."), *(line for text in proposal.remarks for line in _comment(text))]
    lines += ["[[sources]]", *(_setting(name, value) for name, value in values.items())]
    return "\n".join([*lines, *_fields(found, unread)]) + "\n"


def _setting(name: str, value: object) -> str:
    told = "  # the same for every row: no column holds it" if name == "constants" else ""
    return f"{name} = {_value(value)}{told}"


def _fields(found: Mapped, unread: Sequence[str]) -> Iterator[str]:
    if not found.fields:
        return
    yield ""
    yield "# Our field = its column, found on the first rows. Correct a line, or remove it."
    if unread:
        first = ", ".join(name[:_LONGEST_NAME] for name in unread[:_MOST_UNREAD])
        yield from _comment(f"Not read: {first}{', ...' * (len(unread) > _MOST_UNREAD)}")
    yield "[sources.fields]"
    lines = {name: f"{name} = {_value(found.fields[name])}" for name in FIELDS if name in found.fields}
    width = max(map(len, lines.values()))
    for name, line in lines.items():
        yield f"{line:<{width}}  # {_one_line(found.why[name])}"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(_one_line(text), _WIDTH - 2)]


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _value(value: object) -> str:
    """Return a value in TOML. A string of JSON is one of TOML, but for DEL."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case Mapping():
            return "{ " + ", ".join(f"{name} = {_value(inner)}" for name, inner in value.items()) + " }"
        case _:
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
