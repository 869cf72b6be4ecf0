"""JSON as people publish it: what is wrong in one record of a list costs that record only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from reco.sources.encodings import charset_of, decoded, is_flawed, restored

MOST_BROKEN = 100
"""Records that are left out of a document. With more of them it is none."""

_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]++|\\.)*+"?|,(?=\s*+[\]}])', re.DOTALL)
_AFTER = re.compile(r"\s*+\)?;?\s*+(?:<!--|[\0\x1a]|0?\s*+\Z)")
"""What some servers write after a document: a comment, marks of an end, what a script printed."""
_START = re.compile(r"[\[{]")
_JSON = re.compile(r'[\[{]\s*+["\[{]')
"""The start of a document: one that is cut short is not read from its second record on."""
_FIRST_KEY = re.compile(r'\{\s*+("(?:[^"\\]++|\\.)*+")\s*+:')
_MOST_TRIES = 20
_SHOWN = 80
_DECODER = json.JSONDecoder(strict=False)


@dataclass
class Read:
    """A document, and what is said of it: `mended` of the whole, `lost` of records by rank from 1."""

    document: object = None
    mended: list[str] = field(default_factory=list)
    lost: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Left:
    """Stands in a list for a record that cannot be read. `is_cut` says that the text ends in it."""

    why: str = "it is not JSON"
    is_cut: bool = False


def read(data: bytes, content_type: str, records: str) -> Read:
    """Return the JSON document in `data`, whose records are listed at the dotted path `records`.

    Raises ValueError or RecursionError for what is no JSON, or is cut short.
    """
    charset = charset_of(content_type)
    text, wrong = decoded(data, [charset] if charset else [])
    found = Read(mended=[wrong] if wrong else [])
    if is_flawed(text):
        found.mended.append("bytes that are not UTF-8 are read as Windows-1252")
        text = restored(text)
    text = text.strip(" \t\r\n\ufeff")
    try:
        found.document = json.loads(text, strict=False)
    except ValueError as error:
        _mend(text, records, error, found)
    return found


def _mend(text: str, records: str, fault: ValueError, found: Read) -> None:
    for attempt in (_without_commas, _lines, _alone):
        if (mended := attempt(text)) is not None:
            found.document, said = mended
            found.mended.append(said)
            return
    if not _by_record(text, records, found):
        raise fault


def _without_commas(text: str) -> tuple[object, str] | None:
    """Read a document with commas before a closing bracket."""
    bare = _STRING_OR_COMMA.sub(lambda found: "" if found[0] == "," else found[0], text)
    try:
        return (json.loads(bare, strict=False), "commas that nothing follows") if bare != text else None
    except ValueError:
        return None


def _alone(text: str) -> tuple[object, str] | None:
    """Read a document among other output: a warning of PHP before it, a comment after it, a callback."""
    for tries, start in enumerate(_START.finditer(text)):
        before = text[: start.start()]
        if tries == _MOST_TRIES or _JSON.search(before):
            return None
        try:
            document, end = _DECODER.raw_decode(text, start.start())
        except ValueError:
            continue
        if document and _AFTER.match(text, end):
            around = " ".join(f"{before} {text[end:]}".split())[:_SHOWN]
            return document, f"what stands around the JSON is left out: {around}"
    return None


def _lines(text: str) -> tuple[object, str] | None:
    """Read lines of JSON. A line that is none becomes `Left`, unless it is the first or the last one."""
    lines = [line for line in text.splitlines() if line.strip()]
    rows = [_line(line) for line in lines]
    if len(rows) < 2 or any(isinstance(row, Left) for row in (rows[0], rows[-1])):
        return None
    broken = sum(isinstance(row, Left) for row in rows)
    return (rows, "it is lines of JSON, not a document") if broken * 2 < len(rows) else None


def _line(line: str) -> object:
    try:
        row = json.loads(line, strict=False)
    except ValueError:
        return Left()
    return row if isinstance(row, dict) else Left()


def _by_record(text: str, records: str, found: Read) -> bool:
    """Read the list at `records` one by one; what follows a broken record starts like the others."""
    start = position = _list_start(text, records)
    rows: list[object] = []
    keys: set[str] = set()
    while start >= 0 and (at := _skip(text, position)) < len(text) and len(found.lost) <= MOST_BROKEN:
        if text[at] == "]":
            return _whole(text, start, at, rows, found)
        row, position = _record(text, at)
        if isinstance(row, Left):
            found.lost[len(rows) + 1] = row.why
            following = -1 if row.is_cut else _following(text, at, keys)
            if following < 0:
                return not row.is_cut and _last(text, start, at, [*rows, row], found)
            position = following
        elif isinstance(row, dict) and not keys:
            keys = set(row)
        rows.append(row)
    return False


def _record(text: str, at: int) -> tuple[object, int]:
    """Return the record at a position, and where it ends; `Left` for a broken one."""
    try:
        row, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        return Left(error.msg, error.pos >= len(text) or error.msg.startswith("Unterminated")), at
    after = _skip(text, end, commas=False)
    if after < len(text) and text[after] not in ",]":
        return Left("no comma follows it"), at
    return row, end


def _list_start(text: str, records: str) -> int:
    """Return where the first record of the list stands, or -1."""
    name = records.rpartition(".")[2]
    key = rf"{re.escape(json.dumps(name, ensure_ascii=False))}\s*+:\s*+" if name else ""
    found = re.search(rf"{key}\[", text)
    return found.end() if found and (name or not text[: found.start()].strip()) else -1


def _skip(text: str, position: int, commas: bool = True) -> int:
    """Return where the next record or bracket stands, or the length of the text."""
    marks = " \t\r\n," if commas else " \t\r\n"
    while position < len(text) and text[position] in marks:
        position += 1
    return position


def _following(text: str, position: int, keys: set[str]) -> int:
    """Return where the next record that has the keys of the others stands, or -1."""
    first = _FIRST_KEY.match(text, position)
    for tries, start in enumerate(_FIRST_KEY.finditer(text, position + 1)):
        if tries == _MOST_TRIES * 5:
            return -1
        if first is None or start[1] != first[1]:
            continue
        try:
            row, _ = _DECODER.raw_decode(text, start.start())
        except ValueError:
            continue
        known = keys or set(row)
        if isinstance(row, dict) and len(known & set(row)) * 2 > len(known):
            return start.start()
    return -1


def _last(text: str, start: int, position: int, rows: list[object], found: Read) -> bool:
    """Find the end of the list after a broken last record: what follows must fit what stands before."""
    for tries, end in enumerate(re.finditer(r"\]", text[position:])):
        if tries == _MOST_TRIES:
            return False
        if _whole(text, start, position + end.start(), rows, found):
            return True
    return False


def _whole(text: str, start: int, end: int, rows: list[object], found: Read) -> bool:
    """Put the records into the document around their list. Return False if that is no document."""
    mark = json.dumps("records of the list")
    try:
        found.document = _filled(json.loads(f"{text[:start]}{mark}{text[end:]}", strict=False), rows)
    except ValueError:
        return False
    return True


def _filled(document: object, rows: list[object]) -> object:
    if document == ["records of the list"]:
        return rows
    if isinstance(document, Mapping):
        return {key: _filled(value, rows) for key, value in document.items()}
    return document
