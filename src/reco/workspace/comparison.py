"""Two homes opened side by side, and the requests and judged sets to compare them on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reco.encoder.protocol import Progress
from reco.errors import EncoderMismatch, InvalidInput, SnapshotError
from reco.evaluation import compare
from reco.evaluation.beir import JudgedSet, Topic, read_set, read_topics
from reco.evaluation.blind.pairs import Key, draw
from reco.evaluation.compare import RequestsComparison, SetComparison, Side
from reco.evaluation.sets import GOLDEN, Bars
from reco.projects import demand_file
from reco.workspace import settings
from reco.workspace.home import Home

_REQUESTS = "data/requests"
"""Folder beside a settings file that has the requests of its project."""


@dataclass(frozen=True)
class Place:
    """A settings file, and the folder of the snapshots if it is another than the file's."""

    config: Path
    home: Path | None = None

    @property
    def arguments(self) -> str:
        """The options of a command that uses this place."""
        return f"--config {self.config}" + (f" --home {self.home}" if self.home is not None else "")


@dataclass(frozen=True)
class Pair:
    """Two homes that serve one catalogue. `warnings` tell of damaged snapshots that older ones replace."""

    homes: tuple[Home, Home]
    a: Side
    b: Side

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of both homes."""
        return tuple(home.warning for home in self.homes if home.warning)


@dataclass(frozen=True)
class Comparison:
    """What a comparison found: each judged set, and the requests, None without any."""

    sets: tuple[SetComparison, ...]
    requests: RequestsComparison | None


def open_pair(first: Place, second: Place) -> Pair:
    """Open both homes. A model that both settings name alike is loaded once.

    Raises InvalidInput when they serve different catalogues, SnapshotError, with the
    command to run, when a home has no snapshot that the encoder of its settings made.
    """
    chosen = [settings.load(place.config, place.home) for place in (first, second)]
    a = Home(chosen[0], first.home)
    alike = chosen[0].encoder == chosen[1].encoder
    b = Home(chosen[1], second.home, a.plain_encoder if alike else None)
    names = _names(first, second)
    pair = Pair((a, b), _side(names[0], a, first), _side(names[1], b, second))
    compare.require_same_catalogue(pair.a, pair.b)
    return pair


def _names(first: Place, second: Place) -> tuple[str, str]:
    """Return the names of the sides: the settings files, with their homes when one file serves both."""
    if first.config.resolve() != second.config.resolve():
        return str(first.config), str(second.config)
    return f"{first.config} ({first.home or 'its home'})", f"{second.config} ({second.home or 'its home'})"


def _side(name: str, home: Home, place: Place) -> Side:
    hint = f"Run `reco refresh {place.arguments}`."
    try:
        snapshot = home.snapshot
        tried = home.tried(snapshot)
    except EncoderMismatch as error:
        raise EncoderMismatch(str(error), f"{hint} {_SHARED}") from error
    except SnapshotError as error:
        raise SnapshotError(f"{name} has no snapshot to compare: {error}", hint) from error
    if tried.encoder.fingerprint != snapshot.manifest.encoder:
        raise EncoderMismatch(
            f"Snapshot {snapshot.id} of {home.path} was not made by the encoder of {name}.",
            f"{hint} {_SHARED}",
        )
    return Side(name, snapshot, tried)


_SHARED = "Two encoders need two homes: give each file its `home`, or use --home and --home-b."


def judged_sets(
    pair: Pair, folders: Sequence[Path], limit: int | None = None
) -> tuple[dict[str, tuple[Topic, ...]], tuple[JudgedSet, ...]]:
    """Return the queries judged on the catalogue, by set, and the judged sets with their own documents.

    The golden set is that of the first settings, else of the second. A folder without `corpus.jsonl` was
    judged on the catalogue. Raises InvalidInput for a set that cannot be read, or two with one name.
    """
    golden = next((h.settings.gates.golden for h in pair.homes if h.settings.gates.golden is not None), None)
    served = {GOLDEN: read_topics(golden, limit)} if golden is not None else {}
    others: list[JudgedSet] = []
    for folder in folders:
        if golden is not None and folder.resolve() == golden.resolve():
            continue
        name = folder.resolve().name
        if name in {*served, *(one.name for one in others)}:
            raise InvalidInput(f"Two sets have the name {name}.", "Name each once, or rename one.")
        if folder.is_dir() and not (folder / "corpus.jsonl").exists():
            served[name] = read_topics(folder, limit)
        else:
            others.append(read_set(folder, limit))
    return served, tuple(others)


def requests_of(
    file: Path | None, column: str, config: Path, limit: int | None = None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the requests by id, and the problems of the lines that were left out.

    They are the first `limit` of `file`, else of each table in `data/requests` beside the settings file;
    none without either. Raises InvalidInput for a file that holds no request.
    """
    folder = config.resolve().parent / _REQUESTS
    files = [file] if file is not None else sorted(folder.glob("*.csv"))
    texts: dict[str, str] = {}
    problems: list[str] = []
    for path in files:
        read = demand_file.read(path, column)
        problems += read.problems
        for one in read.texts[:limit]:
            texts[_free(one.id, path, texts)] = one.text
    return texts, tuple(problems)


def _free(identifier: str, path: Path, taken: dict[str, str]) -> str:
    """Return an id that qrels can name and that no other request has: the file's own, or a new one."""
    plain = identifier.strip()
    if plain and plain.isprintable() and plain not in taken:
        return plain
    return f"{path.stem}:{len(taken) + 1}"


def compare_pair(
    pair: Pair,
    folders: Sequence[Path],
    requests: dict[str, str],
    k: int,
    bars: Bars | None = None,
    limit: int | None = None,
) -> Comparison:
    """Compare two homes on the golden set, on judged sets and on requests.

    Raises InvalidInput when there is nothing to compare them on.
    """
    served, others = judged_sets(pair, folders, limit)
    if not served and not others and not requests:
        raise InvalidInput(
            "There is nothing to compare the two on.",
            "Set `[gates] golden`, or give --queries FILE or --set DIR.",
        )
    bar = bars or _no_bar
    found: list[SetComparison] = []
    for name, topics in served.items():
        with bar(name) as progress:
            found.append(compare.on_catalogue(name, topics, pair.a, pair.b, progress))
    for judged in others:
        with bar(judged.name) as progress:
            found.append(compare.on_documents(judged, pair.a, pair.b, progress))
    if not requests:
        return Comparison(tuple(found), None)
    with bar("requests") as progress:
        return Comparison(tuple(found), compare.on_requests(requests, pair.a, pair.b, k, progress))


def _no_bar(name: str) -> AbstractContextManager[Progress | None]:
    return nullcontext()


def blind_key(pair: Pair, found: RequestsComparison, seed: int, most: int, shown: int) -> Key:
    """Return the key of a page of at most `most` requests, with the first `shown` results of each list."""
    a, b = (side_document(home, side) for home, side in zip(pair.homes, (pair.a, pair.b), strict=True))
    return Key(seed=seed, a=a, b=b, pairs=draw(found.differing, seed, most, shown))


def comparison_document(pair: Pair, found: Comparison) -> dict[str, Any]:
    """Return a comparison as a document of the JSON interface."""
    return {
        "a": side_document(pair.homes[0], pair.a),
        "b": side_document(pair.homes[1], pair.b),
        "sets": [asdict(one) for one in found.sets],
        "requests": None if found.requests is None else asdict(found.requests),
    }


def side_document(home: Home, side: Side) -> dict[str, Any]:
    """Return what names a side: its settings, its home, its snapshot and its encoder."""
    return {
        "config": side.name,
        "home": str(home.path),
        "snapshot": side.snapshot.id,
        "encoder": side.snapshot.manifest.encoder,
        "resources": len(side.snapshot.catalogue),
    }
