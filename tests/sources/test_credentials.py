"""Headers and tokens: sent to the source's own server only, and never written anywhere."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from reco.catalogue.resource import Record, Rejection
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.credentials import Credentials
from reco.sources.read import read
from tests.support import Home, files_under, run_cli

KEY, TOKENS = "cle-tres-secrete", ("jeton-premier", "jeton-second", "jeton-tiers")
HEADERS = {"X-AUTH-TOKEN": "env:AIDES_TOKEN"}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIDES_TOKEN", KEY)


def config(url: str, **options: Any) -> SourceConfig:
    known = {"name": "aides", "kind": "api", "url": url, "allow_private": True, "retries": 0}
    return SourceConfig.model_validate(known | options)


def fetched(url: str, cache: Path | None = None, **options: Any) -> list[Record | Rejection]:
    return list(read(config(url, **options), cache))


def exchange(httpserver: HTTPServer, **options: str) -> dict[str, str]:
    url = httpserver.url_for("/connexion")
    return {"url": url, "header": "X-AUTH-TOKEN", "value": "env:AIDES_TOKEN"} | options


def test_a_header_comes_from_the_environment(httpserver: HTTPServer) -> None:
    sent = {"X-AUTH-TOKEN": KEY, "Accept": "application/ld+json"}
    httpserver.expect_request("/a", headers=sent).respond_with_json([{"title": "A"}])
    headers = {**HEADERS, "Accept": "application/ld+json"}
    (row,) = fetched(httpserver.url_for("/a"), headers=headers)
    assert row.values == {"title": "A"}


@pytest.mark.parametrize("kind", ["csv", "rss", "oai", "wordpress", "json"])
def test_every_kind_sends_it(httpserver: HTTPServer, kind: str) -> None:
    with pytest.raises(SourceError):
        fetched(httpserver.url_for("/a"), kind=kind, headers=HEADERS)
    ((request, _),) = httpserver.log
    assert request.headers["X-AUTH-TOKEN"] == KEY


@pytest.mark.parametrize(
    ("value", "said"), [(None, "is not set"), ("  ", "is not set"), ("cle\nX-A: b", "no header can hold")]
)
def test_a_missing_variable_is_one_clear_error(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, value: str | None, said: str
) -> None:
    monkeypatch.delenv("AIDES_TOKEN")
    if value is not None:
        monkeypatch.setenv("AIDES_TOKEN", value)
    source = config(httpserver.url_for("/a"), headers=HEADERS)  # the settings are read without it
    with pytest.raises(SourceError, match="source aides: .*AIDES_TOKEN.*X-AUTH-TOKEN.*" + said) as error:
        list(read(source))
    assert "AIDES_TOKEN" in error.value.hint and "X-A: b" not in str(error.value)
    assert httpserver.log == []


def test_no_header_goes_to_another_host(httpserver: HTTPServer) -> None:
    elsewhere = f"http://127.0.0.1:{httpserver.port}/b"
    httpserver.expect_request("/a").respond_with_data("", 302, {"Location": elsewhere})
    httpserver.expect_request("/b").respond_with_data("", 302, {"Location": httpserver.url_for("/c")})
    httpserver.expect_request("/c").respond_with_json([{"title": "A"}])
    httpserver.expect_request("/connexion").respond_with_json({"token": TOKENS[0]})
    fetched(httpserver.url_for("/a"), headers={**HEADERS, "X-Site": "essai"}, token=exchange(httpserver))
    sent = {request.path: dict(request.headers) for request, _ in httpserver.log}
    for name in ("X-Auth-Token", "X-Site", "Authorization"):
        assert name in sent["/a"] and name not in sent["/b"] and name in sent["/c"]


def test_a_key_is_exchanged_for_a_token(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/connexion", "POST", headers={"X-AUTH-TOKEN": KEY}).respond_with_json(
        {"data": {"jwt": TOKENS[0]}}
    )

    def pages(request: Request) -> Response:
        assert request.headers["Authorization"] == f"Bearer {TOKENS[0]}"
        assert "X-AUTH-TOKEN" not in request.headers, "the key goes to the exchange only"
        return Response(json.dumps([{"title": "A"}] if request.args["page"] == "1" else []))

    httpserver.expect_request("/a").respond_with_handler(pages)
    token = exchange(httpserver, path="data.jwt")
    assert len(fetched(httpserver.url_for("/a"), token=token, pagination={"mode": "page"})) == 1
    assert [request.path for request, _ in httpserver.log] == ["/connexion", "/a", "/a"], "once a reading"


def tokens(httpserver: HTTPServer) -> None:
    """Give another token at each exchange."""
    given = iter(TOKENS)
    httpserver.expect_request("/connexion").respond_with_handler(
        lambda request: Response(json.dumps({"token": next(given)}))
    )


def test_a_token_that_expires_is_renewed_once(httpserver: HTTPServer) -> None:
    tokens(httpserver)

    def pages(request: Request) -> Response:
        page = int(request.args["page"])
        if request.headers["Authorization"] != f"Bearer {TOKENS[page // 2]}":
            return Response("expired", status=401)
        return Response(json.dumps([{"title": str(page)}] if page < 4 else []))

    httpserver.expect_request("/a").respond_with_handler(pages)
    rows = fetched(httpserver.url_for("/a"), token=exchange(httpserver), pagination={"mode": "page"})
    assert [row.values["title"] for row in rows] == ["1", "2", "3"]


def test_a_token_that_stays_refused_is_one_sentence(httpserver: HTTPServer) -> None:
    tokens(httpserver)
    httpserver.expect_request("/a").respond_with_handler(
        lambda request: (
            Response("no", status=401)
            if request.args["page"] == "2"
            else Response(json.dumps([{"title": "A"}]))
        )
    )
    with pytest.raises(SourceError, match="answers 401: it refuses our key or token") as error:
        fetched(httpserver.url_for("/a"), token=exchange(httpserver), pagination={"mode": "page"})
    assert "AIDES_TOKEN" in error.value.hint
    paths = [request.path for request, _ in httpserver.log]
    assert paths == ["/connexion", "/a", "/a", "/connexion", "/a"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response("no", status=401), "answers 401: it refuses our key"),
        (Response("no", status=403), "answers 403: it refuses our key"),
        (Response("", status=302, headers={"Location": "http://localhost/"}), "the server answers 302"),
        (Response("", status=429, headers={"Retry-After": "0"}), "the server answers 429"),
        (Response(f"<html>{TOKENS[0]}</html>"), "the answer has no text at 'token'"),
        (Response(json.dumps({"token": {"value": TOKENS[0]}})), "the answer has no text at 'token'"),
        (Response(json.dumps({"token": f"{TOKENS[0]}\r\nX-A: b"})), "the answer has no text at 'token'"),
        (Response(" " * 200_000 + json.dumps({"token": TOKENS[0]})), "the answer has no text at 'token'"),
    ],
)
def test_an_exchange_that_fails_says_why(httpserver: HTTPServer, answer: Response, said: str) -> None:
    httpserver.expect_request("/connexion").respond_with_response(answer)
    with pytest.raises(SourceError, match=said) as error:
        fetched(httpserver.url_for("/a"), token=exchange(httpserver))
    assert error.value.hint
    assert TOKENS[0] not in str(error.value) and KEY not in str(error.value)
    assert {request.path for request, _ in httpserver.log} == {"/connexion"}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_its_variable(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/a").respond_with_data(KEY, status)
    with pytest.raises(SourceError, match=f"answers {status}: it refuses our key") as error:
        fetched(httpserver.url_for("/a"), headers=HEADERS)
    assert "AIDES_TOKEN" in error.value.hint


def test_the_logs_of_the_client_hold_no_secret(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in ("", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, logger)
    httpserver.expect_request("/connexion").respond_with_json({"token": TOKENS[0]})
    httpserver.expect_request("/a").respond_with_json([{"title": "A"}])
    fetched(httpserver.url_for("/a"), headers=HEADERS, token=exchange(httpserver))
    assert "httpcore2" in {record.name.split(".")[0] for record in caplog.records}
    assert KEY not in caplog.text and TOKENS[0] not in caplog.text


def test_an_error_hides_what_the_server_repeats(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data("", 302, {"Location": f"http://{KEY}.invalid/"})
    with pytest.raises(SourceError, match=r"the name \*\*\*.invalid is not known"):
        fetched(httpserver.url_for("/a"), headers=HEADERS)


@pytest.mark.parametrize("form", ["cl%C3%A9", "a/b+c=d e\"f", "a\\/b+c=d e\\\"f", "a%2Fb%2Bc%3Dd%20e%22f",
    "a%2fb%2bc%3dd+e%22f", "a/b%2Bc%3Dd%20e%22f"])  # fmt: skip
def test_a_secret_is_hidden_however_it_is_written(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setenv("AIDES_TOKEN", 'a/b+c=d e"f')
    ours = Credentials(config("https://a.example/a", headers=HEADERS))
    expected = "<***>" if form != "cl%C3%A9" else "<cl%C3%A9>"
    assert ours.hidden(f"<{form}>") == expected
    assert ours.without(f"<{form}>".encode()) == expected.encode()


def test_a_secret_is_written_nowhere(
    home: Home, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even when the server repeats it: in a row, a refused row, a redirect, a body with a validator."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "werkzeug")  # the server of this test
    rows = [{"id": "a", "title": f"Un titre {KEY}", "summary": TOKENS[0]}, {"id": "b", "summary": KEY}]
    httpserver.expect_request("/connexion").respond_with_json({"token": TOKENS[0]})
    httpserver.expect_request("/a").respond_with_data("", 302, {"Location": f"/b?session={KEY}"})
    httpserver.expect_request("/b").respond_with_json(rows, headers={"ETag": '"1"'})
    httpserver.expect_request("/c").respond_with_data(f"{KEY} is not JSON")
    options = f"""
allow_private = true
retries = 0
reject_limit = 0.9
headers = {{ "X-AUTH-TOKEN" = "env:AIDES_TOKEN" }}
token = {{ url = "{httpserver.url_for("/connexion")}", header = "X-KEY", value = "env:AIDES_TOKEN" }}
"""
    home.extra = "".join(
        f'[[sources]]\nname = "{name}"\nkind = "api"\nurl = "{httpserver.url_for(path)}"{options}'
        for name, path in (("aides", "/a"), ("broken", "/c"))
    )
    home.configure()
    ran = [
        run_cli("refresh", *home.arguments, "--json"),
        run_cli("source", "test", "broken", *home.arguments, "--json"),
    ]
    assert [done.code for done in ran] == [0, 1]
    assert "is not JSON" in ran[1].out
    told = "".join(done.out + done.err for done in ran) + caplog.text + "".join(capsys.readouterr())
    for secret in (KEY, TOKENS[0]):
        assert secret not in told
        assert not [name for name, data in files_under(home.folder).items() if secret.encode() in data]
    assert [name for name in files_under(home.path / "cache") if name.endswith(".body")]
    assert "Un titre ***" in {resource.title for resource in home.store.open().catalogue}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"headers": {"X-AUTH-TOKEN": "abc-secret"}}, "X-AUTH-TOKEN holds a secret: write"),
        ({"headers": {"Authorization": "Bearer abc-secret"}}, "Authorization holds a secret"),
        ({"headers": {"X-A": "env:not a name"}}, "env:VARIABLE"),
        ({"headers": {"X A": "b"}}, "is not the name of a header"),
        ({"headers": {"Host": "b"}}, "set by reco itself"),
        ({"headers": {"X-A": "b\nc"}}, "not printable"),
        ({"headers": {"X-A": "b", "x-a": "c"}}, "given twice"),
        ({"headers": HEADERS, "url": "http://a.example", "allow_private": False}, "starts with https://"),
        ({"headers": HEADERS, "url": "", "path": "a.json", "kind": "json"}, "go with a `url`"),
        ({"token": {"url": "https://a.example", "header": "X", "value": "abc-secret"}}, "holds a secret"),
        ({"token": {"url": "ftp://a.example", "header": "X", "value": "env:A"}}, "https://"),
    ],
)
def test_settings_hold_no_secret(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        config(**({"url": "https://a.example/a"} | options))
    assert "abc-secret" not in str(error.value), "an error of the settings is printed"
