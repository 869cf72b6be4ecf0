"""Commands that look at the catalogue as a whole: `clusters`, `radar`, `audit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reco.cli.console import note, run, show_json

if TYPE_CHECKING:
    from reco.clusters import Clusters
    from reco.settings import Settings
    from reco.snapshot import Snapshot

Home = Annotated[Path | None, typer.Option("--home", help="Where snapshots live (default: RECO_HOME).")]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file (default: ./reco.toml).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    grouped = typer.Typer(help="The catalogue's clusters.")
    grouped.callback(invoke_without_command=True)(clusters)
    grouped.command("rename")(rename)
    app.add_typer(grouped, name="clusters")


def clusters(
    context: typer.Context,
    level: Annotated[int | None, typer.Option("--level", min=1, max=3, help="1 is the broadest.")] = None,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List the clusters of what is served: labels, sizes, quality, and what became of them last night."""
    if context.invoked_subcommand is not None:
        return

    def work() -> None:
        from reco.settings import load

        snapshot, found = _served(load(config), home)
        _require_level(found, level)
        if as_json:
            show_json(_document(snapshot, found, level))
        else:
            _show(found, level)

    run(work, as_json)


def rename(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A cluster's id, as `c12`.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called from the next refresh on.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who, recorded.")] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, recorded.")] = "",
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Add a name to the file of `[clusters] names`; the next refresh applies it."""

    def work() -> None:
        from datetime import UTC, datetime

        from reco.clusters import CuratorName
        from reco.clusters.names import append
        from reco.errors import InvalidInput
        from reco.settings import load

        settings = load(config)
        path = settings.clusters.names
        if path is None:
            raise InvalidInput(
                "The settings name no file of cluster names.",
                'Add `names = "cluster_names.csv"` under [clusters].',
            )
        snapshot, found = _served(settings, home)
        if identifier not in found.by_id:
            raise InvalidInput(
                f"There is no cluster {identifier!r} in snapshot {snapshot.id}.",
                "Ids are in `reco clusters`.",
            )
        today = datetime.now(UTC).date().isoformat()
        append(path, CuratorName(identifier, " ".join(name.split()), by.strip(), today, reason.strip()))
        told = {
            "cluster": identifier,
            "label": found.by_id[identifier].label,
            "name": name,
            "file": str(path),
        }
        if as_json:
            show_json(told)
        else:
            print(f"{identifier} will be called {name!r} from the next `reco refresh` on ({path}).")

    run(work, as_json)


def _served(settings: Settings, home: Path | None) -> tuple[Snapshot, Clusters]:
    """Return what is served and its clusters. Raises SnapshotError, saying why, when it has none."""
    from reco.errors import SnapshotError
    from reco.settings import store_of

    snapshot, warning = store_of(settings, home).serve()
    note(warning)
    if snapshot.clusters is None:
        reason = snapshot.manifest.report.get("clusters", {}).get("reason", "")
        raise SnapshotError(
            f"Snapshot {snapshot.id} has no clusters. {reason}".strip(),
            "They are found by `reco refresh`, unless `[clusters] enabled` is false.",
        )
    return snapshot, snapshot.clusters


def _require_level(found: Clusters, level: int | None) -> None:
    from reco.errors import InvalidInput

    if level is not None and level > found.levels:
        raise InvalidInput(f"There is no level {level}.", f"There are {found.levels}; 1 is the broadest.")


def _document(snapshot: Snapshot, found: Clusters, level: int | None) -> dict[str, Any]:
    from dataclasses import asdict

    shown = [level] if level is not None else range(1, found.levels + 1)
    return {
        "snapshot": snapshot.id,
        "drift": found.drift,
        "quality": [asdict(one) for one in found.quality if one.level in shown],
        "clusters": [
            {**asdict(cluster), "keywords": list(cluster.keywords)}
            for number in shown
            for cluster in found.at(number)
        ],
        "outliers": list(found.outliers),
        "events": [asdict(event) for event in found.events if event.level in (0, *shown)],
    }


def _show(found: Clusters, level: int | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for number in [level] if level is not None else range(1, found.levels + 1):
        quality = next((one for one in found.quality if one.level == number), None)
        console.print(Text(f"Level {number}: {_figures(quality)}", style="bold"))
        table = Table("id", "in", "size", "label", "stable", "keywords", box=None)
        for cluster in found.at(number):
            steady = "" if cluster.stability is None else f"{cluster.stability:.2f}"
            label = f"{cluster.label} *" if cluster.named_by else cluster.label
            words = ", ".join(cluster.keywords[:5])
            told = (cluster.id, cluster.parent, str(cluster.size), label, steady, words)
            table.add_row(*(Text(cell) for cell in told))
        console.print(table)
    outliers = len(found.outliers)
    print(f"{outliers} resources are far from every subject; {found.drift:.1%} moved since the last layout")
    for event in found.events:
        if level is None or event.level in (0, level):
            print(_told(event))


def _figures(quality: Any) -> str:
    from dataclasses import asdict

    if quality is None:
        return ""
    named = asdict(quality)
    return ", ".join(
        f"{name} {value}" for name, value in named.items() if name != "level" and value is not None
    )


def _told(event: Any) -> str:
    """Return one line on what became of a cluster."""
    others = ", ".join(f"{o.id} {o.label} ({o.shared} resources, {o.overlap:.0%})" for o in event.others)
    subject = f"{event.cluster} {event.label}".strip()
    joined = {"split": "into", "merge": "of"}.get(event.kind, "")
    return " ".join(part for part in (f"{event.kind}:", subject, joined, others, event.why) if part)
