"""One language, one code."""

from __future__ import annotations

import pytest

from reco.catalogue import languages
from reco.catalogue.catalogue import Catalogue, Filters
from tests.support import resource


@pytest.mark.parametrize(
    "text",
    [
        "fr",
        "FR",
        "fre",
        "fra",
        "fr-FR",
        "fr_FR",
        "fr-CA",
        "fr_FR.UTF-8",
        "Français",
        "francais",
        "FRANÇAIS",
        "French",
        "['fr']",
        "langue française",
        "en français",
        "français (France)",
        "FR (sous-titré)",
        "Langue : FR",
        "iso639-2:fre",
        "fr; fre",
        "fre, Français",
        "http://publications.europa.eu/resource/authority/language/FRA",
    ],
)
def test_french_is_one_language(text: str) -> None:
    assert languages.read(text) == ("fr", "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("bre", "br"),
        ("Occitan", "oc"),
        ("corse", "co"),
        ("ger", "de"),
        ("Deutsch", "de"),
        ("anglaise", "en"),
        ("alsacien", "gsw"),
        ("créole réunionnais", "rcf"),
        ("LSF", "fsl"),
        ("castillan", "es"),
        ("FALC", "fr"),
        ("francoprovençal", "frp"),
        ("mul", "mul"),
        ("und", ""),
    ],
)
def test_other_languages(text: str, code: str) -> None:
    assert languages.read(text) == (code, "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("fre; eng", "fr"),
        ("fr,en", "fr"),
        ("['en', 'fr']", "en"),
        ("Français et anglais", "fr"),
        ("FR / BR", "fr"),
        ("Français-Anglais", "fr"),
    ],
)
def test_the_first_of_several_is_kept_and_told(text: str, code: str) -> None:
    found, note = languages.read(text)
    assert found == code and text in note


@pytest.mark.parametrize("text", ["NC", "N/A", "inconnu", "xx", "-", "non précisé", "klingonais " * 50])
def test_an_unknown_language_is_told(text: str) -> None:
    found, note = languages.read(text)
    assert found == "" and text[:20] in note


@pytest.mark.parametrize("asked", ["fr", "fre", "fr-FR", "Français"])
def test_a_filter_may_name_it_in_any_way(asked: str) -> None:
    catalogue = Catalogue([resource("a", "Un", language="fr"), resource("b", "Deux", language="en")])
    assert catalogue.select(Filters.of(language=asked)).tolist() == [True, False]
    assert catalogue.knows("language", asked)
