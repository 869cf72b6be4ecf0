"""The judgements that the page exports: preferences with a sign test, and grades as qrels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reco.errors import InvalidInput
from reco.evaluation.beir import Topic
from reco.evaluation.blind.pairs import FORMAT, Key, Pair
from reco.ranking.measures import ndcg, randomisation_test, sign_test
from reco.storage import atomic
from reco.storage.tables import save

LARGEST = 16 << 20
"""The most bytes of a key or of judgements."""

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Judgement(BaseModel):
    """What a person said of one pair: the preference, and grades of results by id (2 useful, 1 partly, 0)."""

    model_config = _STRICT

    request: str
    preference: Literal["left", "right", "equal", "neither"] | None = None
    grades: Mapping[str, Annotated[int, Field(ge=0, le=2, strict=True)]] = {}


class Judgements(BaseModel):
    """An exported file: the digest of the key that it belongs to, and the judgements."""

    model_config = _STRICT

    format: Annotated[int, Field(le=FORMAT)]
    comparison: str
    judgements: tuple[Judgement, ...]


@dataclass(frozen=True)
class Preferences:
    """How many requests went to each side, and the two-sided p-value of the sign test.

    With several judges, a request goes to the side that more of them prefer. `equal` and `neither` count
    requests without a winner: `neither` those where every judge found both lists bad.
    """

    a: int
    b: int
    equal: int
    neither: int
    p: float


@dataclass(frozen=True)
class Grades:
    """The graded results as qrels: mean nDCG of the lists that were shown, and the p-value of b minus a.

    Only requests with a useful or partly useful result count. The ideal order is that of the graded results.
    """

    topics: int
    judgements: int
    a: float
    b: float
    p: float


@dataclass(frozen=True)
class Judged:
    """All that judges said of one comparison. `topics` are the graded requests, with qrels from 0 to 2."""

    key: Key
    judges: int
    requests: int
    preferences: Preferences
    grades: Grades | None
    topics: tuple[Topic, ...]


def read(files: Sequence[Path], key_file: Path) -> Judged:
    """Read exported judgements, one file per judge, with the key of their page.

    Raises InvalidInput for a file that cannot be read, is not of this key, or is given twice.
    """
    key = _key(key_file)
    pairs = {pair.id: pair for pair in key.pairs}
    given: dict[bytes, Path] = {}
    judges: list[Judgements] = []
    for path in files:
        data = _bytes(path)
        if data in given:
            raise InvalidInput(f"{path} holds the same as {given[data]}.", "Give each judge's file once.")
        given[data] = path
        judges.append(_judgements(path, data, key, key_file, pairs))
    return _judged(key, pairs, judges)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", "Check its name.") from error
    if len(data) > LARGEST:
        raise InvalidInput(f"{path} has more than {LARGEST >> 20} MB.", "Give a file that the page exported.")
    return data


def _key(path: Path) -> Key:
    data = _bytes(path)
    try:
        key = Key.model_validate_json(data)
    except ValidationError as error:
        raise InvalidInput(f"{path} is not a key: {_first(error)}.", _KEY_HINT) from error
    if key.to_bytes() != data:
        raise InvalidInput(f"{path} has changed since `reco compare` wrote it.", _KEY_HINT)
    return key


_KEY_HINT = "Give the .key.json file that `reco compare --report` wrote beside the page."
_HINT = "Give a file that the page exported, unchanged, with the key of that page."


def _judgements(path: Path, data: bytes, key: Key, key_file: Path, pairs: Mapping[str, Pair]) -> Judgements:
    try:
        found = Judgements.model_validate_json(data)
    except ValidationError as error:
        raise InvalidInput(f"{path} is not a file of judgements: {_first(error)}.", _HINT) from error
    if found.comparison != key.digest:
        raise InvalidInput(f"{path} belongs to another comparison than {key_file}.", _HINT)
    if problem := next(_problems(found, pairs), ""):
        raise InvalidInput(f"{path} has changed since its page exported it: {problem}.", _HINT)
    return found


def _problems(found: Judgements, pairs: Mapping[str, Pair]) -> Iterator[str]:
    times = Counter(one.request for one in found.judgements)
    for one in found.judgements:
        if one.request not in pairs:
            yield f"the page has no request {one.request!r}"
        elif times[one.request] > 1:
            yield f"request {one.request!r} is judged {times[one.request]} times"
        elif foreign := set(one.grades) - {*pairs[one.request].a, *pairs[one.request].b}:
            yield f"request {one.request!r} has no result {min(foreign)!r}"


def _first(error: ValidationError) -> str:
    problem = error.errors(include_input=False)[0]
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {problem['msg']}" if place else problem["msg"]


def _judged(key: Key, pairs: Mapping[str, Pair], judges: Sequence[Judgements]) -> Judged:
    said = [one for judge in judges for one in judge.judgements]
    by_request = {i: [one for one in said if one.request == i] for i in pairs}
    answered = {i: found for i, found in by_request.items() if found}
    winners = Counter(filter(None, (_winner(pairs[i], found) for i, found in answered.items())))
    a, b = winners["a"], winners["b"]
    preferences = Preferences(a, b, winners["equal"], winners["neither"], sign_test(a, b))
    graded = ((i, _qrels(found)) for i, found in answered.items())
    topics = tuple(Topic(i, pairs[i].text, qrels) for i, qrels in graded if qrels)
    return Judged(key, len(judges), len(answered), preferences, _grades(topics, pairs), topics)


def _winner(pair: Pair, found: Sequence[Judgement]) -> str | None:
    """Return "a", "b", "equal" or "neither"; None when no judge said which list is better."""
    said = [one.preference for one in found if one.preference is not None]
    if not said:
        return None
    margin = said.count("left") - said.count("right")
    if margin:
        return pair.left if margin > 0 else {"a": "b", "b": "a"}[pair.left]
    return "neither" if set(said) == {"neither"} else "equal"


def _qrels(found: Sequence[Judgement]) -> dict[str, int]:
    """Return the grade of each result: the median of the judges', the lower one of two."""
    grades: dict[str, list[int]] = {}
    for one in found:
        for identifier, value in one.grades.items():
            grades.setdefault(identifier, []).append(value)
    return {i: sorted(values)[(len(values) - 1) // 2] for i, values in sorted(grades.items())}


def _grades(topics: Sequence[Topic], pairs: Mapping[str, Pair]) -> Grades | None:
    usable = [topic for topic in topics if any(topic.qrels.values())]
    if not usable:
        return None
    a = np.asarray([ndcg(topic.qrels, pairs[topic.id].a) for topic in usable])
    b = np.asarray([ndcg(topic.qrels, pairs[topic.id].b) for topic in usable])
    count = sum(len(topic.qrels) for topic in usable)
    return Grades(len(usable), count, float(a.mean()), float(b.mean()), randomisation_test(b, a))


def write_topics(topics: Sequence[Topic], folder: Path) -> None:
    """Write `queries.jsonl` and `qrels.tsv`, a set judged on the catalogue, for `beir.read_topics`.

    Raises InvalidInput when there is no grade or the folder holds other files, StorageError when the disk
    refuses.
    """
    if not topics:
        raise InvalidInput("No result was graded.", "Leave --qrels out, or grade results on the page.")
    names = ("queries.jsonl", "qrels.tsv")
    if folder.exists() and (not folder.is_dir() or {p.name for p in folder.iterdir()} - set(names)):
        raise InvalidInput(f"{folder} holds other files.", "Name a new folder.")
    queries = (json.dumps({"_id": t.id, "text": t.text}, ensure_ascii=False) for t in topics)
    qrels = (f"{t.id}\t{i}\t{grade}" for t in topics for i, grade in t.qrels.items())
    atomic.make_folder(folder)
    for name, lines in zip(names, (queries, ("query-id\tcorpus-id\tscore", *qrels)), strict=True):
        save(folder / name, "".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
