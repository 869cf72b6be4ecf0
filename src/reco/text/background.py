"""French sentences that have nothing to do with local public action, in our own words."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def background() -> tuple[str, ...]:
    """Return general French sentences: what adaptation must lose nothing on."""
    return _lines("background.txt")


@cache
def unrelated() -> tuple[str, ...]:
    """Return what requests foreign to the field look like: the sentences, then short requests and others."""
    return tuple(dict.fromkeys((*background(), *_lines("unrelated.txt"))))


def _lines(name: str) -> tuple[str, ...]:
    text = (files("reco.text") / name).read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip())
