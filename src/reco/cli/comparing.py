"""`reco compare`: two configurations side by side."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import reco
from reco.cli.console import note, progress_bar
from reco.cli.options import Common
from reco.errors import InvalidInput

if TYPE_CHECKING:
    from reco.evaluation.compare import RequestComparison, SetComparison

_REQUESTS = Path("data") / "requests" / "answerable.csv"
"""Beside the first reco.toml: what is asked when no file is named."""

ConfigA = Annotated[Path, typer.Argument(metavar="CONFIG_A", help="The first reco.toml.")]
ConfigB = Annotated[Path, typer.Argument(metavar="CONFIG_B", help="The second one.")]
Queries = Annotated[
    Path | None, typer.Option("--queries", help="Requests: CSV, JSON Lines or one a line. [ours by default]")
]
Sets = Annotated[list[Path] | None, typer.Option("--set", help="A judged set in BEIR layout; repeatable.")]
HomeB = Annotated[
    Path | None, typer.Option("--home-b", help="The home of the second; --home is that of the first.")
]
Page = Annotated[Path | None, typer.Option("--page", help="Write a .html page to judge both blindly.")]


def compare(
    config_a: ConfigA,
    config_b: ConfigB,
    queries: Queries = None,
    sets: Sets = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Results of each list.")] = 10,
    page: Page = None,
    seed: Annotated[int, typer.Option("--seed", help="Draws the side of each list on the page.")] = 1,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Use the first N queries.")] = None,
    home_b: HomeB = None,
    *,
    common: Common,
) -> None:
    """Compare two configurations on judged sets and on real requests."""
    from reco.evaluation import compare as comparison
    from reco.evaluation import report as reports

    if page is not None:
        reports.require_writable(page, (".html",))
    if common.config is not None:
        raise InvalidInput("`compare` takes its two configurations as arguments.", "Leave --config out.")
    a, b = reco.open(common.home, config=config_a), reco.open(home_b, config=config_b)
    comparison.require_one_catalogue(a.catalogue, b.catalogue)
    asked = _asked(queries, config_a.resolve().parent / _REQUESTS, limit)
    measured = _sets(a, b, sets or [], limit)
    found = comparison.requests(asked, a.recommender, b.recommender, k)
    names = (str(config_a), str(config_b))
    written = _write(page, found, a, names, seed) if page is not None else {}
    document = {"a": names[0], "b": names[1], **_document(measured, found), **written}
    common.show(document, partial(_print, document))


def _asked(queries: Path | None, ours: Path, limit: int | None) -> dict[str, str]:
    """Return the texts to ask, by id."""
    from reco.projects.demand_file import read

    if queries is None and not ours.is_file():
        return {}
    read_file = read(queries or ours)
    for problem in read_file.problems[:5]:
        note(problem)
    return {one.id: one.text for one in read_file.texts[:limit]}


def _sets(a: reco.Home, b: reco.Home, folders: list[Path], limit: int | None) -> dict[str, SetComparison]:
    from reco.evaluation import compare as comparison
    from reco.evaluation.beir import read_topics

    found = {}
    golden = a.settings.gates.golden
    if golden is not None:
        topics = read_topics(golden, limit)
        found["golden"] = comparison.golden(topics, a.recommender, b.recommender)
    if not folders:
        return found
    sides = [
        home.evaluate(*folders, systems=("product",), limit=limit, bars=progress_bar).results
        for home in (a, b)
    ]
    for name, result in sides[0].items():
        columns = [
            {topic: values["ndcg@10"] for topic, values in side[name].systems["product"].per_topic.items()}
            for side in sides
        ]
        found[name] = comparison.judged(result.topics, *columns)
    return found


def _write(
    page: Path, found: list[RequestComparison], home: reco.Home, names: tuple[str, str], seed: int
) -> dict[str, str]:
    """Write the page and, beside it, its key."""
    from reco.evaluation.blind.judgements import written
    from reco.evaluation.blind.page import blind_page
    from reco.storage import atomic

    made = blind_page(found, home.catalogue, names, seed)
    key = page.with_suffix(".key.json")
    atomic.replace(page, made.html.encode())
    atomic.replace(key, written(made.key))
    return {"page": str(page), "key": str(key)}


def _document(measured: dict[str, SetComparison], found: list[RequestComparison]) -> dict[str, Any]:
    differing = [one for one in found if one.differs]
    return {
        "sets": {name: {**asdict(one), "most": dict(one.most)} for name, one in measured.items()},
        "requests": len(found),
        "differing": len(differing),
        "overlap": sum(one.overlap for one in found) / len(found) if found else 1.0,
        "other_verdicts": sum(one.verdicts[0] != one.verdicts[1] for one in found),
        "differences": [{**asdict(one), "overlap": one.overlap} for one in differing],
    }


def _print(document: dict[str, Any]) -> None:
    for name, one in document["sets"].items():
        print(f"{name}: {one['topics']} queries, nDCG@10 {one['a']:.3f} -> {one['b']:.3f} (p {one['p']:.4f})")
    print(
        f"{document['requests']} requests: {document['differing']} lists differ, "
        f"{document['other_verdicts']} verdicts; {document['overlap']:.0%} of the results are the same."
    )
    for one in sorted(document["differences"], key=lambda one: one["overlap"])[:5]:
        print(f"  {one['overlap']:.0%}  {one['text'][:100]}")
    if "page" in document:
        print(
            f"Judge blindly: {document['page']}; then `reco evaluate --judged FILE --key {document['key']}`."
        )
