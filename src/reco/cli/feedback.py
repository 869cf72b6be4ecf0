"""Commands on opinions: `feedback list`, `approve`, `reject`, `export`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reco.cli.console import note
from reco.cli.options import By, Common, Reason

if TYPE_CHECKING:
    from reco.projects.feedback import FeedbackEntry

Number = Annotated[int, typer.Argument(metavar="ID", help="The number of an opinion.")]


def list_opinions(
    every: Annotated[bool, typer.Option("--all", help="List decided ones as well, newest first.")] = False,
    *,
    common: Common,
) -> None:
    """List the opinions that wait for a decision, oldest first."""
    journal = common.opened.feedback
    found = journal.entries() if every else journal.pending()
    common.show([asdict(entry) for entry in found], partial(_print, found))


def approve(number: Number, by: By, reason: Reason = "", *, common: Common) -> None:
    """Approve an opinion. `feedback export` and `adapt` use it."""
    common.opened.feedback.approve(number, by, reason)
    common.show({"approved": number})


def reject(number: Number, by: By, reason: Reason = "", *, common: Common) -> None:
    """Reject an opinion and delete the text of its query."""
    common.opened.feedback.reject(number, by, reason)
    common.show({"rejected": number})


def export_opinions(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to.")],
    *,
    common: Common,
) -> None:
    """Export the approved opinions as a judged set for `evaluate` and as training pairs."""
    from reco.projects.judgements import export, judged

    catalogue = common.snapshot().catalogue
    done = export(judged(common.opened.feedback.approved(), catalogue), catalogue, folder)
    if not done.judgements:
        note("No approved opinion has the text of its query yet: `reco evaluate` would refuse this set.")
    common.show(asdict(done))


def _print(entries: Sequence[FeedbackEntry]) -> None:
    for entry in entries:
        sign = "useful" if entry.useful else "off-topic"
        query = "(no text)" if entry.text is None else " ".join(entry.text.split())[:160]
        why = f" - {entry.reason}" if entry.reason else ""
        print(f"{entry.id:>6}  {entry.status}  {sign}  {entry.resource}{why}\n        {query}")
