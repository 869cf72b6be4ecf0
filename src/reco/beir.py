"""Judged sets in BEIR layout: `corpus.jsonl`, `queries.jsonl`, and `qrels.tsv` or `qrels/test.tsv`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reco.errors import InvalidInput
from reco.text import clean

_SHOWN = 5


@dataclass(frozen=True)
class Document:
    """A document of a judged set; its title may be empty."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Topic:
    """A request with its judgements: document id -> relevance, 0 meaning judged and not relevant."""

    id: str
    text: str
    qrels: Mapping[str, int]


@dataclass(frozen=True)
class JudgedSet:
    """Documents, and the topics that have at least one judgement, in file order."""

    name: str
    documents: tuple[Document, ...]
    topics: tuple[Topic, ...]


def read_set(folder: Path, limit: int | None = None) -> JudgedSet:
    """Read a judged set, with its first `limit` queries. Raises InvalidInput with every problem."""
    problems: list[str] = []
    documents = {d.id: d for d in _documents(folder, problems)}
    queries = dict(_queries(folder, problems))
    qrels = _qrels(folder, problems)
    _require_queries(queries, qrels, problems)
    _require_documents(documents, qrels, problems)
    topics = _topics(queries, qrels, limit, problems)
    _refuse(folder, problems, "corpus.jsonl, queries.jsonl")
    return JudgedSet(folder.name, tuple(documents.values()), topics)


def read_topics(folder: Path) -> tuple[Topic, ...]:
    """Read requests judged on a catalogue of one's own: `read_set` without documents.

    Raises InvalidInput with every problem.
    """
    problems: list[str] = []
    queries, qrels = dict(_queries(folder, problems)), _qrels(folder, problems)
    _require_queries(queries, qrels, problems)
    topics = _topics(queries, qrels, None, problems)
    _refuse(folder, problems, "queries.jsonl")
    return topics


def _topics(
    queries: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, int]],
    limit: int | None,
    problems: list[str],
) -> tuple[Topic, ...]:
    chosen = list(queries.items())[:limit]
    topics = tuple(Topic(i, text, qrels[i]) for i, text in chosen if qrels.get(i))
    if not problems and not topics:
        problems.append("no query has a judgement")
    return topics


def _refuse(folder: Path, problems: list[str], files: str) -> None:
    if problems:
        more = f" (and {len(problems) - _SHOWN} more)" if len(problems) > _SHOWN else ""
        raise InvalidInput(
            f"{folder} is not a judged set that can be used: {'; '.join(problems[:_SHOWN])}{more}.",
            f"The layout is {files} and qrels.tsv (query-id, corpus-id, score).",
        )


def _lines(path: Path, problems: list[str]) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield number, line
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path.name} cannot be read ({error})")


def _rows(path: Path, problems: list[str]) -> Iterator[tuple[int, str, dict[str, object]]]:
    """Yield (line, id, row) of a JSON Lines file whose ids must differ."""
    seen: set[str] = set()
    for number, line in _lines(path, problems):
        try:
            row = json.loads(line)
            identifier = str(row["_id"])
        except (ValueError, KeyError, TypeError):
            problems.append(f"{path.name}:{number} is not an object with an _id")
            continue
        if identifier in seen:
            problems.append(f"{path.name}:{number} has the id {identifier!r} a second time")
            continue
        seen.add(identifier)
        yield number, identifier, row


def _documents(folder: Path, problems: list[str]) -> Iterator[Document]:
    for number, identifier, row in _rows(folder / "corpus.jsonl", problems):
        title, text = clean(str(row.get("title") or "")), clean(str(row.get("text") or ""))
        if not title and not text:
            problems.append(f"corpus.jsonl:{number} has neither title nor text")
        yield Document(identifier, title, text)


def _queries(folder: Path, problems: list[str]) -> Iterator[tuple[str, str]]:
    for number, identifier, row in _rows(folder / "queries.jsonl", problems):
        text = clean(str(row.get("text") or ""))
        if not text:
            problems.append(f"queries.jsonl:{number} has no text")
        yield identifier, text


def _qrels(folder: Path, problems: list[str]) -> dict[str, dict[str, int]]:
    path = folder / "qrels.tsv"
    if not path.is_file() and (folder / "qrels" / "test.tsv").is_file():
        path = folder / "qrels" / "test.tsv"
    found: dict[str, dict[str, int]] = {}
    for number, line in _lines(path, problems):
        cells = line.rstrip("\r\n").split("\t")
        if number == 1 and cells[-1] == "score":
            continue
        try:
            query, document, score = cells[0], cells[1], int(float(cells[2]))
        except (IndexError, ValueError):
            problems.append(f"{path.name}:{number} is not query-id, corpus-id and score")
            continue
        # Published sets repeat judgements; only one that contradicts another leaves the truth unknown.
        if found.setdefault(query, {}).get(document, score) != score:
            problems.append(f"{path.name}:{number} judges {query!r}, {document!r} a second time, otherwise")
        found[query][document] = score
    return found


def _require_queries(
    queries: Mapping[str, str], qrels: Mapping[str, Mapping[str, int]], problems: list[str]
) -> None:
    problems.extend(
        f"qrels name the query {query!r}, which queries.jsonl lacks"
        for query in qrels
        if query not in queries
    )


def _require_documents(
    documents: Mapping[str, Document], qrels: Mapping[str, Mapping[str, int]], problems: list[str]
) -> None:
    for query, judged in qrels.items():
        unknown = [document for document in judged if document not in documents]
        if unknown:
            problems.append(f"qrels of {query!r} name {unknown[0]!r}, which corpus.jsonl lacks")
