"""The judgements that a blind page exports, read with its key: preferences, and graded results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.stats import binomtest

from reco.errors import InvalidInput
from reco.ranking.measures import ndcg

_HINT = "Give the file that the page exported, and the key that was written beside the page."
_STRICT = ConfigDict(extra="forbid")
Kind = TypeVar("Kind", bound=BaseModel)


class _Judgements(BaseModel):
    model_config = _STRICT

    comparison: str
    choices: dict[str, Literal["left", "right", "equal", "neither"]]
    grades: dict[str, dict[str, Annotated[int, Field(ge=0, le=2)]]] = {}


class _Lists(BaseModel):
    model_config = _STRICT

    a: tuple[str, ...]
    b: tuple[str, ...]
    left: Literal["a", "b"]


class _Key(BaseModel):
    model_config = _STRICT

    comparison: str
    names: tuple[str, str]
    requests: dict[str, _Lists]


@dataclass(frozen=True)
class Preference:
    """What was preferred, and nDCG@10 of both over the requests with a graded useful result.

    `p` is that of a two-sided sign test on the requests where one list was better.
    """

    names: tuple[str, str]
    a: int
    b: int
    equal: int
    neither: int
    p: float
    graded: int
    ndcg_a: float
    ndcg_b: float


def preference(judgements: Path, key: Path) -> Preference:
    """Read exported judgements with the key of their page.

    Raises InvalidInput for a file that cannot be read, and for judgements of another page.
    """
    given, told = _read(judgements, _Judgements), _read(key, _Key)
    if given.comparison != told.comparison:
        raise InvalidInput(f"{judgements} judges another page than that of {key}.", _HINT)
    unknown = {*given.choices, *given.grades} - set(told.requests)
    if unknown:
        raise InvalidInput(f"{judgements} judges {sorted(unknown)[0]!r}, which the page does not ask.", _HINT)
    sides = [_side(choice, told.requests[name].left) for name, choice in given.choices.items()]
    counts = {name: sides.count(name) for name in ("a", "b", "equal", "neither")}
    decided = counts["a"] + counts["b"]
    graded = [(told.requests[name], grades) for name, grades in given.grades.items() if any(grades.values())]
    return Preference(
        names=told.names,
        **counts,
        p=float(binomtest(counts["a"], decided).pvalue) if decided else 1.0,
        graded=len(graded),
        ndcg_a=_mean([ndcg(grades, lists.a) for lists, grades in graded]),
        ndcg_b=_mean([ndcg(grades, lists.b) for lists, grades in graded]),
    )


def _side(choice: str, left: str) -> str:
    if choice in ("equal", "neither"):
        return choice
    return left if choice == "left" else {"a": "b", "b": "a"}[left]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _read(path: Path, kind: type[Kind]) -> Kind:
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", _HINT) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InvalidInput(f"{path}: {where}: {first['msg']}.", _HINT) from error


def written(key: Mapping[str, object]) -> bytes:
    """Return a key as the bytes of its file."""
    return json.dumps(key, ensure_ascii=False, indent=1, sort_keys=True).encode()
