"""Commands that look at the catalogue as a whole: `clusters`, `radar`, `audit`."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reco.cli.console import note, progress_bar, run, show_json
from reco.cli.options import Config, Home, Json

if TYPE_CHECKING:
    from reco.clusters.model import Clusters
    from reco.evaluation.exposure import Audit
    from reco.evaluation.gaps import Asked, Radar
    from reco.snapshots.snapshot import Snapshot
    from reco.workspace.settings import Settings


_FEW = 10
_TYPES = 4
_SHOWN = 70
"""Characters of a title."""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    grouped = typer.Typer(help="The catalogue's clusters.")
    grouped.callback(invoke_without_command=True)(clusters)
    grouped.command("rename")(rename)
    app.add_typer(grouped, name="clusters")
    app.command()(radar)
    app.command()(audit)


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
        from reco.workspace.settings import load

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

        from reco.clusters.curator_names import append
        from reco.clusters.model import CuratorName
        from reco.errors import InvalidInput
        from reco.workspace.settings import load

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


def radar(
    logged: Annotated[
        Path | None,
        typer.Option("--logged", metavar="FILE", help="CSV of requests, told in groups of five or more."),
    ] = None,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say what the catalogue covers, and what is asked of it in vain: golden set, saved projects, log."""

    def work() -> None:
        from dataclasses import asdict

        from reco.evaluation import gaps as radars
        from reco.ranking.recommender import Recommender
        from reco.workspace.settings import load
        from reco.workspace.workspace import encoder_of, store_of

        settings = load(config)
        requests = _requests(settings, home, logged)
        snapshot, warning = store_of(settings, home).serve()
        note(warning)
        encoder = encoder_of(settings, snapshot)
        recommender = Recommender(snapshot, encoder, settings.ranking.fusion())
        themes = [theme for source in settings.sources for theme in source.themes]
        with progress_bar("Asking") as progress:
            found = radars.scan(recommender, encoder, requests, themes, progress)
        if as_json:
            show_json(asdict(found))
        else:
            _show_radar(found)

    run(work, as_json)


def audit(
    requests: Annotated[
        list[Path] | None,
        typer.Option("--requests", metavar="FILE", help="CSV of requests to ask as well; repeatable."),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many results a list has.")] = 10,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say who is shown too often, who never is, and how publishers, types and places share the lists."""

    def work() -> None:
        from dataclasses import asdict

        from reco.evaluation import exposure
        from reco.projects.batch import read
        from reco.workspace.settings import load
        from reco.workspace.workspace import recommender_of, store_of

        settings = load(config)
        asked = [one.text for one in _requests(settings, home, None)]
        asked += [one.text for path in requests or () for one in read(path).projects if not one.problem]
        snapshot, warning = store_of(settings, home).serve()
        note(warning)
        with progress_bar("Asking") as progress:
            found = exposure.audit(recommender_of(settings, snapshot), asked, k, progress=progress)
        if as_json:
            show_json(asdict(found))
        else:
            _show_audit(found)

    run(work, as_json)


def _requests(settings: Settings, home: Path | None, logged: Path | None) -> list[Asked]:
    """Return the judged requests of the golden set, the saved projects, and what was logged, if given."""
    from reco.evaluation.beir import read_topics
    from reco.evaluation.gaps import LOG, PROJECT, Asked
    from reco.projects.batch import read
    from reco.projects.store import ProjectStore
    from reco.workspace.workspace import home_of

    golden = settings.gates.golden
    found = [Asked.of_topic(topic) for topic in read_topics(golden)] if golden is not None else []
    saved = ProjectStore(home_of(settings, home)).read().projects
    found += [Asked(one.id, one.text, PROJECT, None, one.filters) for one in saved]
    if logged is not None:
        found += [Asked(one.id, one.text, LOG) for one in read(logged).projects if not one.problem]
    return found


def _show_radar(found: Radar) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table("theme", "resources", "types that it lacks", box=None)
    for one in found.coverage:
        more = f" and {len(one.missing) - _TYPES} more" if len(one.missing) > _TYPES else ""
        missing = ", ".join(one.missing[:_TYPES]) + more
        told = (f"{one.theme} !" if one.thin else one.theme, str(one.resources), missing)
        table.add_row(*(Text(cell) for cell in told))
    console.print(table)
    if not found.asked:
        print("No request was asked: set `[gates] golden`, save projects, or give `--logged FILE`.")
    for origin, count in found.asked.items():
        print(f"{found.unmet.get(origin, 0)} of {count} requests ({origin}) have no good answer")
    for need in found.needs:
        size = "isolated" if need.isolated else str(need.size)
        console.print(Text(f"\n{size}  {need.label}  ({need.theme})", style="bold"))
        for request in need.requests:
            if request.text:
                console.print(Text(f"   {request.why}: {request.text[:150]}"))
    if found.withheld:
        print(f"\n{found.withheld} logged requests are in groups too small to be told")


def _show_audit(found: Audit) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    print(f"{found.titles} titles and {found.requests} requests, lists of {found.k}")
    print(f"skewness of k-occurrences {found.skewness:.2f}, {len(found.hubs)} hubs")
    for one in found.hubs[:_FEW]:
        lists = f"in {one.titles} lists of titles, {one.requests} of requests"
        console.print(Text(f"   {one.id}  {_short(one.title)}  {lists}"))
    places = (found.titles + found.requests) * found.k
    print(f"{len(found.orphans)} resources are in no list; the lists have {places} places")
    for one in found.orphans[:_FEW]:
        console.print(Text(f"   {one.id}  {_short(one.title)}"))
    for facet in found.concentration:
        print(
            f"{facet.facet}: Gini {facet.gini_catalogue:.2f} in the catalogue, {facet.gini_shown:.2f} shown; "
            f"HHI {facet.hhi_catalogue:.3f}, {facet.hhi_shown:.3f}"
        )
    shares = [(facet.facet, share) for facet in found.concentration for share in facet.values[:_FEW]]
    shares += [("inhabitants", share) for share in found.population]
    shares += [("scale", share) for share in found.scale]
    table = Table("", "value", "catalogue", "shown", "ratio", box=None)
    for name, share in shares:
        told = (name, share.value, f"{share.catalogue:.1%}", f"{share.shown:.1%}", f"{share.ratio:.2f}")
        table.add_row(*(Text(cell) for cell in told))
    console.print(table)


def _short(title: str) -> str:
    return textwrap.shorten(title, _SHOWN, placeholder=" …")


def _served(settings: Settings, home: Path | None) -> tuple[Snapshot, Clusters]:
    """Return what is served and its clusters. Raises SnapshotError, saying why, when it has none."""
    from reco.errors import SnapshotError
    from reco.workspace.workspace import store_of

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
    told = " ".join(part for part in (subject, joined, others) if part)
    return ": ".join(part for part in (event.kind, told, event.why) if part)
