"""`reco replay`: a recorded answer asked again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from reco.cli.console import note
from reco.cli.options import Common
from reco.errors import InvalidInput

RecordedFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="Output of `reco recommend --json`; - for standard input.")
]


def replay(file: RecordedFile, *, common: Common) -> None:
    """Ask a recorded question again: 0 when the answer is the same to the bit, 1 when it differs."""
    from reco.workspace.replay import Recorded, replay_document
    from reco.workspace.replay import replay as again

    found = again(common.opened, Recorded.read(_text(file)))

    def show() -> None:
        for line in found.differences:
            note(line)
        for line in found.notes:
            note(f"({line})")
        print("The answer is the same." if found.same else f"{len(found.differences)} differences.")

    common.show(replay_document(found), show)
    if not found.same:
        raise SystemExit(1)


def _text(file: Path) -> str:
    from reco.workspace.replay import LARGEST

    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with file.open("rb") as stream:
                data = stream.read(LARGEST + 1)
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}.", "Give a recorded answer in UTF-8.") from error
