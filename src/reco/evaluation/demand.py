"""Coverage of real demand: how many queries are answered, and the groups of those that are not.

The result of one measurement is kept in `demand.json` of the home, so that the app shows it without
computing anything. It holds no text that the measurement was told to hide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from reco.errors import StorageError
from reco.storage import atomic

NAME = "demand.json"


@dataclass(frozen=True)
class NearResource:
    """A resource near a group of queries.

    `score` is its mean score over the queries of the group; a query counts zero when the resource is not in
    its first ten results.
    """

    id: str
    title: str
    score: float


@dataclass(frozen=True)
class DemandGroup:
    """Unmet queries on one subject: their number, at most three `examples`, and the nearest resources.

    `examples` is empty when the texts are hidden.
    """

    label: str
    size: int
    examples: tuple[str, ...] = ()
    nearest: tuple[NearResource, ...] = ()


@dataclass(frozen=True)
class Demand:
    """How the catalogue answers a set of queries.

    All counts are of queries, so a text that was asked five times counts five; `distinct` counts it once.
    `found`, `weak` and `nothing` sum to `queries`, and `shares` are their shares, 0 to 1. `groups` are the
    unmet queries by subject, largest first. `isolated` counts unmet queries that are near no other,
    `withheld` those of groups that are too small to show. With `public`, nothing is hidden.
    """

    queries: int
    distinct: int
    found: int
    weak: int
    nothing: int
    groups: tuple[DemandGroup, ...] = ()
    isolated: int = 0
    withheld: int = 0
    public: bool = False
    shares: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        counts = {"found": self.found, "weak": self.weak, "nothing": self.nothing}
        shares = {name: round(count / max(1, self.queries), 4) for name, count in counts.items()}
        object.__setattr__(self, "shares", shares)


@dataclass(frozen=True)
class MeasuredDemand:
    """A measurement on one snapshot, at an ISO 8601 time in UTC: of a file, and of the saved queries.

    `file` is the name of the file, without its folders. `sample` is how many of its lines were drawn, 0 for
    all of them. `left_out` counts its lines without a usable text.
    """

    measured: str
    snapshot: str
    file: str = ""
    sample: int = 0
    left_out: int = 0
    logged: Demand | None = None
    saved: Demand | None = None


def save(home: Path, measured: MeasuredDemand) -> Path:
    """Replace the result of the last measurement in one step, and return its path. Raises StorageError."""
    atomic.make_folder(home)
    path = home / NAME
    document = asdict(measured)
    for demand in (document["logged"], document["saved"]):
        if demand is not None:
            del demand["shares"]
    atomic.replace(path, json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "replace"))
    return path


def last(home: Path) -> MeasuredDemand | None:
    """Return the result of the last measurement, None before the first.

    Raises StorageError for a file that `save` did not write.
    """
    path = home / NAME
    try:
        return TypeAdapter(MeasuredDemand).validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise StorageError(
            f"{path} cannot be read: {str(error).splitlines()[0]}.", "Run `reco radar --save` again."
        ) from error
