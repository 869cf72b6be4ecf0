"""What a check says of an address, against a server of our own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from reco.sources import link_check
from reco.sources.link_check import BEGINNING, LinkChecker, Probe
from reco.version import __version__

Answer = Callable[[Request], Response]


@pytest.fixture
def checker() -> Iterator[LinkChecker]:
    with LinkChecker(pause=0, allow_private=True) as made:
        yield made


def page(
    title: str = "Un guide", body: str = "<p>Du texte.</p>", status: int = 200, **headers: str
) -> Response:
    html = f"<html><head><title>{title}</title></head><body>{body}</body></html>"
    return Response(html, status, headers, content_type="text/html; charset=utf-8")


def to(place: str, status: int = 301) -> Response:
    return Response("", status, {"location": place})


def asked(httpserver: HTTPServer) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request, _ in httpserver.log]


def serve(httpserver: HTTPServer, **pages: Response) -> str:
    """Serve pages by name and a home page; return the address of the page `a`."""
    httpserver.expect_request("/").respond_with_response(page("Accueil"))
    for name, answer in pages.items():
        httpserver.expect_request(f"/{name}").respond_with_response(answer)
    return httpserver.url_for("/a")


def test_a_page_is_asked_twice_and_a_file_once(httpserver: HTTPServer, checker: LinkChecker) -> None:
    pdf = Response(b"%PDF-", content_type="application/pdf")
    url = serve(httpserver, a=page(), b=pdf)
    assert checker.check(url) == Probe("ok")
    assert checker.check(httpserver.url_for("/b")) == Probe("ok")
    assert asked(httpserver) == [("HEAD", "/a"), ("GET", "/a"), ("HEAD", "/b")]
    assert {request.headers["user-agent"] for request, _ in httpserver.log} == {f"reco/{__version__}"}


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_page_is_dead_once_get_confirms_it(
    httpserver: HTTPServer, checker: LinkChecker, status: int
) -> None:
    url = serve(httpserver, a=page(status=status))
    found = checker.check(url)
    assert (found.outcome, found.why) == ("dead", f"the server answers {status}")
    assert [method for method, _ in asked(httpserver)] == ["HEAD", "GET"]


@pytest.mark.parametrize("status", [403, 404, 405, 500, 501])
def test_get_decides_where_head_is_refused(httpserver: HTTPServer, checker: LinkChecker, status: int) -> None:
    def answer(request: Request) -> Response:
        return page(status=status) if request.method == "HEAD" else page()

    httpserver.expect_request("/a").respond_with_handler(answer)
    assert checker.check(httpserver.url_for("/a")) == Probe("ok")


@pytest.mark.parametrize(
    ("status", "tired"), [(401, False), (403, False), (429, True), (500, False), (503, True)]
)
def test_a_refusal_or_a_fault_is_unsure(
    httpserver: HTTPServer, checker: LinkChecker, status: int, tired: bool
) -> None:
    found = checker.check(serve(httpserver, a=page(status=status)))
    assert found == Probe("unsure", f"the server answers {status}", tired=tired)


def test_a_busy_server_is_not_asked_again(httpserver: HTTPServer, checker: LinkChecker) -> None:
    checker.check(serve(httpserver, a=page(status=503)))
    assert asked(httpserver) == [("HEAD", "/a")]


@pytest.mark.parametrize(
    ("first", "second", "moved"),
    [(301, 301, "/c"), (308, 302, "/b"), (302, 301, ""), (307, 303, "")],
)
def test_only_a_permanent_redirect_is_a_move(
    httpserver: HTTPServer, checker: LinkChecker, first: int, second: int, moved: str
) -> None:
    url = serve(httpserver, a=to("/b", first), b=to("/c", second), c=page())
    found = checker.check(url)
    assert found == (Probe("moved", to=httpserver.url_for(moved)) if moved else Probe("ok"))


def test_a_redirect_to_a_missing_page_is_dead(httpserver: HTTPServer, checker: LinkChecker) -> None:
    assert checker.check(serve(httpserver, a=to("/b"), b=page(status=404))).outcome == "dead"


@pytest.mark.parametrize("home", ["/", "/index.php", "/accueil", "/fr/"])
def test_a_redirect_to_the_home_page_is_a_soft_404(
    httpserver: HTTPServer, checker: LinkChecker, home: str
) -> None:
    httpserver.expect_request(home).respond_with_response(page("Accueil"))
    found = checker.check(serve(httpserver, a=to(home)))
    assert found.outcome == "soft-404" and "home page" in found.why


def test_a_home_page_that_redirects_to_another_is_no_soft_404(
    httpserver: HTTPServer, checker: LinkChecker
) -> None:
    httpserver.expect_request("/").respond_with_response(to("/fr/"))
    httpserver.expect_request("/fr/").respond_with_response(page("Accueil"))
    assert checker.check(httpserver.url_for("/")) == Probe("moved", to=httpserver.url_for("/fr/"))


@pytest.mark.parametrize(
    "answer",
    [
        page("Page non trouvée - Ville"),
        page("Page introuvable"),
        page("404"),
        page("404 – Ministère"),
        page("Erreur 404"),
        page("404 Not Found"),
        page("Page not found | Site"),
        page("Site", "<h1 class='t'>Cette page n&#39;existe plus</h1>" + "<p>mot</p>" * 400),
        page("Site", "<h1><span>La page demandée est introuvable</span></h1>"),
        page("Site", "<p>Le document que vous cherchez n’est plus disponible.</p>"),
        Response("<title>Page non trouv\xe9e</title>".encode("latin-1"), content_type="text/html"),
        Response(
            b'<meta charset="iso-8859-1"><h1>La page demand\xe9e est inexistante</h1>',
            content_type="text/html",
        ),
    ],
)
def test_a_page_that_says_it_is_not_there_is_a_soft_404(
    httpserver: HTTPServer, checker: LinkChecker, answer: Response
) -> None:
    assert checker.check(serve(httpserver, a=answer)).outcome == "soft-404"


@pytest.mark.parametrize(
    "answer",
    [
        page("Le médecin introuvable : que peut la commune ?"),
        page("404 communes racontent leur budget"),
        page("Article 404 du code général des impôts"),
        page("Document disponible en ligne"),
        page("Un guide", "<p>Page introuvable : refaire le site de la mairie.</p>" + "<p>mot </p>" * 400),
        page("", ""),
    ],
)
def test_a_page_about_something_else_is_right(
    httpserver: HTTPServer, checker: LinkChecker, answer: Response
) -> None:
    assert checker.check(serve(httpserver, a=answer)) == Probe("ok")


def test_only_the_beginning_of_a_page_is_read(httpserver: HTTPServer) -> None:
    parts, sent = 300, []

    def body() -> Iterator[bytes]:
        for _ in range(parts):
            sent.append(BEGINNING)
            yield b"<p>mot</p>" * (BEGINNING // 10)
        yield b"<h1>Page introuvable</h1>"

    httpserver.expect_request("/a").respond_with_handler(lambda _: Response(body(), content_type="text/html"))
    with LinkChecker(0, allow_private=True, clock=lambda: 0.0) as checker:
        assert checker.check(httpserver.url_for("/a")) == Probe("ok")
    assert len(sent) < parts, "the server was cut off before it had sent everything"


def test_a_loop_of_redirects_is_unsure(httpserver: HTTPServer, checker: LinkChecker) -> None:
    assert checker.check(serve(httpserver, a=to("/b"), b=to("/a"))).outcome == "unsure"


def test_a_secret_in_a_new_address_is_not_kept(httpserver: HTTPServer, checker: LinkChecker) -> None:
    found = checker.check(serve(httpserver, a=to("/b?token=abc123"), b=page()))
    assert found.outcome == "moved" and "abc123" not in found.to


def failing(code: int) -> Callable[[str, int], list[str]]:
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(code, "no")

    return resolve


def test_a_name_that_does_not_exist_is_dead_and_one_that_is_not_answered_is_unsure() -> None:
    for code, outcome in ((socket.EAI_NONAME, "dead"), (socket.EAI_AGAIN, "unsure")):
        with LinkChecker(pause=0, resolve=failing(code)) as checker:
            found = checker.check("https://exemple.invalid/guide")
            assert (found.outcome, found.silent) == (outcome, True)


def test_a_server_that_is_down_is_unsure_and_left_in_peace(checker: LinkChecker) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = checker.check(f"http://127.0.0.1:{port}/a")
    assert (found.outcome, found.silent, found.tired) == ("unsure", True, True)


def test_a_private_address_is_never_asked(httpserver: HTTPServer) -> None:
    url = serve(httpserver, a=page())
    with LinkChecker(pause=0) as checker:
        found = checker.check(url)
    assert found.outcome == "unsure" and "not a public address" in found.why
    assert httpserver.log == []


@pytest.mark.parametrize("url", ["ftp://exemple.fr/a", "http://", "exemple.fr/a", "http://[::1"])
def test_what_is_no_address_is_unsure(checker: LinkChecker, url: str) -> None:
    assert checker.check(url).outcome == "unsure"


def test_each_request_to_a_host_waits_for_its_pause(httpserver: HTTPServer) -> None:
    url = serve(httpserver, a=to("/b"), b=page())
    waits: list[float] = []
    with LinkChecker(2.5, allow_private=True, clock=lambda: 0.0, sleep=waits.append) as checker:
        checker.check(url)
    assert asked(httpserver) == [("HEAD", "/a"), ("HEAD", "/b"), ("GET", "/a"), ("GET", "/b")]
    assert waits == [2.5, 2.5, 2.5]


@contextmanager
def dripping(head: bytes, drop: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Serve `head`, then `drop` again and again until the client leaves; yield the address and the requests.

    It gives up after a while, and adds the request "patient" when a client stayed until then.
    """
    requests: list[bytes] = []
    ended = threading.Event()

    def serve_one(listening: socket.socket) -> None:
        with suppress(OSError):
            while not ended.is_set():
                client, _ = listening.accept()
                with client, suppress(OSError):
                    requests.append(client.recv(1000))
                    client.sendall(head)
                    for _ in range(100):
                        client.sendall(drop)
                        if ended.wait(0.02):
                            break
                    else:
                        requests.append(b"patient")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = threading.Thread(target=serve_one, args=(listening,), daemon=True)
        served.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/a", requests
        finally:
            ended.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            served.join()


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n1;a="


@pytest.mark.parametrize(
    ("head", "methods"), [(b"HTTP/1.1 200 OK\r\nX-Slow: ", [b"HEAD"]), (CHUNKED, [b"HEAD", b"GET"])]
)
def test_a_server_that_drips_its_answer_is_cut_off(head: bytes, methods: list[bytes]) -> None:
    with dripping(head, b"a") as (url, requests):
        with LinkChecker(0, allow_private=True, patience=0.3) as checker:
            found = checker.check(url)
        asked = [request.partition(b" ")[0] for request in requests]
    assert (found.outcome, found.silent, found.tired) == ("unsure", True, True)
    assert "no whole answer within 0.3 seconds" in found.why
    assert asked == methods, "headers that are cut off are not asked for again with GET"


def test_after_a_server_that_drips_others_are_asked(httpserver: HTTPServer) -> None:
    with LinkChecker(0, allow_private=True, patience=0.5) as checker:
        assert checker.check(serve(httpserver, a=page())) == Probe("ok")
        with dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a") as (slow, _):
            assert checker.check(slow).outcome == "unsure"
        assert checker.check(httpserver.url_for("/a")) == Probe("ok")


def test_a_tag_that_is_never_closed_is_no_name(httpserver: HTTPServer, checker: LinkChecker) -> None:
    hostile = "<h1" * 21_000 + " ><p>mot</p>Page introuvable</h1>" + "<p>mot</p>" * 400
    answer = Response(hostile, content_type="text/html")
    named = link_check._NAMED.search("<h1<h1 class='a'>Page introuvable</h1>")
    assert named is not None and named.start() == 3, "a tag holds no other, or each would be read to the end"
    assert checker.check(serve(httpserver, a=answer)).outcome in ("ok", "soft-404")
