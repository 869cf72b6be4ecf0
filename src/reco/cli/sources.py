"""The command that adds a source by its address."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reco.cli.options import Common, Values
from reco.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reco.catalogue.resource import Rejection, Resource
    from reco.sources.discovery.discover import Discovered


def add_source(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="A portal, data set page, API, feed, file or site.")
    ],
    name: Annotated[str, typer.Option("--name", help="Name of the source (default: from the address).")] = "",
    fields: Annotated[
        Values,
        typer.Option("--field", metavar="FIELD=COLUMN", help="Choose the column of a field; repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the table and write nothing.")] = False,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Allow an address of your own network.")
    ] = False,
    *,
    common: Common,
) -> None:
    """Find the source at an address and add it to the settings. Shows ten rows."""
    from reco.catalogue.admission import Rules, admit_all
    from reco.sources.discovery.discover import discover
    from reco.sources.remote import shown
    from reco.workspace import sources
    from reco.workspace.settings import settings_file

    file = settings_file(common.config, common.home)
    if not dry_run:
        sources.require_own(file)
    existing = common.settings.sources
    sources.require_new(existing, name, url)
    found = discover(url, name, _chosen(fields or []), allow_private, common.store.home / "cache")
    sources.require_new(existing, found.config.name, found.config.url)
    admitted, refused = admit_all([*found.first.records, *found.first.rejections], Rules())
    if not admitted:
        problems = "; ".join(refused[0].problems)
        raise InvalidInput(
            f"None of the first rows of {shown(found.config.url)} can be used: {problems}.",
            "Choose other columns with --field FIELD=COLUMN; --dry-run writes nothing.",
        )
    if not dry_run:
        sources.add(file, found.toml)
    document = {
        "source": found.config.model_dump(mode="json", exclude_unset=True),
        "toml": found.toml,
        "written": not dry_run,
        "records": [{**asdict(record), "themes": list(record.themes)} for record in admitted],
        "rejections": [asdict(rejection) for rejection in refused],
        "unmapped": list(found.first.unmapped),
    }
    common.show(document, partial(_print, found, admitted, refused, None if dry_run else file))


def _print(
    found: Discovered, admitted: Sequence[Resource], refused: Sequence[Rejection], file: Path | None
) -> None:
    from reco.cli import render

    print(found.toml)
    render.trial(admitted, refused, found.first.unmapped, found.config.reject_limit)
    print()
    if file is None:
        print("Nothing is written (--dry-run).")
    else:
        print(f"Written to {file}. Read it over, then run `reco source test {found.config.name}`.")


def _chosen(fields: Sequence[str]) -> dict[str, str]:
    chosen = {}
    for given in fields:
        ours, equals, column = given.partition("=")
        if not (ours and equals and column):
            raise InvalidInput(
                f"--field {given}: write FIELD=COLUMN.", 'For example --field "title=Nom du projet".'
            )
        chosen[ours.strip()] = column
    return chosen
