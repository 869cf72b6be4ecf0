"""What is read for misspelt words of a request, and what is never touched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reco.encoder.testing import HashingEncoderForTests
from reco.index.acronyms import Acronym, Acronyms
from reco.ranking.recommender import Query, Recommender
from reco.ranking.spelling import EVERYTHING, Speller, speller_of
from reco.text.french import french
from reco.text.vocabulary import Vocabulary
from tests.support import resource, snapshot_of

SUMMARY = (
    "Enlever le bitume de la cour de l'école, récupérer l'eau de pluie, planter une haie, garder le commerce."
)
RESOURCES = [
    resource("r1", "Rénover l'école et la cour", summary=SUMMARY),
    resource(
        "r2",
        "Un quartier de biotopes",
        summary="La ludomobile de Kerlaz et le zoobiotope, avec agrobiotopage. Un ESAT y travaille.",
    ),
]
ACRONYMS = Acronyms(
    [Acronym("DETR", "dotation d'équipement des territoires ruraux"), Acronym("SAGE", "schéma")]
)


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    encoder = HashingEncoderForTests()
    return Recommender(replace(snapshot_of(RESOURCES, encoder), acronyms=ACRONYMS), encoder)


@pytest.fixture(scope="module")
def speller(recommender: Recommender) -> Speller:
    return speller_of(recommender.snapshot)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("renovation energetique du batiment", "rénovation énergétique du bâtiment"),
        ("aménager lecole et recuperer leau", "aménager l'école et récupérer l'eau"),
        ("jai besoin deau", "j'ai besoin d'eau"),
        ("quil faut garder", "qu'il faut garder"),
        ("moin de bittume", "moins de bitume"),
        ("un comerce dans le vilage", "un commerce dans le village"),
        ("une innondation du cimetierre", "une inondation du cimetière"),
        ("la rehabilitassion et le fotografe", "la réhabilitation et le photographe"),
        ("bcp de bruit ds la cour pr ns", "beaucoup de bruit dans la cour pour nous"),
        ("regarder ledossier", "regarder le dossier"),
        ("un projet de bibliot heque", "un projet de bibliothèque"),
        ("les demissions du conseil", "les démissions du conseil"),
        ("Comant garder le commerce", "Comment garder le commerce"),
        ("RENOVER LECOLE SANS BITTUME", "rénover l'école sans bitume"),
        ("le CCAS veut un dosier", "le CCAS veut un dossier"),
        ("un village numérik pour leglise", "un village numérique pour l'église"),
        ("ilfaut garder un sol arestaurer", "il faut garder un sol à restaurer"),
        ("quelquun de la presquile, jusqua lecole", "quelqu'un de la presqu'île, jusqu'à l'école"),
        ("renovqtion de lq mqirie qvec nous", "rénovation de la mairie avec nous"),
        ("la santé pluridiciplinaire", "la santé pluridisciplinaire"),
        ("un mur vegetalisé", "un mur végétalisé"),
        ("une lutte biolojiques", "une lutte biologiques"),
        ("aujourdhui une agricultur", "aujourd'hui une agriculture"),
    ],
)
def test_a_request_in_a_hurry_is_read_as_it_was_meant(speller: Speller, typed: str, meant: str) -> None:
    assert speller.read(typed).text == meant


@pytest.mark.parametrize(
    "text",
    [
        "rénover l'école d'aujourd'hui avec quelqu'un de la presqu'île",
        "la mairie de Plouguernevel et celle de kerlaz",  # a name inside a sentence, and a commune
        "une ludomobile et un zoobiotope",  # words of the catalogue only
        "reboiser, surélever, interconnecter et rebitumer",
        "que nous rénovassions le presbytère",
        "demander la detr et le DTADD",
        "le SAGE de la Vilaine",
        "how to renovate the school and keep the comerce of a village",
        "wie man die Schule und den Hof der Gemeinde renoviert",
        "voir https://exemple.fr/lecol?bittume=1 ou ecrire@comant.fr",
        "le lot n3b de 12h30",
        "le coeur du village et la main d'oeuvre",  # few keyboards have "œ"
        "le réseau télécom et le repair café",
        "une place à l'esat",  # the catalogue has ESAT
        "penaos plantañ gwez e kêr",
    ],
)
def test_what_is_right_or_is_a_name_is_left(speller: Speller, text: str) -> None:
    assert speller.read(text).text == text


def test_a_correction_says_what_stood_where(speller: Speller) -> None:
    text = "garder lecole sans bittume"
    read = speller.read(text)
    assert [(c.written, c.understood) for c in read.corrections] == [
        ("lecole", "l'école"),
        ("bittume", "bitume"),
    ]
    assert all(text[c.start : c.end] == c.written for c in read.corrections)


def test_a_word_or_all_are_searched_as_typed(speller: Speller) -> None:
    assert speller.read("lecole sans bittume", ["Lecole"]).text == "lecole sans bitume"
    assert speller.read("LECOLE SANS BITTUME", [EVERYTHING]).text == "LECOLE SANS BITTUME"


def test_a_line_in_capitals_is_read_in_small_letters_and_its_neighbours_stay(speller: Speller) -> None:
    text = "Commune de Mirac\nRENOVER L'ECOLE ET LA COUR\nUn ESAT y travaille\nDETR RD 12"
    understood = speller.read(text).text.split("\n")
    assert understood == [
        "Commune de Mirac",
        "rénover l'école et la cour",
        "Un ESAT y travaille",
        "DETR RD 12",
    ]
    part = text.index("RENOVER"), text.index("\nUn")
    assert speller.read(text, parts=[part]).text.split("\n")[1] == "rénover l'école et la cour"


def test_capitals_only_are_read_in_small_letters_but_for_acronyms(speller: Speller) -> None:
    assert speller.read("LE MAIRE EST SAGE ET DEMANDE LA DETR").text == "le maire est sage et demande la DETR"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("DETR", "DETR"),
        ("SAGE", "SAGE"),
        ("SAGE RD 12", "SAGE RD 12"),
        ("TRAVAUX RD 12 AVEC LA DETR", "travaux rd 12 avec la DETR"),
        ("ECOLE", "école"),
    ],
)
def test_a_text_of_acronyms_and_codes_is_not_all_in_capitals(speller: Speller, typed: str, read: str) -> None:
    assert speller.read(typed).text == read


def test_no_false_form_passes_for_a_word(speller: Speller) -> None:
    # The checksums of 32 bits of these forms are those of words.
    false = ("futuroscôpe", "brunêâù", "pontâùlt", "îmoçâ", "çâmîllo")
    assert [word for word in false if french().knows(word)] == []
    assert speller.read("une visite du futuroscope").corrections == ()


def test_a_long_paper_full_of_names_mends_its_faults_alone(recommender: Recommender) -> None:
    names = [
        f"{first} {last}" for first in ("Yann", "Mme ODILE", "Nguyen") for last in ("LE GOFF", "Xertzic")
    ]
    lines = [f"{name} demande le budjet de la cour.\nPrésent : {name[::-1].title()}" for name in names * 8]
    answer = recommender.recommend(Query.of("\n".join(lines)))
    assert {(c.written, c.understood) for c in answer.corrections} == {("budjet", "budget")}
    assert len(answer.corrections) == len(lines)
    assert list(answer.misspelt) == ["budjet"]


def test_the_corrected_text_is_searched_and_the_typed_one_is_kept(recommender: Recommender) -> None:
    typed, meant = "enlever le bittume de lecole", "enlever le bitume de l'école"
    answer, right = recommender.recommend(Query.of(typed)), recommender.recommend(Query.of(meant))
    assert (answer.query.text, answer.understood, len(answer.corrections)) == (typed, meant, 2)
    assert [(i.resource.id, i.score) for i in answer] == [(i.resource.id, i.score) for i in right]
    assert answer[0].explanation == right[0].explanation
    assert recommender.rank(Query.of(typed)) == recommender.rank(Query.of(meant))
    exact = recommender.recommend(Query.of(typed, exact=(EVERYTHING,)))
    assert (exact.understood, exact.corrections) == (typed, ())
    assert exact[0].score < right[0].score


def test_a_prepared_recommender_has_loaded_its_words(recommender: Recommender) -> None:
    fresh = Recommender(recommender.snapshot, HashingEncoderForTests())
    assert "_speller" not in vars(fresh)
    fresh.prepare()
    assert {"_by_bare", "_by_sound"} <= vars(fresh._speller._vocabulary._neighbours).keys()


def test_similar_resources_correct_nothing(recommender: Recommender) -> None:
    assert recommender.similar("r1").corrections == ()


@pytest.mark.parametrize("part", ["a", "a.", "a-", "A", "q", "qu", "é", "a@", "://"])
def test_a_long_text_without_blanks_costs_linear_time(speller: Speller, part: str) -> None:
    text = part * (400_000 // len(part))  # quadratic time would be a hundred times the limit of a test
    assert speller.read(text).corrections == ()


class Counting(Vocabulary):
    """A vocabulary that counts the words whose likeliest reading is sought."""

    sought = 0

    def best(self, word: str, guarded: bool = False) -> str | None:
        self.sought += 1
        return super().best(word, guarded)


def test_a_long_text_of_unknown_words_costs_no_more_than_a_short_one() -> None:
    words = "".join(f"xqz{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}kwv " for n in range(20_000))
    vocabulary = Counting({}, lambda stem: False)
    speller = Speller(vocabulary, lambda name: False, lambda word, shouted: False)
    speller.read(f"le toit de la salle et la cour {words}")
    assert 1 < vocabulary.sought < 100
