"""Measuring a home on judged sets: what is served, and what its settings would do with other documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from reco.encoder.protocol import Progress
from reco.errors import InvalidInput
from reco.evaluation.beir import JudgedSet, Topic, read_set, read_topics
from reco.evaluation.evaluate import SYSTEMS, Evaluation, SetResult, Tried, evaluate_served
from reco.evaluation.evaluate import evaluate as evaluate_set

if TYPE_CHECKING:
    from reco.snapshots.snapshot import Snapshot
    from reco.workspace.home import Home

Bars = Callable[[str], AbstractContextManager[Progress | None]]
"""Gives what shows the progress of the set of that name."""

GOLDEN = "golden"


def evaluate(
    home: Home,
    folders: Sequence[Path],
    systems: Sequence[str],
    golden: bool = False,
    limit: int | None = None,
    bars: Bars | None = None,
) -> Evaluation:
    """Read every set before anything is encoded, then run the systems over each: see `Home.evaluate`."""
    _require_systems(systems)
    topics, judged = _read(home.settings.gates.golden, folders, golden, limit)
    snapshot = home.snapshot if topics or home.store.current() is not None else None
    tried, shown = tried_with(home, snapshot), bars or (lambda name: nullcontext())
    results: dict[str, SetResult] = {}
    if topics and snapshot is not None:
        with shown(GOLDEN) as progress:
            results[GOLDEN] = evaluate_served(topics, snapshot, tried, home.plain_encoder, systems, progress)
    for one in judged:
        with shown(one.name) as progress:
            results[one.name] = evaluate_set(one, tried, home.plain_encoder, systems, progress)
    return Evaluation(results)


def tried_with(home: Home, snapshot: Snapshot | None) -> Tried:
    """Return what a snapshot of a home runs with; without one, the settings alone."""
    fusion, acronyms = home.settings.ranking, home.settings.ranking.table()
    if snapshot is None:
        return Tried(home.plain_encoder, fusion, None, acronyms)
    encoder, plain = home.encoder_for(snapshot), home.plain_encoder
    same = encoder.fingerprint == plain.fingerprint
    return Tried(plain if same else encoder, fusion, snapshot.head, acronyms)


def _read(
    known: Path | None, folders: Sequence[Path], golden: bool, limit: int | None
) -> tuple[tuple[Topic, ...], list[JudgedSet]]:
    """Return the golden set's topics, if it is wanted, and the other sets."""
    if golden and known is None:
        raise InvalidInput("The settings name no golden set.", 'Add `golden = "FOLDER"` under [gates].')
    others = [folder for folder in folders if not _same(folder, known)]
    wanted = golden or len(others) < len(folders)
    topics = read_topics(known, limit) if wanted and known is not None else ()
    judged = [read_set(folder, limit) for folder in others]
    names = [*([GOLDEN] if wanted else []), *(one.name for one in judged)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"Two sets have the name {', '.join(twice)}.", "Name each once, or rename one.")
    return topics, judged


def _require_systems(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in SYSTEMS]
    if unknown or not names:
        raise InvalidInput(
            f"There is no system {', '.join(unknown) or 'named'}.", f"Choose among {', '.join(SYSTEMS)}."
        )


def _same(folder: Path, golden: Path | None) -> bool:
    return golden is not None and folder.resolve() == golden.resolve()
