"""The report of a refresh, published or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from reco.catalogue.decisions import Stale
from reco.catalogue.resource import Remark
from reco.encoder.adapter import Adapter
from reco.errors import PublishRefused
from reco.refresh.collect import Night
from reco.refresh.gates import Objection
from reco.refresh.publish import Forced, Outcome
from reco.snapshots.snapshot import Snapshot


@dataclass(frozen=True)
class RefreshReport:
    """The outcome of a refresh. Counts are of resources; `seconds` is wall-clock time.

    `snapshot` is the one served afterwards; `refused` is the folder of one that the gates refused.
    `adapter` is the fate of deep adaptation in the new snapshot, served or not: "" for none, "carried" from
    the previous one, "learnt" in this run, "refused" for no gain, or "dropped" because the encoder changed.
    `warnings` are what the readers mended or left out of the sources.
    `forced` says who published against the `objections`, and why.

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
    warnings: tuple[Remark, ...] = ()


class RefreshRefused(PublishRefused):
    """The gates refused the new snapshot; `report` has its figures and their objections."""

    def __init__(self, report: RefreshReport) -> None:
        reasons = " ".join(
            f"{found.gate} ({found.figure:.3g}, at most {found.threshold:g}): {found.message}"
            for found in report.objections
        )
        super().__init__(
            f"The new snapshot was refused. {reasons}",
            f"Snapshot {report.snapshot or 'none'} is still served; the refused one is in {report.refused}. "
            'Fix the source, change [gates], or run `reco refresh --force --by "NAME" --reason "TEXT"`.',
        )
        self.report = report


@dataclass(frozen=True)
class Made:
    """The report's facts about the new snapshot, or about the one that a quiet night keeps.

    `trained` says whether low-rank weights were tried for it, with or without success.
    """

    id: str
    resources: int
    encoded: int
    families: int
    adapter: str
    trained: bool

    @classmethod
    def of(cls, snapshot: Snapshot, before: Adapter | None, encoded: int = 0, quiet: bool = False) -> Made:
        """Return the facts of `snapshot`; `before` are the low-rank weights of the one served before."""
        families = snapshot.families.families if snapshot.families is not None else ()
        trained = not quiet and snapshot.manifest.report.get("deep", {}).get("drift") == 0.0
        fate = _fate(before, snapshot.adapter, trained)
        return cls(snapshot.id, len(snapshot.catalogue), encoded, len(families), fate, trained)


def _fate(before: Adapter | None, now: Adapter | None, trained: bool) -> str:
    """Return the fate of deep adaptation, for `RefreshReport.adapter`."""
    if now is not None:
        return "carried" if before is not None and before.digest == now.digest else "learnt"
    if before is not None:
        return "dropped"
    return "refused" if trained else ""


def report_of(
    night: Night, made: Made, outcome: Outcome, forced: Forced | None, seconds: float
) -> RefreshReport:
    """Return the report of a night and its outcome."""
    collected, changes = night.collected, night.changes
    return RefreshReport(
        snapshot=made.id if outcome.published else night.served,
        published=outcome.published,
        read=collected.read,
        added=len(changes.added),
        changed=len(changes.changed),
        removed=len(changes.removed),
        unchanged=changes.unchanged,
        rejected=len(collected.rejections),
        encoded=made.encoded,
        reused=made.resources - made.encoded,
        failed_sources=tuple(collected.failures),
        objections=outcome.objections,
        seconds=seconds,
        failures=collected.failures,
        quarantine=str(night.quarantine) if night.quarantine else None,
        hidden=len(collected.hidden),
        families=made.families,
        stale_decisions=collected.stale,
        refused=str(outcome.refused) if outcome.refused else None,
        adapter=made.adapter,
        warnings=collected.remarks,
        forced=asdict(forced) if forced and outcome.published and outcome.objections else None,
    )
