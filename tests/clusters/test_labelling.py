"""Which phrases may name a cluster: whole ones, of nouns, that several texts say, on subjects."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pytest

from reco.clusters.labelling.choice import tells_where
from reco.clusters.labelling.corpus import Corpus, Text
from reco.clusters.labelling.labels import describe
from reco.clusters.labelling.parts_of_speech import Grammar

OTHERS = [Text(f"Une piscine et son bassin {i}", "Les nageurs y viennent.") for i in range(12)]


def label(
    texts: Sequence[Text],
    kinds: Collection[str] = (),
    taken: Collection[str] = (),
    beside: Sequence[Text] = OTHERS,
) -> str:
    """Return the label of a group of texts, beside another."""
    corpus = Corpus.read([*texts, *beside])
    labels = np.asarray([0] * len(texts) + [1] * len(beside))
    return describe(corpus, labels, np.ones(len(labels), dtype=np.float32), taken, kinds)[0].label


def titles(*told: str) -> list[Text]:
    return [Text(title, "") for title in told]


def test_a_phrase_mostly_found_in_a_longer_one_is_no_label() -> None:
    several = titles(*["Zéro artificialisation nette"] * 3, *["Zéro artificialisation"] * 2)
    clear = [Text(f"Une eau nette {i}", "Une eau nette") for i in range(30)]
    assert label(several, beside=clear) == "Zéro artificialisation nette"
    gas = titles(*["Gaz à effet de serre"] * 4, "Le gaz et son effet", "Un gaz à effet")
    assert label(gas) == "Gaz à effet de serre"
    free = titles("Compostage collectif à Lyon", "Compostage collectif en ville", "Le compostage collectif")
    assert label(free) == "Compostage collectif", "neighbours that differ make no longer phrase"


def test_a_verb_is_in_no_label() -> None:
    said = "Le village met les outils en commun. Il met une salle à disposition."
    several = [Text(f"Le village met et partage ses outils {i}", said) for i in range(6)]
    assert "met" not in label(several).split()
    grammar = Grammar.read([said] * 3 + ["Le permis de conduire et le droit de conduire les engins"] * 2)
    assert "met" in grammar.verbs and {"village", "salle", "outils"}.isdisjoint(grammar.verbs)
    assert not grammar.is_nominal("village met") and not grammar.is_nominal("village a conduit")
    assert grammar.is_nominal("salle à disposition")


def test_an_infinitive_opens_a_phrase_or_follows_its_noun() -> None:
    grammar = Grammar.read(
        ["Elle veut conduire les engins et restaurer les milieux", "Restaurer la rivière"] * 2
    )
    assert {"conduire", "restaurer"} <= grammar.verbs
    assert grammar.is_nominal("permis de conduire") and grammar.is_nominal("restaurer les milieux")
    assert not grammar.is_nominal("souhaite conduire") and not grammar.is_nominal("carte pour conduire")


def test_a_noun_that_is_a_verb_elsewhere_may_name() -> None:
    grammar = Grammar.read(["Elle aide les jeunes", "Une aide aux jeunes", "Cette aide au permis", "L'aide"])
    assert "aide" not in grammar.verbs


def test_a_name_of_few_texts_is_in_no_label() -> None:
    said = "Avec le maire de Kingersheim, et le maire de Kingersheim encore."
    several = [Text("Le maire de Kingersheim", said)] * 3
    several += titles(*["Démocratie locale"] * 2, "Une assemblée", "Un scrutin", "Des jurys tirés au sort")
    assert label(several) == "Démocratie locale"
    most = [Text("Le maire de Kingersheim", said)] * 6 + titles("La démocratie", "Une démocratie")
    assert label(most) == "Maire de Kingersheim", "what most texts have is what they are about"


def test_what_a_single_text_says_is_no_label() -> None:
    several = titles(*["Chaufferie"] * 12, *["Profondeur géothermique"] * 2)
    assert label([*several, *titles("Chaufferie géothermique")]) == "Profondeur géothermique"
    assert len(label(titles("Chaufferie centrale", "Une piste cyclable")).split()) >= 2, (
        "but where none is shared"
    )


def test_a_kind_of_document_begins_no_label() -> None:
    several = titles(
        *(f"Rapport d'information sur {one} dans les outre-mer" for one in ("l'eau", "le tri", "la route"))
    )
    several += titles("Rapport d'information", "Les outre-mer demain", "Des outre-mer")
    assert label(several) == "Rapport d'information"
    assert "outre-mer" in label(several, kinds={"rapport"}).casefold()


def test_in_the_matter_of_begins_no_label() -> None:
    several = titles(*(f"{one} en matière de tri" for one in ("Guide", "Atelier", "Fonds", "Plan")))
    assert not label(several).startswith("Matière")


def test_half_of_what_is_joined_and_both_genders_of_a_word_are_no_label() -> None:
    grammar = Grammar.read(["L'accès à la formation et à l'emploi"])
    assert not grammar.is_nominal("formation et à l'emploi") and grammar.is_nominal("formation et emploi")
    several = titles(
        *["Conductrices et conducteurs"] * 4, "Covoiturage solidaire", "Le covoiturage solidaire"
    )
    assert label(several) == "Covoiturage solidaire"


def test_a_part_of_what_is_told_is_not_told_again() -> None:
    several = titles(*["Les véhicules électriques"] * 4, "Bornes de recharge", "Les bornes de recharge")
    assert label(several) == "Véhicules électriques"
    assert label(several, taken=["Recharge pour véhicules électriques"]) == "Bornes de recharge"


@pytest.mark.parametrize("apostrophe", ["'", "’"])
def test_both_apostrophes_are_read_alike(apostrophe: str) -> None:
    grammar = Grammar.read([f"Elle n{apostrophe}obtient rien, il n{apostrophe}obtient rien"])
    assert "obtient" in grammar.verbs


def test_an_adjective_an_order_or_an_article_that_points_elsewhere_makes_no_label() -> None:
    grammar = Grammar.read(
        [
            "Une cuisine solidaire et un quartier solidaire",
            "La cuisine du quartier",
            "Le projet et son budget",
        ]
    )
    assert "solidaire" in grammar.tails and {"cuisine", "quartier"} <= grammar.nouns
    assert grammar.is_nominal("cuisine solidaire") and not grammar.is_nominal("solidaire du quartier")
    assert not grammar.is_nominal("offrons aux associations") and not grammar.is_nominal(
        "budget de son projet"
    )
    assert not grammar.is_nominal("projet grâce au quartier"), "a complement of a clause"


def test_what_goes_on_is_cut_short() -> None:
    open_ended = ("aux droits", "aux soins", "à la culture", "aux vacances")
    said = [Text(f"Faciliter l'accès {to}", "On veut faciliter la vie et les accès.") for to in open_ended]
    assert not label([*said, *titles("Guichet unique", "Un guichet unique")]).startswith("Faciliter")
    whole = titles(*["Faciliter les démarches"] * 4, "Il veut faciliter les démarches", "La démarche")
    assert label(whole) == "Faciliter les démarches"
    streets = [f"Mur rue {of}" for of in ("de Meaux", "de Sèvres", "du Bac", "de Tanger", "de Nantes")]
    walls = [Text(title, "La rue et ses piétons, au bout de la rue.") for title in streets]
    walls += titles("Mur végétal", "Un mur végétal")
    assert label(walls) == "Mur végétal"


def test_a_place_is_no_subject_while_anything_else_is_said() -> None:
    said = "Une action de Dinan Agglomération, à Dinan Agglomération."
    water = [Text("Eau potable", said)] * 4
    wood = [Text(f"Une action de Dinan Agglomération {i}", said) for i in range(6)]
    assert label([*water, *wood]) == "Eau potable"
    assert label(wood) == "Action de Dinan Agglomération", "but where nothing else is"
    assert tells_where("Communauté de communes", ()) and tells_where("Métropole Toulon", ())
    assert tells_where("financement en Occitanie", {"occitanie"})
    assert not tells_where("chaufferie au bois", {"dinan"}) and not tells_where("Communauté éducative", ())


def test_what_one_part_of_a_group_says_does_not_name_the_whole() -> None:
    jobs, homes = ["Emploi solidaire"] * 4, [*["Jardin ouvert"] * 2, "Habitat rural", "Habitat partagé"]
    others = [*["Jardin ouvert"] * 2, "Commune rurale", "École du village"]
    corpus = Corpus.read([*titles(*jobs, *homes, *others), *OTHERS])
    outer, inner = np.repeat([0, 1], 12), np.repeat([0, 1, 2, 3], [4, 4, 4, 12])
    near = np.where(np.arange(24) < 4, 1.0, 0.9).astype(np.float32)
    assert describe(corpus, outer, near)[0].label == "Emploi solidaire"
    assert describe(corpus, outer, near, inner=inner)[0].label == "Jardin ouvert"


def test_a_licence_that_summaries_repeat_names_no_subject() -> None:
    methods = ("Forum ouvert", "Forum ouvert", "Forum et débat ouvert", "Débat mouvant", "Un débat mouvant")
    texts = [
        Text(f"{methods[i % 5]} {i}", "Une image sous licence Creative Commons, réunion.") for i in range(30)
    ]
    found = label([*texts, *[Text(f"Les vergers {i}", "Une réunion") for i in range(40)]])
    assert "licence" not in found.casefold() and "creative" not in found.casefold()


def test_what_a_title_of_the_group_says_comes_before_what_none_does() -> None:
    several = [Text(f"Chose {i}", "Brouillon généré.") for i in range(8)]
    assert label([*titles("Guichet unique", "Guichet unique"), *several]) == "Guichet unique"
    assert label(several) == "Brouillon généré", "but where no title says anything"
