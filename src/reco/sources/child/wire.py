"""What the two processes say to each other: frames, each after its length.

A frame is JSON, or a batch of rows: JSON for their shapes, the lengths of their texts, then the texts in
one piece, which takes a third of the time of JSON. The child reads hostile files, so what it says is
checked: bounded length, known shape, nothing that runs.
"""

from __future__ import annotations

import json
import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from reco.catalogue.resource import FIELDS, Record, Rejection, Remark
from reco.sources.rows import Row

LARGEST_FRAME = 160_000_000
"""Bytes. The longest row, all in characters of six bytes, with a batch before it."""

LONGEST_ROW = 16_000_000
"""Characters of all fields of a row. A longer one is refused by the child, so that no frame is larger."""

_LONGEST_KEPT = 10_000
"""Characters of each field that are kept of such a row, and of a message: enough to find it again."""

_BATCH_ROWS, _BATCH_CHARACTERS = 500, 1_000_000
_OTHER = -1
_REFUSED, _REMARK, _ROW = "refused", "remark", "row"
_HEAD = struct.Struct("=IB")
_PARTS = struct.Struct("=II")
_JSON, _ROWS = 0, 1
_KNOWN = frozenset(FIELDS)


@dataclass(frozen=True)
class Request:
    """What a child is asked: a task, on a source, with arguments that JSON can hold."""

    task: str
    config: Mapping[str, object]
    cache: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    level: int = 0
    most_memory: int = 0
    most_seconds: int = 0
    most_written: int = 0


@dataclass(frozen=True)
class Answer:
    """What a task gives beside rows: a value that JSON can hold, from a process that read a hostile file."""

    value: object


Item = Record | Rejection | Remark | Row | Answer


class Garbled(Exception):
    """Bytes that no child sends unless its memory is damaged."""


class Sender:
    """The child's end. Rows are collected into batches; anything else is sent at once, after them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._clear()

    def _clear(self) -> None:
        self._shapes: dict[tuple[str, ...], int] = {}
        self._order: list[int] = []
        self._texts: list[str] = []
        self._others: list[list[object]] = []
        self._characters = 0

    def send(self, item: Item) -> None:
        """Send one item of a task."""
        match item:
            case Record(locator=locator, values=values):
                self._record(locator, values)
            case Row(locator=locator, cells=cells):
                self._row(locator, cells)
            case Rejection(locator=locator, problems=problems, values=values):
                self._refused(locator, problems, values)
            case Remark(locator=locator, text=text):
                self._other(_REMARK, locator, shortened(text))
            case Answer(value=value):
                self.say("answer", value)
        if len(self._order) >= _BATCH_ROWS or self._characters >= _BATCH_CHARACTERS:
            self.flush()

    def _record(self, locator: str, values: Mapping[str, str]) -> None:
        names, texts = tuple(values), values.values()
        size = sum(map(len, texts))
        if size > LONGEST_ROW:
            self._refused(locator, (_too_long(values),), values)
            return
        self._order.append(self._shapes.setdefault(names, len(self._shapes)))
        self._texts.append(locator)
        self._texts += texts
        self._characters += size

    def _row(self, locator: str, cells: Mapping[str, object]) -> None:
        texts = {name: cell for name, cell in cells.items() if isinstance(cell, str)}
        size = sum(map(len, texts.values()))
        if size > LONGEST_ROW:
            self._refused(locator, (_too_long(texts),), texts)
            return
        self._other(_ROW, locator, dict(cells))
        self._characters += size

    def _refused(self, locator: str, problems: Sequence[str], values: Mapping[str, str]) -> None:
        kept = dict(values)
        if sum(map(len, kept.values())) > LONGEST_ROW:
            kept = {name: text[:_LONGEST_KEPT] for name, text in kept.items()}
        self._other(_REFUSED, locator, list(map(shortened, problems)), kept)
        self._characters += sum(map(len, kept.values()))

    def _other(self, *item: object) -> None:
        self._order.append(_OTHER)
        self._others.append(list(item))

    def flush(self) -> None:
        """Send the rows collected so far."""
        if not self._order:
            return
        head = _encoded([list(self._shapes), self._order, self._others])
        texts, lengths = "".join(self._texts), array("I", map(len, self._texts)).tobytes()
        self._clear()
        blob = texts.encode("utf-8", "surrogatepass")
        self._write(_ROWS, _PARTS.pack(len(head), len(lengths)), head, lengths, blob)

    def say(self, *frame: object) -> None:
        """Send a frame that is no row: its name, then its values."""
        self.flush()
        self._write(_JSON, _encoded(list(frame)))

    def _write(self, kind: int, *parts: bytes) -> None:
        self._stream.write(_HEAD.pack(sum(map(len, parts)), kind))
        for part in parts:
            self._stream.write(part)
        self._stream.flush()


def shortened(text: str) -> str:
    """Return a message, or its start if it is longer than any that a person reads."""
    return text if len(text) <= _LONGEST_KEPT else f"{text[:_LONGEST_KEPT]}… ({len(text):,} characters)"


def _too_long(values: Mapping[str, str]) -> str:
    name, text = max(values.items(), key=lambda value: len(value[1]))
    return (
        f"{name} has {len(text):,} characters; a row of at most {LONGEST_ROW:,} is read. "
        "Shorten it, or take its column out"
    )


def _encoded(value: object) -> bytes:
    # A text can hold half of a surrogate pair, which UTF-8 itself cannot.
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")


Frame = list[object] | bytes
"""A frame by its name and values, or a batch of rows."""


def frame(stream: BinaryIO) -> Frame | None:
    """Return the next frame, None at the end. Raises `Garbled`."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, kind = _HEAD.unpack(head)
    if size > LARGEST_FRAME:
        raise Garbled(f"a frame of {size} bytes")
    data = stream.read(size)
    if len(data) < size:
        return None
    if kind == _ROWS:
        return data
    found = _decoded(data)
    if not isinstance(found, list) or not found or not isinstance(found[0], str):
        raise Garbled("a frame without a name")
    return found


def _decoded(data: bytes | memoryview) -> object:
    try:
        return json.loads(str(data, "utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise Garbled(str(error)) from error


def rows_of(source: str, batch: bytes) -> Iterator[Record | Rejection | Remark | Row]:
    """Yield the rows of a batch. Raises `Garbled`."""
    try:
        shapes, order, others, lengths, texts = _opened(batch)
        if not all(_KNOWN.issuperset(shape) for shape in shapes):
            raise Garbled("a field that is not ours")
        at = start = 0
        rest = iter(others)
        for shape in order:
            if shape == _OTHER:
                yield _other(source, next(rest))
                continue
            end = start + lengths[at]
            locator, values = texts[start:end], dict[str, str]()
            for name in shapes[shape]:
                at += 1
                start, end = end, end + lengths[at]
                values[name] = texts[start:end]
            at, start = at + 1, end
            yield Record(source, locator, values)
    except (TypeError, ValueError, IndexError, AttributeError, StopIteration, struct.error) as error:
        raise Garbled(repr(error)) from error
    if start != len(texts):
        raise Garbled("texts that belong to no row")


def _opened(batch: bytes) -> tuple[list[list[str]], list[int], list[list[object]], list[int], str]:
    """Return the parts of a batch: shapes, the shape of each row, other items, lengths, texts."""
    view = memoryview(batch)
    head, counted = _PARTS.unpack(view[: _PARTS.size])
    view = view[_PARTS.size :]
    parsed = cast("tuple[list[list[str]], list[int], list[list[object]]]", _decoded(view[:head]))
    shapes, order, others = parsed
    lengths = array("I")
    lengths.frombytes(view[head : head + counted])
    return shapes, order, others, lengths.tolist(), str(view[head + counted :], "utf-8", "surrogatepass")


def _other(source: str, item: list[object]) -> Rejection | Remark | Row:
    match item:
        case [name, str(locator), list(problems), dict(given)] if name == _REFUSED:
            values = {str(field): str(text) for field, text in given.items()}
            return Rejection(source, locator, tuple(map(str, problems)), values)
        case [name, str(locator), str(text)] if name == _REMARK:
            return Remark(source, locator, text)
        case [name, str(locator), dict(cells)] if name == _ROW:
            return Row(locator, cells)
    raise Garbled(f"an item {item[:1]}")
