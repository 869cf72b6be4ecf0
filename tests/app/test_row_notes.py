"""What the core says of a row is in the visitor's words, whichever row it is."""

from __future__ import annotations

from reco.app import phrases
from reco.app.widgets import row_notes
from reco.catalogue.admission import Record, Rules, admit_all
from reco.catalogue.places.gazetteer import bundled

RULES = Rules(("Eau",), ("Rapports",), closed=True)


def test_every_reason_to_refuse_a_row_is_worded() -> None:
    good = {"id": "a", "title": "Un titre", "theme": "Eau", "type": "Rapports"}
    rows = [
        good,
        good,
        {"id": "", "title": "", "theme": "", "type": "Livres", "url": "ftp://x.fr/y"},
        {**good, "id": "b", "theme": "Feu", "publisher": "x" * 5_000},
    ]
    _, refused = admit_all([Record("s", f"f:{n}", row) for n, row in enumerate(rows)], RULES)
    problems = [problem for row in refused for problem in row.problems]
    assert len(problems) >= 7
    for problem in problems:
        assert row_notes.worded(problem) != problem, problem
    assert "Le champ « thème » vaut «\u00a0Feu\u00a0», qui n’est pas dans la liste de cette source." in (
        [row_notes.worded(problem) for problem in problems]
    )


def test_every_note_on_a_row_is_worded() -> None:
    values = {
        "year": ("s.d.", "2021-2022", "1066"),
        "language": ("klingonais", "fr; en"),
        "url": ("guide.pdf", "http://[", "https://a.fr/1 ; https://a.fr/2"),
    }
    rows = [{"title": "Un titre", name: value} for name, given in values.items() for value in given]
    admitted, _ = admit_all(
        [Record("s", f"f:{n}", {"id": str(n), **row}) for n, row in enumerate(rows)], Rules()
    )
    places = [("Laon", "XX"), ("Laon", "75056"), ("", "02000"), ("Saint-Denis", ""), ("Nulle part", "")]
    notes = [note for resource in admitted for note in resource.notes]
    notes += [note for place in places for note in bundled().locate(*place).notes]
    assert len(notes) == len(rows) + len(places)
    for note in notes:
        assert row_notes.worded(note) != note, note


def test_a_row_with_other_columns_than_its_header_is_worded() -> None:
    assert row_notes.worded("12 cells where the header has 9") == phrases.phrase(
        "fr", "remark.cells", found="12", expected="9"
    )


def test_a_double_of_a_row_that_is_told_apart_is_worded() -> None:
    assert row_notes.worded("the id '4' is already used at b.csv:2 (served as 'b:4')") == (
        "L’identifiant «\u00a04\u00a0» est déjà pris (b.csv:2), et servi sous «\u00a0b:4\u00a0»."
    )


def test_what_nobody_worded_is_shown_as_it_is() -> None:
    assert row_notes.worded("something new") == "something new"
