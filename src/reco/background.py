"""French sentences that have nothing to do with local public action, in our own words."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def background() -> tuple[str, ...]:
    """Return the sentences: what an unrelated request looks like, and general French to lose nothing on."""
    text = (files("reco") / "background.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip())
