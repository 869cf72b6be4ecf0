"""The evaluation of several judged sets.

The golden set runs on the served snapshot, the others on their own documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from reco.encoder.protocol import Encoder, Progress
from reco.errors import InvalidInput
from reco.evaluation.beir import JudgedSet, Topic, read_set, read_topics
from reco.evaluation.evaluate import SYSTEMS, Evaluation, SetResult, Tried, evaluate, evaluate_served
from reco.snapshots.snapshot import Snapshot

Bars = Callable[[str], AbstractContextManager[Progress | None]]
"""Returns the progress bar of the set with this name."""

GOLDEN = "golden"


def read_sets(
    folders: Sequence[Path], known: Path | None, golden: bool = False, limit: int | None = None
) -> tuple[tuple[Topic, ...], tuple[JudgedSet, ...]]:
    """Return the topics of the golden set, empty when it is left out, and the other judged sets.

    `known` is the folder of the golden set, read with `golden` or when in `folders`. Raises InvalidInput
    for a set that cannot be read, or two sets with one name.
    """
    if golden and known is None:
        raise InvalidInput("The settings name no golden set.", 'Add `golden = "FOLDER"` under [gates].')
    place = known.resolve() if known is not None else None
    others = [folder for folder in folders if folder.resolve() != place]
    wanted = golden or len(others) < len(folders)
    topics = read_topics(known, limit) if wanted and known is not None else ()
    judged = tuple(read_set(folder, limit) for folder in others)
    names = [*([GOLDEN] if wanted else []), *(one.name for one in judged)]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"Two sets have the name {', '.join(repeated)}.", "Name each once, or rename one.")
    return topics, judged


def evaluate_sets(
    topics: Sequence[Topic],
    others: Sequence[JudgedSet],
    snapshot: Snapshot | None,
    tried: Tried,
    plain: Encoder,
    systems: Sequence[str],
    bars: Bars | None = None,
) -> Evaluation:
    """Run the named systems over each set that `read_sets` returns.

    `snapshot` is the served one; `plain` is the encoder without adaptation.
    """
    bar = bars or (lambda name: nullcontext())
    results: dict[str, SetResult] = {}
    if topics and snapshot is not None:
        with bar(GOLDEN) as progress:
            results[GOLDEN] = evaluate_served(topics, snapshot, tried, plain, systems, progress)
    for one in others:
        with bar(one.name) as progress:
            results[one.name] = evaluate(one, tried, plain, systems, progress)
    return Evaluation(results)


def require_systems(names: Sequence[str]) -> None:
    """Raise InvalidInput unless `names` has names, all of them in `SYSTEMS`."""
    unknown = [name for name in names if name not in SYSTEMS]
    if unknown or not names:
        raise InvalidInput(
            f"There is no system {', '.join(unknown) or 'named'}.", f"Choose among {', '.join(SYSTEMS)}."
        )
