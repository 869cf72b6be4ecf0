"""A curator's file of names, as a spreadsheet saves it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reco.clusters.curator_names import COLUMNS, CuratorName, Names, append


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_name_is_added_to_a_file_of_any_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "names.csv"
    first = f"{','.join(COLUMNS)}\nc1,Forêts,Zoé,2026-01-02,Clarté\n"
    path.write_bytes(first.encode(encoding))
    append(path, CuratorName("c2", "Étangs", "Zoé", "2026-01-03", "Clarté"))
    assert [line.name for line in Names.read(path).lines] == ["Forêts", "Étangs"]
