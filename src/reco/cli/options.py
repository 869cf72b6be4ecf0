"""Options that mean the same on every command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# What may not be read is for the command to tell: the parser would call it wrong usage.
Home = Annotated[
    Path | None, typer.Option("--home", readable=False, help="Where snapshots live (default: RECO_HOME).")
]
Config = Annotated[
    Path | None, typer.Option("--config", readable=False, help="Settings file (default: ./reco.toml).")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
