"""Paginated sources: OAI-PMH, WordPress, JSON APIs."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from reco.catalogue.resource import Record, Rejection
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.read import read

Serve = Callable[[Callable[[Request], Any]], str]


@pytest.fixture
def serve(httpserver: HTTPServer) -> Serve:
    """Serve answers at one address, which is returned; anything but a response is sent as JSON."""

    def start(answer: Callable[[Request], Any]) -> str:
        def handler(request: Request) -> Response:
            given = answer(request)
            return given if isinstance(given, Response) else Response(json.dumps(given))

        httpserver.expect_request("/base").respond_with_handler(handler)
        return httpserver.url_for("/base")

    return start


def fetched(kind: str, url: str, **options: object) -> list[Record | Rejection]:
    known = {"name": "web", "kind": kind, "url": url, "allow_private": True, "retries": 0}
    return list(read(SourceConfig.model_validate(known | options)))


def titles(rows: list[Record | Rejection]) -> list[str]:
    return [row.values["title"] for row in rows]


RECORDS = [{"title": f"T{n}"} for n in range(7)]


def test_an_api_is_paged_by_offset(serve: Serve) -> None:
    url = serve(lambda r: {"results": RECORDS[int(r.args["offset"]) :][: int(r.args["limit"])]})
    paging = {"mode": "offset", "size": "limit", "page_size": 3}
    assert titles(fetched("api", url, records="results", pagination=paging)) == [r["title"] for r in RECORDS]


def test_a_server_may_give_less_than_asked(serve: Serve) -> None:
    url = serve(lambda r: RECORDS[int(r.args["offset"]) :][:2])
    paging = {"mode": "offset", "size": "limit", "page_size": 100}
    assert len(fetched("api", url, pagination=paging)) == 7


@pytest.mark.parametrize("past_the_end", [[], Response(status=404)])
def test_an_api_is_paged_by_number(serve: Serve, past_the_end: object) -> None:
    def answer(request: Request) -> object:
        start = 3 * (int(request.args["p"]) - 1)
        return RECORDS[start : start + 3] or past_the_end

    assert len(fetched("api", serve(answer), pagination={"mode": "page", "position": "p"})) == 7


@pytest.mark.parametrize("form", ["{n}", "?cursor={n}", "{base}?cursor={n}"])
def test_an_api_is_paged_by_cursor(serve: Serve, form: str) -> None:
    def answer(request: Request) -> object:
        start = int(request.args.get("cursor", 0))
        following = form.format(n=start + 3, base=request.base_url) if start + 3 < 7 else None
        return {"items": RECORDS[start : start + 3], "meta": {"next": following}}

    paging = {"mode": "cursor", "cursor": "meta.next"}
    assert len(fetched("api", serve(answer), records="items", pagination=paging)) == 7


def test_an_api_without_pages_is_one_request(serve: Serve) -> None:
    assert len(fetched("api", serve(lambda r: RECORDS))) == 7


def test_a_server_that_ignores_the_page_is_noticed(serve: Serve) -> None:
    with pytest.raises(SourceError, match="ignores its parameter 'page'"):
        fetched("api", serve(lambda r: RECORDS), pagination={"mode": "page"})


def test_a_cursor_that_comes_back_is_noticed(serve: Serve) -> None:
    url = serve(lambda r: {"items": RECORDS, "next": "again"})
    with pytest.raises(SourceError, match="same cursor again"):
        fetched("api", url, records="items", pagination={"mode": "cursor", "cursor": "next"})


def test_a_next_page_elsewhere_is_refused(serve: Serve) -> None:
    url = serve(lambda r: {"items": RECORDS, "next": "http://169.254.169.254/latest"})
    with pytest.raises(SourceError, match="is not on"):
        fetched("api", url, records="items", pagination={"mode": "cursor", "cursor": "next"})


def test_an_endless_api_stops_at_the_limit_of_pages(serve: Serve) -> None:
    numbers = count()
    url = serve(lambda r: [{"title": str(next(numbers))}])
    with pytest.raises(SourceError, match="still more after 5 pages") as error:
        fetched("api", url, pagination={"mode": "page"}, max_pages=5)
    assert "max_pages" in error.value.hint


def test_an_endless_api_stops_at_the_limit_of_bytes(serve: Serve) -> None:
    numbers = count()
    url = serve(lambda r: [{"title": str(next(numbers)) * 1_000}])
    with pytest.raises(SourceError, match="larger than"):
        fetched("api", url, pagination={"mode": "page"}, max_bytes=20_000)


def test_a_failure_in_the_middle_is_an_error_and_not_an_end(serve: Serve) -> None:
    url = serve(lambda r: Response(status=500) if r.args["page"] == "3" else [{"title": r.args["page"]}])
    with pytest.raises(SourceError, match="answers 500"):
        fetched("api", url, pagination={"mode": "page"})


def oai(records: str, token: str = "") -> Response:
    return Response(
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>'
        f"{records}<resumptionToken>{token}</resumptionToken></ListRecords></OAI-PMH>"
    )


def oai_record(rank: int, status: str = "") -> str:
    metadata = (
        '<metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>T{rank}</dc:title>'
        "<dc:creator>Martin, Léa</dc:creator><dc:creator>Petit, Paul</dc:creator>"
        "<dc:date>publié en 2021</dc:date><dc:identifier>ISBN 1</dc:identifier>"
        "<dc:identifier>https://example.org/1</dc:identifier><dc:subject>eau</dc:subject></oai_dc:dc></metadata>"
    )
    return (
        f'<record><header status="{status}"><identifier>oai:{rank}</identifier></header>{metadata}</record>'
    )


def test_a_repository_is_read_to_its_end(serve: Serve) -> None:
    def answer(request: Request) -> Response:
        if "resumptionToken" in request.args:
            assert set(request.args) == {"verb", "resumptionToken"}
            return oai(oai_record(3))
        assert request.args["set"] == "guides"
        assert request.args["metadataPrefix"] == "oai_dc"
        return oai(oai_record(1) + oai_record(2, "deleted"), "next")

    first, second = fetched("oai", serve(answer), set="guides")
    assert first.values == {
        "id": "oai:1",
        "title": "T1",
        "authors": "Martin, Léa; Petit, Paul",
        "year": "publié en 2021",
        "url": "https://example.org/1",
        "theme": "eau",
    }
    assert second.values["id"] == "oai:3"


def test_a_token_that_comes_back_is_noticed(serve: Serve) -> None:
    with pytest.raises(SourceError, match="same resumptionToken again"):
        fetched("oai", serve(lambda r: oai(oai_record(1), "again")))


def listed(rank: int, token: str, size: str = "") -> Response:
    page = oai(oai_record(rank), token).get_data(as_text=True)
    return Response(page.replace("<resumptionToken>", f"<resumptionToken{size}>"))


ALL, MORE = ' completeListSize="2"', ' completeListSize="9"'
EXPIRED = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><error code="badResumptionToken"/></OAI-PMH>'
PAST: dict[str, Response] = {
    "400": Response(status=400),
    "404": Response(status=404),
    "422": Response(status=422),
    "204": Response(status=204),
    "empty": Response(""),
    "expired": Response(EXPIRED),
}


@pytest.mark.parametrize("past", PAST.values(), ids=PAST)
def test_a_repository_may_refuse_what_follows_all_that_it_announced(serve: Serve, past: Response) -> None:
    pages = {None: listed(1, "a", ALL), "a": listed(2, "b", ALL), "b": past}
    assert len(fetched("oai", serve(lambda r: pages[r.args.get("resumptionToken")]))) == 2


@pytest.mark.parametrize("size", ["", MORE])
@pytest.mark.parametrize("past", PAST.values(), ids=PAST)
def test_a_refusal_before_all_is_given_is_a_failure(serve: Serve, past: Response, size: str) -> None:
    pages = {None: listed(1, "a", size), "a": listed(2, "b", size), "b": past}
    with pytest.raises(SourceError):
        fetched("oai", serve(lambda r: pages[r.args.get("resumptionToken")]))


def test_a_last_page_that_leads_to_itself_is_the_last(serve: Serve) -> None:
    pages = {None: listed(1, "a"), "a": listed(2, "a")}
    assert len(fetched("oai", serve(lambda r: pages[r.args.get("resumptionToken")]))) == 2


def test_a_page_that_leads_to_itself_before_all_is_given_is_a_failure(serve: Serve) -> None:
    pages = {None: listed(1, "a", MORE), "a": listed(2, "a", MORE)}
    with pytest.raises(SourceError, match="same resumptionToken again"):
        fetched("oai", serve(lambda r: pages[r.args.get("resumptionToken")]))


def test_an_endless_repository_stops_at_the_limit_of_pages(serve: Serve) -> None:
    tokens = count()
    with pytest.raises(SourceError, match="still more after 4 pages"):
        fetched("oai", serve(lambda r: oai(oai_record(1), str(next(tokens)))), max_pages=4)


def test_an_empty_repository_is_empty(serve: Serve) -> None:
    body = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><error code="noRecordsMatch"/></OAI-PMH>'
    assert fetched("oai", serve(lambda r: Response(body))) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
            '<error code="badArgument">no</error></OAI-PMH>',
            "badArgument",
        ),
        ("<a/>", "not an OAI-PMH response"),
        ("<html/>", "a web page"),
        ("<!DOCTYPE html><html><body>Connexion</body></html>", "a web page"),
        ("plain", "not XML"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document type"),
    ],
)
def test_what_is_no_list_of_records_is_an_error(serve: Serve, body: str, said: str) -> None:
    with pytest.raises(SourceError, match=said) as error:
        fetched("oai", serve(lambda r: Response(body)))
    assert error.value.hint


def posts(request: Request) -> Response:
    number = int(request.args["page"])
    post = {
        "id": number,
        "date": "2022-05-06T07:08:09",
        "link": f"https://example.org/{number}",
        "title": {"rendered": f"P{number} &amp; co"},
        "content": {"rendered": "<p>Texte</p>"},
    }
    return Response(json.dumps([post]), headers={"X-WP-TotalPages": "3"})


def test_the_posts_of_a_site_are_read(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/wp-json/wp/v2/posts").respond_with_handler(posts)
    rows = fetched("wordpress", httpserver.url_for("/"))
    assert len(rows) == 3
    assert rows[0].values == {
        "id": "1",
        "title": "P1 &amp; co",
        "summary": "<p>Texte</p>",
        "url": "https://example.org/1",
        "year": "2022",
    }


def test_another_type_of_content_is_read(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/blog/wp-json/wp/v2/portfolio").respond_with_handler(posts)
    rows = fetched("wordpress", httpserver.url_for("/blog/wp-json/wp/v2/portfolio"), page_size=1)
    assert [row.values["id"] for row in rows] == ["1", "2", "3"]
    assert "per_page=1" in rows[0].locator


def test_a_site_that_is_no_wordpress_is_an_error(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/wp-json/wp/v2/posts").respond_with_data("[]")
    with pytest.raises(SourceError, match="X-WP-TotalPages"):
        fetched("wordpress", httpserver.url_for("/"))


def test_a_last_page_of_posts_that_is_gone_is_told(httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        return posts(request) if request.args["page"] != "3" else Response("{}", status=400)

    httpserver.expect_request("/wp-json/wp/v2/posts").respond_with_handler(answer)
    assert len(fetched("wordpress", httpserver.url_for("/"))) == 2


def test_a_page_of_posts_that_fails_in_the_middle_is_an_error(httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        return posts(request) if request.args["page"] != "2" else Response("{}", status=400)

    httpserver.expect_request("/wp-json/wp/v2/posts").respond_with_handler(answer)
    with pytest.raises(SourceError, match="answers 400"):
        fetched("wordpress", httpserver.url_for("/"))


def test_a_post_that_slid_to_the_next_page_is_kept_once(httpserver: HTTPServer) -> None:
    def posts_of(number: int) -> bytes:
        post = {"id": number, "link": "https://example.org/a", "title": {"rendered": "A"}}
        return json.dumps([post, {**post, "id": number + 1}]).encode()

    def answer(request: Request) -> Response:
        return Response(posts_of(int(request.args["page"])), headers={"X-WP-TotalPages": "2"})

    httpserver.expect_request("/wp-json/wp/v2/posts").respond_with_handler(answer)
    rows = fetched("wordpress", httpserver.url_for("/"))
    assert [row.values["id"] for row in rows] == ["1", "2", "3"]


def test_a_relative_link_of_a_post_is_on_its_site(httpserver: HTTPServer) -> None:
    body = json.dumps([{"id": 1, "link": "/actus/1", "title": {"rendered": "A"}}])
    answer = Response(body, headers={"X-WP-TotalPages": "1"})
    httpserver.expect_request("/wp-json/wp/v2/posts").respond_with_response(answer)
    (row,) = fetched("wordpress", httpserver.url_for("/"))
    assert row.values["url"] == httpserver.url_for("/actus/1")
