"""Requests written for the resources of the project's own catalogue, and the check of what is written.

Each is what a person could type before knowing the resource: a few hurried words, a spoken worry, or the
title of a project. `data/training/requests.csv` holds them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reco.errors import InvalidInput
from reco.text.clean import clean, fold
from reco.text.tokens import words

LENGTHS = {"short": (2, 10), "worry": (14, 50), "project": (7, 32)}
"""The fewest and the most words of each kind."""

NEAR = 0.6
"""Two requests that share this part of their stems are the same one."""

_COLUMNS = ("resource", "kind", "text")
_TITLE_SHARE = 1 / 3


@dataclass(frozen=True)
class Written:
    """A request written for a resource, with its line in the file."""

    resource: str
    kind: str
    text: str
    line: int


def read_requests(path: Path) -> list[Written]:
    """Return the requests of a CSV file. Raises InvalidInput for a file that is not one."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            if tuple(reader.fieldnames or ()) != _COLUMNS:
                raise InvalidInput(
                    f"{path} does not have the columns {', '.join(_COLUMNS)}.",
                    "Write them on its first line.",
                )
            return [
                Written(row["resource"], row["kind"], clean(row["text"] or ""), reader.line_num)
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", "Give a CSV file in UTF-8.") from error


def by_resource(requests: Iterable[Written]) -> dict[str, list[str]]:
    """Return the texts of the requests of each resource."""
    found: dict[str, list[str]] = {}
    for request in requests:
        found.setdefault(request.resource, []).append(request.text)
    return found


def problems(
    requests: Sequence[Written], titles: Mapping[str, str], never: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield a sentence for each fault: form, length, words taken from the title, doubles.

    `titles` are the titles of the resources by id; `never` are ids for which none may be written.
    """
    seen: dict[str, int] = {}
    for request in requests:
        for fault in _faults(request, titles, never):
            yield f"line {request.line}: {fault}: {request.text}"
        first = seen.setdefault(" ".join(sorted(stems(request.text))), request.line)
        if first != request.line:
            yield f"line {request.line}: the same words as line {first}: {request.text}"


def _faults(request: Written, titles: Mapping[str, str], never: frozenset[str]) -> Iterator[str]:
    if request.resource in never:
        yield "its resource is kept to measure"
    if request.resource not in titles:
        yield f"the catalogue has no resource {request.resource}"
    if request.kind not in LENGTHS:
        yield f"there is no kind {request.kind}"
        return
    fewest, most = LENGTHS[request.kind]
    if not fewest <= len(request.text.split()) <= most:
        yield f"{len(request.text.split())} words, not {fewest} to {most}"
    title = content(titles.get(request.resource, ""))
    taken = title & content(request.text)
    if len(taken) > max(1.0, len(title) * _TITLE_SHARE):
        yield f"it takes {', '.join(sorted(taken))} from the title"


def stems(text: str) -> frozenset[str]:
    """Return the stems of a text's words."""
    return frozenset(word.stem for word in words(text))


def content(text: str) -> frozenset[str]:
    """Return the stems of a text's words of four letters or more."""
    return frozenset(word.stem for word in words(text) if word.end - word.start > _SHORT)


_SHORT = 3


def near_copies(texts: Iterable[str], others: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each text with one of `others` that is nearly the same: by their letters, or by their stems."""
    known = {fold(other): other for other in others}
    index: dict[str, list[int]] = {}
    sets = [(stems(other), other) for other in known.values()]
    for number, (found, _) in enumerate(sets):
        for stem in found:
            index.setdefault(stem, []).append(number)
    for text in texts:
        if fold(text) in known:
            yield text, known[fold(text)]
            continue
        own = stems(text)
        shared: dict[int, int] = {}
        for stem in own:
            for number in index.get(stem, ()):
                shared[number] = shared.get(number, 0) + 1
        for number, count in shared.items():
            if count >= NEAR * (len(own) + len(sets[number][0]) - count):
                yield text, sets[number][1]
                break
