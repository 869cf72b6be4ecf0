"""A file of what is asked: every format gives the same texts, a repeated text weighs more, nothing is lost."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from reco.errors import InvalidInput
from reco.projects import demand_file
from reco.projects.demand_file import AskedText, DemandFile, read

TITLES = ("Réfection de la toiture", "Achat d'un broyeur", "REFECTION DE LA  TOITURE")
ONCE = (("Réfection de la toiture", 2), ("Achat d'un broyeur", 1))


def written(path: Path, text: str, packed: bool = False) -> Path:
    data = text.encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def texts(found: DemandFile) -> tuple[tuple[str, int], ...]:
    return tuple((one.text, one.weight) for one in found.texts)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "id;Intitulé\n" + "".join(f"p{n};{title}\n" for n, title in enumerate(TITLES))),
        ("a.jsonl", "".join(json.dumps({"id": f"p{n}", "title": t}) + "\n" for n, t in enumerate(TITLES))),
        ("a.txt", "\n\n".join(TITLES)),
    ],
)
def test_every_format_gives_the_same_texts(tmp_path: Path, name: str, text: str, packed: bool) -> None:
    found = read(written(tmp_path / (f"{name}.gz" if packed else name), text, packed))
    assert texts(found) == ONCE and found.problems == ()
    assert found.texts[0].id == ("1" if "txt" in name else "p0"), "a text keeps the id of its first line"


def test_a_text_of_windows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Réfection\r\n".encode("cp1252"))
    assert texts(read(path)) == (("Réfection", 1),)


def test_the_first_usual_column_wins_and_another_can_be_named(tmp_path: Path) -> None:
    line = json.dumps({"_id": 7, "Titre": "Un titre", "text": "Un texte", "note": "Une note"})
    path = written(tmp_path / "a.jsonl", line)
    assert read(path).texts == (AskedText("7", "Un texte"),)
    assert texts(read(path, "NOTE")) == (("Une note", 1),)
    with pytest.raises(InvalidInput, match=r"holds no query.*no text in coût; it has _id, Titre, text, note"):
        read(path, "coût")


def test_a_line_that_cannot_be_asked_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    lines = ['{"title": "Un pont"}', "{broken", "[1]", '{"title": "…"}', '{"other": "x"}', '{"title": null}']
    found = read(written(tmp_path / "a.jsonl", "\n".join(lines)))
    assert texts(found) == (("Un pont", 1),)
    assert len(found.problems) == 5
    assert "a.jsonl:2: not a line of JSON" in found.problems[0]
    assert found.problems[2] == "a.jsonl, 4: no text"
    ragged = read(written(tmp_path / "a.csv", "id,text\n1,Un pont\n2,a,b\n3,\n"))
    assert texts(ragged) == (("Un pont", 1),)
    assert "3 cells where the header has 2" in ragged.problems[0] and "3: no text" in ragged.problems[1]


def test_the_seed_decides_the_sample(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "\n".join(f"Projet {n}" for n in range(50)))
    drawn = read(path, sample=10)
    assert len(drawn.texts) == 10 and drawn == read(path, sample=10, seed=1)
    assert drawn != read(path, sample=10, seed=2)
    numbers = [int(one.id) for one in drawn.texts]
    assert numbers == sorted(numbers), "lines stay in the order of the file"
    assert len(read(path, sample=500).texts) == 50


def test_a_file_without_queries_or_with_too_many_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidInput, match=r"cannot be read: .*absent\.jsonl does not exist"):
        read(tmp_path / "absent.jsonl")
    with pytest.raises(InvalidInput, match="holds no query"):
        read(written(tmp_path / "a.txt", "\n \n"))
    with pytest.raises(InvalidInput, match=r"have no column text or .* or objet; they have: id, nom"):
        read(written(tmp_path / "a.csv", "id,nom\n1,x\n"))
    monkeypatch.setattr(demand_file, "MOST", 2)
    path = written(tmp_path / "b.txt", "un\ndeux\ntrois\nUN\n")
    with pytest.raises(InvalidInput, match="3 different queries; at most 2") as refused:
        read(path)
    assert "--sample" in refused.value.hint
    assert len(read(path, sample=2).texts) == 2
