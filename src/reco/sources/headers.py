"""Column names compared as a person would: case, invisible marks, line breaks and quotes do not count."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.content import shown_place
from reco.sources.mapping import field_names
from reco.text.clean import fold
from reco.text.visible import shown

_MOST_NAMED, _LONGEST_NAME = 20, 60
"""Most names in a message, and characters of each: a file of another kind can have millions."""
_LONGEST_COMPARED, _MOST_COMPARED = 500, 20_000
"""Characters of a name and columns of a table that are compared."""
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001b\u007f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
)
_AROUND = " \"'“”«»*:"
_MARKS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Header:
    """The names of a table's columns: `names` as the settings spell them, where they name one.

    `fields` is our field -> the position of its column, `missing` and `doubled` are wanted names.
    """

    names: tuple[str, ...]
    fields: Mapping[str, int]
    missing: Mapping[str, str] = field(default_factory=dict)
    doubled: tuple[str, ...] = ()


def resolved(config: SourceConfig, cells: Sequence[str]) -> Header:
    """Find the columns of `fields`, and those that bear the name of a field, in a line of names.

    An exact name wins. A name of `fields` may also differ by accents and punctuation, ours may not. A name
    that fits several columns is `doubled`.
    """
    names = [(cell if cell.isprintable() else _INVISIBLE.sub("", cell)).strip() for cell in cells]
    found: dict[str, int] = {}
    missing: dict[str, str] = {}
    doubled: list[str] = []
    wanted, like = field_names(config), _Like(names)
    places: dict[str, list[int]] = {}
    asked = {*wanted.values(), *(path.partition(".")[0] for path in wanted.values())}
    for at, name in enumerate(names):
        if name in asked:
            places.setdefault(name, []).append(at)
    for ours in (*config.fields, *(name for name in wanted if name not in config.fields)):
        path, chosen = wanted[ours], ours in config.fields
        fit = places.get(path) or places.get(path.partition(".")[0]) or []
        if not fit:
            fit = [at for at in like.positions(path, chosen) if at not in found.values()]
            if len(fit) == 1:
                names[fit[0]] = path
                places[path] = fit
        if len(fit) == 1:
            found[ours] = fit[0]
        elif fit:
            doubled.append(path)
        elif chosen:
            missing[ours] = path
    return Header(tuple(names), found, missing, tuple(doubled))


def plain(name: str) -> str:
    """Return a name as it looks: without case, invisible marks, line breaks, quotes and asterisks around it.

    >>> plain('\\ufeff"Titre\\n(obligatoire)" *')
    'titre (obligatoire)'
    """
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", name[:_LONGEST_COMPARED]))
    return " ".join(text.replace("’", "'").split()).strip(_AROUND).casefold()


def loose(name: str) -> str:
    """Return a name without accents and punctuation: "Nom_Région" -> "nom region"."""
    return _MARKS.sub(" ", fold(plain(name))).strip()


def check(config: SourceConfig, header: Header, cells: Sequence[str], where: str = "") -> None:
    """Raise `SourceError` when a table lacks a column of `fields`, repeats a column, or has none of ours."""
    place, listed = f"{shown_place(config)}{where}", listing(cells)
    for ours, path in header.missing.items():
        raise SourceError(
            f"source {config.name}: {place} has no column {shown(path)} (wanted for {ours})",
            f"Correct `fields` of this source; the columns are: {listed}.",
        )
    if header.doubled:
        raise SourceError(
            f"source {config.name}: {place} has two columns named {', '.join(sorted(header.doubled))}",
            f"Rename one of them in the file; the columns are: {listed}.",
        )
    if not header.fields:
        raise SourceError(
            f"source {config.name}: no column of {place} is a field of reco",
            "Add `fields` to this source, or `header_row` if the names stand lower, or correct `delimiter`; "
            f"the columns are: {listed}.",
        )


def listing(names: Iterable[str]) -> str:
    """Return the first names of columns for a message, with what is invisible in them."""
    first = list(islice(names, _MOST_NAMED + 1))
    told = [_told(name) for name in first[:_MOST_NAMED]]
    return ", ".join(told + ["..."] * (len(first) > _MOST_NAMED)) or "none"


def _told(name: str) -> str:
    text = shown(name, _LONGEST_NAME)
    return text if "<U+" in text or not name.strip() else text[1:-1]


class _Like:
    """The positions of names by how they look."""

    def __init__(self, names: Sequence[str]) -> None:
        self._plain: dict[str, list[int]] = {}
        self._loose: dict[str, list[int]] = {}
        for at, name in enumerate(names[:_MOST_COMPARED]):
            self._plain.setdefault(plain(name), []).append(at)
            self._loose.setdefault(loose(name), []).append(at)

    def positions(self, wanted: str, loosely: bool) -> list[int]:
        return self._plain.get(plain(wanted), []) or (
            self._loose.get(loose(wanted) or "\0", []) if loosely else []
        )
