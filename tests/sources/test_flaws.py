"""One flaw, one casualty: what is wrong in one item of a feed, a repository or an API costs that item at most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reco.catalogue.resource import Record, Rejection, Remark
from reco.sources.config import SourceConfig
from reco.sources.read import read

FLAWS = {
    "control": b"\x1a",
    "nul": b"\0",
    "control reference": b"&#x1F;",
    "half a character": b"\xed\xa0\xbd",
    "reference to half a character": b"&#xD83D;",
    "reference to nothing": b"&#99999999;",
    "no character": "\ufffe".encode(),
    "latin-1": "été".encode("latin-1"),
    "nbsp": b"&nbsp;",
    "accent": b"&eacute;",
    "unknown name": b"&toto;",
    "ampersand": b" & ",
    "address": b"?a=1&region=53&copy=2",
    "smaller": b"moins de < 3 ans",
    "quote": "<« haie »".encode(),
    "heart": b"<3",
    "open tag": b"un <b>arbre",
    "close tag": b"un arbre</b>",
    "br": b"un<br>arbre",
    "attribute twice": b'<img src="a" src="b"/>',
    "bare attribute": b"<input disabled>",
    "unknown prefix": b"<o:p>x</o:p>",
    "cdata": b"<![CDATA[ ouvert",
    "cdata end": b"ferme ]]> deux fois ]]>",
    "comment": b"<!-- ouvert",
    "comment of dashes": b"<!-- a -- b -->",
    "instruction": b"<?php echo 1",
    "declaration": b"<!ENTITY a 'b'>",
    "doctype": b"<!DOCTYPE html>",
}
TEXTS = st.text(st.sampled_from("abcdefgé œ’«»\n&<>\"'%?=;/"), min_size=1, max_size=30)
FEED = "rss"
REPOSITORY = "oai"


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def feed(texts: Sequence[str], at: int, flaw: bytes, field: str) -> bytes:
    items = []
    for rank, text in enumerate(texts):
        bad = {name: flaw if (rank, name) == (at, field) else b"" for name in ("title", "description")}
        items.append(
            b"<item><guid isPermaLink='false'>%d</guid><title>T %s%s</title>"
            b"<link>https://a.example.org/?p=%d&amp;region=2</link><description>%s%s</description></item>"
            % (rank, escaped(text).encode(), bad["title"], rank, escaped(text).encode(), bad["description"])
        )
    head = b'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>C</title>'
    return head + b"\n".join(items) + b"</channel></rss>"


def read_all(path: Path, data: bytes, **options: object) -> tuple[list[Record | Rejection], list[Remark]]:
    path.write_bytes(data)
    said: list[Remark] = []
    config = SourceConfig.model_validate({"name": "t", "kind": "rss", "path": path, **options})
    return list(read(config, None, said.append)), said


@pytest.mark.parametrize("flaw", FLAWS)
@pytest.mark.parametrize("field", ["title", "description"])
def test_a_flaw_costs_its_entry_at_most(tmp_path: Path, flaw: str, field: str) -> None:
    texts = ["Haies", "Puits & mares", "Vergers"]
    sound, _ = read_all(tmp_path / "f.xml", feed(texts, -1, b"", field))
    rows, said = read_all(tmp_path / "f.xml", feed(texts, 1, FLAWS[flaw], field))
    assert not [row for row in rows if isinstance(row, Rejection)]
    assert [row for row in rows if row.values["id"] != "1"] == [sound[0], sound[2]]
    if len(rows) == 3:
        assert rows[1].values["title"].startswith("T Puits &")
        assert rows[1].values["url"] == "https://a.example.org/?p=1&region=2"
    place = "" if flaw == "unknown prefix" else "#2"  # it is declared for the whole feed
    assert any(remark.locator.endswith(f"f.xml{place}") for remark in said), said


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS, min_size=1, max_size=5), st.data())
def test_any_feed_with_one_flaw_loses_one_entry_at_most(
    tmp_path: Path, texts: list[str], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(texts) - 1))
    flaw = data.draw(st.sampled_from(sorted(FLAWS)))
    field = data.draw(st.sampled_from(["title", "description"]))
    sound, _ = read_all(tmp_path / "f.xml", feed(texts, -1, b"", field))
    rows, _ = read_all(tmp_path / "f.xml", feed(texts, at, FLAWS[flaw], field))
    assert [row for row in rows if row.values["id"] != str(at)] == sound[:at] + sound[at + 1 :]
