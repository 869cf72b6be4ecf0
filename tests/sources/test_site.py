"""Any site with a sitemap, through the public door: sites of our own making, sound and hostile."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from reco.catalogue.resource import Record, Rejection
from reco.errors import SourceError
from reco.sources import site as site_kind
from reco.sources.config import SourceConfig
from reco.sources.public_hosts import GuardedTransport, PrivateAddress
from reco.sources.read import inspect, read
from reco.sources.robots import is_near
from reco.sources.rows import Row
from reco.sources.site import MOST_FAILURES, MOST_PAGE_BYTES
from tests.support import Home, run_cli

COMMUNES = ("Saint-Aubin", "Le Vernet", "Plouzévédé", "Moëlan", "Oberbronn")
SUBJECTS = ("une chaufferie au bois", "un verger partagé", "une maison de santé", "un bus à la demande")


def experience(rank: int, more: str = "", head: str = "") -> str:
    """One page of the site: a local experience as a network writes it, with its menu and its foot."""
    commune, subject = COMMUNES[rank % len(COMMUNES)], SUBJECTS[rank % len(SUBJECTS)]
    return f"""<!doctype html><html lang="fr-FR"><head><meta charset="utf-8">
<title>{commune} ouvre {subject} ({rank}) | Réseau</title>
<meta property="og:title" content="{commune} ouvre {subject} ({rank})">
<meta property="og:site_name" content="Réseau des communes">
<meta property="article:section" content="Initiative">
<meta name="description" content="Une expérience racontée.">
{head}<script type="application/ld+json">{{"@context": "https://schema.org", "@type": "Article",
"headline": "{commune}", "datePublished": "{2010 + rank % 15}-05-04",
"author": [{{"@type": "Person", "name": "Léa Martin"}}, {{"@type": "Person", "name": "Paul Petit"}}],
"contentLocation": {{"@type": "Place", "name": "{commune}"}}, "articleSection": ["Énergie", "Eau"]}}</script>
</head><body><nav><a href="/">Accueil</a> <a href="/calendrier/2031/">Calendrier</a></nav>
<main><article><h1>{commune} ouvre {subject}</h1>
<p>La commune de {commune} a ouvert {subject}, avec l'aide de ses voisines et du département, en deux ans.</p>
<p>L'équipe municipale raconte le chantier numéro {rank}, son coût, ses partenaires et son calendrier. {more}</p>
</article></main><footer>Mentions légales. © 2026 Réseau</footer></body></html>"""


@dataclass
class Site:
    """A site on this machine: its pages by path, what its sitemap says of each, and what was asked of it."""

    server: HTTPServer
    pages: dict[str, str] = field(default_factory=dict)
    lastmod: dict[str, str] = field(default_factory=dict)
    robots: str | None = None
    others: dict[str, Callable[[], Response]] = field(default_factory=dict)
    etags: bool = False
    asked: list[str] = field(default_factory=list)
    unchanged: int = 0

    def __post_init__(self) -> None:
        self.server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def url(self, path: str = "/") -> str:
        return self.server.url_for(path)

    def sitemap(self) -> str:
        listed = "".join(
            f"<url><loc>{self.url(path)}</loc>"
            + (f"<lastmod>{self.lastmod[path]}</lastmod>" if path in self.lastmod else "")
            + "</url>"
            for path in self.pages
        )
        return urlset(listed)

    def fill(self, count: int, section: str = "experiences") -> None:
        for rank in range(count):
            path = f"/{section}/{rank}"
            self.pages[path], self.lastmod[path] = experience(rank), "2026-01-02"

    def asked_again(self) -> list[str]:
        """Return what was asked since the last call."""
        asked, self.asked = self.asked, []
        return asked

    def _answer(self, request: Request) -> Response:
        path = request.path
        self.asked.append(path)
        if path in self.others:
            return self.others[path]()
        if path == "/robots.txt":
            return Response(self.robots) if self.robots is not None else Response(status=404)
        if path == "/sitemap.xml":
            return Response(self.sitemap(), content_type="application/xml")
        if path not in self.pages:
            return Response(status=404)
        response = Response(self.pages[path], content_type="text/html; charset=utf-8")
        if self.etags:
            response.add_etag()
            response = response.make_conditional(request)
            self.unchanged += response.status_code == 304
        return response

    def config(self, **options: object) -> SourceConfig:
        known = {"name": "web", "kind": "site", "url": self.url(), "allow_private": True}
        return SourceConfig.model_validate(known | {"retries": 0, "delay_seconds": 0} | options)

    def read(self, cache: Path | None = None, **options: object) -> list[Record | Rejection]:
        return list(read(self.config(**options), cache))

    def fails(self, **options: object) -> SourceError:
        with pytest.raises(SourceError) as error:
            self.read(**options)
        assert error.value.hint
        return error.value


def urlset(listed: str) -> str:
    return (
        f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'
    )


def index(*sitemaps: str) -> str:
    listed = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in sitemaps)
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</sitemapindex>'


@pytest.fixture
def site(httpserver: HTTPServer) -> Site:
    return Site(httpserver)


def records(rows: list[Record | Rejection]) -> list[Record]:
    return [row for row in rows if isinstance(row, Record)]


def rejections(rows: list[Record | Rejection]) -> list[Rejection]:
    return [row for row in rows if isinstance(row, Rejection)]


def test_a_page_says_who_what_when_and_in_which_language(site: Site) -> None:
    site.fill(1)
    (row,) = records(site.read())
    summary = row.values["summary"]
    assert row.values == {
        "id": site.url("/experiences/0"),
        "title": "Saint-Aubin ouvre une chaufferie au bois (0)",
        "authors": "Léa Martin; Paul Petit",
        "publisher": "Réseau des communes",
        "year": "2010",
        "url": site.url("/experiences/0"),
        "summary": summary,
        "language": "fr",
    }
    assert "chantier numéro 0" in summary
    assert "Calendrier" not in summary and "Mentions" not in summary
    assert row.locator == site.url("/experiences/0")


def test_what_a_page_says_of_itself_can_be_mapped(site: Site) -> None:
    site.fill(1)
    mapped = {"place": "data.contentLocation.name", "theme": "tags", "type": "meta.article:section"}
    (row,) = records(site.read(fields=mapped, constants={"scale": "commune rurale"}))
    assert row.values["place"] == "Saint-Aubin"
    assert row.values["theme"] == "Énergie; Eau"
    assert row.values["type"] == "Initiative"
    assert row.values["scale"] == "commune rurale"


def test_a_second_night_asks_only_for_what_changed(site: Site, tmp_path: Path) -> None:
    site.fill(300)
    first = site.read(tmp_path)
    assert len(records(first)) == 300
    assert len(site.asked_again()) == 302
    for rank in (7, 123):
        site.pages[f"/experiences/{rank}"] = experience(rank, more="Depuis, tout a changé.")
        site.lastmod[f"/experiences/{rank}"] = "2026-03-04T05:06:07+01:00"
    second = site.read(tmp_path)
    assert site.asked_again() == ["/robots.txt", "/sitemap.xml", "/experiences/7", "/experiences/123"]
    changed = [rank for rank, (old, new) in enumerate(zip(first, second, strict=True)) if old != new]
    assert changed == [7, 123]
    assert "tout a changé" in records(second)[7].values["summary"]


def test_without_a_date_of_change_the_server_is_asked_whether_a_page_changed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.fill(5)
    site.lastmod, site.etags = {}, True
    first = site.read(tmp_path)
    assert site.unchanged == 0
    site.pages["/experiences/2"] = experience(2, more="Autre chose.")
    taken_apart: list[str] = []
    cells_of = site_kind.cells_of
    monkeypatch.setattr(
        site_kind, "cells_of", lambda body, url, kind: taken_apart.append(url) or cells_of(body, url, kind)
    )
    second = site.read(tmp_path)
    assert taken_apart == [site.url("/experiences/2")]
    assert site.unchanged == 4
    assert [old == new for old, new in zip(first, second, strict=True)] == [True, True, False, True, True]


def test_a_reading_that_stopped_goes_on_where_it_was(site: Site, tmp_path: Path) -> None:
    site.fill(8)
    site.others["/experiences/5"] = lambda: Response(status=503)
    with pytest.raises(SourceError, match="answers 503"):
        site.read(tmp_path)
    site.asked_again()
    site.others.clear()
    assert len(records(site.read(tmp_path))) == 8
    assert site.asked_again()[2:] == ["/experiences/5", "/experiences/6", "/experiences/7"]


def test_a_stored_page_that_is_damaged_is_read_again(site: Site, tmp_path: Path) -> None:
    site.fill(3)
    first = site.read(tmp_path)
    for path in tmp_path.glob("*.page"):
        path.write_bytes(path.read_bytes().replace(b"chantier", b"chauffage"))
    site.asked_again()
    assert site.read(tmp_path) == first
    assert len(site.asked_again()) == 5


def test_a_site_is_read_one_section_at_a_time(site: Site) -> None:
    site.fill(2)
    site.fill(3, "actualités")
    rows = site.read(include="/actualités/")
    assert [row.locator.rpartition("/")[2] for row in rows] == ["0", "1", "2"]
    assert not any(path.startswith("/experiences") for path in site.asked)
    assert str(site.fails(include="/rapports/")).endswith("the sitemap lists no page under /rapports/")
    assert "/actualités/ (3), /experiences/ (2)" in site.fails(include="/rapports/").hint


def test_no_link_is_followed(site: Site) -> None:
    site.fill(2)
    site.read()
    assert site.asked == ["/robots.txt", "/sitemap.xml", "/experiences/0", "/experiences/1"]


def test_robots_names_the_sitemaps(site: Site) -> None:
    site.fill(1)
    site.robots = f"User-agent: *\nDisallow:\nSitemap: {site.url('/cartes/a.xml')}\nSitemap: http://[\n"
    site.others["/cartes/a.xml"] = lambda: Response(site.sitemap())
    assert len(records(site.read())) == 1
    assert site.asked == ["/robots.txt", "/cartes/a.xml", "/experiences/0"]


def test_the_address_of_a_sitemap_is_enough(site: Site) -> None:
    site.fill(1)
    site.others["/carte-sitemap"] = lambda: Response(site.sitemap())
    assert len(records(site.read(url=site.url("/carte-sitemap")))) == 1
    assert "/sitemap.xml" not in site.asked


def test_sitemaps_in_sitemaps_gzipped_are_read_once_each(site: Site) -> None:
    site.fill(3)
    site.others["/sitemap.xml"] = lambda: Response(
        index(site.url("/a.xml.gz"), site.url("/sitemap.xml"), "https://ailleurs.example/b.xml")
    )
    site.others["/a.xml.gz"] = lambda: Response(gzip.compress(site.sitemap().encode()))
    assert len(records(site.read())) == 3
    assert site.asked[:3] == ["/robots.txt", "/sitemap.xml", "/a.xml.gz"]
    assert len(site.asked) == 6


def test_a_picture_of_a_page_is_not_a_page(site: Site) -> None:
    site.fill(1)
    picture = (
        '<url xmlns:image="i"><image:image><image:loc>http://x/p.png</image:loc></image:image>'
        f"<loc> {site.url('/experiences/0#haut')} </loc></url>"
    )
    site.others["/sitemap.xml"] = lambda: Response(urlset(picture))
    assert [row.locator for row in site.read()] == [site.url("/experiences/0")]


def test_200_000_addresses_are_told_before_a_page_is_asked_for(site: Site) -> None:
    listed = "".join(f"<url><loc>{site.url(f'/calendrier/{n}')}</loc></url>" for n in range(200_000))
    packed = gzip.compress(urlset(listed).encode(), 1)
    site.others["/sitemap.xml"] = lambda: Response(packed)
    error = site.fails()
    assert "lists more than 1,000 pages" in str(error) and "include" in error.hint
    assert site.asked == ["/robots.txt", "/sitemap.xml"]


def test_the_limit_of_pages_counts_pages_only(site: Site) -> None:
    site.fill(3)
    assert len(site.read(max_pages=3)) == 3
    assert "more than 2 pages" in str(site.fails(max_pages=2))


def test_a_gzip_bomb_is_an_error(site: Site) -> None:
    bomb = gzip.compress(b"<urlset>" + b" " * 5_000_000)
    site.others["/sitemap.xml"] = lambda: Response(bomb)
    assert "larger than 100000 bytes" in str(site.fails(max_bytes=100_000))


def test_sitemaps_without_end_are_an_error(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reco.sources.sitemap.MOST_SITEMAPS", 5)

    def another() -> Response:
        after = site.url(f"/s{len(site.asked)}.xml")
        site.others[f"/s{len(site.asked)}.xml"] = another
        return Response(index(after))

    site.others["/sitemap.xml"] = another
    assert "more than 5 sitemaps" in str(site.fails())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<!doctype html><html><p>Bonjour", "not a sitemap"),
        ("<html><body>Bonjour</body></html>", "not a sitemap: its XML is <html>"),
        ("bonjour", "not a sitemap"),
        ("", "not a sitemap"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><urlset><url><loc>&b;</loc></url></urlset>', "document type"),
        (urlset("<url><loc>http://ailleurs.example/1</loc></url>"), "all on another host"),
        (urlset(""), "lists no page"),
        (urlset("<url><loc>http://ailleurs.example/1</loc></url>")[:-20], "not a sitemap"),
    ],
)
def test_what_is_no_sitemap_is_an_error(site: Site, body: str, said: str) -> None:
    site.others["/sitemap.xml"] = lambda: Response(body)
    assert said in str(site.fails())


def test_an_address_that_cannot_be_read_does_not_cost_the_site(site: Site) -> None:
    site.fill(1)
    bad = (
        "http://[",
        "ftp://x/1",
        "/experiences/1",
        site.url("/ex\x7fp"),
        "http://a:b/",
        "mailto:x@y.fr",
        "",
    )
    listed = "".join(f"<url><loc>{url}</loc></url>" for url in (*bad, site.url("/experiences/0")))
    site.others["/sitemap.xml"] = lambda: Response(urlset(listed))
    assert [row.locator for row in site.read()] == [site.url("/experiences/0")]


def test_a_sitemap_that_is_missing_from_its_index_is_an_error_and_not_a_deletion(site: Site) -> None:
    site.others["/sitemap.xml"] = lambda: Response(index(site.url("/gone.xml")))
    assert "gone.xml: the server answers 404" in str(site.fails())


def test_a_site_without_a_sitemap_is_told(site: Site) -> None:
    site.robots = "Sitemap: https://ailleurs.example/s.xml"
    site.others["/sitemap.xml"] = lambda: Response(status=404)
    error = site.fails()
    assert "has no sitemap" in str(error) and "https://ailleurs.example/s.xml" in str(error)


def test_robots_that_forbids_everything_is_one_error(site: Site) -> None:
    site.fill(4)
    site.robots = "User-agent: *\nDisallow: /"
    error = site.fails(include="/experiences/")
    assert "robots.txt forbids all 4 pages under /experiences/" in str(error)
    assert not any(path.startswith("/experiences") for path in site.asked)


def test_robots_that_forbids_a_page_costs_that_page(site: Site, tmp_path: Path) -> None:
    site.fill(3)
    site.read(tmp_path)
    site.robots = "User-agent: reco\nDisallow: /experiences/1\n\nUser-agent: *\nDisallow: /"
    rows = site.read(tmp_path)
    (refused,) = rejections(rows)
    assert len(records(rows)) == 2
    assert refused.locator == site.url("/experiences/1")
    assert refused.problems == ("robots.txt forbids this page",)


def test_rules_that_cannot_be_read_may_forbid(site: Site) -> None:
    site.fill(1)
    site.others["/robots.txt"] = lambda: Response(status=500)
    assert "robots.txt" in str(site.fails())
    site.others["/robots.txt"] = lambda: Response(status=403)
    assert len(records(site.read())) == 1


def pauses(site: Site, **options: object) -> list[float]:
    slept: list[float] = []
    rows = site_kind.rows(site.config(**options), None, slept.append)
    assert all(isinstance(row, Row) for row in rows)
    return slept


def test_one_request_at_a_time_with_a_pause_between(site: Site) -> None:
    site.fill(3)
    assert pauses(site, delay_seconds=2) == [2] * 4  # the sitemap, then three pages
    site.robots = "User-agent: *\nCrawl-delay: 7"
    assert pauses(site, delay_seconds=2) == [7] * 4
    site.robots = "User-agent: *\nCrawl-delay: 0.5"
    assert pauses(site, delay_seconds=2) == [2] * 4


@pytest.mark.parametrize("asked", ["nan", "-3", "soon"])
def test_a_delay_that_makes_no_sense_is_none(site: Site, asked: str) -> None:
    site.fill(1)
    site.robots = f"User-agent: *\nCrawl-delay: {asked}"
    assert pauses(site) == [0, 0]


def test_pauses_beyond_the_limit_of_time_are_told_before_a_page_is_asked_for(site: Site) -> None:
    site.fill(30)
    site.robots = "User-agent: *\nCrawl-delay: 60"
    with pytest.raises(
        SourceError, match="30 pages to fetch, one every 60 s, take more than 600 seconds"
    ) as e:
        list(site_kind.rows(site.config(), None, lambda seconds: None))
    assert "max_seconds = 3600" in e.value.hint
    assert site.asked == ["/robots.txt", "/sitemap.xml"]
    site.asked_again()
    site.robots = "User-agent: *\nCrawl-delay: 60\nDisallow: /experiences/1"  # 1 and 10 to 19
    with pytest.raises(SourceError, match="19 pages to fetch"):
        list(site_kind.rows(site.config(), None, lambda seconds: None))
    site.robots = "User-agent: *\nCrawl-delay: 86400"
    with pytest.raises(SourceError, match="not read after 600 seconds"):
        list(site_kind.rows(site.config(), None, lambda seconds: None))


def test_a_pause_is_the_rule_for_a_server_of_others() -> None:
    known = {"name": "web", "kind": "site", "url": "https://example.org"}
    assert SourceConfig.model_validate(known).delay_seconds == 1
    with pytest.raises(ValidationError, match="without a pause"):
        SourceConfig.model_validate(known | {"delay_seconds": 0})
    with pytest.raises(ValidationError, match="include"):
        SourceConfig.model_validate(known | {"include": "experiences"})
    with pytest.raises(ValidationError, match="does not apply to kind rss"):
        SourceConfig.model_validate(known | {"kind": "rss", "include": "/a/"})


BLANK = "<html><head><title>Vide</title></head><body><div id='app'></div><script>go()</script></body></html>"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: Response(BLANK, content_type="text/html"), "the page has no text"),
        (lambda: Response("", content_type="text/html"), "no HTML"),
        (lambda: Response(b"%PDF-1.7", content_type="application/pdf"), "not a web page but application/pdf"),
        (lambda: Response(status=404), "answers 404"),
        (lambda: Response(status=410), "answers 410"),
        (lambda: Response(status=403), "answers 403"),
        (lambda: Response(status=500), "answers 500"),
        (lambda: Response(b"x", headers={"content-encoding": "br"}), "packed as br"),
        (lambda: Response(status=302, headers={"location": "/experiences/1"}), "more than 3 redirects"),
        (lambda: Response(b"\0\xff\xfe<<<>>>" * 50, content_type="text/html"), "page"),
        (lambda: Response("<p>" + "a" * MOST_PAGE_BYTES, content_type="text/html"), "larger than"),
    ],
)
def test_a_page_that_cannot_be_used_costs_that_page(
    site: Site, answer: Callable[[], Response], said: str
) -> None:
    site.fill(3)
    site.others["/experiences/1"] = answer
    rows = site.read()
    (refused,) = rejections(rows)
    assert said in refused.problems[0]
    assert refused.locator == site.url("/experiences/1")
    assert len(records(rows)) == 2


def test_a_page_without_text_is_not_asked_for_again(site: Site, tmp_path: Path) -> None:
    site.fill(2)
    site.pages["/experiences/1"] = BLANK
    first = site.read(tmp_path)
    site.asked_again()
    assert site.read(tmp_path) == first
    assert len(site.asked_again()) == 2


def test_a_page_that_fails_keeps_what_was_read_of_it(site: Site, tmp_path: Path) -> None:
    site.fill(2)
    first = site.read(tmp_path)
    site.lastmod = {}
    site.others["/experiences/1"] = lambda: Response(status=502)
    assert site.read(tmp_path) == first


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_page_that_was_withdrawn_is_forgotten(site: Site, tmp_path: Path, status: int) -> None:
    site.fill(2)
    site.read(tmp_path)
    site.lastmod = {}
    site.others["/experiences/1"] = lambda: Response(status=status)
    assert len(rejections(site.read(tmp_path))) == 1
    site.others["/experiences/1"] = lambda: Response(status=502)
    assert len(rejections(site.read(tmp_path))) == 1


def test_a_site_that_only_fails_is_left_alone(site: Site) -> None:
    site.fill(MOST_FAILURES + 20)
    site.others = {path: lambda: Response(status=500) for path in site.pages}
    assert "answers 500" in str(site.fails())
    assert len(site.asked) == MOST_FAILURES + 2


@pytest.mark.parametrize("status", [408, 425])
def test_a_page_for_which_there_was_no_time_is_kept(site: Site, tmp_path: Path, status: int) -> None:
    site.fill(2)
    first = site.read(tmp_path)
    site.lastmod = {}
    site.others["/experiences/1"] = lambda: Response(status=status)
    assert site.read(tmp_path) == first


@pytest.mark.parametrize(
    "there", ["http://127.0.0.1:9/closed", "http://nowhere.invalid/", "ftp://example.org/a", "http://a:b/"]
)
def test_a_page_that_leads_nowhere_costs_that_page(site: Site, there: str) -> None:
    site.fill(3)
    site.others["/experiences/1"] = lambda: Response(status=302, headers={"location": there})
    rows = site.read()
    (refused,) = rejections(rows)
    assert refused.locator == site.url("/experiences/1")
    assert len(records(rows)) == 2


def test_a_page_that_leads_to_a_private_host_costs_that_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.fill(3)
    handle = GuardedTransport.handle_request

    def guarded(self: GuardedTransport, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/experiences/1":
            raise PrivateAddress("10.0.0.1 is a private address")
        return handle(self, request)

    monkeypatch.setattr(GuardedTransport, "handle_request", guarded)
    rows = site.read()
    (refused,) = rejections(rows)
    assert "private address" in refused.problems[0]
    assert len(records(rows)) == 2


def test_a_site_whose_pages_all_lead_nowhere_is_left_alone(site: Site) -> None:
    site.fill(MOST_FAILURES + 20)
    there = {"location": "http://127.0.0.1:9/closed"}
    site.others = {path: lambda: Response(status=302, headers=there) for path in site.pages}
    assert "ConnectError" in str(site.fails())
    assert len(site.asked) == MOST_FAILURES + 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_site_that_asks_to_be_left_alone_is(site: Site, status: int) -> None:
    site.fill(5)
    site.others["/experiences/1"] = lambda: Response(status=status, headers={"retry-after": "3600"})
    assert f"answers {status}" in str(site.fails())
    assert "/experiences/2" not in site.asked


def test_two_pages_with_one_canonical_address_are_one_record(site: Site) -> None:
    link = f'<link rel="canonical" href="{site.url("/vraie")}">'
    site.pages = {path: experience(0, head=link) for path in ("/a", "/a?print=1", "/vraie")}
    site.others["/sitemap.xml"] = lambda: Response(site.sitemap())
    (row,) = site.read()
    assert isinstance(row, Record)
    assert row.values["id"] == row.values["url"] == site.url("/vraie")


@pytest.mark.parametrize("href", ["/", "", "http://[", "javascript:alert(1)"])
def test_a_canonical_address_that_every_page_shares_by_mistake_is_not_one(site: Site, href: str) -> None:
    site.pages = {f"/{n}": experience(n, head=f'<link rel="canonical" href="{href}">') for n in range(3)}
    assert [row.values["id"] for row in site.read()] == [site.url(f"/{n}") for n in range(3)]


def test_an_address_longer_than_an_id_is_still_one(site: Site) -> None:
    long = "/" + "a" * 300
    site.pages = {long + "1": experience(1), long + "2": experience(2)}
    first, second = records(site.read())
    assert first.values["id"] != second.values["id"] and len(first.values["id"]) < 200
    assert first.values["url"] == site.url(long + "1")


@pytest.mark.parametrize(
    ("other", "near"),
    [
        ("http://example.org/a", True),
        ("https://EXAMPLE.org", True),
        ("https://example.org:8443/a", False),
        ("https://example.org.evil.net/a", False),
        ("https://archives.example.org/a", False),
        ("https://www.example.org@evil.net/a", False),
        ("//www.example.org/a", False),
    ],
)
def test_a_site_is_one_host_with_or_without_www(other: str, near: bool) -> None:
    assert is_near(other, "https://www.example.org/sitemap.xml") is near


def test_a_page_that_leads_to_another_host_is_refused(site: Site) -> None:
    with HTTPServer(host="127.0.0.1") as outside:
        outside.expect_request("/x").respond_with_data(experience(1), content_type="text/html")
        site.fill(2)
        there = outside.url_for("/x")
        site.others["/experiences/1"] = lambda: Response(status=302, headers={"location": there})
        (refused,) = rejections(site.read())
    assert refused.problems == (f"it redirects to another host: {there}",)


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (experience(2).replace('charset="utf-8"', 'charset="iso-8859-1"').encode("latin-1"), "text/html"),
        (experience(2).encode("cp1252"), "text/html; charset=windows-1252"),
        (experience(2).replace('charset="utf-8"', 'charset="none-such"').encode("cp1252"), "text/html"),
        (b"\xef\xbb\xbf" + experience(2).encode(), "text/html"),
    ],
)
def test_accents_are_read_whatever_the_encoding(site: Site, body: bytes, header: str) -> None:
    site.fill(1)
    site.others["/experiences/0"] = lambda: Response(body, content_type=header)
    (row,) = records(site.read())
    assert row.values["title"].startswith("Plouzévédé ouvre une maison de santé")


def test_a_year_in_the_text_is_not_the_year_of_the_page(site: Site) -> None:
    page = experience(1, more="Ouvert le 12 mars 2014.").replace("datePublished", "sans")
    site.pages["/a"] = page.replace("© 2026", "Copyright 2014")
    (row,) = records(site.read())
    assert "year" not in row.values


def test_a_graph_of_metadata_is_read_node_by_node(site: Site) -> None:
    graph = '{"@graph": [{"@type": "Place", "ville": "Oberbronn"}, {"@type": "WebSite"}]}'
    site.pages["/a"] = experience(1, head=f'<script type="application/ld+json">{graph}</script>')
    (row,) = records(site.read(fields={"place": "data.ville"}))
    assert row.values["place"] == "Oberbronn"


def test_broken_metadata_does_not_cost_the_page(site: Site) -> None:
    broken = (
        "<script type='application/ld+json'>{\"@graph\": [[" + "[" * 5_000 + "</script><meta content='x'>"
    )
    site.pages["/a"] = experience(3, head=broken)
    (row,) = records(site.read())
    assert row.values["title"].startswith("Moëlan")


def test_deep_nesting_is_read_or_refused(site: Site) -> None:
    site.fill(2)
    site.pages["/experiences/1"] = "<html><body>" + "<div>" * 20_000 + "Texte" + "</div>" * 20_000
    assert len(site.read()) == 2


@pytest.fixture
def refreshed(home: Home, site: Site) -> Iterator[Any]:
    """A home that has read a site of thirty pages once."""
    site.fill(30)
    home.extra = (
        f'[[sources]]\nname = "reseau"\nkind = "site"\nurl = "{site.url()}"\ninclude = "/experiences/"\n'
        'allow_private = true\ndelay_seconds = 0\nretries = 0\nfields = { place = "data.contentLocation.name" }\n\n'
    )
    home.configure()
    assert home.refresh().published
    yield home


def test_a_site_that_fails_keeps_the_rows_of_yesterday(refreshed: Home, site: Site) -> None:
    site.robots = "User-agent: *\nDisallow: /"
    report = refreshed.refresh()
    assert "robots.txt forbids all 30 pages" in report.failures["reseau"]
    served = refreshed.store.open().catalogue
    assert sum(resource.source == "reseau" for resource in served) == 30


def test_a_site_is_tried_before_it_is_used(refreshed: Home, site: Site) -> None:
    done = run_cli("source", "test", "reseau", "--json", *refreshed.arguments)
    assert done.code == 0
    assert done.json["records"][0]["place"] == "Saint-Aubin"
    assert {"tags", "meta", "description"} <= set(done.json["unmapped"])


def test_a_first_look_reads_no_more_than_it_shows(site: Site) -> None:
    site.fill(50)
    assert len(inspect(site.config(), 10).records) == 10
    assert len(site.asked) == 12


@pytest.mark.parametrize("heading", ["La cour", "Autre chose"])
def test_a_heading_that_repeats_the_title_is_not_part_of_the_text(heading: str) -> None:
    said = (
        "La cour est plantée d'arbres avec les élèves, et le bitume a laissé la place à des copeaux de bois."
    )
    page = (
        f"<html><head><title>La cour</title></head><body><article><h1>{heading}</h1>"
        f"<p>{said}</p><p>{said[::-1]}</p></article></body></html>"
    )
    cells = site_kind.cells_of(page.encode(), "https://example.org/a", "text/html; charset=utf-8")
    assert not isinstance(cells, str)
    summary = str(cells["summary"])
    assert summary.startswith(said) if heading == "La cour" else said in summary
    assert said in summary


def test_deep_data_is_dropped_and_the_page_is_kept(site: Site, tmp_path: Path) -> None:
    deep = '{"a": ' * 600 + "1" + "}" * 600
    site.pages["/a"] = experience(3, head=f'<script type="application/ld+json">{deep}</script>')
    assert len(records(site.read(tmp_path))) == 1


def test_a_page_does_not_choose_a_codec_that_is_not_of_the_web() -> None:
    page = experience(1).replace('charset="utf-8"', 'charset="punycode"').encode()
    cells = site_kind.cells_of(page, "https://example.org/a")
    assert not isinstance(cells, str)
    assert str(cells["title"]).startswith("Le Vernet ouvre un verger partagé")


def test_pages_that_share_an_address_by_mistake_are_not_lost_in_silence(site: Site) -> None:
    link = f'<link rel="canonical" href="{site.url("/vraie")}">'
    site.pages = {f"/{rank}": experience(rank, head=link) for rank in range(10)}
    assert "its 10 pages have 1 canonical addresses only" in str(site.fails())


def test_a_sitemap_that_leads_to_another_host_is_an_error(site: Site) -> None:
    with HTTPServer(host="127.0.0.1") as outside:
        there = outside.url_for("/s.xml")
        listed = urlset(f"<url><loc>{outside.url_for('/x')}</loc></url>")
        outside.expect_request("/s.xml").respond_with_data(listed)
        outside.expect_request("/x").respond_with_data(experience(1), content_type="text/html")
        site.others["/sitemap.xml"] = lambda: Response(status=302, headers={"location": there})
        assert "redirects to another host" in str(site.fails())
