"""`reco links`, and the part of a night that checks addresses."""

from __future__ import annotations

import logging
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reco.cli.console import note, progress_bar, show_line
from reco.cli.options import Common
from reco.errors import RecoError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reco.refresh.links import LinkProblem, LinkReport

logger = logging.getLogger(__name__)

_FEW = 20


def links(
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=0, help="Most addresses to check; 0 only tells what is known."),
    ] = None,
    *,
    common: Common,
) -> None:
    """Check the addresses of resources. Asks their servers, gently; those checked longest ago come first."""
    common.snapshot()
    found = _checked(common, limit)
    common.show(asdict(found), partial(show, found))


def nightly(common: Common) -> LinkReport | str | None:
    """Check addresses after a refresh if `[links] check` is set. Return the report, or why there is none.

    The new snapshot is served already, so no failure here may fail the night.
    """
    if not common.settings.links.check:
        return None
    try:
        return _checked(common, None)
    except Exception as error:
        expected = isinstance(error, RecoError)
        logger.warning("the addresses were not checked: %s", error, exc_info=not expected)
        return str(error) if expected else f"{type(error).__name__}: {error}"


def document(found: LinkReport | str) -> dict[str, Any]:
    """Return what `nightly` returned for JSON: the report, or `{"error": ...}`."""
    return {"error": found} if isinstance(found, str) else asdict(found)


def show(found: LinkReport | str) -> None:
    """Print a check of addresses, or why there was none."""
    if isinstance(found, str):
        note(f"The addresses were not checked: {found}")
        return
    if found.offline:
        print("No server answered: is this machine connected? Nothing was recorded.")
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(found.outcomes.items()))
    told = f"{found.checked} of {found.addresses} addresses checked{f': {counts}' if counts else ''}"
    print(f"{told}; {found.never} never checked so far")
    if found.damaged:
        print(f"{found.damaged} damaged lines of links.jsonl were left out; their addresses begin anew")
    _list(found.problems)
    if found.gone:
        show_line(f"\n{len(found.gone)} dead for good", "bold")
        _list(found.gone)


def _list(problems: Iterable[LinkProblem]) -> None:
    listed = list(problems)
    for one in listed[:_FEW]:
        since = f" ({one.nights} nights since {one.since})" if one.since else ""
        show_line(f"   {one.outcome}  {one.url}  {f'-> {one.to}' if one.to else one.why}{since}")
        show_line(f"      {', '.join(one.resources)}")
    if len(listed) > _FEW:
        print(f"   and {len(listed) - _FEW} more: `--json` lists all")


def _checked(common: Common, limit: int | None) -> LinkReport:
    with progress_bar("Checking addresses") as progress:
        return common.opened.check_links(limit, progress=progress)
