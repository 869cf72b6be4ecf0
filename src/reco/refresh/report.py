"""What a refresh says of itself, published or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reco.catalogue.decisions import Stale
from reco.errors import PublishRefused
from reco.refresh.gates import Objection


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh did. Counts are of resources; `seconds` is wall-clock time.

    `snapshot` is the one served afterwards, `refused` where one that the gates refused is kept.
    `adapter` says what became of deep adaptation in the snapshot made, served or not: "" for none,
    "carried" from the one before, "learnt" in this run, "refused" as no gain, or "dropped" with the
    encoder that it was made for. `forced` says who published in spite of `objections`, and why.

    >>> report = home.refresh()
    >>> report.published, report.added, report.unchanged
    (False, 0, 24)
    """

    snapshot: str | None
    published: bool
    read: int
    added: int
    changed: int
    removed: int
    unchanged: int
    rejected: int
    encoded: int
    reused: int
    failed_sources: tuple[str, ...]
    objections: tuple[Objection, ...]
    seconds: float
    failures: dict[str, str]
    quarantine: str | None = None
    hidden: int = 0
    families: int = 0
    stale_decisions: tuple[Stale, ...] = ()
    refused: str | None = None
    adapter: str = ""
    forced: Mapping[str, str] | None = None


class RefreshRefused(PublishRefused):
    """The gates refused the new snapshot; `report` says what was read and what they object to."""

    def __init__(self, report: RefreshReport) -> None:
        reasons = " ".join(
            f"{found.gate} ({found.figure:.3g}, at most {found.threshold:g}): {found.message}"
            for found in report.objections
        )
        super().__init__(
            f"The new snapshot was refused. {reasons}",
            f"Snapshot {report.snapshot or 'none'} is still served; the refused one is in {report.refused}. "
            'Mend the source, change [gates], or run `reco refresh --force --by "NAME" --reason "TEXT"`.',
        )
        self.report = report
