"""The client, through the public door where a server is enough, and directly for names and addresses."""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from reco.catalogue.resource import Record, Rejection
from reco.errors import SourceError, StorageError
from reco.sources.config import SourceConfig
from reco.sources.public_hosts import is_public
from reco.sources.read import read
from reco.sources.remote import LONGEST_WAIT, Remote, shown
from reco.storage import atomic
from reco.version import __version__

LINE = '{"title": "A"}\n'


def config(url: str, **options: object) -> SourceConfig:
    known = {"name": "web", "kind": "jsonl", "url": url, "allow_private": True, "retries": 2}
    return SourceConfig.model_validate(known | options)


def fetched(url: str, cache: Path | None = None, **options: object) -> list[Record | Rejection]:
    return list(read(config(url, **options), cache))


def test_a_file_is_fetched_under_our_own_name(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a", headers={"user-agent": f"reco/{__version__}"}).respond_with_data(LINE)
    (row,) = fetched(httpserver.url_for("/a"))
    assert row.locator == httpserver.url_for("/a") + ":1"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "127.1",
        "localhost",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[::127.0.0.1]",
    ],
)
def test_a_private_address_is_refused_in_every_form(httpserver: HTTPServer, host: str) -> None:
    with pytest.raises(SourceError) as error:
        fetched(f"http://{host}:{httpserver.port}/a", allow_private=False, retries=0)
    assert "not a public address" in str(error.value)
    assert "allow_private" in error.value.hint
    assert httpserver.log == []


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_public_addresses_are_known(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address", ["224.0.0.1", "100.64.0.1", "ff0e::1", "2001::1", "fe80::1%eth0", "192.0.2.1"]
)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_a_redirect_to_a_private_address_is_refused(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(
        "", status=302, headers={"location": f"http://inside.test:{httpserver.port}/secret"}
    )
    names = {"outside.test": ["127.0.0.1"], "inside.test": ["10.0.0.7"]}
    source = config(f"http://outside.test:{httpserver.port}/a", allow_private=False)

    def resolve(host: str, port: int) -> list[str]:
        return names[host]

    with pytest.MonkeyPatch.context() as patch:  # the test server stands for a public one
        patch.setattr("reco.sources.public_hosts.is_public", lambda address: address == "127.0.0.1")
        with Remote(source, None, resolve) as remote, pytest.raises(SourceError, match=r"10\.0\.0\.7"):
            remote.get(source.url)
    assert len(httpserver.log) == 1


def test_the_address_that_was_checked_is_the_one_connected_to(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(LINE)
    answers = iter([["127.0.0.1"], ["10.0.0.7"]])
    source = config(f"http://rebinding.invalid:{httpserver.port}/a")
    with Remote(source, None, lambda host, port: next(answers)) as remote:
        assert remote.get(source.url).body == LINE.encode()
    request, _ = httpserver.log[0]
    assert request.host == f"rebinding.invalid:{httpserver.port}"
    assert next(answers) == ["10.0.0.7"]


def test_one_private_address_among_several_is_enough_to_refuse() -> None:
    source = config("http://both.test/a", allow_private=False)
    with (
        Remote(source, None, lambda host, port: ["93.184.216.34", "127.0.0.1"]) as remote,
        pytest.raises(SourceError, match=r"127\.0\.0\.1"),
    ):
        remote.get(source.url)


def test_the_next_address_is_tried_when_one_is_deaf(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(LINE)
    source = config(f"http://two.test:{httpserver.port}/a", retries=0)
    with Remote(source, None, lambda host, port: ["127.0.0.9", "127.0.0.1"]) as remote:
        assert remote.get(source.url).body == LINE.encode()


def test_a_name_that_is_not_known_is_an_error() -> None:
    with pytest.raises(SourceError, match="is not known"):
        fetched("http://nowhere.invalid/a", retries=0)


def test_three_redirects_are_followed_and_no_more(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/0").respond_with_data(LINE)
    for hop in range(1, 5):
        httpserver.expect_request(f"/{hop}").respond_with_data(
            "", status=302, headers={"location": f"/{hop - 1}"}
        )
    assert len(fetched(httpserver.url_for("/3"))) == 1
    with pytest.raises(SourceError, match="more than 3 redirects"):
        fetched(httpserver.url_for("/4"))


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://127.0.0.1/"])
def test_a_redirect_leaves_the_web_for_nothing(httpserver: HTTPServer, target: str) -> None:
    httpserver.expect_request("/a").respond_with_data("", status=302, headers={"location": target})
    with pytest.raises(SourceError):
        fetched(httpserver.url_for("/a"))


def test_a_server_in_trouble_is_asked_again(httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request("/a").respond_with_data("", status=500)
    httpserver.expect_ordered_request("/a").respond_with_data("", status=503)
    httpserver.expect_ordered_request("/a").respond_with_data(LINE)
    assert len(fetched(httpserver.url_for("/a"))) == 1


def test_a_server_that_stays_in_trouble_is_an_error(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data("", status=500)
    with pytest.raises(SourceError, match="answers 500") as error:
        fetched(httpserver.url_for("/a"))
    assert "web" in str(error.value)
    assert httpserver.url_for("/a") in str(error.value)
    assert error.value.hint
    assert len(httpserver.log) == 3


def test_a_server_that_asks_to_wait_is_obeyed(httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request("/a").respond_with_data("", status=429, headers={"retry-after": "1"})
    httpserver.expect_ordered_request("/a").respond_with_data(LINE)
    start = time.monotonic()
    with stamina.set_testing(False):
        fetched(httpserver.url_for("/a"))
    assert time.monotonic() - start >= 1


@pytest.mark.parametrize("wait", ["86400", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_server_that_asks_to_wait_for_ever_is_not(httpserver: HTTPServer, wait: str) -> None:
    httpserver.expect_request("/a").respond_with_data("", status=503, headers={"retry-after": wait})
    start = time.monotonic()
    with stamina.set_testing(False), pytest.raises(SourceError):
        fetched(httpserver.url_for("/a"), max_seconds=1)
    assert time.monotonic() - start < LONGEST_WAIT / 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418])
def test_a_refusal_is_an_error_at_once(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/a").respond_with_data("", status=status)
    with pytest.raises(SourceError, match=f"answers {status}"):
        fetched(httpserver.url_for("/a"))
    assert len(httpserver.log) == 1


@pytest.fixture
def cut_short() -> Iterator[str]:
    """A server that promises a hundred bytes and hangs up after ten."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/a"
        server.shutdown(socket.SHUT_RDWR)


def test_half_a_body_is_an_error_and_never_a_short_source(cut_short: str) -> None:
    with pytest.raises(SourceError, match="RemoteProtocolError"):
        fetched(cut_short)


def test_half_a_packed_body_is_an_error(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(
        gzip.compress(LINE.encode() * 100)[:-9], headers={"content-encoding": "gzip"}
    )
    with pytest.raises(SourceError, match="cut short"):
        fetched(httpserver.url_for("/a"))


def test_a_packed_body_is_unpacked(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a", headers={"accept-encoding": "gzip"}).respond_with_data(
        gzip.compress(LINE.encode() * 100), headers={"content-encoding": "gzip"}
    )
    assert len(fetched(httpserver.url_for("/a"))) == 100


def test_a_packed_bomb_stops_at_the_limit(httpserver: HTTPServer) -> None:
    bomb = gzip.compress(b"0" * 200_000_000, 9)
    httpserver.expect_request("/a").respond_with_data(bomb, headers={"content-encoding": "gzip"})
    tracemalloc.start()
    with pytest.raises(SourceError, match="larger than 1000000 bytes"):
        fetched(httpserver.url_for("/a"), max_bytes=1_000_000)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_a_packing_that_we_did_not_ask_for_is_an_error(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(b"x", headers={"content-encoding": "br"})
    with pytest.raises(SourceError, match="packed as br"):
        fetched(httpserver.url_for("/a"))


def endless(pause: float) -> Response:
    def body() -> Iterator[bytes]:
        for _ in range(10_000):
            time.sleep(pause)
            yield b"0" * 1_000

    return Response(body())


def test_an_endless_body_stops_at_the_limit_of_bytes(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_handler(lambda request: endless(0))
    with pytest.raises(SourceError, match="larger than 50000 bytes") as error:
        fetched(httpserver.url_for("/a"), max_bytes=50_000)
    assert "max_bytes" in error.value.hint


def test_a_slow_body_stops_at_the_limit_of_time(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_handler(lambda request: endless(0.05))
    start = time.monotonic()
    with pytest.raises(SourceError, match=r"not read after 0\.4 seconds"):
        fetched(httpserver.url_for("/a"), max_seconds=0.4)
    assert time.monotonic() - start < 100, "the whole body takes 500 seconds"


def test_a_silent_server_is_given_up(httpserver: HTTPServer) -> None:
    speak = threading.Event()

    def silent(request: Request) -> Response:
        speak.wait(10)
        return Response(LINE)

    httpserver.expect_request("/a").respond_with_handler(silent)
    with pytest.raises(SourceError, match="ReadTimeout"):
        fetched(httpserver.url_for("/a"), timeout_seconds=0.2, retries=0)
    speak.set()
    fetched(httpserver.url_for("/a"))  # so that the first answer is over before the next test


def serve_once_then_unchanged(httpserver: HTTPServer, body: str) -> None:
    def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == '"v1"':
            return Response(status=304)
        return Response(body, headers={"etag": '"v1"'})

    httpserver.expect_request("/a").respond_with_handler(answer)


def test_what_did_not_change_is_not_sent_again(httpserver: HTTPServer, tmp_path: Path) -> None:
    serve_once_then_unchanged(httpserver, LINE)
    first = fetched(httpserver.url_for("/a"), tmp_path / "cache")
    second = fetched(httpserver.url_for("/a"), tmp_path / "cache")
    assert first == second
    assert [response.status_code for _, response in httpserver.log] == [200, 304]


def test_a_date_is_a_validator_too(httpserver: HTTPServer, tmp_path: Path) -> None:
    day = "Mon, 04 Mar 2024 10:00:00 GMT"
    httpserver.expect_ordered_request("/a").respond_with_data(LINE, headers={"last-modified": day})
    httpserver.expect_ordered_request("/a", headers={"if-modified-since": day}).respond_with_data("", 304)
    assert fetched(httpserver.url_for("/a"), tmp_path) == fetched(httpserver.url_for("/a"), tmp_path)


@pytest.mark.parametrize("damage", [b"", b"{", b"null", b'{"sha256": 1}'])
@pytest.mark.parametrize("ending", ["json", "body"])
def test_a_damaged_memory_is_forgotten(
    httpserver: HTTPServer, tmp_path: Path, ending: str, damage: bytes
) -> None:
    serve_once_then_unchanged(httpserver, LINE)
    fetched(httpserver.url_for("/a"), tmp_path)
    (file,) = tmp_path.glob(f"*.{ending}")
    file.write_bytes(damage)
    assert len(fetched(httpserver.url_for("/a"), tmp_path)) == 1
    assert [response.status_code for _, response in httpserver.log] == [200, 200]


def test_nothing_is_remembered_of_a_body_that_has_no_version(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(LINE)
    fetched(httpserver.url_for("/a"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_secret_of_an_address_is_remembered(httpserver: HTTPServer, tmp_path: Path) -> None:
    serve_once_then_unchanged(httpserver, LINE)
    fetched(httpserver.url_for("/a?api_key=hunter2"), tmp_path)
    kept = list(tmp_path.iterdir())
    assert len(kept) == 2
    assert not [path for path in kept if b"hunter2" in path.name.encode() + path.read_bytes()]


def test_what_is_remembered_is_synced_before_it_has_its_name(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_once_then_unchanged(httpserver, LINE)
    seen: list[tuple[str, str]] = []
    monkeypatch.setattr(atomic, "operation", lambda name, path: seen.append((name, path.name)))
    fetched(httpserver.url_for("/a"), tmp_path)
    for name in sorted(path.name for path in tmp_path.iterdir()):
        draft = f"{name}.tmp-{os.getpid()}"
        steps = [step for step in seen if step[1] in (name, draft)]
        assert steps == [("open", draft), ("write", draft), ("fsync", draft), ("rename", name)]


def test_a_memory_that_cannot_be_written_says_so(httpserver: HTTPServer, tmp_path: Path) -> None:
    serve_once_then_unchanged(httpserver, LINE)
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match=r"refused to create .*cache"):
        fetched(httpserver.url_for("/a"), tmp_path / "cache")


def test_a_secret_in_an_address_is_not_shown(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data("", status=403)
    with pytest.raises(SourceError) as error:
        fetched(httpserver.url_for("/a?api_key=hunter2&page=3"))
    assert "hunter2" not in str(error.value)
    assert "page=3" in str(error.value)


@pytest.mark.parametrize("name", ["password", "auth", "sig", "X-Amz-Signature", "access_token", "pwd"])
def test_every_parameter_that_sounds_like_a_secret_is_hidden(name: str) -> None:
    assert shown(f"https://a.example/b?{name}=hunter2&design=3") == f"https://a.example/b?{name}=...&design=3"


@pytest.mark.parametrize("kind", ["rss", "oai"])
def test_no_locator_and_no_fault_of_a_document_shows_a_secret(httpserver: HTTPServer, kind: str) -> None:
    record = "<record><header><identifier>a</identifier></header><metadata><t>A</t></metadata></record>"
    oai = (
        f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{record}</ListRecords></OAI-PMH>'
    )
    rss = '<rss version="2.0"><channel><item><guid>a</guid><title>A</title></item></channel></rss>'
    httpserver.expect_request("/a").respond_with_data(rss if kind == "rss" else oai)
    (row,) = fetched(httpserver.url_for("/a?password=hunter2"), kind=kind)
    assert row.locator.endswith("#1") and "hunter2" not in row.locator
    httpserver.expect_request("/b").respond_with_data("<html></html>")
    with pytest.raises(SourceError) as error:
        fetched(httpserver.url_for("/b?password=hunter2"), kind=kind)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("kind", ["csv", "json", "page", "xlsx", "parquet", "rss"])
def test_every_kind_of_file_is_fetched_the_same_way(httpserver: HTTPServer, kind: str) -> None:
    httpserver.expect_request("/a").respond_with_data("", status=403)
    with pytest.raises(SourceError, match="answers 403"):
        fetched(httpserver.url_for("/a"), kind=kind)


def test_a_json_list_is_located_by_address_and_rank(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(json.dumps([{"title": "A"}]))
    (row,) = fetched(httpserver.url_for("/a"), kind="json")
    assert row.locator == httpserver.url_for("/a") + "#1"


def test_an_octal_address_is_no_address(httpserver: HTTPServer) -> None:
    with pytest.raises(SourceError, match="Invalid IPv4 address"):
        fetched(f"http://0177.0.0.1:{httpserver.port}/a", allow_private=False)
    assert httpserver.log == []
