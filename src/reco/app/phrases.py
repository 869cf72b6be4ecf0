"""Everything that a visitor reads, from `locales/*.toml`: French first, English on demand."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

LANGUAGES = ("fr", "en")
DEFAULT = "fr"
FOLDER = Path(__file__).with_name("locales")
STATE = "lang"


@cache
def phrases(language: str) -> Mapping[str, str]:
    """Return the phrases of a language by their dotted key."""
    text = (FOLDER / f"{language}.toml").read_text(encoding="utf-8")
    return dict(_flat(tomllib.loads(text)))


def phrase(language: str, key: str, **values: object) -> str:
    """Return a phrase in a language, with its blanks filled."""
    return phrases(language)[key].format(**values)


def language() -> str:
    """Return the visitor's language."""
    chosen = str(st.session_state.get(STATE) or DEFAULT).lower()
    return chosen if chosen in LANGUAGES else DEFAULT


def say(key: str, **values: object) -> str:
    """Return a phrase in the visitor's language. In Markdown, a source's text must come from `plain`."""
    return phrase(language(), key, **values)


def count(key: str, number: int) -> str:
    """Return the phrase `key.one` or `key.many` for a number, which French counts as one up to 1."""
    one = number < 2 if language() == "fr" else number == 1
    return say(f"{key}.one" if one else f"{key}.many", count=decimal(number, 0))


def decimal(value: float, places: int = 1) -> str:
    """Write a number as the language does."""
    signs = {",": say("number.group"), ".": say("number.point")}
    return "".join(signs.get(character, character) for character in f"{value:,.{places}f}")


def day(iso: str) -> str:
    """Write the day of an ISO date and time in full, as the visitor's clock has it."""
    moment = _local(iso)
    month = say("date.months").split()[moment.month - 1]
    return say("date.day", day=moment.day, month=month, year=moment.year)


def hour(iso: str) -> str:
    """Write the hour and minute of an ISO date and time, as the visitor's clock has it."""
    return f"{_local(iso):%H:%M}"


def _local(iso: str) -> datetime:
    """Return a moment on the visitor's clock; as it is where that is not known, or without a time zone."""
    moment = datetime.fromisoformat(iso)
    zone = _zone(st.context.timezone or "")
    return moment if zone is None or moment.tzinfo is None else moment.astimezone(zone)


@lru_cache(maxsize=100)
def _zone(name: str) -> ZoneInfo | None:
    """Return the time zone that a browser names; it may name anything."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", str(value)))
    return found
