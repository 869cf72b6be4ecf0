"""The inspection of judged queries one by one: a table of all, and the worst in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reco.evaluation.beir import Topic
from reco.evaluation.evaluate import SetResult
from reco.ranking.measures import Scores
from reco.storage.tables import csv_bytes

_FIRST = 3
_LONGEST = 300


@dataclass(frozen=True)
class JudgedResult:
    """A document for a query: its rank in the inspected system, and its relevance, None when unknown."""

    id: str
    title: str
    rank: int | None
    relevance: int | None


@dataclass(frozen=True)
class TopicInspection:
    """A judged query in detail: nDCG@10 of each system, its relevant documents, and the first results."""

    set: str
    topic: str
    text: str
    scores: Mapping[str, float]
    relevant: tuple[JudgedResult, ...]
    first: tuple[JudgedResult, ...]


def worst(results: Mapping[str, SetResult], count: int) -> list[TopicInspection]:
    """Return the `count` queries with the lowest nDCG@10 of the product over all sets, worst first.

    In ties, the query on which another system does best comes first.
    """
    return [_inspection(name, results[name], topic) for name, topic in _ordered(results)[:count]]


def table(results: Mapping[str, SetResult]) -> bytes:
    """Return one row per set and topic as CSV, the worst of the product first."""
    systems = list(next(iter(results.values())).systems)
    rows = []
    for name, topic in _ordered(results):
        result = results[name]
        values = {system: f"{_ndcg(scores, topic):.4f}" for system, scores in result.systems.items()}
        first = " ".join(result.runs[result.subject][topic.id][:_FIRST])
        rows.append({"set": name, "topic": topic.id, **values, "found": first, "text": topic.text})
    return csv_bytes(("set", "topic", *systems, "found", "text"), rows)


def lines(readings: Sequence[TopicInspection]) -> list[str]:
    """Return inspections as lines of plain text."""
    output = []
    for number, reading in enumerate(readings, start=1):
        scores = ", ".join(f"{name} {value:.3f}" for name, value in reading.scores.items())
        output += [f"{number}. {reading.set} / {reading.topic}: {scores}", f"   {shortened(reading.text)}"]
        output += [f"   relevant  {described(judged)}" for judged in reading.relevant]
        output += [f"   first     {described(judged)}" for judged in reading.first]
        output.append("")
    return output


def described(judged: JudgedResult) -> str:
    """Return one document as a line: its rank, relevance, title and id."""
    rank = f"rank {judged.rank}" if judged.rank is not None else "not found"
    relevance = "not judged" if judged.relevance is None else f"relevance {judged.relevance}"
    return f"{rank}, {relevance}: {shortened(judged.title)} ({judged.id})"


def shortened(text: str) -> str:
    """Return a text on one line, of at most 300 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _ordered(results: Mapping[str, SetResult]) -> list[tuple[str, Topic]]:
    pairs = [(name, topic) for name, result in results.items() for topic in result.topics]
    return sorted(pairs, key=lambda item: _badness(results[item[0]], item[1]))


def _badness(result: SetResult, topic: Topic) -> tuple[float, float]:
    values = {name: _ndcg(scores, topic) for name, scores in result.systems.items()}
    return values[result.subject], -max(values.values())


def _ndcg(scores: Scores, topic: Topic) -> float:
    return scores.per_topic[topic.id]["ndcg@10"]


def _inspection(name: str, result: SetResult, topic: Topic) -> TopicInspection:
    ranked = list(result.runs[result.subject][topic.id])
    ranks = {identifier: rank for rank, identifier in enumerate(ranked, start=1)}

    def judged(identifier: str) -> JudgedResult:
        title = result.titles.get(identifier, "")
        return JudgedResult(identifier, title, ranks.get(identifier), topic.qrels.get(identifier))

    relevant = sorted((i for i, rel in topic.qrels.items() if rel > 0), key=lambda i: (-topic.qrels[i], i))
    scores = {system: _ndcg(column, topic) for system, column in result.systems.items()}
    return TopicInspection(
        set=name,
        topic=topic.id,
        text=topic.text,
        scores=scores,
        relevant=tuple(map(judged, relevant)),
        first=tuple(map(judged, ranked[:_FIRST])),
    )
