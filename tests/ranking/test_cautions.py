"""Points of vigilance: what warns is quoted, and false friends are not."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.ranking.cautions import KINDS, cue, points
from reco.text.passages import Span, split
from tests.support import REPOSITORY

SAMPLE = Path(__file__).with_name("cautions_sample.csv")
"""Passages of our own catalogue that a wide net caught, each read and labelled."""


def labelled() -> list[tuple[str, bool]]:
    with SAMPLE.open(encoding="utf-8", newline="") as stream:
        return [(row["passage"], row["warns"] == "yes") for row in csv.DictReader(stream)]


def test_precision_on_the_labelled_sample() -> None:
    found = [warns for passage, warns in labelled() if cue(passage)]
    assert len(found) >= 20 and sum(found) / len(found) >= 0.9


def test_most_of_what_the_wide_net_caught_and_warns_is_found() -> None:
    caught = [cue(passage) is not None for passage, warns in labelled() if warns]
    assert sum(caught) / len(caught) >= 0.65


def test_the_sample_is_of_our_own_catalogue() -> None:
    catalogue = (REPOSITORY / "data" / "catalogue.csv").read_text("utf-8").replace('""', '"')
    assert [passage for passage, _ in labelled() if passage not in catalogue] == []


@pytest.mark.parametrize(
    ("passage", "kind"),
    [
        ("Le chantier s'est heurté à l'hostilité des riverains.", "obstacle"),
        ("Les communes peinent à recruter.", "obstacle"),
        ("Le surcoût atteint 30 % du devis.", "cost"),
        ("Les travaux ont coûté plus cher que prévu.", "cost"),
        ("La livraison a pris du retard.", "delay"),
        ("Le projet a finalement été abandonné.", "abandonment"),
        ("La coopérative n'a pas survécu à son premier hiver.", "abandonment"),
        ("L'aide est versée à condition de garder le bien cinq ans.", "condition"),
        ("SOUS RÉSERVE DE CRÉDITS", "condition"),
        ("Attention : la demande doit précéder l'achat.", "condition"),
    ],
)
def test_a_warning_is_of_its_kind(passage: str, kind: str) -> None:
    found = cue(passage)
    assert found is not None and found[0] == kind


@pytest.mark.parametrize(
    "passage",
    [
        "La fusion s'est faite sans difficulté.",
        "Les agents n'ont rencontré aucun obstacle.",
        "Le guide aide à lever les freins à la rénovation.",
        "L'atelier améliore les conditions de vie et de travail.",
        "Le plan porte sur les risques naturels et le risque inondation.",
        "Supprimer un seuil qui fait obstacle à la migration des poissons.",
        "Un seuil est un obstacle à la migration des poissons.",
        "Il accompagne les jeunes en difficulté et lutte contre l'échec scolaire.",
        "Des limites planétaires aux limites communales.",
        "Moins coûteux qu'une chaudière.",
        "La peine à purger est aménagée.",
        "Une attention aux usages des habitants.",
        "Le vélo favorise le report modal.",
        "Les freins à disque du bus sont révisés.",
        "",
    ],
)
def test_a_false_friend_is_no_warning(passage: str) -> None:
    assert cue(passage) is None


def test_a_passage_may_warn_after_a_false_friend() -> None:
    assert cue("Faite sans difficulté, l'étude montre les difficultés du terrain.") == (
        "obstacle",
        "difficultes",
    )


@given(
    st.lists(
        st.sampled_from(("sans difficulté", "le projet a échoué", "eau, ", ". ", "É\u0301", "\n")),
        max_size=12,
    )
)
def test_points_are_quotes_in_order(pieces: list[str]) -> None:
    text = " ".join(pieces)
    found = points(text, split(text))
    assert all(text[p.start : p.end] == p.text and p.kind in KINDS and p.cue for p in found)
    assert [p.start for p in found] == sorted(p.start for p in found)


def test_only_the_given_passages_are_read() -> None:
    text = "Le projet a échoué. Il a coûté trop cher."
    assert [p.kind for p in points(text, [Span(20, len(text))])] == ["cost"]
