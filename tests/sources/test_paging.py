"""How the pages of an API end, and what is no end of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from reco.catalogue.resource import Record, Rejection, Remark
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.read import read

RECORDS = [{"id": n, "title": f"Fiche {n}"} for n in range(9)]
PAGES = [RECORDS[:3], RECORDS[3:6], RECORDS[6:]]
Answer = Callable[[int], object]


@pytest.fixture
def pages(httpserver: HTTPServer) -> Callable[..., tuple[list[str], list[str]]]:
    """Serve answers by page number, from 1, and return the titles read and what is told."""

    def read_them(answer: Answer, **options: object) -> tuple[list[str], list[str]]:
        def handler(request: Request) -> Response:
            given = answer(int(request.args.get("page", 1)))
            return given if isinstance(given, Response) else Response(json.dumps(given))

        httpserver.expect_request("/api").respond_with_handler(handler)
        known: dict[str, Any] = {
            "kind": "api",
            "url": httpserver.url_for("/api"),
            "pagination": {"mode": "page"},
        }
        known |= {"name": "web", "allow_private": True, "retries": 0, "records": "results", **options}
        said: list[Remark] = []
        rows: Iterator[Record | Rejection] = read(SourceConfig.model_validate(known), None, said.append)
        titles = [row.values["title"] for row in list(rows)]
        return titles, [remark.text for remark in said]

    return read_them


def listing(past: object, **more: object) -> Answer:
    """Return an API of three pages of three records, and what it answers past them."""
    return lambda n: {"results": PAGES[n - 1], **more} if n <= 3 else past


PAST: Mapping[str, object] = {
    "400": Response("{}", status=400),
    "404": Response("{}", status=404),
    "410": Response("", status=410),
    "416": Response("", status=416),
    "422": Response('{"detail": "page"}', status=422),
    "204": Response("", status=204),
    "nothing": Response(""),
    "null": {"results": None},
    "empty": {"results": []},
    "empty mapping": {"results": {}},
    "null alone": None,
    "list alone": [],
    "mapping alone": {},
    "last page, read once more": {"results": [{**record, "views": 7} for record in PAGES[2]]},
    "last page again": {"results": PAGES[2], "page": 4},
    "last records again": {"results": RECORDS[7:]},
    "first page again": {"results": PAGES[0]},
}


@pytest.mark.parametrize("past", PAST.values(), ids=PAST)
def test_an_end_of_pages_is_an_end(pages: Any, past: object) -> None:
    assert pages(listing(past))[0] == [record["title"] for record in RECORDS]


FAILURES: Mapping[str, object] = {
    "429": Response("", status=429),
    "500": Response("", status=500),
    "403": Response("", status=403),
    "web page": Response("<!DOCTYPE html><html><p>Maintenance</p></html>"),
    "cut short": Response('{"results": [{"id": 3, "title": "Fiche 3"}, {"id": 4, "ti'),
    "error": {"error": "quota"},
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failure_in_the_middle_is_no_end(pages: Any, failure: object) -> None:
    with pytest.raises(SourceError):
        pages(lambda n: {"results": PAGES[n - 1]} if n == 1 else failure)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_page_that_is_refused_before_the_announced_end_is_a_failure(pages: Any, status: int) -> None:
    with pytest.raises(SourceError, match=f"answers {status}"):
        pages(lambda n: {"results": PAGES[n - 1], "count": 9} if n < 3 else Response("", status=status))


@pytest.mark.parametrize("total", [0, 3, 8, 10, 40])
def test_a_count_that_lies_costs_nothing(pages: Any, total: int) -> None:
    titles, said = pages(listing({"results": []}, total_count=total))
    assert len(titles) == 9
    assert ("announces" in " ".join(said)) is (total > 9)


def test_one_page_that_holds_all_is_the_end(pages: Any) -> None:
    titles, said = pages(lambda n: {"results": RECORDS, "meta": {"total": 9}})
    assert len(titles) == 9
    assert "repeats" in said[0]


def test_a_record_that_slid_is_kept_once_and_told(pages: Any) -> None:
    slid = [RECORDS[:3], RECORDS[2:5], RECORDS[4:7], RECORDS[6:9], []]
    titles, said = pages(lambda n: {"results": slid[n - 1]})
    assert titles == [record["title"] for record in RECORDS]
    assert len(said) == 3


@pytest.mark.parametrize("form", [{"k1": RECORDS[0], "k2": RECORDS[1]}, RECORDS[0]], ids=["by id", "alone"])
def test_a_mapping_in_place_of_a_list_is_its_records(pages: Any, form: object) -> None:
    titles, _ = pages(lambda n: {"results": form}, pagination=None)
    assert titles[0] == "Fiche 0"


def test_an_id_that_is_only_a_key_is_the_id(pages: Any) -> None:
    titles, _ = pages(lambda n: {"a": {"title": "A"}, "b": {"title": "B"}}, pagination=None, records="")
    assert titles == ["A", "B"]


@pytest.mark.parametrize("item", [None, "texte", 7, [1]])
def test_what_is_no_record_is_left_out_and_told(pages: Any, item: object) -> None:
    titles, said = pages(lambda n: {"results": [*RECORDS, item]}, pagination=None)
    assert len(titles) == 9
    assert said[0].startswith("left out")


def test_an_empty_page_with_the_same_cursor_is_the_end(pages: Any) -> None:
    answers = iter([("a", PAGES[0]), ("b", PAGES[1]), ("b", [])])

    def answer(_: int) -> object:
        cursor, records = next(answers)
        return {"results": records, "next": cursor}

    assert len(pages(answer, pagination={"mode": "cursor", "cursor": "next"})[0]) == 6


WHOLE = [{"id": n, "titre": f"Fiche {n}", "mots": [{"id": 1}, {"id": 2}]} for n in range(4)]
BROKEN = {
    "quote": ('"Fiche 1"', '"Fiche "1""'),
    "escape": ('"Fiche 1"', r'"Fiche \x 1"'),
    "no value": ('"Fiche 1"', ""),
    "word": ('"Fiche 1"', "Fiche"),
    "no comma inside": ('"id": 1, "titre"', '"id": 1 "titre"'),
    "last quote": ('"Fiche 3"', '"Fiche "3""'),
}


@pytest.mark.parametrize("flaw", BROKEN)
@pytest.mark.parametrize("records", ["", "fiches"])
def test_a_broken_record_of_json_is_the_only_one_lost(pages: Any, flaw: str, records: str) -> None:
    text = json.dumps(WHOLE if not records else {"n": 4, "fiches": WHOLE, "fin": [1]})
    body = text.replace(*BROKEN[flaw], 1)
    assert body != text
    titles, said = pages(
        lambda n: Response(body), pagination=None, records=records, fields={"title": "titre"}
    )
    assert titles == [w["titre"] for w in WHOLE if str(w["titre"])[-1] not in BROKEN[flaw][0][:10]]
    assert len(said) == 1


MENDED = {
    "byte order mark": b"\xef\xbb\xbf[%s]",
    "two of them": b"\xef\xbb\xbf\xef\xbb\xbf[%s]",
    "comma": b"[%s,]",
    "warning": b"<br />\n<b>Warning</b>:  x() in <b>/a.php</b> on line <b>3</b><br />\n[%s]",
    "comment": b"[%s]<!-- cache -->",
    "callback": b"lire([%s]);",
    "control": b'[%s, {"title": "a\x1a\0b"}]',
    "nan": b'[%s, {"title": "a", "n": NaN}]',
    "half a character": b'[%s, {"title": "a\\ud83d"}]',
    "lines": b'%s\n{"title": "B"}\n',
    "latin-1": b'[%s, {"title": "\xe9t\xe9"}]',
}


@pytest.mark.parametrize("form", MENDED)
def test_json_is_mended_as_a_whole(pages: Any, form: str) -> None:
    body = MENDED[form] % b'{"title": "A, ] }"}'
    titles, _ = pages(lambda n: Response(body), pagination=None, records="")
    assert titles[0] == "A, ] }"
    assert form != "latin-1" or titles[1] == "été"


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95, 0.999])
def test_json_that_is_cut_short_is_refused(pages: Any, keep: float) -> None:
    text = json.dumps({"results": WHOLE})
    with pytest.raises(SourceError):
        pages(lambda n: Response(text[: int(len(text) * keep)]), pagination=None)
    text = json.dumps(WHOLE, indent=1)
    with pytest.raises(SourceError):
        pages(lambda n: Response(text[: int(len(text) * keep)]), pagination=None, records="")


def test_a_charset_that_only_the_server_tells_is_used(pages: Any) -> None:
    body = '[{"title": "Żółw"}]'.encode("iso-8859-2")
    answer = Response(body, content_type="application/json; charset=iso-8859-2")
    assert pages(lambda n: answer, pagination=None, records="")[0] == ["Żółw"]


def test_a_record_that_slid_and_counts_its_readers_is_kept_once(pages: Any) -> None:
    seen = [
        [{**record, "views": n} for record in RECORDS[start:end]]
        for n, (start, end) in enumerate([(0, 3), (2, 6)])
    ]
    titles, said = pages(lambda n: {"results": seen[n - 1] if n < 3 else []})
    assert titles == [record["title"] for record in RECORDS[:6]]
    assert said == ["left out: an earlier page has this record"]


@pytest.mark.parametrize(
    "past", [Response("", status=404), Response("", status=204), Response("null"), Response("{}")]
)
def test_a_last_page_of_posts_that_is_gone_costs_nothing(httpserver: HTTPServer, past: Response) -> None:
    posts = json.dumps([{"id": 1, "title": {"rendered": "Un four"}, "link": "/un-four"}])
    for number, answer in ((1, Response(posts)), (2, past)):
        answer.headers["X-WP-TotalPages"] = "2"
        httpserver.expect_request(
            "/wp-json/wp/v2/posts", query_string=f"per_page=100&page={number}"
        ).respond_with_response(answer)
    config = SourceConfig.model_validate(
        {
            "name": "t",
            "kind": "wordpress",
            "url": httpserver.url_for("/"),
            "allow_private": True,
            "retries": 0,
        }
    )
    said: list[Remark] = []
    assert len(list(read(config, None, said.append))) == 1
    assert "page 2 is gone" in said[0].text
