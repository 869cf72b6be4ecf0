"""Options that several commands share, and the registration of commands with them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import reco
from reco.cli.console import note, show
from reco.text.decoding import decoded

if TYPE_CHECKING:
    from reco.catalogue.catalogue import Filters
    from reco.ranking.recommender import Recommender
    from reco.snapshots.snapshot import Snapshot
    from reco.snapshots.store import SnapshotStore
    from reco.workspace.settings import Settings


def _or_standard_input(text: str) -> str:
    return decoded(sys.stdin.buffer.read()) if text == "-" else text


# `readable=False`: the commands report an unreadable path with a better hint than the parser.
Home = Annotated[
    Path | None, typer.Option("--home", readable=False, help="Folder of the snapshots (default: RECO_HOME).")
]
Config = Annotated[
    Path | None, typer.Option("--config", readable=False, help="Settings file (default: ./reco.toml).")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]

QueryText = Annotated[
    str,
    typer.Argument(
        callback=_or_standard_input, help="The project or problem in plain words; - reads standard input."
    ),
]
Whole = Annotated[
    bool, typer.Option("--whole", help="Search a deliberation or an e-mail whole, with its formulas.")
]
ResourceId = Annotated[str, typer.Argument(metavar="ID", help="The id of a resource.")]
Count = Annotated[int, typer.Option("-k", help="Number of results.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Your name, for the record.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Your reason, for the record.")]

Values = list[str] | None
Types = Annotated[Values, typer.Option("--type", help="Keep these types only; repeatable.")]
Themes = Annotated[Values, typer.Option("--theme", help="Keep these themes only; repeatable.")]
Publishers = Annotated[Values, typer.Option("--publisher", help="Keep these publishers only; repeatable.")]
Scales = Annotated[Values, typer.Option("--scale", help="Keep these scales of territory only; repeatable.")]
Languages = Annotated[Values, typer.Option("--language", help="Keep these languages only; repeatable.")]
Places = Annotated[
    Values,
    typer.Option("--place", help="Keep these places only, by name, code or département's code; repeatable."),
]
FirstYear = Annotated[int | None, typer.Option("--year-from", help="Keep this year and later ones.")]
LastYear = Annotated[int | None, typer.Option("--year-to", help="Keep this year and earlier ones.")]


@dataclass(frozen=True)
class Common:
    """The options of every command: the home, the settings and the output format."""

    home: Home = None
    config: Config = None
    as_json: Json = False

    @cached_property
    def opened(self) -> reco.Home:
        """The home. Raises InvalidSettings."""
        return reco.open(self.home, config=self.config)

    @property
    def settings(self) -> Settings:
        """The settings of the home."""
        return self.opened.settings

    @property
    def store(self) -> SnapshotStore:
        """The snapshots of the home."""
        return self.opened.store

    def snapshot(self) -> Snapshot:
        """Return the snapshot served, with a note when it stands in for a damaged one."""
        snapshot = self.opened.snapshot
        note(self.opened.warning)
        return snapshot

    def recommender(self) -> Recommender:
        """Return what answers queries from the snapshot served, with the note of `snapshot`."""
        self.snapshot()
        return self.opened.recommender

    def show(self, document: Any, text: Callable[[], None] | None = None) -> None:
        """Print a result; see `console.show`."""
        show(document, self.as_json, text)


@dataclass(frozen=True)
class Filtering:
    """The options that filter resources by label, place or year."""

    types: Types = None
    themes: Themes = None
    publishers: Publishers = None
    scales: Scales = None
    languages: Languages = None
    places: Places = None
    first_year: FirstYear = None
    last_year: LastYear = None

    def filters(self) -> Filters:
        """Return the options as the catalogue's filters."""
        from reco.catalogue.catalogue import Filters

        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in vars(self).items()
            if value is not None
        }
        return Filters(**given)


@dataclass(frozen=True)
class Arranging:
    """The options that reorder results or change the expansion of the query."""

    shelf: Annotated[
        bool, typer.Option("--shelf", help="Show the best result of each type, from different publishers.")
    ] = False
    diversity: Annotated[
        float | None,
        typer.Option("--diversity", help="How much results must differ from each other, 0 to 1."),
    ] = None
    commune: Annotated[
        str,
        typer.Option(
            "--commune", metavar="CODE|NAME", help="Your commune or EPCI, compared with each result's place."
        ),
    ] = ""
    near: Annotated[
        bool, typer.Option("--near", help="With --commune: similar places first among equal results.")
    ] = False
    without: Annotated[
        Values,
        typer.Option("--without", metavar="ACRONYM", help="Do not expand this acronym; repeatable."),
    ] = None
    exact: Annotated[
        bool, typer.Option("--exact", help="Search every word as it is typed, whatever its spelling.")
    ] = False
    exact_words: Annotated[
        Values,
        typer.Option("--exact-word", metavar="WORD", help="Search this word as it is typed; repeatable."),
    ] = None

    @property
    def as_typed(self) -> tuple[str, ...]:
        """The words to search as they are typed, as in `Query.exact`."""
        return ("*",) if self.exact else tuple(self.exact_words or ())

    whole: Whole = False


def add_commands(app: typer.Typer, /, **commands: Callable[..., None]) -> None:
    """Add each function as a command named by its keyword; see `with_options`."""
    for name, function in commands.items():
        app.command(name)(with_options(function))


def add_group(app: typer.Typer, group: str, summary: str, /, **commands: Callable[..., None]) -> typer.Typer:
    """Add functions as commands of a group, such as `reco feedback list`. Return the group."""
    added = typer.Typer(help=summary, no_args_is_help=True)
    add_commands(added, **commands)
    app.add_typer(added, name=group)
    return added


def with_options(function: Callable[..., None]) -> Callable[..., None]:
    """Replace each parameter whose type is a dataclass by the fields of the dataclass.

    `show(identifier, *, common: Common)` becomes `show(identifier, *, home, config, as_json)` for the
    parser.
    """
    signature = inspect.signature(function, eval_str=True)
    groups: dict[str, Any] = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if is_dataclass(parameter.annotation)
    }
    fields = {name: inspect.signature(kind, eval_str=True).parameters for name, kind in groups.items()}
    parameters = [
        option.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in signature.parameters.items()
        for option in (fields[name].values() if name in groups else [parameter])
    ]

    @wraps(function)
    def parsed(**values: Any) -> None:
        made = {
            name: kind(**{field: values.pop(field) for field in fields[name]})
            for name, kind in groups.items()
        }
        function(**values, **made)

    parsed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    parsed.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return parsed
