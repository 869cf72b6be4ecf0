from __future__ import annotations

import gzip

import pytest

from reco.catalogue.resource import Record, Rejection
from reco.errors import SourceError

from .conftest import Read

LINES = b'{"id": 7.0, "title": "A", "theme": ["Eau", "Sport"], "year": 2020, "summary": null}\n'


def test_a_line_is_a_record(read_file: Read) -> None:
    (row,) = read_file("a.jsonl", LINES, kind="jsonl")
    assert isinstance(row, Record)
    assert row.values == {"id": "7", "title": "A", "theme": "Eau; Sport", "year": "2020"}
    assert row.locator.endswith("a.jsonl:1")


def test_nested_fields_are_reached_by_a_path(read_file: Read) -> None:
    line = b'{"title": {"fr": "A"}, "people": [{"name": "X"}, {"name": "Y"}], "a.b": "dotted"}'
    fields = {"title": "title.fr", "authors": "people.name", "place": "a.b"}
    (row,) = read_file("a.jsonl", line, kind="jsonl", fields=fields)
    assert row.values == {"title": "A", "authors": "X; Y", "place": "dotted"}


def test_a_null_id_is_an_empty_id(read_file: Read) -> None:
    (row,) = read_file("a.jsonl", b'{"id": null, "title": "A"}', kind="jsonl")
    assert row.values == {"id": "", "title": "A"}


@pytest.mark.parametrize(
    "bad", [b"{broken", b"[1, 2]", b"12", b"\xff\xfe\x00", b"[" * 100_000, b'{"a": ' + b"9" * 5_000 + b"}"]
)
def test_a_bad_line_is_rejected_and_the_next_is_read(read_file: Read, bad: bytes) -> None:
    rows = read_file("a.jsonl", LINES + bad + b"\n\n" + LINES, kind="jsonl")
    assert [type(row) for row in rows] == [Record, Rejection, Record]
    assert rows[1].locator.endswith("a.jsonl:2")
    assert rows[2].locator.endswith("a.jsonl:4")
    assert rows[1].values["raw"]


def test_a_gzipped_file_is_read(read_file: Read) -> None:
    assert len(read_file("a.jsonl.gz", gzip.compress(LINES * 3), kind="jsonl")) == 3


def test_a_gzipped_file_cut_short_is_an_error(read_file: Read) -> None:
    with pytest.raises(SourceError, match="cannot be read as jsonl"):
        read_file("a.jsonl.gz", gzip.compress(LINES * 3)[:-12], kind="jsonl")


def test_numbers_that_are_not_numbers_are_absent(read_file: Read) -> None:
    (row,) = read_file("a.jsonl", b'{"title": "A", "year": NaN, "place": Infinity}', kind="jsonl")
    assert row.values == {"title": "A"}
