"""Texts of the pages, from `locales/*.toml`, in French and English."""

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
    """Return the phrases of a language by dotted key, e.g. `app.name`."""
    text = (FOLDER / f"{language}.toml").read_text(encoding="utf-8")
    return dict(_flat(tomllib.loads(text)))


def phrase(language: str, key: str, **values: object) -> str:
    """Return a phrase in a language, with `values` in its placeholders."""
    return phrases(language)[key].format(**values)


def language() -> str:
    """Return the visitor's language."""
    code = str(st.session_state.get(STATE) or DEFAULT).lower()
    return code if code in LANGUAGES else DEFAULT


def say(key: str, **values: object) -> str:
    """Return a phrase in the visitor's language. In Markdown, pass sources' text through `plain` first."""
    return phrase(language(), key, **values)


def group(name: str) -> dict[str, str]:
    """Return the phrases of a group by code, e.g. {"isbn": "same ISBN", ...} for `family`."""
    texts = phrases(language()).items()
    return {key.removeprefix(f"{name}."): text for key, text in texts if key.startswith(f"{name}.")}


def count(key: str, number: int) -> str:
    """Return phrase `key.one` or `key.many` for a number. French uses the singular for 0 and 1."""
    singular = number < 2 if language() == "fr" else number == 1
    return say(f"{key}.one" if singular else f"{key}.many", count=decimal(number, 0))


def decimal(value: float, places: int = 1) -> str:
    """Return a number in the notation of the language, e.g. "1 234,5" in French."""
    signs = {",": say("number.group"), ".": say("number.point")}
    return "".join(signs.get(character, character) for character in f"{value:,.{places}f}")


def day(iso: str) -> str:
    """Return the day of an ISO date and time in the visitor's time zone, e.g. "3 mai 2026"."""
    moment = _local(iso)
    month = say("date.months").split()[moment.month - 1]
    return say("date.day", day=moment.day, month=month, year=moment.year)


def hour(iso: str) -> str:
    """Return the time of an ISO date and time in the visitor's time zone, e.g. "09:05"."""
    return f"{_local(iso):%H:%M}"


def _local(iso: str) -> datetime:
    """Return a moment in the visitor's time zone, unchanged if that zone or its own is unknown."""
    moment = datetime.fromisoformat(iso)
    zone = _zone(st.context.timezone or "")
    return moment if zone is None or moment.tzinfo is None else moment.astimezone(zone)


@lru_cache(maxsize=100)
def _zone(name: str) -> ZoneInfo | None:
    """Return the time zone of a name that a browser sent, None if there is no such zone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{prefix}{name}.")
        else:
            pairs.append((f"{prefix}{name}", str(value)))
    return pairs
