"""Judged sets in the BEIR layout: `corpus.jsonl`, `queries.jsonl`, and `qrels.tsv` or `qrels/test.tsv`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reco.errors import InvalidInput
from reco.text.clean import clean

HIGHEST = 30
"""The highest relevance: gains are 2^rel - 1, and published sets stay below 5."""

_SHOWN = 5
_CELLS = 3


@dataclass(frozen=True)
class JudgedDocument:
    """A document of a judged set; its title may be empty."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Topic:
    """A query and its qrels: document id -> relevance, where 0 means judged and not relevant."""

    id: str
    text: str
    qrels: Mapping[str, int]


@dataclass(frozen=True)
class JudgedSet:
    """The documents of a judged set, and its topics with at least one judgement, in file order."""

    name: str
    documents: tuple[JudgedDocument, ...]
    topics: tuple[Topic, ...]


@dataclass(frozen=True)
class _Judgement:
    """A line of the qrels; `place` is its file and line number, such as `qrels.tsv:3`."""

    place: str
    query: str
    document: str
    relevance: int


def read_set(folder: Path, limit: int | None = None) -> JudgedSet:
    """Read a judged set, with its first `limit` queries. Raises InvalidInput with every problem."""
    _require_folder(folder)
    problems: list[str] = []
    documents = {d.id: d for d in _documents(folder, problems)}
    queries = dict(_queries(folder, problems))
    if not problems and not documents:
        problems.append("corpus.jsonl has no document")
    judgements = _judgements(folder, queries, problems)
    _require_known(judgements, queries, documents, problems)
    topics = _topics(queries, judgements, limit, problems)
    _refuse(folder, problems, "corpus.jsonl, queries.jsonl")
    return JudgedSet(folder.resolve().name, tuple(documents.values()), topics)


def read_topics(folder: Path, limit: int | None = None) -> tuple[Topic, ...]:
    """Read queries judged on an existing catalogue: a judged set without `corpus.jsonl`.

    Raises InvalidInput with every problem.
    """
    _require_folder(folder)
    problems: list[str] = []
    queries = dict(_queries(folder, problems))
    judgements = _judgements(folder, queries, problems)
    _require_known(judgements, queries, None, problems)
    topics = _topics(queries, judgements, limit, problems)
    _refuse(folder, problems, "queries.jsonl")
    return topics


def _require_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    raise InvalidInput(
        f"{folder} is not a folder{'' if folder.exists() else ': it does not exist'}.",
        "Name a folder that holds corpus.jsonl, queries.jsonl and qrels.tsv.",
    )


def _refuse(folder: Path, problems: list[str], files: str) -> None:
    if problems:
        more = f" (and {len(problems) - _SHOWN} more)" if len(problems) > _SHOWN else ""
        raise InvalidInput(
            f"{folder} is not a usable judged set: {'; '.join(problems[:_SHOWN])}{more}.",
            f"The layout is {files} and qrels.tsv (query-id, corpus-id, score).",
        )


def _topics(
    queries: Mapping[str, str], judgements: list[_Judgement], limit: int | None, problems: list[str]
) -> tuple[Topic, ...]:
    qrels: dict[str, dict[str, int]] = {}
    for judgement in judgements:
        grades = qrels.setdefault(judgement.query, {})
        # Published sets repeat judgements; only a contradiction leaves the relevance unknown.
        if grades.get(judgement.document, judgement.relevance) != judgement.relevance:
            pair = f"{judgement.query!r}, {judgement.document!r}"
            problems.append(f"{judgement.place} contradicts an earlier judgement of {pair}")
        grades[judgement.document] = judgement.relevance
    chosen = list(queries.items())[:limit]
    topics = tuple(Topic(i, text, qrels[i]) for i, text in chosen if i in qrels)
    if not problems and not topics:
        problems.append("no query has a judgement")
    return topics


def _lines(path: Path, problems: list[str]) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each line that is not blank."""
    if not path.is_file():
        problems.append(f"{path.name} is missing")
        return
    number = 0
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                if text.strip():
                    yield number, text
    except UnicodeDecodeError:
        problems.append(f"{path.name}:{number} is not UTF-8")
    except OSError as error:
        problems.append(f"{path.name} cannot be read ({error.strerror})")


def _rows(path: Path, problems: list[str]) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield (place, id, row) from a JSON Lines file; a repeated id is a problem."""
    seen: dict[str, int] = {}
    for number, line in _lines(path, problems):
        place = f"{path.name}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(f"{place} is not JSON ({getattr(error, 'msg', error)})")
            continue
        identifier = _identifier(row)
        if identifier is None:
            problems.append(f"{place} is not an object with an _id")
        elif identifier in seen:
            problems.append(f"{place} has the id {identifier!r} of line {seen[identifier]}")
        else:
            seen[identifier] = number
            yield place, identifier, row


def _identifier(row: object) -> str | None:
    """Return the id of a row as text, or None unless the qrels can name it.

    An id has no tab, no line end and no space at either end.
    """
    value = row.get("_id") if isinstance(row, dict) else None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    text = str(value)
    return text if text and text == text.strip() and text.isprintable() else None


def _text(row: Mapping[str, object], name: str, place: str, problems: list[str]) -> str | None:
    """Return the text of a field, "" when it is absent; None, with a problem, when it is not text."""
    value = row.get(name)
    if value is None or isinstance(value, str):
        return clean(value or "")
    problems.append(f"{place} has a {name} that is not text")
    return None


def _documents(folder: Path, problems: list[str]) -> Iterator[JudgedDocument]:
    for place, identifier, row in _rows(folder / "corpus.jsonl", problems):
        title, text = _text(row, "title", place, problems), _text(row, "text", place, problems)
        if title == "" and text == "":
            problems.append(f"{place} has neither title nor text")
        yield JudgedDocument(identifier, title or "", text or "")


def _queries(folder: Path, problems: list[str]) -> Iterator[tuple[str, str]]:
    for place, identifier, row in _rows(folder / "queries.jsonl", problems):
        text = _text(row, "text", place, problems)
        if text == "":
            problems.append(f"{place} has no text")
        yield identifier, text or ""


def _judgements(folder: Path, queries: Mapping[str, str], problems: list[str]) -> list[_Judgement]:
    path = folder / "qrels.tsv"
    if not path.is_file() and (folder / "qrels" / "test.tsv").is_file():
        path = folder / "qrels" / "test.tsv"
    judgements = []
    for index, (number, line) in enumerate(_lines(path, problems)):
        cells = [cell.strip() for cell in line.split("\t")]
        if index == 0 and _is_header(cells, queries):
            continue
        place = f"{path.name}:{number}"
        if len(cells) != _CELLS or not all(cells):
            problems.append(f"{place} is not query-id, corpus-id and score, separated by tabs")
            continue
        relevance = _relevance(cells[2])
        if relevance is None:
            problems.append(f"{place} has the relevance {cells[2]!r}, not a whole number up to {HIGHEST}")
            continue
        judgements.append(_Judgement(place, cells[0], cells[1], relevance))
    return judgements


def _is_header(cells: list[str], queries: Mapping[str, str]) -> bool:
    """Whether the cells are a header, and not a malformed first judgement: a header has no digit."""
    names = not any(character.isdigit() for cell in cells for character in cell)
    return len(cells) == _CELLS and names and cells[0] not in queries


def _relevance(cell: str) -> int | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return int(value) if value.is_integer() and abs(value) <= HIGHEST else None


def _require_known(
    judgements: list[_Judgement],
    queries: Mapping[str, str],
    documents: Mapping[str, JudgedDocument] | None,
    problems: list[str],
) -> None:
    """Add a problem for each unknown id, at the first line that names it."""
    seen: set[tuple[str, str]] = set()
    for judgement in judgements:
        named = (("query", judgement.query, queries), ("document", judgement.document, documents))
        for kind, identifier, known in named:
            # When there are no known ids, the file is missing or empty, which is a problem already.
            if known and identifier not in known and (kind, identifier) not in seen:
                seen.add((kind, identifier))
                file = "queries.jsonl" if kind == "query" else "corpus.jsonl"
                problems.append(f"{judgement.place} judges the {kind} {identifier!r}, which {file} lacks")
