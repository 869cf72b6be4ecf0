"""Off-topic French sentences: nothing in them is about local public action. Written for this project."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def background() -> tuple[str, ...]:
    """Return general French sentences. Adaptation must not lose quality on them."""
    return _lines("background.txt")


@cache
def unrelated() -> tuple[str, ...]:
    """Return off-topic texts: the general sentences, then short queries such as "recette tiramisu"."""
    return tuple(dict.fromkeys((*background(), *_lines("unrelated.txt"))))


def _lines(name: str) -> tuple[str, ...]:
    text = (files("reco.text") / name).read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip())
