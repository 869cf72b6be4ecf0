"""Approved opinions as a judged set, and as training pairs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reco.catalogue.catalogue import Catalogue
from reco.errors import StorageError
from reco.projects.feedback import Feedback, FeedbackEntry
from reco.storage import atomic

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class JudgedQueries:
    """Queries with their qrels: useful (1) or off-topic (0).

    Three kinds of opinions are counted and left out: `without_text` have no query text, `contradicted` are
    pairs judged both ways, and `gone` are on resources that left the catalogue.
    """

    requests: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    without_text: int = 0
    contradicted: int = 0
    gone: int = 0

    @property
    def lines(self) -> list[tuple[str, str, int]]:
        """The qrels line by line: the query's key, the resource's id, and the relevance."""
        return [(key, resource, value) for key, of in self.qrels.items() for resource, value in of.items()]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every query with each of its useful resources."""
        return [(self.requests[key], resource) for key, resource, relevance in self.lines if relevance]


@dataclass(frozen=True)
class Exported:
    """The counts of an export: queries and judgements, training pairs, opinions left out."""

    folder: str
    requests: int
    judgements: int
    pairs: int
    without_text: int
    contradicted: int
    gone: int


def judged(approved: Iterable[FeedbackEntry], catalogue: Catalogue) -> JudgedQueries:
    """Group approved opinions by query, in the order of each query's first opinion."""
    requests: dict[str, str] = {}
    votes: dict[tuple[str, str], set[bool]] = {}
    without_text = gone = 0
    for entry in approved:
        if entry.text is None:
            without_text += 1
        elif catalogue.row(entry.resource) is None:
            gone += 1
        else:
            requests[entry.request] = entry.text
            votes.setdefault((entry.request, entry.resource), set()).add(entry.useful)
    qrels: dict[str, dict[str, int]] = {}
    for (request, resource), values in votes.items():
        if len(values) == 1:
            qrels.setdefault(request, {})[resource] = int(values.pop())
    contradicted = len(votes) - sum(map(len, qrels.values()))
    kept = {request: text for request, text in requests.items() if request in qrels}
    return JudgedQueries(kept, qrels, without_text, contradicted, gone)


def approved_pairs(home: Path, catalogue: Catalogue) -> list[tuple[str, str]]:
    """Return the training pairs of a home's approved opinions; none when the journal cannot be read."""
    try:
        return judged(Feedback(home).approved(), catalogue).pairs
    except StorageError as error:
        logger.warning("the opinions are left out of training: %s", error)
        return []


def export(found: JudgedQueries, catalogue: Catalogue, folder: Path) -> Exported:
    """Write `corpus.jsonl`, `queries.jsonl`, `qrels.tsv` (BEIR) and `pairs.jsonl`.

    Raises StorageError when the disk refuses.
    """
    atomic.make_folder(folder)
    corpus = [{"_id": r.id, "title": r.title, "text": r.read_summary} for r in catalogue]
    queries = [{"_id": identifier, "text": text} for identifier, text in found.requests.items()]
    pairs = [
        {
            "query": found.requests[request],
            "id": resource,
            "document": _text(catalogue, resource),
            "useful": bool(relevance),
        }
        for request, resource, relevance in found.lines
    ]
    for name, rows in (("corpus", corpus), ("queries", queries), ("pairs", pairs)):
        atomic.replace(folder / f"{name}.jsonl", _json_lines(rows))
    atomic.replace(folder / "qrels.tsv", _qrels(found))
    return Exported(
        folder=str(folder),
        requests=len(queries),
        judgements=len(pairs),
        pairs=len(found.pairs),
        without_text=found.without_text,
        contradicted=found.contradicted,
        gone=found.gone,
    )


def _text(catalogue: Catalogue, identifier: str) -> str:
    row = catalogue.row(identifier)
    return "" if row is None else f"{catalogue[row].title}\n{catalogue[row].read_summary}"


def _json_lines(rows: Sequence[Mapping[str, object]]) -> bytes:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return text.encode("utf-8", "replace")


def _qrels(found: JudgedQueries) -> bytes:
    lines = ("\t".join(map(str, line)) + "\n" for line in found.lines)
    return ("query-id\tcorpus-id\tscore\n" + "".join(lines)).encode("utf-8", "replace")
