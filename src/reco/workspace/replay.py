"""Replay: what an answer depended on, and the same question asked again later.

An answer that was kept can be audited: the same snapshot, encoder, weights and options give it again, to
the bit, or what differs is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reco.catalogue.catalogue import Filters
from reco.encoder.protocol import Encoder
from reco.errors import EncoderMismatch, InvalidInput, SnapshotError
from reco.ranking.query import LONGEST, MOST_OPINIONS, Opinion, Query
from reco.ranking.recommender import Answer, Recommender
from reco.ranking.scoring import Fusion
from reco.ranking.second_look import SecondLook
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from reco.storage.atomic import digest_of
from reco.version import __version__
from reco.workspace.documents import answer_document
from reco.workspace.settings import Settings

FORMAT = 1
LARGEST = 8 << 20
"""The most bytes of a recorded answer."""

_KEY = "depended_on"
_ROUNDING = 1e-6
_STRICT = ConfigDict(extra="forbid", frozen=True)


class Opened(Protocol):
    """What is asked again: a home, of which this module needs no more."""

    @property
    def store(self) -> SnapshotStore: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def snapshot(self) -> Snapshot: ...
    @property
    def recommender(self) -> Recommender: ...
    @property
    def second(self) -> SecondLook | None: ...
    def encoder_for(self, snapshot: Snapshot) -> Encoder: ...


class _Asked(BaseModel):
    """The query as it was searched: its clean text, and every option. `like` is the id of `reco similar`."""

    model_config = _STRICT

    like: str = ""
    text: Annotated[str, Field(max_length=LONGEST)]
    k: Annotated[int, Field(ge=1)]
    filters: Filters
    without: tuple[str, ...] = ()
    diversity: Annotated[float, Field(ge=0, le=1)] | None = None
    shelf: bool = False
    place: str = ""
    near: bool = False
    opinions: Annotated[tuple[Opinion, ...], Field(max_length=MOST_OPINIONS)] = ()
    exact: tuple[str, ...] = ()
    whole: bool = False

    def query(self) -> Query:
        values = {name: getattr(self, name) for name in type(self).model_fields if name != "like"}
        return Query(**values)


class _SnapshotUsed(BaseModel):
    """The snapshot that answered, and the digest of its manifest, which has those of its files."""

    model_config = _STRICT

    id: str
    digest: str


class _EncoderUsed(BaseModel):
    """The encoder: its fingerprint, its settings, and the arithmetic of its query vector, "" for none."""

    model_config = _STRICT

    fingerprint: str
    settings: dict[str, Any]
    arithmetic: str


class _SecondUsed(BaseModel):
    """The second look: what identifies its model, and the points of a perfect fit."""

    model_config = _STRICT

    fingerprint: str
    weight: float


class Dependencies(BaseModel):
    """All that an answer depended on."""

    model_config = _STRICT

    format: int = FORMAT
    reco: str
    snapshot: _SnapshotUsed
    encoder: _EncoderUsed
    ranking: Fusion
    second: _SecondUsed | None = None
    asked: _Asked


@dataclass(frozen=True)
class Recorded:
    """An answer that was kept: its document, and all that it depended on."""

    dependencies: Dependencies
    document: Mapping[str, Any]

    @classmethod
    def read(cls, text: str) -> Recorded:
        """Read the JSON of `reco recommend` or `reco similar`. Raises InvalidInput for anything else."""
        hint = "Give the output of `reco recommend TEXT --json` or `reco similar ID --json`."
        if len(text.encode()) > LARGEST:
            raise InvalidInput(f"A recorded answer has at most {LARGEST >> 20} MB.", hint)
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"This is not JSON: {error}.", hint) from error
        told = document.get(_KEY) if isinstance(document, dict) else None
        if not isinstance(told, dict):
            raise InvalidInput("This is not an answer that says what it depended on.", hint)
        if isinstance(told.get("format"), int) and told["format"] > FORMAT:
            raise InvalidInput(
                f"This answer was recorded in format {told['format']}; this version reads {FORMAT}.",
                "Update reco, then replay it.",
            )
        try:
            dependencies = Dependencies.model_validate(told)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InvalidInput(f"{_KEY}.{where}: {first['msg']}.", hint) from error
        return cls(dependencies, {name: value for name, value in document.items() if name != _KEY})


@dataclass(frozen=True)
class Replayed:
    """What a replay found: the `differences`, one sentence each, and `notes` on what is no difference.

    `answer` is the new answer, None when the question could not be asked again.
    """

    differences: tuple[str, ...]
    notes: tuple[str, ...] = ()
    answer: Answer | None = None

    @property
    def same(self) -> bool:
        """Whether the answer is the same, to the bit."""
        return not self.differences


def recorded_document(home: Opened, answer: Answer) -> dict[str, Any]:
    """Return an answer of the snapshot that a home serves as a document that can be replayed."""
    used = _dependencies(home, home.snapshot, home.recommender.fusion, answer)
    return {**answer_document(answer), _KEY: used.model_dump(mode="json")}


def _dependencies(home: Opened, snapshot: Snapshot, fusion: Fusion, answer: Answer) -> Dependencies:
    encoder = home.encoder_for(snapshot)
    return Dependencies(
        reco=__version__,
        snapshot=_SnapshotUsed(id=snapshot.id, digest=_digest(snapshot)),
        encoder=_EncoderUsed(
            fingerprint=snapshot.manifest.encoder,
            settings=home.settings.encoder.model_dump(mode="json"),
            # `similar` encodes nothing, and asking would load torch.
            arithmetic="" if answer.like else encoder.arithmetic,
        ),
        ranking=fusion,
        second=_second_used(None if answer.like else home.second),
        asked=_Asked(like=answer.like, **vars(answer.query)),
    )


def _second_used(second: SecondLook | None) -> _SecondUsed | None:
    return (
        None if second is None else _SecondUsed(fingerprint=second.reader.fingerprint, weight=second.weight)
    )


def _digest(snapshot: Snapshot) -> str:
    return digest_of(snapshot.manifest.to_bytes())


def replay(home: Opened, recorded: Recorded) -> Replayed:
    """Ask a recorded question again: on its snapshot, with its weights and options, by today's encoder."""
    used = recorded.dependencies
    try:
        snapshot = home.store.open(used.snapshot.id)
    except SnapshotError as error:
        return Replayed((f"snapshot {used.snapshot.id} cannot be opened: {error}",))
    if _digest(snapshot) != used.snapshot.digest:
        return Replayed((f"snapshot {used.snapshot.id} is not the one that answered: its contents differ",))
    if not used.asked.like and used.second != _second_used(home.second):
        return Replayed(("the second look of the settings is another one, or there is none",))
    try:
        recommender = Recommender(snapshot, home.encoder_for(snapshot), used.ranking, home.second)
    except EncoderMismatch as error:
        return Replayed((f"the encoder of the settings is another one: {error}",))
    query = used.asked.query()
    like = used.asked.like
    answer = recommender.similar(like, query.k, query.filters) if like else recommender.recommend(query)
    today = _dependencies(home, snapshot, home.settings.ranking.fusion(), answer)
    again = json.loads(json.dumps(answer_document(answer)))
    found = tuple(_differences(recorded.document, again))
    rounding = _only_rounding(recorded.document, again)
    return Replayed(found, tuple(_notes(used, today, home.store.named(), rounding)), answer)


def _notes(used: Dependencies, today: Dependencies, served: str, rounding: bool) -> Iterator[str]:
    """Yield what has changed since, and did or did not change the answer."""
    if served != used.snapshot.id:
        yield f"snapshot {served} is served now; this used {used.snapshot.id}"
    if today.ranking != used.ranking:
        yield "the settings have other weights now; this used the recorded ones"
    if today.reco != used.reco:
        yield f"recorded by reco {used.reco}, replayed by {today.reco}"
    if today.encoder.arithmetic != used.encoder.arithmetic:
        yield f"recorded in {used.encoder.arithmetic}, replayed in {today.encoder.arithmetic}"
    if rounding:
        yield f"no number differs by more than {_ROUNDING:g}, as another processor may round"


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each difference: results that left, came, moved or changed, then the rest."""
    results = "recommendations"
    yield from _moved(_by_id(before.get(results)), _by_id(after.get(results)))
    for name in sorted({*before, *after} - {results}):
        if before.get(name) != after.get(name):
            yield f"{name}: {_short(before.get(name))} -> {_short(after.get(name))}"


def _by_id(items: object) -> dict[str, Mapping[str, Any]]:
    rows = items if isinstance(items, list) else []
    return {str(item.get("id")): item for item in rows if isinstance(item, dict)}


def _moved(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, item in before.items():
        if name not in after:
            yield f"{name}: was at rank {item.get('rank')}, is no longer there"
    for name, item in after.items():
        if name not in before:
            yield f"{name}: is at rank {item['rank']}, was not there"
            continue
        yield from (f"{name}: {told}" for told in _changes(before[name], item, ""))


def _changes(before: object, after: object, path: str) -> Iterator[str]:
    """Yield each value that differs between two documents, with its path."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _changes(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _changes(one, other, f"{path}[{number}]")
    elif before != after or type(before) is not type(after):
        yield f"{path} {_short(before)} -> {_short(after)}"


def _only_rounding(before: object, after: object) -> bool:
    """Whether two documents differ, and in numbers by less than `_ROUNDING` alone."""
    pairs = list(_unequal(before, after))
    return bool(pairs) and all(
        isinstance(one, float) and isinstance(other, float) and abs(one - other) <= _ROUNDING
        for one, other in pairs
    )


def _unequal(before: object, after: object) -> Iterator[tuple[object, object]]:
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key in before:
            yield from _unequal(before[key], after[key])
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for one, other in zip(before, after, strict=True):
            yield from _unequal(one, other)
    elif before != after:
        yield before, after


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_SHOWN = 80


def replay_document(found: Replayed) -> dict[str, Any]:
    """Return a replay as a document of the JSON interface."""
    return {"same": found.same, "differences": list(found.differences), "notes": list(found.notes)}
