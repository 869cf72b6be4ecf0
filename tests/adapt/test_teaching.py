"""The teaching of the shipped encoder: sheets, pairs, written requests, the cut model and its loop."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.adapt.teaching.lessons import of_catalogue, of_links, of_requests, of_sheets
from reco.adapt.teaching.sheets import Sheet, read_sheets
from reco.adapt.teaching.teach import Teaching, kept_aside, schedule
from reco.adapt.teaching.written import Written, by_resource, near_copies, problems, read_requests
from reco.adapt.training.checkpoint import Checkpoint
from reco.adapt.training.layers import CutModel
from reco.adapt.training.loop import LoopRecipe, rate_of, train
from reco.adapt.training.pairs import Pair, batches
from reco.catalogue.catalogue import Catalogue
from reco.encoder.loading import ModelSource
from reco.encoder.sentence import SentenceEncoder
from reco.errors import EncoderError, InvalidInput
from tests.adapt.test_deep import GENERAL, model_folder
from tests.support import resource

ROOT = Path(__file__).parents[2]
TRAINING = ROOT / "data" / "training" / "requests.csv"
LONG = "Le maire peut fermer une voie pendant la fête du village, après avis du département."


def element(name: str, *children: Any, **attributes: str) -> dict[str, Any]:
    nested = [{"type": "text", "text": child} if isinstance(child, str) else child for child in children]
    return {"type": "element", "name": name, "attributes": attributes, "children": nested}


def sheet(title: str, *parts: dict[str, Any], kind: str = "Fiche d'information") -> dict[str, Any]:
    return {"children": [element("Publication", element("dc:title", title), *parts, type=kind)]}


def paragraph(text: str) -> dict[str, Any]:
    return element("Paragraphe", text)


FULL = sheet(
    "Fermer une rue",
    element("dc:subject", "Voirie"),
    element("QuestionReponse", "Qui paie les barrières ?", ID="F2"),
    element("VoirAussi", element("Fiche", element("Titre", "Autre"), ID="F3")),
    element("Introduction", element("Texte", paragraph("La rue "), paragraph("se ferme."))),
    element(
        "Texte",
        element(
            "Chapitre",
            element("Titre", paragraph("Comment ?")),
            paragraph("Par arrêté."),
            element("OuSAdresser", element("Titre", "Mairie")),
            element("SousChapitre", element("Titre", paragraph("Délai")), paragraph("Deux mois.")),
        ),
    ),
)


def archive(folder: Path, files: Mapping[str, Any]) -> tuple[Path, str]:
    """Write a package of sheets, and return its path and digest."""
    path = folder / "sheets.tgz"
    with tarfile.open(path, "w:gz") as stream:
        for name, value in files.items():
            data = json.dumps(value).encode()
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            stream.addfile(member, io.BytesIO(data))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_sheet_gives_its_title_chapters_questions_and_links(tmp_path: Path) -> None:
    form = sheet("Formulaire", element("Introduction", paragraph("Texte")), kind="Formulaire")
    files = {
        "data/particuliers/F9.json": form,
        "data/particuliers/F1.json": FULL,
        "data/particuliers/index.json": [{"id": "F1"}],
        "data/associations/F0.json": sheet("Sans texte"),
        "README.md": {},
    }
    (found,) = read_sheets(*archive(tmp_path, files))
    assert (found.id, found.title, found.subject) == ("F1", "Fermer une rue", "Voirie")
    assert found.introduction == "La rue se ferme."
    assert [(c.heading, c.text) for c in found.chapters] == [
        ("Comment ?", "Par arrêté."),
        ("Délai", "Deux mois."),
    ]
    assert found.questions == (("F2", "Qui paie les barrières ?"),) and found.related == ("F3",)


def test_another_archive_is_refused(tmp_path: Path) -> None:
    path, digest = archive(tmp_path, {"data/particuliers/F1.json": FULL})
    with pytest.raises(InvalidInput, match="not the expected release"):
        read_sheets(path)
    with pytest.raises(InvalidInput, match="There is no file"):
        read_sheets(tmp_path / "absent.tgz")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InvalidInput, match="not the expected release"):
        read_sheets(path, digest)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_sheets(path, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("value", [[], [FULL], {}, {"children": []}, "F1", {"children": [{"children": [1]}]}])
def test_a_file_that_is_no_sheet_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"F1\.json is not a sheet"):
        read_sheets(*archive(tmp_path, {"data/particuliers/F1.json": value}))


def sheets(count: int) -> list[Sheet]:
    return [
        Sheet(
            f"F{n}", f"Titre {n}", "Voirie" if n % 2 else "Eau", LONG, (), ((f"F{n + 1}", "Qui ?"),), ("F0",)
        )
        for n in range(count)
    ]


def test_pairs_ask_what_their_answer_tells() -> None:
    catalogue = Catalogue([resource("a", "Titre A", summary=LONG), resource("b", "Titre B")])
    assert [pair.asked for pair in of_sheets(sheets(2))] == ["Titre 0", "Titre 1"]
    assert {pair.asked for pair in of_links(sheets(2))} == {"Qui ?", "Titre 0"}
    assert [(pair.asked, pair.answer) for pair in of_catalogue(catalogue)] == [("Titre A", LONG)]
    asked = of_requests(catalogue, {"a": ["fermer la rue", "barrières"], "absent": ["rien"]})
    assert [(pair.asked, pair.answer) for pair in asked] == [
        ("fermer la rue", f"Titre A. {LONG}"),
        ("barrières", f"Titre A. {LONG}"),
    ]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=60), st.integers(2, 12))
def test_a_batch_never_contrasts_two_pairs_of_one_group(drawn: list[tuple[int, int]], size: int) -> None:
    pairs = [Pair(f"q{n}", f"a{n}", str(group), str(subject)) for n, (group, subject) in enumerate(drawn)]
    found = list(batches(pairs, size, 0.5, (0, 0)))
    for batch in found:
        assert len({pair.group for pair in batch}) == len(batch) and size <= 2 * len(batch) <= 2 * size
    used = [pair.asked for batch in found for pair in batch]
    assert len(set(used)) == len(used)
    assert found == list(batches(pairs, size, 0.5, (0, 0)))


def test_half_of_a_batch_is_of_one_subject() -> None:
    pairs = [Pair(f"q{n}", f"a{n}", str(n), str(n % 20)) for n in range(400)]
    shares = []
    for batch in batches(pairs, 16, 0.5, (0, 0)):
        subjects = [pair.subject for pair in batch]
        shares.append(max(map(subjects.count, subjects)) / len(batch))
    assert np.mean(shares) >= 0.45
    assert sum(len(batch) for batch in batches(pairs, 16, 0.5, (0, 0))) >= 380


def test_a_sheet_kept_aside_teaches_nothing() -> None:
    many = sheets(300)
    aside = {one.title for one in many if kept_aside(one)}
    own = Catalogue([resource(f"r{n}", f"Ressource {n}", summary=LONG) for n in range(80)])
    steps, steady = schedule(many, own, {"r1": ["fermer la rue"]}, Teaching(batch=8))
    asked = {pair.asked for batch in steps for pair in batch}
    assert 5 <= len(aside) <= 30 and not aside & asked and "fermer la rue" in asked
    first = {pair.asked for batch in steps[:steady] for pair in batch}
    assert first and all(text.startswith("Titre") for text in first)
    assert any(pair.asked.startswith("Ressource") for batch in steps[steady:] for pair in batch)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> SentenceEncoder:
    folder = model_folder(tmp_path_factory.mktemp("taught"))
    return SentenceEncoder(ModelSource(folder=folder, precision="float32"))


LENGTHS = {"query": 48, "document": 48}
TEXTS = ["titrea texteb", "textec de la", "titrea", "il est question ici de texted et du encore"]


def test_a_cut_model_gives_the_vectors_of_the_whole_one(encoder: SentenceEncoder) -> None:
    model = encoder.trainable()
    expected = model.encode(TEXTS, normalize_embeddings=True)
    cut = CutModel(model, 1, LENGTHS)
    for _ in range(2):  # the second time, what enters the upper layer comes from memory
        found = cut.vectors(TEXTS, "document").detach().numpy()
        np.testing.assert_allclose(found, expected, atol=2e-3)
    np.testing.assert_allclose(
        cut.vectors(TEXTS[::-1], "document").detach().numpy(), expected[::-1], atol=2e-3
    )
    assert set(cut.matrices) == {name for name in cut.matrices if name.startswith("encoder.layer.1.")}
    np.testing.assert_allclose(model.encode(TEXTS, normalize_embeddings=True), expected, atol=1e-6)


def test_a_model_without_layers_is_refused() -> None:
    import torch

    with pytest.raises(EncoderError, match="no numbered layers"):
        CutModel([SimpleNamespace(auto_model=torch.nn.Linear(2, 2))], 1, LENGTHS)  # type: ignore[arg-type]


LESSONS = [[Pair(f"titre{a}", f"texte{a} de la", a) for a in "abcdefgh"]] * 12
QUICK = LoopRecipe(layers=1, rate=3e-3, warm_up=2, save_every=5, keep=0.0)


def learn(encoder: SentenceEncoder, folder: Path, recipe: LoopRecipe = QUICK, stop: int | None = None):
    def progress(done: int, _: int) -> None:
        if done == stop:
            raise KeyboardInterrupt

    checkpoint = Checkpoint(folder, "key")
    return train(encoder.trainable(), LESSONS, GENERAL[:20], recipe, checkpoint, progress).differences


def test_what_is_learnt_brings_queries_to_their_answers(encoder: SentenceEncoder, tmp_path: Path) -> None:
    import torch

    from reco.encoder.loading import inner

    found = learn(encoder, tmp_path / "a")
    model = encoder.trainable()
    asked, answers = [[getattr(pair, side) for pair in LESSONS[0]] for side in ("asked", "answer")]

    def own_first() -> int:
        vectors = (
            model.encode(asked, normalize_embeddings=True),
            model.encode(answers, normalize_embeddings=True),
        )
        return int(((vectors[0] @ vectors[1].T).argmax(axis=1) == np.arange(len(asked))).sum())

    before = own_first()
    with torch.no_grad():
        for name, change in found.items():
            inner(model).get_submodule(name).weight.add_(torch.from_numpy(change))
    assert own_first() > before


def test_an_interrupted_training_gives_the_same(encoder: SentenceEncoder, tmp_path: Path) -> None:
    whole = learn(encoder, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        learn(encoder, tmp_path / "cut", stop=7)
    again = learn(encoder, tmp_path / "cut")
    for name, change in whole.items():
        np.testing.assert_allclose(again[name], change, atol=1e-6)


def test_general_sentences_are_held_in_place(encoder: SentenceEncoder, tmp_path: Path) -> None:
    def moved(keep: float) -> float:
        recipe = LoopRecipe(layers=1, rate=3e-3, warm_up=2, save_every=50, keep=keep)
        changes = learn(encoder, tmp_path / str(keep), recipe)
        return float(sum((change**2).sum() for change in changes.values()))

    assert moved(50.0) < moved(0.0)


def test_the_rate_rises_stays_and_falls() -> None:
    recipe = LoopRecipe(rate=1.0, warm_up=10, steady=50)
    rates = [rate_of(step, 100, recipe) for step in range(100)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[10:51] == [1.0] * 41
    assert all(a > b for a, b in itertools.pairwise(rates[50:])) and rates[-1] > 0


TITLES = {"a": "Rénover l'éclairage public", "b": "Planter des haies bocagères"}


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        (Written("a", "short", "lampadaires trop forts", 2), None),
        (Written("a", "short", "lampadaires", 2), "1 words, not 2 to 10"),
        (Written("a", "poem", "lampadaires trop forts", 2), "no kind poem"),
        (Written("c", "short", "lampadaires trop forts", 2), "no resource c"),
        (Written("a", "short", "éclairage public rénové", 2), "from the title"),
        (Written("b", "short", "arbres au bord des champs", 2), "kept to measure"),
    ],
)
def test_the_check_of_written_requests(request_: Written, fault: str | None) -> None:
    found = list(problems([request_], TITLES, frozenset({"b"})))
    assert (found == []) if fault is None else (len(found) == 1 and fault in found[0])


def test_a_request_written_twice_is_told() -> None:
    first, second = (
        Written("a", "short", "lampadaires trop forts", 2),
        Written("b", "short", "trop forts, lampadaires", 3),
    )
    (found,) = problems([first, second], TITLES)
    assert "the same words as line 2" in found


def test_near_copies_share_most_of_their_stems() -> None:
    others = ["bus trop vides le soir en semaine", "haies"]
    found = list(near_copies(["Bus trop vides le soir, en semaine !", "piscine fermée", "haies"], others))
    assert [text for text, _ in found] == ["Bus trop vides le soir, en semaine !", "haies"]


def test_a_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    path.write_text("id,text\na,b\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="does not have the columns"):
        read_requests(path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_requests(tmp_path / "absent.csv")


def own_titles() -> dict[str, str]:
    with (ROOT / "data" / "catalogue.csv").open(encoding="utf-8", newline="") as stream:
        return {row["id"]: row["title"] for row in csv.DictReader(stream)}


def test_the_written_requests_are_sound() -> None:
    written = read_requests(TRAINING)
    never = ROOT / "tests" / ".." / ".." / "shared" / "requests" / "never_learn.txt"
    kept = frozenset(never.read_text(encoding="utf-8").split()) if never.is_file() else frozenset()
    assert list(problems(written, own_titles(), kept)) == []
    assert len(by_resource(written)) > 1000


def judged_requests() -> list[str]:
    found = [
        json.loads(line)["text"]
        for line in (ROOT / "data" / "golden" / "queries.jsonl").open(encoding="utf-8")
    ]
    for path in sorted((ROOT / "data" / "requests").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            found += [row["text"] for row in csv.DictReader(stream)]
    shared = ROOT.parent / "shared"
    for path in (*shared.glob("retrieval/*/queries.jsonl"), *shared.glob("requests/**/queries.jsonl")):
        found += [json.loads(line)["text"] for line in path.open(encoding="utf-8") if line.strip()]
    return found


def test_no_judged_request_is_among_those_written() -> None:
    assert list(near_copies([one.text for one in read_requests(TRAINING)], judged_requests())) == []
