"""Reading the sources: what they give today, or what the ones that fail gave yesterday."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reco.admission import Rules, admit_all
from reco.curation import Curation
from reco.decisions import Stale
from reco.errors import SourceError
from reco.resource import Rejection, Resource
from reco.snapshot import Snapshot
from reco.sources import SourceConfig, read

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Collected:
    """What the sources gave: resources, refused rows, and the sources that failed with their reason.

    `hidden` are the ids that the curator leaves out, `stale` the decisions that no longer apply.
    """

    resources: tuple[Resource, ...]
    rejections: tuple[Rejection, ...]
    failures: dict[str, str]
    read: int
    hidden: tuple[str, ...] = ()
    stale: tuple[Stale, ...] = ()


def collect(
    sources: Sequence[SourceConfig], previous: Snapshot | None, cache: Path, curation: Curation | None = None
) -> Collected:
    """Read and curate every source; one that fails keeps the rows it had in `previous`."""
    resources: list[Resource] = []
    rejections: list[Rejection] = []
    failures: dict[str, str] = {}
    taken: dict[str, str] = {}
    rules = {s.name: Rules(tuple(s.themes), tuple(s.types), s.closed) for s in sources}
    known = {r.id: r for r in previous.catalogue} if previous is not None else {}
    count = 0
    for source in sources:
        try:
            admitted, refused = admit_all(read(source, cache), rules[source.name], taken, known)
            _require_sound(source, admitted, refused)
            count += len(admitted) + len(refused)
        except SourceError as error:
            yesterday = [r for r in known.values() if r.source == source.name]
            logger.warning(
                "source %s failed and keeps its %d resources: %s", source.name, len(yesterday), error
            )
            failures[source.name] = f"{str(error).removesuffix('.')}. {error.hint}".strip()
            admitted = [r for r in yesterday if r.id not in taken]
            refused = error.rejections if isinstance(error, _TooManyRejections) else []
        resources.extend(admitted)
        rejections.extend(refused)
        taken.update({resource.id: source.name for resource in admitted})
    curated = (curation or Curation()).apply(resources, rules, unread=failures)
    return Collected(curated.resources, tuple(rejections), failures, count, curated.hidden, curated.stale)


class _TooManyRejections(SourceError):
    def __init__(self, message: str, hint: str, rejections: list[Rejection]) -> None:
        super().__init__(message, hint)
        self.rejections = rejections


def _require_sound(source: SourceConfig, admitted: Sequence[Resource], refused: list[Rejection]) -> None:
    total = len(admitted) + len(refused)
    if not total:
        raise SourceError(
            "It holds no record.", "An empty source is not a deletion: remove it from reco.toml."
        )
    share = len(refused) / total
    if share > source.reject_limit:
        first = f"{refused[0].locator}: {'; '.join(refused[0].problems)}"
        raise _TooManyRejections(
            f"{len(refused)} of its {total} rows were refused ({share:.0%}; "
            f"limit {source.reject_limit:.0%}). "
            f"First, {first}.",
            "Mend the rows (see the quarantine file), or raise `reject_limit` for this source.",
            refused,
        )
