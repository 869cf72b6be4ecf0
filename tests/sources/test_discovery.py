"""Sources found at an address: each kind, its mapping, and what is refused."""

from __future__ import annotations

import io
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import openpyxl
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from reco.errors import InvalidInput, SourceError
from reco.sources.config import SourceConfig
from reco.sources.discovery.columns import mapped
from reco.sources.discovery.discover import Discovered, discover
from reco.sources.discovery.files import xml_root
from reco.sources.discovery.pages import sitemap
from reco.sources.discovery.portals import best_resource, hal_search
from reco.sources.discovery.site import Site
from reco.sources.remote import Remote

from .test_tables import ods

Answers = Mapping[str, object]
Find = Callable[..., Discovered]

PAGE = Response("<!doctype html><html><head><title>Accueil</title></head></html>", mimetype="text/html")
CKAN_PAGE = Response(
    '<html><head><meta name="generator" content="ckan 2.10.1"/></head></html>', mimetype="text/html"
)
TEXT = "Plantation de deux kilomètres de haies le long des chemins, avec les écoles et les agriculteurs."
PROJECTS = [
    {
        "Identifiant": f"p{n}",
        "Titre du projet": f"Haie {n}",
        "texte_long": f"{TEXT} {n}",
        "Commune": "Trémargat",
        "Code INSEE": "22365",
        "Année": 2020 + n % 3,
        "Mots-clés": "haie; eau",
        "Lien": f"https://exemple.fr/{n}",
        "montant": 1_000 * n,
    }
    for n in range(12)
]
LINES = "".join(json.dumps(row) + "\n" for row in PROJECTS)
TABLE = "\n".join(
    ";".join(f'"{cell}"' for cell in row) for row in (PROJECTS[0], *(r.values() for r in PROJECTS))
)
FEED = (
    "<?xml version='1.0'?><rss version='2.0'><channel><title>Nouvelles</title><item><guid>a1</guid>"
    "<title>Haies</title><link>https://exemple.fr/a1</link><description>Planter.</description>"
    "<category>Eau</category></item></channel></rss>"
)
OAI = '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{}</OAI-PMH>'


@pytest.fixture
def find(httpserver: HTTPServer) -> Find:
    """Serve answers by path (a function gets the request; anything but text is JSON), then look at one."""

    def start(answers: Answers, address: str, **options: Any) -> Discovered:
        for path, answer in answers.items():
            httpserver.expect_request(path).respond_with_handler(_handler(answer))
        httpserver.expect_request(re.compile(".*")).respond_with_data("", status=404)
        return discover(httpserver.url_for(address), allow_private=True, **options)

    return start


def _handler(answer: object) -> Callable[[Request], Response]:
    def handle(request: Request) -> Response:
        given = answer(request) if callable(answer) and not isinstance(answer, Response) else answer
        if isinstance(given, Response):
            return Response(given.get_data(), given.status, given.headers)
        return Response(given if isinstance(given, str | bytes) else json.dumps(given))

    return handle


def ckan(request: Request) -> object:
    first = int(request.args.get("start", 0)) == 0
    return {"result": {"count": 25_001, "results": [{"id": "u1", "title": "Haies"}] if first else []}}


ODS = "/api/explore/v2.1/catalog/datasets"
ODS_ABOUT = {
    "dataset_id": "haies",
    "metas": {"default": {"title": "Haies plantées", "publisher": "Le Département"}},
    "fields": [{"name": "texte_long", "label": "Texte"}],
}


@pytest.mark.parametrize("address", ["/explore/dataset/haies/table/", f"{ODS}/haies/records?limit=20"])
def test_a_data_set_of_opendatasoft_is_read_by_its_export(find: Find, address: str) -> None:
    asked: list[dict[str, str]] = []

    def export(request: Request) -> str:
        asked.append(request.args.to_dict())
        return LINES

    found = find({f"{ODS}/haies": ODS_ABOUT, f"{ODS}/haies/exports/jsonl": export}, address)
    assert found.config.kind == "jsonl" and found.config.url.endswith(f"{ODS}/haies/exports/jsonl")
    assert asked == [{"limit": "10"}], "the first look does not fetch the whole export"
    assert found.config.name.endswith("-haies") and found.config.label == "Haies plantées"
    assert found.config.constants == {"publisher": "Le Département"}
    assert len(found.first.records) == 10 and found.first.unmapped == ("montant",)


def test_the_columns_of_a_table_are_found_by_name_and_content(find: Find) -> None:
    found = find({f"{ODS}/h": {}, f"{ODS}/h/exports/jsonl": LINES}, "/explore/dataset/h/")
    assert found.config.fields == {
        "title": "Titre du projet",
        "id": "Identifiant",
        "url": "Lien",
        "year": "Année",
        "theme": "Mots-clés",
        "place": "Commune",
        "place_code": "Code INSEE",
        "summary": "texte_long",
    }
    (line,) = (line for line in found.toml.splitlines() if line.startswith("summary = "))
    assert "longest text" in line


def test_an_opendatasoft_portal_lists_its_data_sets(find: Find) -> None:
    metas = {"default": {"title": "Haies", "description": "Planter.", "keyword": ["eau", "sol"]}}
    data = [{"dataset_id": "haies", "metas": metas}]

    def answer(request: Request) -> object:
        return {"total_count": 1, "results": data[int(request.args.get("offset", 0)) :]}

    found = find({"/": PAGE, ODS: answer}, "/")
    (record,) = found.first.records
    assert found.config.kind == "api" and record.values["id"] == "haies"
    assert record.values["theme"] == "eau; sol" and record.values["summary"] == "Planter."


def test_a_ckan_portal_lists_its_data_sets(find: Find) -> None:
    data = [
        {
            "id": "u1",
            "title": "Haies",
            "notes": "Planter.",
            "tags": [{"display_name": "Eau"}],
            "organization": {"title": "Le Département"},
            "metadata_created": "2021-03-04T10:00:00",
        }
    ]

    def answer(request: Request) -> object:
        return {"success": True, "result": {"results": data[int(request.args.get("start", 0)) :]}}

    found = find({"/": PAGE, "/api/3/action/package_search": answer}, "/")
    (record,) = found.first.records
    assert record.values == {
        "id": "u1",
        "title": "Haies",
        "summary": "Planter.",
        "theme": "Eau",
        "publisher": "Le Département",
        "year": "2021-03-04T10:00:00",
    }


@pytest.mark.parametrize(
    ("address", "parameters"),
    [
        ("/organization/le-pays?page=2", {"fq": "organization:le-pays"}),
        ("/fr/group/eau", {"fq": "groups:eau"}),
        ("/dataset/?q=haies", {"q": "haies"}),
    ],
)
def test_a_part_of_a_ckan_portal_stays_a_part(find: Find, address: str, parameters: dict[str, str]) -> None:
    answers = {address.partition("?")[0]: CKAN_PAGE, "/api/3/action/package_search": ckan}
    found = find(answers, address)
    assert dict(httpx2.URL(found.config.url).params) == parameters
    assert "# 25,001 were listed" in found.toml
    assert found.config.max_pages > 250, "a long list has the time that it needs"


def test_a_data_set_of_ckan_is_read_by_its_best_table(find: Find, httpserver: HTTPServer) -> None:
    resources = [
        {"format": "PDF", "url": httpserver.url_for("/a.pdf"), "name": "Notice"},
        {"format": "CSV", "url": httpserver.url_for("/a.csv"), "name": "La table"},
    ]
    about = {"result": {"title": "Haies", "organization": {"title": "Le Pays"}, "resources": resources}}
    found = find({"/api/3/action/package_show": about, "/a.csv": TABLE}, "/fr/dataset/haies")
    assert (found.config.kind, found.config.url) == ("csv", httpserver.url_for("/a.csv"))
    assert found.config.constants == {"publisher": "Le Pays"} and "La table" in found.toml
    assert [r.locator for r in found.first.records[:1]] == [f"{httpserver.url_for('/a.csv')}:2"]


def test_data_gouv_lists_its_data_sets_and_keeps_the_search(find: Find) -> None:
    data = [{"id": "d1", "title": "Haies", "description": "Planter.", "page": "https://exemple.fr/d1"}]
    asked: list[str] = []

    def answer(request: Request) -> object:
        asked.append(request.args["q"])
        return {"data": data if request.args["page"] == "1" else [], "next_page": None, "total": 1}

    found = find({"/datasets/": PAGE, "/api/1/datasets/": answer}, "/datasets/?q=haies&page=2")
    assert set(asked) == {"haies"} and found.config.url.endswith("/api/1/datasets/?q=haies")
    assert found.config.pagination is not None and found.config.pagination.mode == "page"
    assert found.first.records[0].values["url"] == "https://exemple.fr/d1"


def test_an_organisation_of_data_gouv_stays_a_part(find: Find) -> None:
    answers = {"/organizations/le-pays/": PAGE, "/api/1/organizations/le-pays/": {"id": "5a"}}
    asked: list[str] = []

    def answer(request: Request) -> object:
        asked.append(request.args["organization"])
        data = [{"id": "d1", "title": "Haies"}] if request.args["page"] == "1" else []
        return {"data": data, "next_page": None, "total": 1}

    find({**answers, "/api/1/datasets/": answer}, "/organizations/le-pays/")
    assert set(asked) == {"5a"}


def test_a_data_set_of_data_gouv_is_read_by_its_best_table(find: Find, httpserver: HTTPServer) -> None:
    latest = httpserver.url_for("/api/1/datasets/r/1")
    resources = [
        {"format": "json", "url": httpserver.url_for("/old.json"), "type": "main", "title": "J"},
        {"format": "csv", "url": httpserver.url_for("/old.csv"), "latest": latest, "type": "main"},
    ]
    about = {"title": "Haies", "organization": {"name": "Le Pays"}, "resources": resources}
    answers = {"/api/1/datasets/haies/": about, "/api/1/datasets/r/1": TABLE}
    found = find(answers, "/fr/datasets/haies/")
    assert (found.config.kind, found.config.url, found.config.label) == ("csv", latest, "Haies")


def test_a_main_file_is_better_than_its_documentation() -> None:
    files = [
        {"format": "csv", "url": "https://exemple.fr/doc", "type": "documentation"},
        {"format": "xlsx", "url": "https://exemple.fr/main", "type": "main"},
    ]
    assert best_resource(files) == files[1]
    assert best_resource([{"format": "pdf", "url": "https://exemple.fr/a"}]) is None


def test_a_search_of_hal_is_paged_by_offset(find: Find) -> None:
    docs = [{"halId_s": "hal-1", "title_s": ["Haies"], "abstract_s": ["Planter."], "producedDateY_i": 2021}]

    def answer(request: Request) -> object:
        assert request.args["q"] == "haies" and "abstract_s" in request.args["fl"]
        return {"response": {"numFound": 1, "docs": docs[int(request.args["start"]) :]}}

    found = find({"/search/AFD/": answer}, "/search/AFD/?q=haies&wt=xml")
    (record,) = found.first.records
    assert record.values == {"id": "hal-1", "title": "Haies", "summary": "Planter.", "year": "2021"}
    assert found.config.pagination is not None and found.config.pagination.size == "rows"


@pytest.mark.parametrize(
    ("page", "api"),
    [
        ("https://hal.science/AFD/browse", "https://api.archives-ouvertes.fr/search/AFD/?q="),
        ("https://shs.hal.science/", "https://api.archives-ouvertes.fr/search/shs/?q="),
        ("https://hal.science/search/index?q=haies", "https://api.archives-ouvertes.fr/search/?q=haies"),
    ],
)
def test_a_page_of_hal_leads_to_its_api(page: str, api: str) -> None:
    assert str(hal_search(page)).startswith(api)


def test_a_wordpress_site_is_read_by_its_api(find: Find) -> None:
    head = '<html><head><link rel="https://api.w.org/" href="/blog/wp-json/"></head></html>'
    posts = [{"id": 7, "title": {"rendered": "Haies"}, "content": {"rendered": "<p>Planter.</p>"}}]
    answers = {
        "/blog/": Response(head, mimetype="text/html"),
        "/blog/wp-json/": {"name": "Le blog", "namespaces": ["oembed/1.0", "wp/v2"]},
        "/blog/wp-json/wp/v2/posts": Response(json.dumps(posts), headers={"X-WP-TotalPages": "1"}),
    }
    found = find(answers, "/blog/")
    assert (found.config.kind, found.config.label) == ("wordpress", "Le blog")
    assert found.config.url.endswith("/blog") and found.first.records[0].values["title"] == "Haies"


@pytest.mark.parametrize("address", ["/feed.xml", "/news"])
def test_a_feed_is_found_itself_or_from_the_page_that_announces_it(find: Find, address: str) -> None:
    head = '<html><head><link rel="alternate" type="application/rss+xml" href="feed.xml"></head></html>'
    answers = {"/feed.xml": FEED, "/news": Response(head, mimetype="text/html")}
    found = find(answers, address)
    assert found.config.kind == "rss" and found.config.url.endswith("/feed.xml")
    assert found.first.records[0].values["theme"] == "Eau"


@pytest.mark.parametrize("address", ["/oai/request?verb=Identify", "/depot"])
def test_an_oai_repository_is_found_by_its_address_or_its_answer(find: Find, address: str) -> None:
    record = (
        "<ListRecords><record><header><identifier>oai:1</identifier></header><metadata><title>Haies</title>"
        "<description>Planter.</description></metadata></record></ListRecords>"
    )
    verbs = {"Identify": "<Identify><repositoryName>Dépôt</repositoryName></Identify>", "ListRecords": record}

    def answer(request: Request) -> str:
        return OAI.format(verbs.get(request.args.get("verb", ""), '<error code="badVerb"/>'))

    found = find({address.partition("?")[0]: answer}, address)
    assert (found.config.kind, found.config.label) == ("oai", "Dépôt")
    assert "?" not in found.config.url and found.first.records[0].values["id"] == "oai:1"


def workbook() -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in (list(PROJECTS[0]), *(list(row.values()) for row in PROJECTS)):
        book.active.append(row)
    book.save(stream)
    return stream.getvalue()


def spreadsheet() -> bytes:
    rows = [["Inventaire"], list(PROJECTS[0]), *(list(row.values()) for row in PROJECTS)]
    return ods([[str(cell) for cell in row] for row in rows])


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("csv", TABLE),
        ("xlsx", workbook()),
        ("ods", spreadsheet()),
        ("jsonl", LINES),
        ("json", json.dumps(PROJECTS)),
        ("json", json.dumps({"meta": {"total": 12}, "result": {"items": PROJECTS}})),
    ],
)
def test_a_file_is_known_by_its_content(find: Find, kind: str, data: str | bytes) -> None:
    found = find({"/download": data}, "/download")
    assert found.config.kind == kind and found.config.fields["title"] == "Titre du projet"
    assert len(found.first.records) == 10 and found.first.records[0].values["id"] == "p0"
    assert "/tmp" not in found.first.records[0].locator


def test_a_json_api_with_a_next_page_is_read_page_by_page(find: Find) -> None:
    def answer(request: Request) -> object:
        following = None if "page" in request.args else "?page=2"
        return {"results": PROJECTS[:6] if following else PROJECTS[6:], "next": following}

    found = find({"/api": answer}, "/api")
    assert found.config.kind == "api" and found.config.pagination is not None
    assert found.config.pagination.cursor == "next" and len(found.first.records) == 10


SITEMAP = '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"></urlset>'


def look(httpserver: HTTPServer, address: str) -> Site:
    url = httpserver.url_for(address)
    config = SourceConfig.model_validate({"name": "x", "kind": "json", "url": url, "allow_private": True})
    return Site(url, Remote(config, None))


@pytest.mark.parametrize("named", [True, False])
def test_any_site_with_a_sitemap_is_read_page_by_page(httpserver: HTTPServer, named: bool) -> None:
    if named:
        robots = f"User-agent: *\nSitemap: {httpserver.url_for('/all.xml')}\n"
        httpserver.expect_request("/robots.txt").respond_with_data(robots)
    httpserver.expect_request("/all.xml" if named else "/sitemap.xml").respond_with_data(SITEMAP)
    found = sitemap(look(httpserver, "/experiences"), ("csv", "site"))
    assert found is not None and (found.kind, found.url) == ("site", httpserver.url_for("/"))
    assert found.options == {"include": "/experiences/", "delay_seconds": 1.0}


@pytest.mark.parametrize(
    ("count", "limits"), [(40, (1_000, 600)), (700, (1_400, 2_800)), (1_200, (2_400, 4_800))]
)
def test_a_large_site_gets_the_limits_that_it_needs(
    find: Find, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, count: int, limits: tuple[int, int]
) -> None:
    monkeypatch.setattr(Remote, "pause", lambda *_: None)
    urls = "".join(f"<url><loc>{httpserver.url_for(f'/projets/{n}')}</loc></url>" for n in range(count))
    page = f"<!doctype html><html><head><title>Haies</title></head><body><p>{TEXT}</p></body></html>"
    answers = {f"/projets/{n}": Response(page, mimetype="text/html") for n in range(10)}
    found = find({"/": PAGE, "/sitemap.xml": SITEMAP.replace("</", f"{urls}</"), **answers}, "/")
    assert (found.config.kind, len(found.first.records)) == ("site", 10)
    assert (found.config.max_pages, found.config.max_seconds) == limits
    assert ("max_pages" in tomllib.loads(found.toml)["sources"][0]) == (count > 40)


def test_a_site_is_not_proposed_where_its_kind_cannot_be_read(httpserver: HTTPServer) -> None:
    assert sitemap(look(httpserver, "/"), ("csv",)) is None
    assert httpserver.log == [], "nothing is asked for a kind that cannot be read"


# What is refused


@pytest.mark.parametrize(
    ("answers", "address", "words"),
    [
        ({f"{ODS}/h": PAGE}, "/explore/dataset/h/", ("OpenDataSoft", "web page", "instead of JSON")),
        ({"/": PAGE}, "/", ("no known source",)),
        (
            {"/": CKAN_PAGE, "/api/3/action/package_search": PAGE},
            "/",
            ("a CKAN portal", "package_search?rows=1 answers a web page instead of JSON"),
        ),
        (
            {"/dataset/haies": CKAN_PAGE, "/api/3/action/package_search": ckan},
            "/dataset/haies",
            ("no known",),
        ),
        ({"/": PAGE, ODS: Response("no", 403)}, "/", ("no known source", f"{ODS}?limit=1", "answers 403")),
        ({"/a.json": [{"code": 1, "montant": 3}]}, "/a.json", ("hold the titles",)),
        ({"/a.json": [{"titre": "Haie", "montant": 3}]}, "/a.json", ("an id for each row",)),
        ({"/a.json": [{"id": 1, "titre": "A"}, {"id": 1, "titre": "B"}]}, "/a.json", ("an id for each row",)),
        ({"/a.json": [{"id": n, "titre": ""} for n in range(3)]}, "/a.json", ("hold the titles",)),
        ({f"{ODS}/h": {}, f"{ODS}/h/exports/jsonl": ""}, "/explore/dataset/h/", ("no row",)),
    ],
)
def test_what_cannot_be_a_source_is_said_in_one_sentence(
    find: Find, answers: Answers, address: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidInput) as error:
        find(answers, address)
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value)
    assert error.value.hint


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Response("", 403), "answers 403"),
        (Response("", 404), "answers 404"),
        (Response("", 429, {"Retry-After": "3600"}), "answers 429 and asks to wait 3600 seconds"),
    ],
)
def test_a_server_that_refuses_is_an_error_at_once(find: Find, answer: Response, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        find({"/data": answer}, "/data")


def test_a_busy_server_is_not_asked_again_at_other_addresses(find: Find, httpserver: HTTPServer) -> None:
    with pytest.raises(SourceError, match="429"):
        find({"/": PAGE, ODS: Response("", 429)}, "/")
    assert len(httpserver.log) == 2


@pytest.mark.parametrize(
    "url", ["", "data.example.org", "ftp://example.org/a", "https://", "https://a:b@c.fr/"]
)
def test_an_address_that_is_none_is_bad_input(url: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be used"):
        discover(url)


@pytest.mark.parametrize(
    "url",
    ["https://lea:secret@example.org/", "ftp://lea:secret@example.org/x", "lea:secret@example.org/x",
     "ftp://example.org/?password=secret"],
)  # fmt: skip
def test_a_password_in_an_address_is_not_repeated(url: str) -> None:
    with pytest.raises(InvalidInput) as error:
        discover(url)
    assert "secret" not in str(error.value) and "lea" not in str(error.value)
    with pytest.raises(ValueError, match="Value error") as settings:
        SourceConfig.model_validate({"name": "x", "kind": "json", "url": url})
    assert "secret" not in str(settings.value), "an error of the settings is printed"


def test_a_port_that_is_no_number_is_bad_input() -> None:
    with pytest.raises(InvalidInput, match=r"abc/ cannot be used: the port of an address is a number"):
        discover("https://example.org:abc/")


def test_a_link_without_an_address_is_passed_over(find: Find) -> None:
    page = Response('<!doctype html><link rel="https://api.w.org/">', mimetype="text/html")
    with pytest.raises(InvalidInput, match="no known source"):
        find({"/": page}, "/")


def test_only_the_first_bytes_of_a_prologue_are_read_and_once() -> None:
    assert xml_root(b'\xef\xbb\xbf<?xml version="1.0"?> <!-- a --> \n<!-- b --><rss>') == b"rss"
    assert xml_root(b"<!--" + b" " * 20_000 + b"--><rss>") == b""
    assert xml_root(b"<!--" * 75_000) == b"", "this takes minutes if each start of a comment is tried"


def test_a_private_address_is_refused_unless_allowed(httpserver: HTTPServer) -> None:
    with pytest.raises(SourceError, match="not a public address"):
        discover(httpserver.url_for("/a.csv"))
    assert httpserver.log == []


def test_a_data_set_without_a_table_says_which_files_it_has(find: Find) -> None:
    about = {"result": {"title": "Haies", "resources": [{"format": "PDF", "url": "https://exemple.fr/a"}]}}
    with pytest.raises(InvalidInput, match="'Haies' has no CSV, Excel or JSON file: pdf"):
        find({"/api/3/action/package_show": about}, "/dataset/haies")


def test_a_column_can_be_chosen(find: Find) -> None:
    data = {"/a.json": [{"ref": f"A{n}", "montant": f"Chantier {n}"} for n in range(3)]}
    with pytest.raises(InvalidInput, match="titles") as refused:
        find(data, "/a.json")
    assert "--field title=COLUMN" in refused.value.hint and "montant" in refused.value.hint
    found = find(data, "/a.json", chosen={"title": "montant"})
    assert found.config.fields == {"title": "montant", "id": "ref"}
    with pytest.raises(InvalidInput, match="no column 'absent'"):
        find(data, "/a.json", chosen={"title": "absent"})
    with pytest.raises(InvalidInput, match="not a field"):
        find(data, "/a.json", chosen={"colour": "montant"})


# The mapping


def fields(*rows: Mapping[str, object], **readable: str) -> dict[str, str]:
    return mapped(rows, None, readable, {}).fields


def test_names_are_matched_without_accents_capitals_and_marks() -> None:
    row = {"ID": "a", "Résumé": TEXT, "INTITULÉ": "Haie", "nomCommune": "Trémargat", "code_insee": "2A004"}
    assert fields(row) == {
        "id": "ID",
        "summary": "Résumé",
        "title": "INTITULÉ",
        "place": "nomCommune",
        "place_code": "code_insee",
    }


def test_a_name_for_people_is_matched_too() -> None:
    assert fields({"id": "a", "c12": "Haie"}, c12="Titre")["title"] == "c12"


def test_nested_columns_are_dotted_paths() -> None:
    row = {"id": "a", "fiche": {"titre": "Haie"}, "tags": [{"name": "Eau"}], "auteurs": ["A", "B"]}
    assert fields(row)["title"] == "fiche.titre" and fields(row)["authors"] == "auteurs"


def test_a_usual_name_with_other_content_is_not_taken() -> None:
    rows = [{"id": n, "title": "Haie", "url": "sans lien", "date": "hier", "code insee": "abc"} for n in "ab"]
    assert fields(*rows) == {"title": "title", "id": "id"}
    assert "id" not in fields(*({**row, "id": "a"} for row in rows))


def test_a_bar_separates_themes() -> None:
    rows = [{"id": n, "titre": "Haie", "theme": "Eau|Sol, talus"} for n in "ab"]
    assert mapped(rows, None, {}, {}).splits == {"theme": "|"}


def test_addresses_serve_as_ids_when_no_name_fits() -> None:
    rows = [{"titre": "Haie", "lien": f"https://exemple.fr/{n}"} for n in range(3)]
    found = mapped(rows, None, {}, {})
    assert found.fields["id"] == "lien" and "own address" in found.why["id"]


def test_text_of_a_source_cannot_write_settings(find: Find) -> None:
    evil = 'x\x01\x7f"\n[[sources]]\nname = "evil"\n#'
    rows = [{"id": n, "titre": "Haie", evil: "y"} for n in range(2)]
    about = {"metas": {"default": {"title": evil, "publisher": evil}}}
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    found = find({f"{ODS}/h": about, f"{ODS}/h/exports/jsonl": lines}, "/explore/dataset/h/")
    (source,) = tomllib.loads(found.toml)["sources"]
    assert source["label"] == 'x" [[sources]] name = "evil" #' and source["fields"]["title"] == "titre"
    assert found.first.unmapped == (evil,)


def test_the_table_says_in_toml_what_was_tried(find: Find) -> None:
    row = {"id": "a", "titre": "Haie", 'l"eau\\\x7f\x01 résumé': TEXT}
    found = find({f"{ODS}/h": {}, f"{ODS}/h/exports/jsonl": json.dumps(row)}, "/explore/dataset/h/")
    (source,) = tomllib.loads(found.toml)["sources"]
    assert (
        SourceConfig.model_validate(source) == found.config
        and 'l"eau\\\x7f\x01 résumé' in source["fields"].values()
    )
