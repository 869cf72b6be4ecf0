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
from reco.admission import Rules, admit_all
from reco.catalogue import Catalogue, diff
from reco.clusters import Clusters
from reco.curation import Curation
from reco.decisions import Stale
from reco.deep import DeepReport
from reco.encoder import Encoder, Progress
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

Learn = Callable[[Snapshot, Encoder], HeadReport]
Deepen = Callable[[Catalogue, VectorTable, Encoder, Path], DeepReport]
"""Learns low-rank weights from a catalogue, its vectors, the encoder without any, and a folder to work in."""
Group = Callable[[Snapshot, Clusters | None], Clusters]
"""Finds the clusters of a snapshot, from those of the night before if there are any."""


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

    `learn` tries a head on a candidate snapshot, `deepen` low-rank weights, and `group` finds its
    clusters; None never does. `drift` is the share of resources that must have changed since the last
    attempt to learn before another. `grouping` is the digest of how clusters are found and named.
    """

    acronyms: Acronyms = field(default_factory=Acronyms)
    learn: Learn | None = None
    deepen: Deepen | None = None
    drift: float = 0.1
    curation: Curation = field(default_factory=Curation)
    group: Group | None = None
    grouping: str = ""

    @property
    def stamp(self) -> str:
        """Digest of what decides a snapshot's indexes: a change makes a new snapshot."""
        decided = f"{self.curation.stamp}{self.grouping}"
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
    with store.writing():
        previous = _previous(store)
        recipe = making or Making()
        collected = collect(sources, previous, store.home / "cache", recipe.curation)
        refused = quarantine.write(store.home, collected.rejections)
        if len(collected.failures) == len(sources):
            raise SourceError(
                "Every source failed: " + " ".join(f"{n}: {why}" for n, why in collected.failures.items()),
                "The served snapshot is untouched. Check the sources with `reco source test NAME`.",
            )
        catalogue = Catalogue(collected.resources)
        changes = diff(previous.catalogue if previous is not None else Catalogue(()), catalogue)
        base = encoder()
        chosen = _in_lineage(base, previous)
        # A snapshot served in place of a damaged one is republished, even on a quiet night.
        sound = previous is not None and previous.id == store.named()
        same_encoder = previous is not None and previous.manifest.encoder == chosen.fingerprint
        same_making = previous is not None and previous.manifest.settings.get("making") == recipe.stamp
        snapshot, encoded = (
            (previous, 0)
            if previous is not None and same_encoder and same_making and changes.quiet and sound
            else _next(store, catalogue, previous if same_encoder else None, (base, chosen), progress, recipe)
        )
        quiet = snapshot is previous
        snapshot = snapshot if quiet else _grouped(snapshot, previous, recipe)
        how = publishing or Publishing()
        maker = chosen if snapshot.manifest.encoder == chosen.fingerprint else base.adapted(snapshot.adapter)
        outcome = Outcome(False, ()) if quiet else publish(store, snapshot, previous, maker, how)
        # After a refusal the journal and the training stay, so that the next try does neither again.
        doubted = any(objection.gate in ABOUT_VECTORS for objection in outcome.objections)
        served = snapshot if outcome.published else previous
        if quiet or outcome.published or doubted:
            trained = not quiet and _tried_deep(snapshot)
            _tidy(store, _journal(store, chosen), how.keep if outcome.published else None, trained)
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
        quarantine=str(refused) if refused else None,
        hidden=len(collected.hidden),
        families=len(snapshot.families.families) if snapshot.families is not None else 0,
        stale_decisions=collected.stale,
        refused=str(outcome.refused) if outcome.refused else None,
        adapter=_fate(previous, snapshot),
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
    encoders: tuple[Encoder, Encoder],
    progress: Progress | None,
    making: Making,
) -> tuple[Snapshot, int]:
    base, encoder = encoders
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
    snapshot = replace(snapshot, adapter=previous.adapter if previous is not None else None)
    share = fresh / max(1, len(catalogue))
    snapshot = _deeply_adapted(store, snapshot, previous, base, making, share, progress)
    if snapshot.manifest.encoder != encoder.fingerprint:
        return snapshot, len(catalogue)
    return _adapted(snapshot, previous, encoder, making, share), encoded


def _grouped(snapshot: Snapshot, previous: Snapshot | None, making: Making) -> Snapshot:
    """Return the snapshot with its clusters, or with the reason why it has none.

    Whatever goes wrong here is told of and never keeps a catalogue from being served.
    """
    if making.group is None:
        return snapshot
    started = time.monotonic()
    try:
        found = making.group(snapshot, previous.clusters if previous is not None else None)
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


def _in_lineage(base: Encoder, previous: Snapshot | None) -> Encoder:
    """Return the encoder with what the previous snapshot learnt, when it learnt it for this very one."""
    if previous is None or previous.adapter is None:
        return base
    if previous.adapter.base != base.fingerprint:
        logger.warning("the encoder has changed, so what `reco adapt --deep` learnt for the other is dropped")
        return base
    return base.adapted(previous.adapter)


def _fate(previous: Snapshot | None, snapshot: Snapshot) -> str:
    """Return what became of deep adaptation, as `RefreshReport.adapter` has it."""
    before = previous.adapter if previous is not None else None
    if snapshot.adapter is not None:
        same = before is not None and before.digest == snapshot.adapter.digest
        return "carried" if same else "learnt"
    if before is not None:
        return "dropped"
    return "refused" if snapshot is not previous and _tried_deep(snapshot) else ""


def _tried_deep(snapshot: Snapshot) -> bool:
    return bool(snapshot.manifest.report.get("deep", {}).get("drift") == 0.0)


def _deeply_adapted(
    store: SnapshotStore,
    snapshot: Snapshot,
    previous: Snapshot | None,
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
