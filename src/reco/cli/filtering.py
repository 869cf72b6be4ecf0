"""Options that narrow what is listed, the same for every command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reco.catalogue.catalogue import Filters

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
FirstYear = Annotated[int | None, typer.Option("--year-from", help="Keep what is of this year or later.")]
LastYear = Annotated[int | None, typer.Option("--year-to", help="Keep what is of this year or earlier.")]


def filters(listed: Sequence[Values], first_year: int | None = None, last_year: int | None = None) -> Filters:
    """Return the filters of types, themes, publishers, scales, languages and places, in this order."""
    from reco.catalogue.catalogue import Filters

    types, themes, publishers, scales, languages, places = (tuple(values or ()) for values in listed)
    return Filters(types, themes, publishers, scales, languages, places, first_year, last_year)
