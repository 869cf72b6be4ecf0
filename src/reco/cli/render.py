"""Output of answers, resources, refreshes and snapshots: JSON documents, and cards and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from rich.console import Console
from rich.text import Text

from reco.catalogue.resource import FIELDS, Rejection, Remark, Resource
from reco.cli.console import note, show_table
from reco.cli.notices import asides
from reco.encoder.protocol import Document
from reco.ranking.query import Query
from reco.ranking.recommender import Answer, Recommendation
from reco.refresh.report import RefreshReport
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotEntry
from reco.text.passages import Span
from reco.workspace.documents import place_document

_SHOWN = 240
"""Characters of a value that `trial` shows."""
_APART = ("summary", "themes", "set_aside", "snapshot", "passages", "tokens", "read")
"""Fields of a resource document that its table leaves out."""
_PAPERS = {
    "deliberation": "deliberation",
    "minutes": "minutes",
    "form": "form",
    "mail": "e-mail",
    "note": "note",
}
_LONGEST_UNDERSTOOD = 300
"""Characters of a request that is told whole as it was understood."""
_PARTS = {"recital": "considérant", "body": "message", "goals": "objective"}
_VERDICTS = {
    "found": "Some resources answer this query.",
    "weak": "No resource quite answers; these are the nearest leads.",
    "nothing": "Rien de probant: this query seems to be outside the field of the catalogue. "
    "These are the least distant resources.",
}


def answer(found: Answer) -> None:
    """Print the results of a query as cards."""
    console = Console()
    if found.verdict is not None:
        console.print(Text(f"{_VERDICTS[found.verdict]}\n", style="bold"))
        _chance(console, found)
    _reading(console, found.query)
    _corrections(console, found)
    _expansions(console, found)
    for item in found.recommendations:
        _card(console, item)
    _needs(console, found)
    if not found.recommendations:
        console.print("No resource passes all these filters: leave one out.")
    for slot in found.shelf:
        if slot.rank is None:
            console.print(Text(f"–  {slot.type}: nothing close enough\n", style="dim"))
    compared = place_document(found.query.place)
    if compared is not None:
        console.print(Text(f"Places compared with {compared['name']}, {compared['code']}", style="dim"))
    console.print(f"Snapshot {found.snapshot}", style="dim", highlight=False)


def joined(*facts: object) -> str:
    """Return the facts that are known, on one line."""
    return " · ".join(str(fact) for fact in facts if fact)


def _card(console: Console, item: Recommendation) -> None:
    resource = item.resource
    facts = joined(resource.publisher or resource.authors, resource.year, resource.type, resource.theme)
    console.print(
        Text.assemble(
            (f"{item.rank}. ", "bold"),
            (resource.title, "bold"),
            (f"  {item.score:.3f}", "dim"),
            (f"  {item.level}" if item.level is not None else "", "italic"),
        )
    )
    console.print(Text(f"   {facts}", style="cyan"))
    for quote in item.explanation.passages[:1]:
        console.print(Text(f"   « {quote.text} »"))
    for line in asides(item):
        console.print(Text(f"   {line}"))
    for other in item.others:
        known = joined(other.publisher or other.source, other.year, other.id)
        console.print(Text(f"   also: {known}", style="dim"))
    words = [line.text for line in item.explanation.contributions if line.kind == "word"][:6]
    if words:
        console.print(Text(f"   words: {', '.join(words)}", style="dim"))
    console.print(Text(f"   {resource.id}  {resource.url}\n", style="dim"))


def _corrections(console: Console, found: Answer) -> None:
    """Print what was read for misspelt words, with the options that search them as they are typed."""
    if not found.corrections:
        return
    understood = " ".join(found.understood.split())
    if len(understood) > _LONGEST_UNDERSTOOD:
        understood = ", ".join(f"{one.understood} ({word})" for word, one in found.misspelt.items())
    console.print(Text(f"Understood: {understood}"))
    words = " ".join(f'--exact-word "{word}"' for word in found.misspelt)
    console.print(Text(f"  (search exactly: --exact, or {words})\n", style="dim"))


def _reading(console: Console, query: Query) -> None:
    """Print what is read of a paper, and how to search it whole."""
    reading = query.reading
    if reading.kind:
        kept = ", ".join(_counted(label, number) for label, number in reading.labels)
        left = ", ".join(reading.left_labels)
        paper = _PAPERS.get(reading.kind, reading.kind)
        line = f"Read of this {paper}: {kept}; left aside: {left}  (search all: --whole)"
        console.print(Text(f"{line}\n", style="dim"))


def _counted(label: str, number: int) -> str:
    name = _PARTS.get(label, label)
    return name if number == 1 else f"{number} {name}s"


def _expansions(console: Console, found: Answer) -> None:
    """Print the expanded acronyms, each with the option that disables it."""
    for one in found.expansions:
        both = f"{one.short} = {one.entry.full}"
        console.print(Text(f'Also read: {both}  (leave it out: --without "{one.short}")', style="dim"))
    if found.expansions:
        console.print()


def _chance(console: Console, found: Answer) -> None:
    """Print how likely something useful is, and what no result is about."""
    if found.chance is not None and found.verdict != "nothing":
        tenths = round(10 * found.chance)
        console.print(
            Text(f"Of ten queries like this one, {tenths} find something useful here.", style="dim")
        )
    if found.unmet and found.verdict == "weak":
        console.print(Text(f"No result is about: {', '.join(found.unmet)}.", style="dim"))


def _needs(console: Console, found: Answer) -> None:
    for need in found.needs:
        ranks = ", ".join(str(rank) for rank in need.covered_by)
        covered = f"see {ranks}" if ranks else "nothing covers it"
        console.print(Text(f"Need: {need.text} ({need.level or '?'}; {covered})"))


def report(done: RefreshReport) -> None:
    """Print the report of a refresh."""
    console = Console()
    verb = "published" if done.published else "is still served"
    console.print(f"Snapshot {done.snapshot or 'none'} {verb}", highlight=False)
    counts = "read added changed removed unchanged rejected encoded reused hidden families"
    names = [*counts.split(), *(("adapter",) if done.adapter else ()), "seconds"]
    show_table((name, str(getattr(done, name))) for name in names)
    for objection in done.objections:
        console.print(f"gate {objection.gate} objects: {objection.message}", highlight=False, markup=False)
    for name, why in done.failures.items():
        console.print(Text(f"Source {name} failed; its previous rows are kept: {why}", style="red"))
    for told in done.warnings:
        console.print(Text(f"Source {told.source}, {told.locator}: {told.text}", style="yellow"))
    for stale in done.stale_decisions:
        console.print(Text(f"Decision on line {stale.line} no longer applies: {stale.why}", style="yellow"))
    if done.quarantine:
        console.print(Text(f"Refused rows: {done.quarantine}"))


def trial(
    admitted: Sequence[Resource],
    refused: Sequence[Rejection],
    unmapped: Sequence[str],
    limit: float,
    remarks: Sequence[Remark] = (),
) -> None:
    """Print the first resources and rejections of a source, its warnings and its unmapped columns."""
    say = partial(Console().print, soft_wrap=True, highlight=False)
    say(f"records: {len(admitted)}", style="bold")
    for number, found in enumerate(admitted, start=1):
        say(Text(f"{number}. {found.title}", style="bold"))
        for name in FIELDS:
            if name != "title" and (value := getattr(found, name)):
                say(Text(f"   {name:<10} {_short(str(value))}"))
        for aside in found.notes:
            say(Text(f"   {aside}", style="yellow"))
    if remarks:
        say(f"warnings: {len(remarks)}", style="bold")
    for told in remarks:
        say(Text(f"   {told.locator}: {told.text}", style="yellow"))
    say(f"rejections: {len(refused)}", style="bold")
    for row in refused:
        say(Text(row.locator, style="bold"))
        say(Text(f"   {'; '.join(row.problems)}", style="red"))
        for name, value in row.values.items():
            say(Text(f"   {name:<10} {_short(value)}"))
    if len(refused) > limit * (len(admitted) + len(refused)):
        say(
            Text(
                f"More than {limit:.0%} are refused: a refresh would keep the previous rows.", style="yellow"
            )
        )
    say(Text(f"unmapped: {len(unmapped)}", style="bold"))
    say(Text(f"   {', '.join(unmapped) or 'every column is read'}"))
    if admitted:
        say(Text(f"unfilled: {', '.join(unfilled(admitted)) or 'none'}", style="dim"))


def unfilled(admitted: Sequence[Resource]) -> list[str]:
    """Return the fields that no resource fills."""
    return [name for name in FIELDS if not any(getattr(found, name) for found in admitted)]


def _short(text: str) -> str:
    """Return a text on one line; a text over `_SHOWN` characters is cut and followed by its length."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}… ({len(text):,} characters)"


def resource_document(snapshot: Snapshot, row: int, tokens: Callable[[str], int]) -> dict[str, Any]:
    """Return the document of one resource: its fields, the text that the model reads, the spans set aside.

    `tokens` counts the tokens of a text.
    """
    found = snapshot.catalogue[row]
    read = Document.of(found.title, found.summary, found.set_aside).text
    spans = snapshot.table.document(row).spans
    return {
        **asdict(found),
        "themes": list(found.themes),
        "theme": found.theme,
        "notes": list(found.notes),
        "set_aside": [_quoted(found, span) for span in found.set_aside],
        "localities": [asdict(place) for place in found.localities],
        "snapshot": snapshot.id,
        "passages": [_quoted(found, span) for span in spans if span.start >= 0],
        "tokens": tokens(read),
        "read": " ".join(read.split()),
    }


def resource(found: Mapping[str, Any]) -> None:
    """Print a document of `resource_document`."""
    shown = {name: value for name, value in found.items() if name not in _APART}
    places = [
        f"{p['name']} ({p['kind']} {p['code']}, {p['population'] or '?'} inhabitants)"
        for p in found["localities"]
    ]
    console = Console()
    show_table(
        (name, "; ".join(value) if isinstance(value, list) else str(value))
        for name, value in {**shown, "localities": places}.items()
        if value
    )
    read = f"{found['tokens']} tokens, the title and {len(found['passages'])} passages"
    console.print(f"\nRead by the model: {read}", highlight=False)
    for passage in found["passages"]:
        console.print(Text(f"  – {passage['text']}"))
    for piece in found["set_aside"]:
        console.print(Text(f"  set aside: {piece['text']}", style="dim"))


def _quoted(resource: Resource, span: Span) -> dict[str, Any]:
    return {"text": resource.summary[span.start : span.end], "start": span.start, "end": span.end}


def snapshot_document(entry: SnapshotEntry) -> dict[str, Any]:
    """Return the document of one snapshot in a list."""
    made = entry.manifest
    return {
        "id": entry.id,
        "current": entry.current,
        "created": made.created,
        "resources": made.resources,
        "passages": made.passages,
        "encoder": made.encoder,
        "bytes": entry.bytes,
    }


def snapshots(listed: Sequence[Mapping[str, Any]]) -> None:
    """Print a list of documents of `snapshot_document`."""
    if not listed:
        note("There is no snapshot yet.\nRun `reco refresh` first.")
        return
    show_table(
        (
            (
                "served" if one["current"] else "",
                one["id"],
                one["created"],
                str(one["resources"]),
                str(one["passages"]),
                f"{one['bytes'] / 1e6:.1f}",
            )
            for one in listed
        ),
        ("", "id", "created", "resources", "passages", "MB"),
    )
