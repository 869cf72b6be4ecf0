"""The nightly use case: collect, compare, encode what is new, build beside, verify, publish, report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from reco import quarantine, storage
from reco.acronyms import Acronyms
from reco.adapt import HeadReport
from reco.baseline import Baseline
from reco.catalogue import Catalogue, Changes, diff
from reco.clusters import Clusters
from reco.collection import Collected, collect
from reco.curation import Curation
from reco.decisions import Stale
from reco.deep import DeepReport
from reco.encoder import Encoder, Matrix, Progress
from reco.encoder.adapter import Adapter
from reco.errors import (
    EncoderError,
    InvalidInput,
    InvalidSettings,
    PublishRefused,
    RecoError,
    SnapshotError,
    SourceError,
    StorageError,
)
from reco.families import Told, find
from reco.gates import ABOUT_VECTORS, Objection, remember
from reco.journal import Journal
from reco.levels import Levels, Vectors
from reco.publication import Outcome, Publishing, publish, write
from reco.runlog import recorded
from reco.snapshot import Manifest, Snapshot, build
from reco.sources import SourceConfig
from reco.store import SnapshotStore
from reco.vectors import VectorTable, embed
from reco.words import READING

logger = logging.getLogger(__name__)

Learn = Callable[[Snapshot, Encoder], HeadReport]
Deepen = Callable[[Catalogue, VectorTable, Encoder, Path], DeepReport]
"""Learns low-rank weights from a catalogue, its vectors, the encoder without any, and a folder to work in."""
Group = Callable[[Snapshot, Clusters | None], Clusters]
"""Finds the clusters of a snapshot, from those of the night before if there are any."""
Start = Callable[[str], Matrix | None]
"""Gives the head that a first snapshot starts from, by the fingerprint of its encoder."""

Calibrate = Callable[[Snapshot, Encoder, Vectors], Levels | None]
"""Measures what the scores of a snapshot are worth, given the vectors of requests that its encoder gave."""


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh did. Counts are of resources; `seconds` is wall-clock time.

    `snapshot` is the one served afterwards, `refused` where one that the gates refused is kept.
    `adapter` says what became of deep adaptation in the snapshot made, served or not: "" for none,
    "carried" from the one before, "learnt" in this run, "refused" as no gain, or "dropped" with the
    encoder that it was made for.
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


@dataclass(frozen=True)
class Making:
    """What a snapshot is made with beside its sources and encoder.

    `learn` tries a head on a candidate snapshot, `deepen` low-rank weights, and `group` finds its
    clusters; None never does. `start` gives the head that a first snapshot has until it learns one
    better, if any, by fingerprint. `drift` is the share of resources that must have changed since the
    last attempt to learn before another. `grouping` is the digest of how clusters are found and named.
    `calibrate` measures what scores are worth with what `measure` names; None never does.
    """

    acronyms: Acronyms = field(default_factory=Acronyms)
    learn: Learn | None = None
    deepen: Deepen | None = None
    start: Start | None = None
    drift: float = 0.1
    curation: Curation = field(default_factory=Curation)
    group: Group | None = None
    grouping: str = ""
    calibrate: Calibrate | None = None
    measure: str = ""

    @property
    def stamp(self) -> str:
        """Digest of what decides a snapshot's indexes: a change makes a new snapshot."""
        decided = f"{self.curation.stamp}{self.measure}{self.grouping}{READING}"
        return storage.digest_of(self.acronyms.to_bytes() + decided.encode())[:16]

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
    recipe, how = making or Making(), publishing or Publishing()
    with store.writing():
        night = _begun(store, sources, recipe)
        base = encoder()
        encoders = base, _in_lineage(base, night.previous)
        quiet = _is_quiet(store, night, encoders[1], recipe)
        made, outcome = (
            (_Made.of(night.previous, night.previous.adapter, quiet=True), Outcome(False, ()))
            if quiet and night.previous is not None
            else _published(store, night, encoders, progress, recipe, how)
        )
        # After a refusal the journal and the training stay, so that the next try does neither again.
        doubted = any(objection.gate in ABOUT_VECTORS for objection in outcome.objections)
        if quiet or outcome.published or doubted:
            _tidy(store, _journal(store, encoders[1]), how.keep if outcome.published else None, made.trained)
    collected, changes = night.collected, night.changes
    report = RefreshReport(
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
        seconds=round(time.monotonic() - started, 3),
        failures=collected.failures,
        quarantine=str(night.refused) if night.refused else None,
        hidden=len(collected.hidden),
        families=made.families,
        stale_decisions=collected.stale,
        refused=str(outcome.refused) if outcome.refused else None,
        adapter=made.adapter,
    )
    if outcome.refused is not None:
        raise RefreshRefused(report)
    return report


@dataclass
class _Night:
    """A refresh under way: what is served, what the sources gave, and how they differ.

    `previous` and `catalogue` are let go once the next snapshot has what it needs of them: so a large
    catalogue is in memory once. `collected` has no resources, they are in `catalogue`.
    """

    previous: Snapshot | None
    catalogue: Catalogue
    collected: Collected
    changes: Changes
    refused: Path | None
    served: str | None


@dataclass(frozen=True)
class _Made:
    """What the report says of a snapshot that was made, or of the one that a quiet night leaves."""

    id: str
    resources: int
    encoded: int
    families: int
    adapter: str
    trained: bool = False

    @classmethod
    def of(cls, snapshot: Snapshot, before: Adapter | None, encoded: int = 0, quiet: bool = False) -> _Made:
        """`before` is what the snapshot served before had learnt."""
        families = snapshot.families.families if snapshot.families is not None else ()
        trained = not quiet and _tried_deep(snapshot)
        fate = _fate(before, snapshot.adapter, trained)
        return cls(snapshot.id, len(snapshot.catalogue), encoded, len(families), fate, trained)


def _begun(store: SnapshotStore, sources: Sequence[SourceConfig], making: Making) -> _Night:
    """Read the sources. Raises SourceError when all fail."""
    previous = _previous(store)
    collected = collect(sources, previous, store.home / "cache", making.curation)
    refused = quarantine.write(store.home, collected.rejections)
    if len(collected.failures) == len(sources):
        raise SourceError(
            "Every source failed: " + " ".join(f"{n}: {why}" for n, why in collected.failures.items()),
            "The served snapshot is untouched. Check the sources with `reco source test NAME`.",
        )
    catalogue = Catalogue(collected.resources)
    changes = diff(previous.catalogue if previous is not None else Catalogue(()), catalogue)
    served = previous.id if previous is not None else None
    return _Night(previous, catalogue, replace(collected, resources=()), changes, refused, served)


def _is_quiet(store: SnapshotStore, night: _Night, encoder: Encoder, making: Making) -> bool:
    """Whether a new snapshot would be the one that is served."""
    previous = night.previous
    return (
        previous is not None
        and previous.manifest.encoder == encoder.fingerprint
        and previous.manifest.settings.get("making") == making.stamp
        and night.changes.quiet
        # A snapshot served in place of a damaged one is republished, even on a quiet night.
        and previous.id == store.named()
    )


def _published(
    store: SnapshotStore,
    night: _Night,
    encoders: tuple[Encoder, Encoder],
    progress: Progress | None,
    making: Making,
    how: Publishing,
) -> tuple[_Made, Outcome]:
    """Make the next snapshot and publish it, unless a gate objects."""
    base, encoder = encoders
    baseline = (
        remember(night.previous, night.catalogue, encoder, how.gates) if night.previous is not None else None
    )
    table, encoded = _embedded(store, night, encoder, progress)
    snapshot = _next(store, night.catalogue, table, baseline, encoders, progress, making)
    if snapshot.manifest.encoder != encoder.fingerprint:
        encoder, encoded = base.adapted(snapshot.adapter), len(night.catalogue)
    snapshot = _grouped(snapshot, baseline.clusters if baseline is not None else None, making)
    made = _Made.of(snapshot, baseline.adapter if baseline is not None else None, encoded)
    written = write(store, snapshot)
    # The new snapshot is read back next: not beside itself.
    night.catalogue = Catalogue(())
    del table, snapshot
    return made, publish(store, written, baseline, encoder, how)


def _embedded(
    store: SnapshotStore, night: _Night, encoder: Encoder, progress: Progress | None
) -> tuple[VectorTable, int]:
    """Return the vectors of the new catalogue, and let the previous snapshot go."""
    previous, night.previous = night.previous, None
    same = previous is not None and previous.manifest.encoder == encoder.fingerprint
    reuse = previous.table if previous is not None and same else None
    del previous
    return embed(night.catalogue, encoder, reuse, progress, _journal(store, encoder))


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
    table: VectorTable,
    baseline: Baseline | None,
    encoders: tuple[Encoder, Encoder],
    progress: Progress | None,
    making: Making,
) -> Snapshot:
    """Return the next snapshot of a catalogue and its vectors, with what is learnt or carried on."""
    base, encoder = encoders
    same = baseline is not None and baseline.manifest.encoder == encoder.fingerprint
    previous = baseline if same else None
    known = frozenset(previous.texts.values()) if previous is not None else frozenset()
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
    families = find(catalogue, table, making.told, previous.families if previous else None, known)
    head = previous.head if previous is not None else _starting(making, encoder)
    snapshot = build(manifest, catalogue, table, head, making.acronyms, families)
    snapshot = replace(snapshot, adapter=previous.adapter if previous is not None else None)
    share = len(set(table.hashes) - known) / max(1, len(catalogue))
    snapshot = _deeply_adapted(store, snapshot, previous, base, making, share, progress)
    if snapshot.manifest.encoder != encoder.fingerprint:
        return calibrated(snapshot, base.adapted(snapshot.adapter), making.calibrate)
    snapshot = _adapted(snapshot, previous, encoder, making, share)
    return calibrated(snapshot, encoder, making.calibrate, previous.asked if previous is not None else {})


def calibrated(
    snapshot: Snapshot, encoder: Encoder, calibrate: Calibrate | None, asked: Vectors | None = None
) -> Snapshot:
    """Return a snapshot that knows what its scores are worth; `asked` are vectors of the same encoder."""
    if calibrate is None:
        return replace(snapshot, levels=None)
    levels = calibrate(snapshot, encoder, asked or {})
    if levels is None:
        return replace(snapshot, levels=None)
    told = {"calibrated": levels.calibrated, **levels.figures, "precision": dict(levels.precision)}
    return _reported(replace(snapshot, levels=levels), {"levels": told})


def _grouped(snapshot: Snapshot, previous: Clusters | None, making: Making) -> Snapshot:
    """Return the snapshot with its clusters, or with the reason why it has none.

    Whatever goes wrong here is told of and never keeps a catalogue from being served.
    """
    if making.group is None:
        return snapshot
    started = time.monotonic()
    try:
        found = making.group(snapshot, previous)
    except Exception as error:
        expected = isinstance(error, RecoError)
        logger.warning("no clusters were found: %s", error, exc_info=not expected)
        reason = (
            f"{error} {error.hint}" if isinstance(error, RecoError) else f"{type(error).__name__}: {error}"
        )
        return _reported(snapshot, {"clusters": {"found": False, "reason": reason.strip()}})
    told = {
        "found": True,
        "levels": [len(found.at(level)) for level in range(1, found.levels + 1)],
        "outliers": len(found.outliers),
        "drift": round(found.drift, 4),
        "seconds": round(time.monotonic() - started, 3),
    }
    return _reported(replace(snapshot, clusters=found), {"clusters": told})


def _starting(making: Making, encoder: Encoder) -> Matrix | None:
    return making.start(encoder.fingerprint) if making.start is not None else None


def _in_lineage(base: Encoder, previous: Snapshot | None) -> Encoder:
    """Return the encoder with what the previous snapshot learnt, when it learnt it for this very one."""
    if previous is None or previous.adapter is None:
        return base
    if previous.adapter.base != base.fingerprint:
        logger.warning("the encoder has changed, so what `reco adapt --deep` learnt for the other is dropped")
        return base
    return base.adapted(previous.adapter)


def _fate(before: Adapter | None, now: Adapter | None, trained: bool) -> str:
    """Return what became of deep adaptation, as `RefreshReport.adapter` has it."""
    if now is not None:
        return "carried" if before is not None and before.digest == now.digest else "learnt"
    if before is not None:
        return "dropped"
    return "refused" if trained else ""


def _tried_deep(snapshot: Snapshot) -> bool:
    return bool(snapshot.manifest.report.get("deep", {}).get("drift") == 0.0)


def _deeply_adapted(
    store: SnapshotStore,
    snapshot: Snapshot,
    previous: Baseline | None,
    base: Encoder,
    making: Making,
    fresh: float,
    progress: Progress | None,
) -> Snapshot:
    """Return the snapshot encoded with weights learnt anew, when enough has changed and they win."""
    last = previous.manifest.report.get("deep", {}) if previous is not None else {}
    drift = 1.0 if not last else float(last.get("drift", 0.0)) + fresh
    if making.deepen is None or drift < making.drift:
        return _reported(snapshot, {"deep": {**last, "drift": drift}}) if last else snapshot
    try:
        plain = vectors_of(store, base.fingerprint, snapshot)
        table, _ = embed(snapshot.catalogue, base, plain, progress)
        learnt = making.deepen(snapshot.catalogue, table, base, store.home / "adapting")
    except (InvalidInput, EncoderError) as error:
        logger.warning("the encoder was not adapted: %s", error)
        return _reported(snapshot, {"deep": {"drift": 0.0, "kept": False, "reason": str(error)}})
    if not learnt.kept:
        return _reported(snapshot, {"deep": {"drift": 0.0, "kept": False, **learnt.figures}})
    return deepened(snapshot, learnt, base, making.learn)[0]


def deepened(
    snapshot: Snapshot, learnt: DeepReport, base: Encoder, learn: Learn | None
) -> tuple[Snapshot, HeadReport | None]:
    """Return a snapshot encoded with what was learnt, and the head tried on top of it, if any."""
    encoder = base.adapted(learnt.adapter)
    anew = snapshot.encoded_by(encoder.fingerprint, learnt.table, learnt.adapter)
    anew = _reported(anew, {"deep": {"drift": 0.0, "kept": True, **learnt.figures}})
    if learn is None:
        return anew, None
    try:
        head = learn(anew, encoder)
    except InvalidInput as error:
        return _reported(anew, {"adapt": {"drift": 0.0, "kept": False, "reason": str(error)}}), None
    anew = anew.with_head(head.head) if head.kept else anew
    return _reported(anew, {"adapt": {"drift": 0.0, "kept": head.kept, **head.figures}}), head


def vectors_of(store: SnapshotStore, fingerprint: str, current: Snapshot) -> VectorTable | None:
    """Return the newest vectors on disk that the encoder of that fingerprint made, `current`'s if it did."""
    if current.manifest.encoder == fingerprint:
        return current.table
    for entry in reversed(store.entries()):
        if entry.manifest.encoder == fingerprint:
            try:
                return store.open(entry.id).table
            except SnapshotError as error:
                logger.warning("the vectors of snapshot %s cannot be used: %s", entry.id, error)
    return None


def forget_training(store: SnapshotStore) -> None:
    """Remove what an adaptation keeps to be resumed."""
    folder = store.home / "adapting"
    if folder.exists():
        storage.remove_tree(folder)


def _tidy(store: SnapshotStore, journal: Journal, keep: int | None, trained: bool) -> None:
    """Remove what is no longer needed. What is served is served, so a disk that refuses is only told of."""
    try:
        journal.clear()
        if trained:
            forget_training(store)
        if keep is not None:
            store.prune(keep)
    except StorageError as error:
        logger.warning("snapshot %s is served, but old files stay: %s", store.named(), error)


def _journal(store: SnapshotStore, encoder: Encoder) -> Journal:
    return Journal(store.home / "journal", encoder.fingerprint)


def _adapted(
    snapshot: Snapshot, previous: Baseline | None, encoder: Encoder, making: Making, fresh: float
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


def _reported(snapshot: Snapshot, report: Mapping[str, object]) -> Snapshot:
    manifest = replace(snapshot.manifest, report={**snapshot.manifest.report, **report})
    return replace(snapshot, manifest=manifest)
