"""Results as JSON documents and as tables for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reco.catalogue.places.gazetteer import bundled
from reco.catalogue.resource import FIELDS, Rejection, Resource
from reco.cli.console import note, show_json
from reco.cli.notices import asides
from reco.encoder.protocol import Document
from reco.ranking.recommender import Answer, Recommendation
from reco.refresh.report import RefreshReport
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import Entry
from reco.text.passages import Span

_SHOWN = 240
"""Characters of a value that a trial shows."""
_VERDICTS = {
    "found": "Des ressources répondent à cette demande.",
    "weak": "Aucune ressource n'est vraiment proche ; voici des pistes.",
    "nothing": "Rien de probant : cette demande semble étrangère au catalogue. "
    "Voici malgré tout ce qu'il a de moins éloigné.",
}


def answer(found: Answer, as_json: bool) -> None:
    """Show the results of a query."""
    if as_json:
        show_json(answer_document(found))
        return
    console = Console()
    if found.verdict is not None:
        console.print(Text(f"{_VERDICTS[found.verdict]}\n", style="bold"))
    _expansions(console, found)
    for item in found.recommendations:
        _card(console, item)
    _needs(console, found)
    if not found.recommendations:
        console.print("No resource passes these filters together: leave one out.")
    for slot in found.shelf:
        if slot.rank is None:
            console.print(Text(f"–  {slot.type} : rien d'assez proche\n", style="dim"))
    compared = _place(found.query.place)
    if compared is not None:
        console.print(Text(f"Lieux comparés à {compared['name']}, {compared['code']}", style="dim"))
    console.print(f"Snapshot {found.snapshot}", style="dim", highlight=False)


def answer_document(found: Answer) -> dict[str, Any]:
    """Return an answer as the JSON interface has it."""
    return {
        "query": found.query.text,
        "snapshot": found.snapshot,
        "place": _place(found.query.place),
        "verdict": found.verdict,
        "confidence": found.confidence,
        "expansions": [
            {"short": one.short, "full": one.entry.full, "written": one.written} for one in found.expansions
        ],
        "without": list(found.query.without),
        "needs": [asdict(need) for need in found.needs],
        "shelf": [asdict(slot) for slot in found.shelf],
        "recommendations": [_item(item) for item in found.recommendations],
    }


def _place(code: str) -> dict[str, str] | None:
    """Return the place that resources were compared with, by its code and a name that tells it apart."""
    place = bundled().by_code(code) if code else None
    return {"code": code, "name": bundled().label(place)} if place is not None else None


def _item(item: Recommendation) -> dict[str, Any]:
    resource = item.resource
    return {
        "rank": item.rank,
        "id": resource.id,
        "title": resource.title,
        "type": resource.type,
        "theme": resource.theme,
        "publisher": resource.publisher,
        "year": resource.year,
        "url": resource.url,
        "score": item.score,
        "level": item.level,
        "place": resource.place,
        "others": [listing(other) for other in item.others],
        "placement": asdict(item.placement) if item.placement else None,
        "likeness": asdict(item.likeness) if item.likeness else None,
        "vigilance": [asdict(point) for point in item.vigilance],
        "explanation": asdict(item.explanation),
    }


def listing(resource: Resource) -> dict[str, Any]:
    """Return what tells one listing of a thing from another."""
    names = ("id", "title", "publisher", "year", "url", "source")
    return {name: getattr(resource, name) for name in names}


def _card(console: Console, item: Recommendation) -> None:
    resource = item.resource
    facts = [resource.publisher or resource.authors, str(resource.year or ""), resource.type, resource.theme]
    console.print(
        Text.assemble(
            (f"{item.rank}. ", "bold"),
            (resource.title, "bold"),
            (f"  {item.score:.3f}", "dim"),
            (f"  {item.level}" if item.level is not None else "", "italic"),
        )
    )
    console.print(Text("   " + " · ".join(fact for fact in facts if fact), style="cyan"))
    for quote in item.explanation.passages[:1]:
        console.print(Text(f"   « {quote.text} »"))
    for line in asides(item):
        console.print(Text(f"   {line}"))
    for other in item.others:
        told = (other.publisher or other.source, other.year, other.id)
        console.print(Text(f"   aussi : {' · '.join(str(fact) for fact in told if fact)}", style="dim"))
    words = [line.text for line in item.explanation.contributions if line.kind == "word"][:6]
    if words:
        console.print(Text(f"   mots : {', '.join(words)}", style="dim"))
    console.print(Text(f"   {resource.id}  {resource.url}\n", style="dim"))


def _expansions(console: Console, found: Answer) -> None:
    """Say what was read in both forms, and how to take it away."""
    for one in found.expansions:
        both = f"{one.short} = {one.entry.full}"
        console.print(Text(f'Lu aussi : {both}  (sans : --without "{one.short}")', style="dim"))
    if found.expansions:
        console.print()


def _needs(console: Console, found: Answer) -> None:
    for need in found.needs:
        ranks = ", ".join(str(rank) for rank in need.covered_by)
        told = f"voir {ranks}" if ranks else "rien ne le couvre"
        console.print(Text(f"Besoin : {need.text} ({need.level or '?'} ; {told})"))


def report(done: RefreshReport, as_json: bool) -> None:
    """Show what a refresh did."""
    if as_json:
        show_json(asdict(done))
        return
    console = Console()
    verb = "published" if done.published else "is still served"
    console.print(f"Snapshot {done.snapshot or 'none'} {verb}", highlight=False)
    table = Table(show_header=False, box=None)
    for name in (
        "read",
        "added",
        "changed",
        "removed",
        "unchanged",
        "rejected",
        "encoded",
        "reused",
        "hidden",
        "families",
        *(("adapter",) if done.adapter else ()),
        "seconds",
    ):
        table.add_row(name, str(getattr(done, name)))
    console.print(table)
    for objection in done.objections:
        console.print(f"gate {objection.gate} objects: {objection.message}", highlight=False, markup=False)
    for name, why in done.failures.items():
        console.print(Text(f"Source {name} failed and keeps its earlier rows: {why}", style="red"))
    for stale in done.stale_decisions:
        console.print(Text(f"Decision of line {stale.line} no longer applies: {stale.why}", style="yellow"))
    if done.quarantine:
        console.print(Text(f"Refused rows: {done.quarantine}"))


def trial(
    admitted: Sequence[Resource], refused: Sequence[Rejection], unmapped: Sequence[str], limit: float
) -> None:
    """Show the first rows of a source: as mapped, refused with every reason, and what was left out."""
    say = partial(Console().print, soft_wrap=True, highlight=False)
    say(f"records: {len(admitted)}", style="bold")
    for number, found in enumerate(admitted, start=1):
        say(Text(f"{number}. {found.title}", style="bold"))
        for name in FIELDS:
            if name != "title" and (value := getattr(found, name)):
                say(Text(f"   {name:<10} {_short(str(value))}"))
        for aside in found.notes:
            say(Text(f"   {aside}", style="yellow"))
    say(f"rejections: {len(refused)}", style="bold")
    for row in refused:
        say(Text(row.locator, style="bold"))
        say(Text(f"   {'; '.join(row.problems)}", style="red"))
        for name, value in row.values.items():
            say(Text(f"   {name:<10} {_short(value)}"))
    if len(refused) > limit * (len(admitted) + len(refused)):
        say(Text(f"More than {limit:.0%} of these rows: a refresh would keep yesterday's.", style="yellow"))
    say(Text(f"unmapped: {len(unmapped)}", style="bold"))
    say(Text(f"   {', '.join(unmapped) or 'every column is read'}"))
    if admitted:
        say(Text(f"unfilled: {', '.join(unfilled(admitted)) or 'none'}", style="dim"))


def unfilled(admitted: Sequence[Resource]) -> list[str]:
    """Return our fields that no row fills."""
    return [name for name in FIELDS if not any(getattr(found, name) for found in admitted)]


def _short(text: str) -> str:
    """Return a text on one line, with its length where its end is left out."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}… ({len(text):,} characters)"


def resource(snapshot: Snapshot, row: int, tokens: Callable[[str], int], as_json: bool) -> None:
    """Show one resource, what the model reads of it in how many tokens, and what was set aside."""
    found = snapshot.catalogue[row]
    spans = [span for span in snapshot.table.document(row).spans if span.start >= 0]
    passages = [_quoted(found, span) for span in spans]
    aside = [_quoted(found, span) for span in found.set_aside]
    fields = {**asdict(found), "themes": list(found.themes), "theme": found.theme, "notes": list(found.notes)}
    read = Document.of(found.title, found.summary, found.set_aside).text
    fields |= {"set_aside": aside, "localities": [asdict(place) for place in found.localities]}
    if as_json:
        counted = {"tokens": tokens(read), "read": " ".join(read.split())}
        show_json({**fields, "snapshot": snapshot.id, "passages": passages, **counted})
        return
    places = [f"{p.name} ({p.kind} {p.code}, {p.population or '?'} inhabitants)" for p in found.localities]
    fields |= {"set_aside": [], "localities": places}
    console = Console()
    table = Table(show_header=False, box=None)
    for name, value in fields.items():
        if value and name not in ("summary", "themes"):
            table.add_row(name, Text("; ".join(value) if isinstance(value, list) else str(value)))
    console.print(table)
    console.print(
        f"\nRead by the model: {tokens(read)} tokens, the title and {len(passages)} passages", highlight=False
    )
    for passage in passages:
        console.print(Text(f"  – {passage['text']}"))
    for piece in aside:
        console.print(Text(f"  set aside: {piece['text']}", style="dim"))


def _quoted(resource: Resource, span: Span) -> dict[str, Any]:
    return {"text": resource.summary[span.start : span.end], "start": span.start, "end": span.end}


def snapshots(entries: Sequence[Entry], as_json: bool) -> None:
    """List snapshots."""
    if as_json:
        rows = [
            {
                "id": entry.id,
                "current": entry.current,
                "created": entry.manifest.created,
                "resources": entry.manifest.resources,
                "passages": entry.manifest.passages,
                "encoder": entry.manifest.encoder,
                "bytes": entry.bytes,
            }
            for entry in entries
        ]
        show_json({"snapshots": rows})
        return
    if not entries:
        note("There is no snapshot yet.\nRun `reco refresh` first.")
        return
    table = Table("", "id", "created", "resources", "passages", "MB")
    for entry in entries:
        table.add_row(
            "served" if entry.current else "",
            entry.id,
            entry.manifest.created,
            str(entry.manifest.resources),
            str(entry.manifest.passages),
            f"{entry.bytes / 1e6:.1f}",
        )
    Console().print(table)
