"""Commands on the whole catalogue: `clusters`, `radar`, `audit`."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reco.cli.console import note, progress_bar, show_line, show_table
from reco.cli.options import By, Common, Reason
from reco.errors import InvalidInput, SnapshotError

if TYPE_CHECKING:
    from reco.catalogue.rules import LawCount, Quoting
    from reco.clusters.model import Clusters, Event, LevelQuality
    from reco.evaluation.demand import Demand
    from reco.evaluation.exposure import Audit
    from reco.evaluation.gaps import DemandQuery, GapReport
    from reco.snapshots.snapshot import Snapshot


_FEW = 10
_GROUPS = 20
_TYPES = 4
_SHOWN = 70
"""Characters shown of a title."""


def clusters(
    context: typer.Context,
    level: Annotated[int | None, typer.Option("--level", min=1, max=3, help="1 is the broadest.")] = None,
    *,
    common: Common,
) -> None:
    """List the clusters. Shows labels, sizes, quality, and the changes of the last refresh."""
    if context.invoked_subcommand is not None:
        return
    snapshot, found = _clusters(common)
    _require_level(found, level)
    common.show(_document(snapshot, found, level), partial(_show_clusters, found, level))


def rename(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The id of a cluster, such as `c12`.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    by: By = "",
    reason: Reason = "",
    *,
    common: Common,
) -> None:
    """Name a cluster. The name goes into the file of names, which the next refresh applies."""
    from reco.clusters.curator_names import append
    from reco.clusters.model import CuratorName

    path = common.settings.clusters.names
    if path is None:
        raise InvalidInput(
            "The settings have no file of cluster names.",
            'Add `names = "cluster_names.csv"` under [clusters].',
        )
    snapshot, found = _clusters(common)
    if identifier not in found.by_id:
        raise InvalidInput(
            f"There is no cluster {identifier!r} in snapshot {snapshot.id}.", "`reco clusters` lists the ids."
        )
    today = datetime.now(UTC).date().isoformat()
    append(path, CuratorName(identifier, " ".join(name.split()), by.strip(), today, reason.strip()))
    told = {
        "cluster": identifier,
        "label": found.by_id[identifier].label,
        "name": name,
        "file": str(path),
    }
    said = f"The next `reco refresh` gives {identifier} the name {name!r} ({path})."
    common.show(told, partial(print, said))


def radar(
    logged: Annotated[
        Path | None,
        typer.Option(
            "--logged",
            metavar="FILE",
            help="What is really asked: CSV, JSON Lines or text, or .gz; shows groups of five texts.",
        ),
    ] = None,
    column: Annotated[str, typer.Option("--column", help="The column of the texts in the file.")] = "",
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", min=0, help="Draw N lines of the file; 0 takes all.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", metavar="S", min=0, help="Which lines are drawn.")] = 1,
    public: Annotated[
        bool, typer.Option("--public", help="The texts of the file are public: show them, in any group.")
    ] = False,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the result in the home, for the curator's page.")
    ] = False,
    *,
    common: Common,
) -> None:
    """Show the gaps of the catalogue. Lists thin themes and the queries without a good result."""
    from reco.evaluation import demand, gaps
    from reco.projects.demand_file import DemandFile, read

    settings = common.settings.radar
    file = logged or settings.logged
    if file is not None and file == settings.logged:
        column, public = column or settings.column, public or settings.public
    if file is None and sample:
        raise InvalidInput("There is no file to draw lines from.", "Name it: --logged FILE.")
    asked = DemandFile(()) if file is None else read(file, column, sample, seed)
    requests = _requests(common)
    requests += [gaps.DemandQuery(one.id, one.text, gaps.LOG, weight=one.weight) for one in asked.texts]
    recommender = common.recommender()
    themes = [theme for source in common.settings.sources for theme in source.themes]
    with progress_bar("Searching") as progress:
        found = gaps.scan(recommender, common.opened.encoder, requests, themes, progress, public)
    if asked.problems:
        note(f"Lines left out: {len(asked.problems)}. The first: {asked.problems[0]}.")
    if save:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        name = "" if file is None else file.name
        measured = demand.MeasuredDemand(
            now, found.snapshot, name, sample, len(asked.problems), found.demand, found.saved
        )
        note(f"The result is kept in {demand.save(common.opened.path, measured)}.")
    common.show(asdict(found), partial(_show_radar, found))


def audit(
    requests: Annotated[
        list[Path] | None,
        typer.Option("--requests", metavar="FILE", help="CSV of more queries to run; repeatable."),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Number of results in a list.")] = 10,
    law: Annotated[
        str | None,
        typer.Option(
            "--law", metavar="LAW", help="List the resources that quote this law, such as 2015-992, instead."
        ),
    ] = None,
    laws: Annotated[
        bool, typer.Option("--laws", help="List the laws that resources quote, with counts, instead.")
    ] = False,
    *,
    common: Common,
) -> None:
    """Show the resources that appear too often or never. Compares shares of publishers, types and places."""
    from reco.evaluation import exposure
    from reco.projects.batch import read

    if laws or law is not None:
        _audit_laws(law, common)
        return
    asked = [one.text for one in _requests(common)]
    asked += [one.text for path in requests or () for one in read(path).projects if not one.problem]
    recommender = common.recommender()
    with progress_bar("Searching") as progress:
        found = exposure.audit(recommender, asked, k, progress=progress)
    common.show(asdict(found), partial(_show_audit, found))


def _audit_laws(named: str | None, common: Common) -> None:
    """List the resources that quote a law, or every law quoted."""
    from reco.catalogue.rules import law_counts, quoting
    from reco.text.laws import asked

    resources = common.snapshot().catalogue
    if named is None:
        counts = law_counts(resources)
        common.show({"laws": [_law_count(one) for one in counts]}, partial(_show_laws, counts))
        return
    law = asked(named)
    if law is None:
        raise InvalidInput(
            f"{named!r} names no law, or several.",
            'Write a number, a date or a code: "2015-992", "décret du 27 mai 1994", "L. 2224-8 du CGCT".',
        )
    found = quoting(resources, law)
    told = {"law": str(law), "resources": [_quoting(one) for one in found]}
    common.show(told, partial(_show_quoting, str(law), found))


def _law_count(one: LawCount) -> dict[str, Any]:
    return {"law": str(one.law), "resources": one.resources, "oldest": one.oldest, "newest": one.newest}


def _quoting(one: Quoting) -> dict[str, Any]:
    resource = one.resource
    return {
        "id": resource.id,
        "title": resource.title,
        "publisher": resource.publisher,
        "year": resource.year,
        "url": resource.url,
        "quotes": [str(law) for law in one.laws],
    }


def _show_laws(counts: list[LawCount]) -> None:
    if not counts:
        print("No resource quotes a law.")
        return
    rows = ((str(one.resources), _years(one), str(one.law)) for one in counts)
    show_table(rows, ("resources", "years", "law"))


def _years(one: LawCount) -> str:
    return " to ".join(dict.fromkeys(str(year) for year in (one.oldest, one.newest) if year is not None))


def _show_quoting(law: str, found: list[Quoting]) -> None:
    print(
        f"{len(found)} resource{'' if len(found) == 1 else 's'} quote{'s' if len(found) == 1 else ''} {law}"
    )
    for one in found:
        resource = one.resource
        show_line(f"\n{resource.year or 'no year'}  {resource.title}", "bold")
        show_line(f"   {' · '.join(filter(None, (resource.id, resource.publisher)))}")
        show_line(f"   {', '.join(map(str, one.laws))}")


def _requests(common: Common) -> list[DemandQuery]:
    """Return the queries of the golden set and of the saved projects."""
    from reco.evaluation.beir import read_topics
    from reco.evaluation.gaps import PROJECT, DemandQuery

    golden = common.settings.gates.golden
    found = [DemandQuery.of_topic(topic) for topic in read_topics(golden)] if golden is not None else []
    saved = common.opened.projects.read().projects
    return [*found, *(DemandQuery(one.id, one.text, PROJECT, None, one.filters) for one in saved)]


def _show_radar(found: GapReport) -> None:
    from reco.evaluation.gaps import LOG

    rows = []
    for one in found.coverage:
        more = f" and {len(one.missing) - _TYPES} more" if len(one.missing) > _TYPES else ""
        missing = ", ".join(one.missing[:_TYPES]) + more
        rows.append((f"{one.theme} !" if one.thin else one.theme, str(one.resources), missing))
    show_table(rows, ("theme", "resources", "missing types"))
    if not found.asked:
        print("There is no query to run: set `[gates] golden`, save projects, or give `--logged FILE`.")
    for origin, count in found.asked.items():
        print(f"{found.unmet.get(origin, 0)} of {count} queries ({origin}) have no good result")
    for need in found.needs:
        if need.requests[0].origin == LOG:
            continue
        size = "isolated" if need.isolated else str(need.size)
        show_line(f"\n{size}  {need.label}  ({need.theme})", "bold")
        for request in need.requests:
            show_line(f"   {request.why}: {request.text[:150]}")
    if found.saved is not None:
        _show_shares("Saved projects", found.saved)
    if found.demand is not None:
        _show_demand(found.demand)


def _show_demand(demand: Demand) -> None:
    _show_shares("Logged queries", demand)
    for group in demand.groups[:_GROUPS]:
        show_line(f"\n{group.size}  {group.label}", "bold")
        for example in group.examples:
            show_line(f"   « {_short(example)} »")
        for near in group.nearest:
            show_line(f"   near: {_short(near.title)}  {near.id}  {near.score:.2f}")
    if len(demand.groups) > _GROUPS:
        print(f"\n{len(demand.groups) - _GROUPS} smaller groups are in `--json`")
    if demand.isolated:
        print(f"\n{demand.isolated} logged queries are near no other")
    if demand.withheld:
        print(f"\n{demand.withheld} logged queries are in groups too small to show")


def _show_shares(name: str, demand: Demand) -> None:
    shares = ", ".join(f"{share:.1%} {verdict}" for verdict, share in demand.shares.items())
    different = f" ({demand.distinct:,} different)" if demand.distinct != demand.queries else ""
    show_line(f"\n{name}: {demand.queries:,}{different}: {shares}", "bold")


def _show_audit(found: Audit) -> None:
    print(f"{found.titles} titles and {found.requests} queries, lists of {found.k}")
    print(f"skewness of k-occurrences {found.skewness:.2f}, {len(found.hubs)} hubs")
    for hub in found.hubs[:_FEW]:
        lists = f"in {hub.titles} lists of titles, {hub.requests} of queries"
        show_line(f"   {hub.id}  {_short(hub.title)}  {lists}")
    places = (found.titles + found.requests) * found.k
    print(f"{len(found.orphans)} resources are in no list; the lists have {places} places")
    for orphan in found.orphans[:_FEW]:
        show_line(f"   {orphan.id}  {_short(orphan.title)}")
    for facet in found.concentration:
        print(
            f"{facet.facet}: Gini {facet.gini_catalogue:.2f} in the catalogue, {facet.gini_shown:.2f} shown; "
            f"HHI {facet.hhi_catalogue:.3f}, {facet.hhi_shown:.3f}"
        )
    shares = [(facet.facet, share) for facet in found.concentration for share in facet.values[:_FEW]]
    shares += [("inhabitants", share) for share in found.population]
    shares += [("scale", share) for share in found.scale]
    show_table(
        (
            (name, share.value, f"{share.catalogue:.1%}", f"{share.shown:.1%}", f"{share.ratio:.2f}")
            for name, share in shares
        ),
        ("", "value", "catalogue", "shown", "ratio"),
    )


def _short(title: str) -> str:
    return textwrap.shorten(title, _SHOWN, placeholder=" …")


def _clusters(common: Common) -> tuple[Snapshot, Clusters]:
    """Return the served snapshot and its clusters. Raises SnapshotError with the reason if it has none."""
    snapshot = common.snapshot()
    if snapshot.clusters is None:
        reason = snapshot.manifest.report.get("clusters", {}).get("reason", "")
        raise SnapshotError(
            f"Snapshot {snapshot.id} has no clusters. {reason}".strip(),
            "Run `reco refresh`, and check that `[clusters] enabled` is not false.",
        )
    return snapshot, snapshot.clusters


def _require_level(found: Clusters, level: int | None) -> None:
    if level is not None and level > found.levels:
        raise InvalidInput(
            f"There is no level {level}.", f"Choose one from 1, the broadest, to {found.levels}."
        )


def _document(snapshot: Snapshot, found: Clusters, level: int | None) -> dict[str, Any]:
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


def _show_clusters(found: Clusters, level: int | None) -> None:
    for number in [level] if level is not None else range(1, found.levels + 1):
        quality = next((one for one in found.quality if one.level == number), None)
        show_line(f"Level {number}: {_figures(quality)}", "bold")
        show_table(
            (
                (
                    cluster.id,
                    cluster.parent,
                    str(cluster.size),
                    f"{cluster.label} *" if cluster.named_by else cluster.label,
                    "" if cluster.stability is None else f"{cluster.stability:.2f}",
                    ", ".join(cluster.keywords[:5]),
                )
                for cluster in found.at(number)
            ),
            ("id", "in", "size", "label", "stable", "keywords"),
        )
    outliers = len(found.outliers)
    print(f"{outliers} resources are far from every cluster; {found.drift:.1%} moved since the last layout")
    for event in found.events:
        if level is None or event.level in (0, level):
            print(_event(event))


def _figures(quality: LevelQuality | None) -> str:
    values = asdict(quality) if quality is not None else {}
    return ", ".join(
        f"{name} {value}" for name, value in values.items() if name != "level" and value is not None
    )


def _event(event: Event) -> str:
    """Return one line about an event of a cluster."""
    others = ", ".join(f"{o.id} {o.label} ({o.shared} resources, {o.overlap:.0%})" for o in event.others)
    subject = f"{event.cluster} {event.label}".strip()
    word = {"split": "into", "merge": "of"}.get(event.kind, "")
    told = " ".join(part for part in (subject, word, others) if part)
    return ": ".join(part for part in (event.kind, told, event.why) if part)
