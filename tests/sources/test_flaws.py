"""One flaw, one casualty: what is wrong in one item of a feed, a repository or an API costs that item at most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from reco.catalogue.admission import Rules, admit
from reco.catalogue.resource import Record, Rejection, Remark, Resource
from reco.errors import SourceError
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


def repository(texts: Sequence[str], at: int, flaw: bytes) -> bytes:
    records = b"".join(
        b"<record><header><identifier>oai:%d</identifier></header><metadata><oai_dc:dc xmlns:oai_dc='urn:o' "
        b"xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title>T %d</dc:title><dc:description>%s%s"
        b"</dc:description><dc:date>2020</dc:date></oai_dc:dc></metadata></record>"
        % (rank, rank, escaped(text).encode(), flaw if rank == at else b"")
        for rank, text in enumerate(texts)
    )
    return (
        b'<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-01'
        b"</responseDate><ListRecords>%s<resumptionToken/></ListRecords></OAI-PMH>" % records
    )


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_costs_its_record_at_most(httpserver: HTTPServer, flaw: str) -> None:
    config = SourceConfig.model_validate(
        {"name": "t", "kind": "oai", "url": httpserver.url_for("/oai"), "allow_private": True, "retries": 0}
    )
    body = repository(["Haies", "Puits & mares", "Vergers"], 1, FLAWS[flaw])
    httpserver.expect_request("/oai").respond_with_data(body, content_type="text/xml")
    said: list[Remark] = []
    rows = list(read(config, None, said.append))
    assert [row.values["title"] for row in rows if row.values["id"] != "oai:1"] == ["T 0", "T 2"]
    assert said


@pytest.mark.parametrize("tail", ["", "</channel></rss>", "<!-- fait en 3 s -->", "\n<b>Notice</b>: x"])
def test_a_feed_that_ends_is_whole_whatever_follows(tmp_path: Path, tail: str) -> None:
    rows, _ = read_all(tmp_path / "f.xml", feed(["A", "B"], -1, b"", "") + tail.encode())
    assert len(rows) == 2


@pytest.mark.parametrize(
    "start",
    [b"\n", b"\xef\xbb\xbf \n", b"<!-- cache -->\n", b"<br />\n<b>Warning</b>: x in /a.php &\n", b"\0"],
)
def test_what_stands_before_the_xml_costs_nothing(tmp_path: Path, start: bytes) -> None:
    rows, said = read_all(tmp_path / "f.xml", start + feed(["A", "B"], -1, b"", ""))
    assert [row.values["id"] for row in rows] == ["0", "1"]
    assert said


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.98])
def test_a_flawed_feed_that_is_cut_short_is_refused(tmp_path: Path, keep: float) -> None:
    data = feed(["A", "B", "C"], 0, b"&nbsp;", "title")
    with pytest.raises(SourceError, match="cannot be read as rss"):
        read_all(tmp_path / "f.xml", data[: int(len(data) * keep)])


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("utf-8", "latin-1"), ("iso-8859-1", "utf-8"), ("iso-8859-1", "cp1252"), ("", "cp1252"), ("x", "utf-8")],
)
def test_a_wrong_declaration_costs_nothing(tmp_path: Path, declared: str, encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    text = f"{head}<rss version='2.0'><channel><item><guid>1</guid><title>Été à l’école</title></item></channel></rss>"
    text = text if encoding != "latin-1" else text.replace("’", "'")
    (row,), _ = read_all(tmp_path / "f.xml", text.encode(encoding))
    assert row.values["title"].replace("’", "'") == "Été à l'école"


@pytest.mark.parametrize(
    "piece", ["&", "<", "<item>", "<![CDATA[", "<!--", "<a:b>", "</item>", "&#1;", "<item a='"]
)
def test_hostile_xml_takes_linear_time(tmp_path: Path, piece: str) -> None:
    many = (piece * (300_000 // len(piece))).encode()  # in the square of it, the limit of a test is reached
    try:
        assert (
            read_all(tmp_path / "f.xml", b"<rss version='2.0'><channel>" + many + b"</channel></rss>")[0]
            == []
        )
    except SourceError as error:
        assert "cannot be read as rss" in str(error)


@pytest.mark.parametrize(
    ("link", "resolved"),
    [
        ("?p=1", "https://a.example.org/actus/?p=1"),
        ("/x/y", "https://a.example.org/x/y"),
        ("z.html", "https://a.example.org/actus/z.html"),
        ("//b.example.org/x", "https://b.example.org/x"),
        ("www.b.example.org/x", "www.b.example.org/x"),
        (
            "https://b.example.org/?a=1&amp;region=53&amp;copy=1",
            "https://b.example.org/?a=1&region=53&copy=1",
        ),
        ("https://b.example.org/?a=1&region=53", "https://b.example.org/?a=1&region=53"),
    ],
)
def test_a_link_is_resolved_against_its_channel(tmp_path: Path, link: str, resolved: str) -> None:
    data = f"<rss version='2.0'><channel><link>https://a.example.org/actus/</link><item><guid isPermaLink='false'>1</guid><title>T</title><link>{link}</link></item></channel></rss>"
    (row,), _ = read_all(tmp_path / "f.xml", data.encode())
    assert row.values["url"] == resolved


def test_a_link_without_any_base_gets_no_host(tmp_path: Path) -> None:
    data = b"<rss version='2.0'><channel><item><guid isPermaLink='false'>1</guid><title>T</title><link>guide.fr</link></item></channel></rss>"
    (row,), _ = read_all(tmp_path / "f.xml", data)
    admitted = admit(row, Rules())
    assert isinstance(admitted, Resource) and admitted.url == ""


@pytest.mark.parametrize(
    "written",
    [
        "https://a.example.org/?p=1&amp;copy;=2&amp;region=3",
        "https://a.example.org/?p=1&copy;=2&region=3",
        "<![CDATA[https://a.example.org/?p=1&copy;=2&region=3]]>",
        "<![CDATA[https://a.example.org/?p=1&amp;copy;=2&amp;region=3]]>",
    ],
)
@pytest.mark.parametrize("name", ["link", "guid"])
def test_an_address_keeps_its_signs(tmp_path: Path, name: str, written: str) -> None:
    data = (
        f"<rss version='2.0'><channel><item><{name}>{written}</{name}><title>T</title></item></channel></rss>"
    )
    (row,), _ = read_all(tmp_path / "f.xml", data.encode())
    admitted = admit(row, Rules())
    assert isinstance(admitted, Resource)
    assert admitted.url == "https://a.example.org/?p=1&copy;=2&region=3"


@pytest.mark.parametrize(
    ("channel", "resolved"),
    [
        ("www.a.example.org", "https://www.a.example.org/guide.pdf"),
        ("/actus/", "{host}/actus/guide.pdf"),
        ("javascript:go()", "{host}/guide.pdf"),
        ("", "{host}/guide.pdf"),
    ],
)
def test_a_link_is_resolved_whatever_the_channel_says(
    httpserver: HTTPServer, channel: str, resolved: str
) -> None:
    data = (
        f"<rss version='2.0'><channel><link>{channel}</link><item><guid isPermaLink='false'>1</guid>"
        "<title>T</title><link>guide.pdf</link></item></channel></rss>"
    )
    httpserver.expect_request("/flux").respond_with_data(data, content_type="text/xml")
    config = SourceConfig.model_validate(
        {"name": "t", "kind": "rss", "url": httpserver.url_for("/flux"), "allow_private": True, "retries": 0}
    )
    (row,) = read(config, None, lambda _: None)
    assert isinstance(row, Record)
    assert row.values["url"] == resolved.format(host=httpserver.url_for("").rstrip("/"))


def test_a_section_that_goes_on_into_the_next_entry_hides_none(tmp_path: Path) -> None:
    item = "<item><guid isPermaLink='false'>{0}</guid><title>T{0}</title><description><![CDATA[{1}</description></item>"
    items = item.format(1, "a]]>") + item.format(2, "b") + item.format(3, "c]]>")
    rows, said = read_all(tmp_path / "f.xml", f"<rss version='2.0'><channel>{items}</channel></rss>".encode())
    assert [(row.values["title"], row.values["summary"]) for row in rows] == [
        ("T1", "a"),
        ("T2", "b"),
        ("T3", "c"),
    ]
    assert [remark.text for remark in said] == [
        "T2: mended: its tags are read as text (unclosed CDATA section)"
    ]


def test_an_entry_of_atom_whose_title_has_tags_keeps_its_link(tmp_path: Path) -> None:
    data = (
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://a.example.org/x/'><entry xml:base='y/'><id>1</id>"
        "<title>Un <br> puits</title><link href='p?a=1&amp;b=2'/></entry></feed>"
    )
    (row,), _ = read_all(tmp_path / "f.xml", data.encode())
    assert row.values["url"] == "https://a.example.org/x/y/p?a=1&b=2"


def test_a_prefix_that_a_record_declares_is_not_missing(httpserver: HTTPServer) -> None:
    config = SourceConfig.model_validate(
        {"name": "t", "kind": "oai", "url": httpserver.url_for("/oai"), "allow_private": True, "retries": 0}
    )
    body = repository(["Haies", "Puits"], 1, b"un<br>arbre")
    httpserver.expect_request("/oai").respond_with_data(body, content_type="text/xml")
    said: list[Remark] = []
    assert len(list(read(config, None, said.append))) == 2
    assert len(said) == 1 and "its tags are read as text" in said[0].text
