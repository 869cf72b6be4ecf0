"""Catalogues of open data and of publications, by their APIs: OpenDataSoft, CKAN, udata, HAL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import httpx2

from reco.errors import InvalidInput
from reco.sources.discovery import files
from reco.sources.discovery.proposal import Proposal
from reco.sources.discovery.site import Site, merged, objects_at, text_at, within
from reco.sources.remote import shown

_ODS = "/api/explore/v2.1/catalog/datasets"
_ODS_STEP = re.compile(r"/(?:explore/dataset|api/explore/v2\.\d/catalog/datasets)/([^/]+)")
_CKAN_PAGE = re.compile(r"^(?P<base>/.*?)?/dataset/(?P<name>[^/]+)(?:/|$)")
_CKAN_SEARCH = "/api/3/action/package_search"
_CKAN_SECTION = re.compile(r"/(organization|group)/([\w-]+)")
_CKAN_FILTERS = {"organization": "organization", "group": "groups"}
_LOCALE = re.compile(r"/[a-z]{2}$")
_UDATA = "/api/1/datasets/"
_UDATA_PAGE = re.compile(r"^(?:/[a-z]{2})?(?:/api/1)?/datasets/(?!search/?$)(?P<slug>[^/]+)/?")
_UDATA_SECTION = re.compile(r"/organizations/([\w-]+)")
_UDATA_FILTERS = ("q", "organization", "tag", "topic", "schema", "geozone", "granularity", "format", "badge")
_HAL_SEARCH = "https://api.archives-ouvertes.fr/search/"
_HAL_HOST = re.compile(r"^(?:(?P<portal>[\w-]+)\.)?hal\.science$")
_HAL_COLLECTION = re.compile(r"[A-Z0-9][A-Z0-9_-]+")
_HEAD = 20_000
_PAGE = 100
_MANY_PAGES = 150
"""Pages that the usual 600 seconds surely suffice for."""
_FORMATS = ("csv", "csv.gz", "tsv", "xlsx", "jsonl", "ndjson", "json", "geojson")
"""Formats that are read, the best first."""

_ODS_FIELDS = {
    "id": ("dataset_id",),
    "title": ("metas.default.title",),
    "summary": ("metas.default.description",),
    "publisher": ("metas.default.publisher",),
    "theme": ("metas.default.keyword", "metas.default.theme"),
    "year": ("metas.dcat.created", "metas.dcat.issued", "metas.default.modified"),
    "language": ("metas.default.language",),
}
_CKAN_FIELDS = {
    "id": ("id", "name"),
    "title": ("title",),
    "summary": ("notes",),
    "publisher": ("organization.title", "author"),
    "theme": ("groups.title", "groups.display_name", "tags.display_name", "tags.name"),
    "year": ("metadata_created", "metadata_modified"),
    "url": ("url",),
}
_UDATA_FIELDS = {
    "id": ("id",),
    "title": ("title",),
    "summary": ("description",),
    "publisher": ("organization.name",),
    "theme": ("tags",),
    "year": ("created_at", "last_modified"),
    "url": ("page", "uri"),
}
_HAL_FIELDS = {
    "id": ("halId_s", "docid"),
    "title": ("title_s",),
    "summary": ("abstract_s",),
    "authors": ("authFullName_s",),
    "publisher": ("publisher_s", "journalTitle_s"),
    "theme": ("keyword_s",),
    "year": ("producedDateY_i", "publicationDateY_i"),
    "url": ("uri_s",),
    "language": ("language_s",),
}


def ods_dataset(site: Site) -> Proposal | None:
    """Recognise a data set of an OpenDataSoft portal by the address of its page or of its API."""
    found = _ODS_STEP.search(site.url.path)
    if found is None:
        return None
    address = f"{site.root}{_ODS}/{found[1]}"
    about = site.required(address, "a data set page of OpenDataSoft")
    export = f"{address}/exports/jsonl"
    publisher = text_at(about, "metas.default.publisher")
    return Proposal(
        what="A data set of an OpenDataSoft portal",
        kind="jsonl",
        url=export,
        part=found[1],
        label=text_at(about, "metas.default.title"),
        constants={"publisher": publisher} if publisher else {},
        readable={text_at(f, "name"): text_at(f, "label") for f in objects_at(about, "fields")},
        remarks=("The export has every record; `records` of the same API stops at 10,000.",),
        sample=merged(export, limit="10"),
    )


def ods_portal(site: Site) -> Proposal | None:
    """Recognise an OpenDataSoft portal: its resources are the descriptions of its data sets."""
    address = f"{site.root}{_ODS}"
    answer = _answer(site, merged(address, limit="1"), "an OpenDataSoft portal", b"opendatasoft")
    if not objects_at(answer, "results"):
        return None
    options, size = _paged("results", ("offset", "offset", "limit"), within(answer, "total_count"))
    return Proposal(
        what="The data sets of an OpenDataSoft portal",
        kind="api",
        url=address,
        options=options,
        known=_ODS_FIELDS,
        remarks=(size, "For the rows of one data set, give the address of its page."),
    )


def ckan_dataset(site: Site) -> Proposal | None:
    """Recognise a data set page of a CKAN portal: its best table is the source."""
    found = _CKAN_PAGE.match(site.url.path)
    if found is None:
        return None
    base = _LOCALE.sub("", found["base"] or "")
    name = quote(found["name"])
    about = site.document(f"{site.root}{base}/api/3/action/package_show?id={name}")
    dataset = within(about, "result")
    if not isinstance(dataset, Mapping):
        return None
    publisher = text_at(dataset, "organization.title")
    return _best_table(site, dataset, "a CKAN portal", found["name"], publisher)


def ckan_portal(site: Site) -> Proposal | None:
    """Recognise a CKAN portal: its resources are the descriptions of its data sets.

    The words of a search page are kept, and the organisation or the group of its page.
    """
    if _CKAN_PAGE.match(site.url.path):
        return None
    filters = {"q": site.url.params["q"]} if "q" in site.url.params else {}
    if section := _CKAN_SECTION.search(site.url.path):
        filters["fq"] = f"{_CKAN_FILTERS[section[1]]}:{section[2]}"
    address = merged(site.root + _CKAN_SEARCH, **filters)
    answer = _answer(site, merged(address, rows="1"), "a CKAN portal", b'content="ckan')
    if not objects_at(answer, "result.results"):
        return None
    options, size = _paged("result.results", ("offset", "start", "rows"), within(answer, "result.count"))
    return Proposal(
        what="The data sets of a CKAN portal",
        kind="api",
        url=address,
        part="-".join(filters.values()),
        options=options,
        known=_CKAN_FIELDS,
        remarks=(size, "To read a part of it, add `q=WORDS` or `fq=organization:NAME` to the address."),
    )


def udata_dataset(site: Site) -> Proposal | None:
    """Recognise a data set page of data.gouv.fr, or of another udata portal: its best table is the source."""
    found = _UDATA_PAGE.match(site.url.path)
    if found is None:
        return None
    dataset = site.document(f"{site.root}{_UDATA}{quote(found['slug'])}/")
    if not objects_at(dataset, "resources"):
        return None
    publisher = text_at(dataset, "organization.name")
    return _best_table(site, dataset, _udata_name(site), found["slug"], publisher)


def udata_portal(site: Site) -> Proposal | None:
    """Recognise data.gouv.fr, or another udata portal.

    The filters of a search page are kept, and the organisation of its page.
    """
    if _UDATA_PAGE.match(site.url.path):
        return None
    filters = {name: site.url.params[name] for name in _UDATA_FILTERS if name in site.url.params}
    if section := _UDATA_SECTION.search(site.url.path):
        about = site.document(f"{site.root}/api/1/organizations/{quote(section[1])}/")
        filters["organization"] = text_at(about, "id") or section[1]
    address = merged(site.root + _UDATA, **filters)
    answer = site.document(merged(address, page="1", page_size="1"))
    if "next_page" not in answer or not objects_at(answer, "data"):
        return None
    options, size = _paged("data", ("page", "page", "page_size"), within(answer, "total"))
    return Proposal(
        what=f"The data sets of {_udata_name(site)}",
        kind="api",
        url=address,
        part="-".join(filters.values()),
        options=options,
        known=_UDATA_FIELDS,
        remarks=(size, "To read a part of it, add `q=WORDS` or `organization=ID` to the address."),
    )


def hal(site: Site) -> Proposal | None:
    """Recognise HAL: a search of its API, a portal or a collection page."""
    address = hal_search(str(site.url))
    if address is None:
        return None
    answer = site.document(merged(address, rows="1", start="0"))
    if within(answer, "response.docs") is None:
        return None
    options, size = _paged("response.docs", ("offset", "start", "rows"), within(answer, "response.numFound"))
    collection = httpx2.URL(address).path.removeprefix("/search").strip("/")
    return Proposal(
        what="Publications in HAL" + f", {collection}" * bool(collection),
        kind="api",
        url=address,
        part=collection.lower() or httpx2.URL(address).params["q"],
        options=options,
        known=_HAL_FIELDS,
        remarks=(
            size,
            "`q` is the query of the API (Solr); `fl` names the fields that are read.",
            "The pages are sorted by `docid`, so that a record added meanwhile moves no other.",
        ),
    )


def hal_search(url: str) -> str | None:
    """Return the address of the API for a search, a portal or a collection of HAL.

    >>> hal_search("https://hal.science/AFD/")[:56]
    'https://api.archives-ouvertes.fr/search/AFD/?q=%2A%3A%2A'
    """
    given = httpx2.URL(url)
    steps = [step for step in given.path.split("/") if step]
    kept = {name: given.params[name] for name in ("q", "fq") if name in given.params}
    host = _HAL_HOST.match(given.host)
    if steps[:1] == ["search"] and "q" in kept and host is None:
        base = str(given.copy_with(query=None))
    elif host is not None:
        collection = steps[0] if steps and _HAL_COLLECTION.fullmatch(steps[0]) else host["portal"] or ""
        base = f"{_HAL_SEARCH}{collection}{'/' * bool(collection)}"
    else:
        return None
    columns = dict.fromkeys(name for names in _HAL_FIELDS.values() for name in names)
    return merged(base, **{"q": "*:*", **kept, "wt": "json", "sort": "docid asc", "fl": ",".join(columns)})


def _answer(site: Site, url: str, what: str, mark: bytes) -> Mapping[str, object]:
    """Return what the API of a portal answers. It must, if the page of the portal bears its `mark`."""
    if mark in site.page().body[:_HEAD].lower():
        return site.required(url, what)
    return site.document(url)


def _paged(records: str, paging: tuple[str, str, str], total: object) -> tuple[dict[str, object], str]:
    """Return the options of a list that is read page by page, and a remark on its size.

    A long list gets more pages and time than the usual limits, which would stop it every night.
    """
    mode, position, size = paging
    pagination = {"mode": mode, "position": position, "size": size, "page_size": _PAGE}
    options: dict[str, object] = {"records": records, "pagination": pagination}
    if not isinstance(total, int):
        return options, "Its size is not known."
    pages = total // _PAGE + 1
    if pages > _MANY_PAGES:
        options |= {"max_pages": 2 * pages, "max_seconds": 4 * pages}
    return options, f"{total:,} were listed when this was written."


def _udata_name(site: Site) -> str:
    return "data.gouv.fr" if site.url.host.endswith("data.gouv.fr") else "a udata portal"


def _best_table(
    site: Site, dataset: Mapping[str, object], portal: str, part: str, publisher: str
) -> Proposal:
    """Return the proposal for the resource of a data set that reads best. Raises InvalidInput."""
    resources = objects_at(dataset, "resources")
    chosen = best_resource(resources)
    label = text_at(dataset, "title") or part
    if chosen is None:
        formats = sorted({_format(one) or "no format" for one in resources})
        raise InvalidInput(
            f"The data set {label!r} has no CSV, Excel or JSON file: {', '.join(formats) or 'no file'}.",
            "Give the address of another data set, or ask its publisher for a table.",
        )
    address = text_at(chosen, "latest") or text_at(chosen, "url")
    fetched = site.fetch(address)
    proposal = files.of(fetched, address)
    if proposal is None:
        raise InvalidInput(
            f"The {_format(chosen).upper()} file of the data set {label!r}, at {shown(address)}, "
            "is not what it says.",
            "Open that address in a browser; another file of the data set may work.",
        )
    others = [text_at(one, "title") or text_at(one, "name") for one in resources if one is not chosen]
    return Proposal(
        what=f"A data set of {portal}",
        kind=proposal.kind,
        url=address,
        part=part,
        label=label,
        options=proposal.options,
        constants={"publisher": publisher} if publisher else {},
        remarks=(
            f"The file chosen is {text_at(chosen, 'title') or text_at(chosen, 'name') or 'the first table'}.",
            *((f"The data set has other files: {', '.join(filter(None, others[:5]))}.",) if others else ()),
        ),
        body=proposal.body,
    )


def best_resource(resources: Sequence[Mapping[str, object]]) -> Mapping[str, object] | None:
    """Return the file of a data set that reads best: a main file first, then by format, then the first."""
    readable = [one for one in resources if _format(one) in _FORMATS and text_at(one, "url")]
    return min(
        readable,
        key=lambda one: (text_at(one, "type") not in ("", "main"), _FORMATS.index(_format(one))),
        default=None,
    )


def _format(resource: Mapping[str, object]) -> str:
    return text_at(resource, "format").lower().lstrip(".")
