"""Trying a source, and counting what is served."""

from __future__ import annotations

from support import Home, rows, run_cli


def test_a_source_is_shown_as_mapped_with_what_is_refused_and_left_out(home: Home) -> None:
    home.write([*rows()[:3], {**rows()[3], "title": "", "year": "hier"}])
    text = (home.folder / "catalogue.csv").read_text(encoding="utf-8").splitlines()
    lines = [line + (",cote" if i == 0 else f",A{i}") for i, line in enumerate(text)]
    (home.folder / "catalogue.csv").write_text("\n".join(lines), encoding="utf-8")
    found = run_cli("source", "test", "main", "--json", *home.arguments).json
    assert [record["title"] for record in found["records"]] == [row["title"] for row in rows()[:3]]
    assert len(found["rejections"][0]["problems"]) == 2 and found["unmapped"] == ["cote"]


def test_an_unknown_source_names_those_there_are(home: Home) -> None:
    done = run_cli("source", "test", "other", "--json", *home.arguments)
    assert done.code == 2 and "main" in done.json["hint"]


def test_facets_count_what_is_served(served: Home) -> None:
    found = run_cli("facets", "--json", *served.arguments).json
    assert sum(found["type"].values()) == 24 and found["theme"]["Biodiversité"] == 2
    assert list(found["type"].values()) == sorted(found["type"].values(), reverse=True)
