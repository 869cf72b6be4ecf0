"""The nightly use case: collect, compare, encode what is new, build beside, verify, publish, report."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from reco import storage
from reco.acronyms import Acronyms
from reco.adapt import HeadReport
from reco.admission import Rules, admit_all
from reco.catalogue import Catalogue, diff
from reco.curation import Curation
from reco.decisions import Stale
from reco.encoder import Encoder, Progress
from reco.errors import (
    InvalidInput,
    InvalidSettings,
    PublishRefused,
    SnapshotError,
    SourceError,
    StorageError,
)
from reco.families import Families, Told, find
from reco.gates import ABOUT_VECTORS, Objection
from reco.journal import Journal
from reco.publication import Outcome, Publishing, publish
from reco.resource import Rejection, Resource
from reco.runlog import recorded
from reco.snapshot import Manifest, Snapshot, build
from reco.sources import SourceConfig, read
from reco.store import SnapshotStore
from reco.vectors import VectorTable, embed

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh did. Counts are of resources; `seconds` is wall-clock time.

    `snapshot` is the one served afterwards, `refused` where one that the gates refused is kept.
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


class RefreshRefused(PublishRefused):
    """The gates refused the new snapshot; `report` says what was read and what they object to."""

    def __init__(self, report: RefreshReport) -> None:
        reasons = " ".join(f"{objection.gate}: {objection.message}" for objection in report.objections)
        super().__init__(
            f"The new snapshot was refused. {reasons}",
            f"Snapshot {report.snapshot or 'none'} is still served; the refused one is in {report.refused}. "
            'Mend the source, change [gates], or run `reco refresh --force --by "NAME" --reason "TEXT"`.',
        )
        self.report = report


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


@dataclass(frozen=True)
class Making:
    """What a snapshot is made with beside its sources and encoder.

    `learn` tries a head on a candidate snapshot; None never does. `drift` is the share of resources
    that must have changed since the last attempt before another.
    """

    acronyms: Acronyms = field(default_factory=Acronyms)
    learn: Callable[[Snapshot, Encoder], HeadReport] | None = None
    drift: float = 0.1
    curation: Curation = field(default_factory=Curation)

    @property
    def stamp(self) -> str:
        """Digest of what decides a snapshot's indexes: a change makes a new snapshot."""
        return storage.digest_of(self.acronyms.to_bytes() + self.curation.stamp.encode())[:16]

    @property
    def told(self) -> Told:
        """What the curator said of what is listed twice."""
        decisions = self.curation.decisions
        return Told(decisions.pairs("merge"), decisions.pairs("split"))


@recorded
def refresh(
    store: SnapshotStore,
    sources: Sequence[SourceConfig],
    encoder: Callable[[], Encoder],
    progress: Progress | None = None,
    making: Making | None = None,
    publishing: Publishing | None = None,
) -> RefreshReport:
    """Publish a new snapshot if anything changed. `encoder` is called only once sources are read.

    Raises InvalidSettings without sources, RefreshRunning when another refresh holds the lock,
    SourceError when every source failed, RefreshRefused when a gate objects, StorageError when the
    disk refuses; the served snapshot is untouched in each case.
    """
    if not sources:
        raise InvalidSettings("No source is configured.", "Add a [[sources]] table to reco.toml.")
    started = time.monotonic()
    with store.writing():
        previous = _previous(store)
        recipe = making or Making()
        collected = collect(sources, previous, store.home / "cache", recipe.curation)
        quarantine = _quarantine(store, collected.rejections)
        if len(collected.failures) == len(sources):
            raise SourceError(
                "Every source failed: " + " ".join(f"{n}: {why}" for n, why in collected.failures.items()),
                "The served snapshot is untouched. Check the sources with `reco source test NAME`.",
            )
        catalogue = Catalogue(collected.resources)
        changes = diff(previous.catalogue if previous is not None else Catalogue(()), catalogue)
        chosen = encoder()
        # A snapshot served in place of a damaged one is republished, even on a quiet night.
        sound = previous is not None and previous.id == store.named()
        same_encoder = previous is not None and previous.manifest.encoder == chosen.fingerprint
        same_making = previous is not None and previous.manifest.settings.get("making") == recipe.stamp
        snapshot, encoded = (
            (previous, 0)
            if previous is not None and same_encoder and same_making and changes.quiet and sound
            else _next(store, catalogue, previous if same_encoder else None, chosen, progress, recipe)
        )
        quiet = snapshot is previous
        how = publishing or Publishing()
        outcome = Outcome(False, ()) if quiet else publish(store, snapshot, previous, chosen, how)
        # After a refusal the journal stays, so that the next try encodes nothing again.
        doubted = any(objection.gate in ABOUT_VECTORS for objection in outcome.objections)
        served = snapshot if outcome.published else previous
        if quiet or outcome.published or doubted:
            _tidy(store, _journal(store, chosen), how.keep if outcome.published else None)
    report = RefreshReport(
        snapshot=served.id if served is not None else None,
        published=outcome.published,
        read=collected.read,
        added=len(changes.added),
        changed=len(changes.changed),
        removed=len(changes.removed),
        unchanged=changes.unchanged,
        rejected=len(collected.rejections),
        encoded=encoded,
        reused=len(catalogue) - encoded,
        failed_sources=tuple(collected.failures),
        objections=outcome.objections,
        seconds=round(time.monotonic() - started, 3),
        failures=collected.failures,
        quarantine=str(quarantine) if quarantine else None,
        hidden=len(collected.hidden),
        families=len(snapshot.families.families) if snapshot.families is not None else 0,
        stale_decisions=collected.stale,
        refused=str(outcome.refused) if outcome.refused else None,
    )
    if outcome.refused is not None:
        raise RefreshRefused(report)
    return report


def collect(
    sources: Sequence[SourceConfig], previous: Snapshot | None, cache: Path, curation: Curation | None = None
) -> Collected:
    """Read and curate every source; one that fails keeps the rows it had in `previous`."""
    resources: list[Resource] = []
    rejections: list[Rejection] = []
    failures: dict[str, str] = {}
    taken: dict[str, str] = {}
    rules = {s.name: Rules(tuple(s.themes), tuple(s.types), s.closed) for s in sources}
    count = 0
    for source in sources:
        yesterday = [r for r in previous.catalogue if r.source == source.name] if previous is not None else []
        try:
            admitted, refused = admit_all(read(source, cache), rules[source.name], taken)
            _require_sound(source, admitted, refused)
            count += len(admitted) + len(refused)
        except SourceError as error:
            logger.warning(
                "source %s failed and keeps its %d resources: %s", source.name, len(yesterday), error
            )
            failures[source.name] = f"{error} {error.hint}".strip()
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


def _previous(store: SnapshotStore) -> Snapshot | None:
    if not store.ids():
        return None
    try:
        return store.serve()[0]
    except SnapshotError as error:
        logger.warning("no snapshot can be read, so everything is encoded again: %s", error)
        return None


def _next(
    store: SnapshotStore,
    catalogue: Catalogue,
    previous: Snapshot | None,
    encoder: Encoder,
    progress: Progress | None,
    making: Making,
) -> tuple[Snapshot, int]:
    reuse: VectorTable | None = previous.table if previous is not None else None
    table, encoded = embed(catalogue, encoder, reuse, progress, _journal(store, encoder))
    known = reuse.by_hash if reuse is not None else {}
    fresh = len({content for content in table.hashes if content not in known})
    manifest = Manifest(
        snapshot=store.next_id(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        encoder=encoder.fingerprint,
        dimension=table.parts.shape[1],
        resources=len(catalogue),
        passages=int((table.spans[:, 0] >= 0).sum()),
        parent=store.named(),
        settings={"making": making.stamp},
    )
    head = previous.head if previous is not None else None
    families = _families(catalogue, table, previous, making)
    snapshot = build(manifest, catalogue, table, head, making.acronyms, families)
    return _adapted(snapshot, previous, encoder, making, fresh / max(1, len(catalogue))), encoded


def _tidy(store: SnapshotStore, journal: Journal, keep: int | None) -> None:
    """Remove what is no longer needed. What is served is served, so a disk that refuses is only told of."""
    try:
        journal.clear()
        if keep is not None:
            store.prune(keep)
    except StorageError as error:
        logger.warning("snapshot %s is served, but old files stay: %s", store.named(), error)


def _journal(store: SnapshotStore, encoder: Encoder) -> Journal:
    return Journal(store.home / "journal", encoder.fingerprint)


def _adapted(
    snapshot: Snapshot, previous: Snapshot | None, encoder: Encoder, making: Making, fresh: float
) -> Snapshot:
    """Return the snapshot with a head learnt anew when enough has changed and it wins."""
    last = previous.manifest.report.get("adapt", {}) if previous is not None else {}
    drift = 1.0 if not last else float(last.get("drift", 0.0)) + fresh
    if making.learn is None or drift < making.drift:
        kept = {**last, "drift": drift} if last else {}
        return _reported(snapshot, {"adapt": kept} if kept else {})
    try:
        learnt = making.learn(snapshot, encoder)
    except InvalidInput as error:
        return _reported(snapshot, {"adapt": {"drift": 0.0, "kept": False, "reason": str(error)}})
    report = {"adapt": {"drift": 0.0, "kept": learnt.kept, **learnt.figures}}
    if not learnt.kept:
        return _reported(snapshot, report)
    return _reported(snapshot.with_head(learnt.head), report)


def _families(
    catalogue: Catalogue, table: VectorTable, previous: Snapshot | None, making: Making
) -> Families:
    if previous is None or previous.families is None:
        return find(catalogue, table, making.told)
    return find(catalogue, table, making.told, previous.families, previous.table.hashes)


def _reported(snapshot: Snapshot, report: Mapping[str, object]) -> Snapshot:
    manifest = replace(snapshot.manifest, report={**snapshot.manifest.report, **report})
    return replace(snapshot, manifest=manifest)


def _quarantine(store: SnapshotStore, rejections: Sequence[Rejection]) -> Path | None:
    """Write the refused rows of this run to a file of their own."""
    if not rejections:
        return None
    folder = store.home / "quarantine"
    storage.make_folder(folder)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.jsonl"
    lines = "".join(json.dumps(asdict(rejection), ensure_ascii=False) + "\n" for rejection in rejections)
    storage.replace(path, lines.encode("utf-8", "backslashreplace"))
    return path
