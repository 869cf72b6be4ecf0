"""Judged requests one by one: all of them as a table, and the worst as something to read."""

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
    """A document beside a request: its rank in the system looked at, and its relevance, None if unknown."""

    id: str
    title: str
    rank: int | None
    relevance: int | None


@dataclass(frozen=True)
class TopicInspection:
    """A request read closely: nDCG@10 of each system, the relevant documents, and what came first."""

    set: str
    topic: str
    text: str
    scores: Mapping[str, float]
    relevant: tuple[JudgedResult, ...]
    first: tuple[JudgedResult, ...]


def worst(results: Mapping[str, SetResult], count: int) -> list[TopicInspection]:
    """Return the requests that the product answers worst over all sets, worst first.

    Those of the same nDCG@10 come by how much better the best other system did.
    """
    return [_reading(name, results[name], topic) for name, topic in _ordered(results)[:count]]


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
    """Return readings as lines of plain text."""
    found = []
    for number, reading in enumerate(readings, start=1):
        scores = ", ".join(f"{name} {value:.3f}" for name, value in reading.scores.items())
        found += [f"{number}. {reading.set} / {reading.topic}: {scores}", f"   {shortened(reading.text)}"]
        found += [f"   relevant  {described(judged)}" for judged in reading.relevant]
        found += [f"   first     {described(judged)}" for judged in reading.first]
        found.append("")
    return found


def described(judged: JudgedResult) -> str:
    """Return one document as a line: where it came, how relevant it is, its title and id."""
    rank = f"rank {judged.rank}" if judged.rank is not None else "not found"
    relevance = "not judged" if judged.relevance is None else f"relevance {judged.relevance}"
    return f"{rank}, {relevance}: {shortened(judged.title)} ({judged.id})"


def shortened(text: str) -> str:
    """Return a text on one line, cut where it is too long to be read beside others."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _ordered(results: Mapping[str, SetResult]) -> list[tuple[str, Topic]]:
    every = [(name, topic) for name, result in results.items() for topic in result.topics]
    return sorted(every, key=lambda item: _badness(results[item[0]], item[1]))


def _badness(result: SetResult, topic: Topic) -> tuple[float, float]:
    values = {name: _ndcg(scores, topic) for name, scores in result.systems.items()}
    return values[result.subject], -max(values.values())


def _ndcg(scores: Scores, topic: Topic) -> float:
    return scores.per_topic[topic.id]["ndcg@10"]


def _reading(name: str, result: SetResult, topic: Topic) -> TopicInspection:
    ranked = list(result.runs[result.subject][topic.id])
    ranks = {identifier: rank for rank, identifier in enumerate(ranked, start=1)}

    def judged(identifier: str) -> JudgedResult:
        title = result.titles.get(identifier, "")
        return JudgedResult(identifier, title, ranks.get(identifier), topic.qrels.get(identifier))

    relevant = sorted((i for i, rel in topic.qrels.items() if rel > 0), key=lambda i: (-topic.qrels[i], i))
    scores = {system: _ndcg(found, topic) for system, found in result.systems.items()}
    return TopicInspection(
        set=name,
        topic=topic.id,
        text=topic.text,
        scores=scores,
        relevant=tuple(map(judged, relevant)),
        first=tuple(map(judged, ranked[:_FIRST])),
    )
