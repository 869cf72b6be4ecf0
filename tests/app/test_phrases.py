"""The locale files: the same keys, each used, each blank filled, French by default."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest
import streamlit as st

import reco.app
from reco.app import phrases
from reco.app.widgets.why import KINDS as CONTRIBUTIONS
from reco.catalogue.link_states import FAILED
from reco.catalogue.places.similarity import REASONS as LIKENESS
from reco.catalogue.resource import FIELDS
from reco.projects.changes import Cause
from reco.ranking.cautions import KINDS
from reco.ranking.rerank import REASONS as MOVES
from reco.sources.sandbox.refusal import Reason
from reco.text.papers.reading import KEPT, LEFT_OUT

CODES = {
    "age": ("rules", "old"),
    "cause": tuple(Cause),
    "curator.failed": tuple(FAILED),
    "dossier": ("request", "resources", "rank", "quotes", "reasons", "note"),
    "family": ("url", "isbn", "title", "meaning", "curator"),
    "field": (*FIELDS, "themes", "source", "notes", "level", "link"),
    "file": tuple(Reason),
    "like": LIKENESS,
    "locality": ("commune", "epci", "department", "region"),
    "paper.left": tuple(LEFT_OUT),
    "paper.part": tuple(f"{label}.{form}" for label in KEPT for form in ("one", "many")),
    "placed": MOVES,
    "verdict": ("found", "weak", "nothing"),
    "vigilance": KINDS,
    "why.share": CONTRIBUTIONS,
    "why.one": CONTRIBUTIONS[:-1],
}
"""Codes of the core whose phrase a page finds by the name of its group."""

SOURCES = sorted(Path(reco.app.__file__).parent.rglob("*.py"))


def constants() -> set[str]:
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def first_arguments(function: str, position: int = 0) -> set[str]:
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
                argument = node.args[position]
                if isinstance(argument, ast.Constant):
                    found.add(argument.value)
    return found


def blanks(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name is not None}


def test_both_languages_have_the_same_keys_and_blanks() -> None:
    french, english = (phrases.phrases(language) for language in phrases.LANGUAGES)
    assert french.keys() == english.keys()
    for key in french:
        assert blanks(french[key]) == blanks(english[key]), key


def test_no_phrase_is_missing() -> None:
    counted = {f"{key}.{form}" for key in first_arguments("count") for form in ("one", "many")}
    coded = {f"{group}.{code}" for group, codes in CODES.items() for code in codes}
    asked = first_arguments("say") | first_arguments("phrase", 1) | counted | coded
    assert asked - phrases.phrases("fr").keys() == set()


def test_no_phrase_is_unused() -> None:
    used = constants() - CODES.keys()
    used |= {f"{group}.{code}" for group, codes in CODES.items() for code in codes}
    unused = [key for key in phrases.phrases("fr") if key not in used and key.rpartition(".")[0] not in used]
    assert unused == []


def test_french_is_the_default() -> None:
    assert phrases.DEFAULT == phrases.LANGUAGES[0] == "fr"


@pytest.mark.parametrize("path", [p for p in SOURCES if p.parent.name != "locales"], ids=lambda p: p.name)
def test_no_accented_text_is_in_the_code(path: Path) -> None:
    """French belongs in the locale file; the core's names of levels and the warm-up word are codes."""
    codes = {"très proche", "éloigné", "préparation"}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    assert not [text for text in texts - codes if re.search("[à-ÿ]", text)]


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Indian/Reunion", "2 janvier 03:30"),
        ("Europe/Paris", "2 janvier 00:30"),
        ("../passwd", "1 janvier 23:30"),
    ],
)
def test_a_moment_is_told_by_the_visitor_s_clock(
    zone: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(st.context), "timezone", zone)
    moment = "2026-01-01T23:30:00+00:00"
    assert f"{phrases.day(moment).removesuffix(' 2026')} {phrases.hour(moment)}" == shown
