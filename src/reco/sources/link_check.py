"""Checks of addresses: what a server says of one, asked gently and without reading more than its beginning.

HEAD comes first. GET follows where HEAD is refused, and for a page, because a server may answer 200 for
a page that says "not found". Only public hosts are asked, one request at a time, each host after a pause.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import httpx2

from reco.catalogue.link_states import Outcome
from reco.sources.answer_limit import AnswerLimit
from reco.sources.public_hosts import GuardedTransport, PrivateAddress, Resolver, system_resolver
from reco.sources.remote import shown
from reco.text.clean import clean, fold, strip_markup
from reco.version import __version__

TIMEOUT = 15.0
"""Seconds for each part of an answer, and for the beginning of a page."""

PATIENCE = 60.0
"""Seconds for all the answers about one address, redirects included; pauses do not count."""

BEGINNING = 64_000
"""Bytes that are read of a page."""

_REDIRECTS = 5
_HEADERS = {"user-agent": f"reco/{__version__}", "accept-encoding": "identity"}
_PERMANENT = frozenset((301, 308))
_MISSING = frozenset((404, 410))
_BUSY = frozenset((429, 503))
_UNKNOWN_NAME = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name)
)
_LONGEST_TITLE = 80
_SHORT_PAGE = 600
"""Characters. A page with less text is read whole; in a longer one only title and first heading count."""


@dataclass(frozen=True)
class Probe:
    """What a check found. `to` is the new address of one that moved.

    `silent` is whether no server answered, `tired` whether the host should be left in peace.
    """

    outcome: Outcome
    why: str = ""
    to: str = ""
    silent: bool = False
    tired: bool = False


@dataclass(frozen=True)
class _Answer:
    """An answer: its status, the redirects to it (status and address asked), and the beginning of a page."""

    status: int
    url: httpx2.URL
    hops: tuple[tuple[int, httpx2.URL], ...]
    page: bool
    beginning: str = ""


class LinkChecker:
    """Checks addresses one after the other.

    `pause` is the seconds between two requests to a host, `allow_private` allows hosts of the own network.
    Servers have `patience` seconds for all their answers about one address.
    `resolve`, `clock` and `sleep` are those of the system unless a test gives others.
    """

    def __init__(
        self,
        pause: float = 1.0,
        allow_private: bool = False,
        resolve: Resolver = system_resolver,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self._clock = clock
        self._limit = AnswerLimit(patience)
        guarded = GuardedTransport(resolve, allow_private)
        transport = _PacedTransport(guarded, self._limit, pause, clock, sleep)
        self._client = httpx2.Client(
            transport=transport,
            headers=_HEADERS,
            timeout=TIMEOUT,
            follow_redirects=True,
            max_redirects=_REDIRECTS,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.close()

    def check(self, url: str) -> Probe:
        """Return what is at an address. It raises nothing of the network: what cannot be told is unsure."""
        self._limit.renew()
        try:
            asked = httpx2.URL(url)
            if asked.scheme not in ("http", "https") or not asked.host:
                return Probe("unsure", "it is not a complete web address")
            return _judged(asked, self._answer(url))
        except PrivateAddress as error:
            return Probe("unsure", str(error))
        except httpx2.TooManyRedirects:
            return Probe("unsure", f"more than {_REDIRECTS} redirects")
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            return Probe("unsure", f"it cannot be asked: {error}")
        except httpx2.RequestError as error:
            if _unknown_name(error):
                return Probe("dead", "no server has this name", silent=True)
            why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return Probe("unsure", why[:200], silent=True, tired=True)

    def _answer(self, url: str) -> _Answer:
        try:
            answer = self._ask("HEAD", url)
        except httpx2.RemoteProtocolError:  # some servers close the connection on HEAD
            return self._ask("GET", url)
        if answer.status in _BUSY:
            return answer
        refused = not 200 <= answer.status < 300
        return self._ask("GET", url) if refused or answer.page else answer

    def _ask(self, method: str, url: str) -> _Answer:
        with self._client.stream(method, url, extensions={"trace": self._limit.trace}) as response:
            page = "html" in response.headers.get("content-type", "").lower()
            return _Answer(
                status=response.status_code,
                url=response.url,
                hops=tuple((hop.status_code, hop.url) for hop in response.history),
                page=page,
                beginning=self._beginning(response) if page and method == "GET" else "",
            )

    def _beginning(self, response: httpx2.Response) -> str:
        """Return the first bytes of a page as text; a slow server cannot hold them back for long."""
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            return ""  # packed although we asked for it as it is: its status has to do
        until, found = self._clock() + TIMEOUT, b""
        with self._limit.counted():
            for part in response.iter_raw():
                found += part
                if len(found) >= BEGINNING or self._clock() > until:
                    break
        meta = _META_CHARSET.search(found)
        named = response.charset_encoding or (meta["name"].decode("ascii", "replace") if meta else "utf-8")
        try:
            return found[:BEGINNING].decode(named, "replace")
        except LookupError:
            return found[:BEGINNING].decode("utf-8", "replace")


class _PacedTransport(httpx2.BaseTransport):
    """Waits before each request, so before each redirect too, until its host had its pause."""

    def __init__(
        self,
        inner: httpx2.BaseTransport,
        limit: AnswerLimit,
        pause: float,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._inner, self._limit = inner, limit
        self._pause, self._clock, self._sleep = pause, clock, sleep
        self._free: dict[str, float] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        wait = self._free.get(host, 0.0) - self._clock()
        if host in self._free and wait > 0:
            self._sleep(wait)
        try:
            with self._limit.counted():
                return self._inner.handle_request(request)
        finally:
            self._free[host] = self._clock() + self._pause

    def close(self) -> None:
        self._inner.close()


def _judged(asked: httpx2.URL, answer: _Answer) -> Probe:
    said = f"the server answers {answer.status}"
    if answer.status in _MISSING:
        return Probe("dead", said)
    if not 200 <= answer.status < 300:
        return Probe("unsure", said, tired=answer.status in _BUSY)
    if answer.hops and _is_home(answer.url) and not _is_home(asked):
        return Probe("soft-404", f"it leads to the home page {shown(str(answer.url))}")
    if why := _says_missing(answer.beginning):
        return Probe("soft-404", why)
    to = _moved_to(answer)
    if to is not None and to.copy_with(fragment=None) != asked.copy_with(fragment=None):
        return Probe("moved", "", shown(str(to)))
    return Probe("ok")


def _moved_to(answer: _Answer) -> httpx2.URL | None:
    """Return the address after the permanent redirects that come first, None without one."""
    addresses = [*(url for _, url in answer.hops), answer.url]
    permanent = 0
    for status, _ in answer.hops:
        if status not in _PERMANENT:
            break
        permanent += 1
    return addresses[permanent] if permanent else None


def _is_home(url: httpx2.URL) -> bool:
    return not url.query and _HOME.fullmatch(url.path) is not None


def _says_missing(beginning: str) -> str:
    """Return the words by which a page says that it is not there, "" when it does not."""
    for match in _NAMED.finditer(beginning):
        name = " ".join(clean(strip_markup(match["name"])).split())
        if _MISSING_NAME.search(fold(name)):
            return f"the page is named {name[:_LONGEST_TITLE]!r}"
    text = " ".join(clean(strip_markup(beginning)).split())
    if len(text) <= _SHORT_PAGE and (said := _MISSING_WORDS.search(fold(text))) is not None:
        return f"the page says {said.group()[:_LONGEST_TITLE]!r}"
    return ""


def _unknown_name(error: BaseException | None) -> bool:
    """Return whether a name server said that a name does not exist, and not only that it does not answer."""
    while error is not None:
        if isinstance(error, socket.gaierror):
            return error.errno in _UNKNOWN_NAME
        error = error.__cause__
    return False


_HOME = re.compile(r"/?(?:(?:fr|en)/?)?(?:(?:index|accueil|home)(?:\.\w{3,5})?/?)?", re.IGNORECASE)
_NAMED = re.compile(
    r"<(?P<tag>title|h1)\b[^<>]{0,500}>(?P<name>.{0,2000}?)</(?P=tag)\b", re.IGNORECASE | re.DOTALL
)
_META_CHARSET = re.compile(rb"<meta\b[^>]{0,200}?\bcharset=[\"']?(?P<name>[\w-]{1,30})", re.IGNORECASE)
_WORDS = (
    r"(?:page|contenu|document|article|ressource|fichier|adresse|url)s?"
    r"(?: (?:web|demandee?|recherchee?|que vous (?:cherchez|recherchez|demandez)))? "
    r"(?:(?:est )?(?:introuvable|inexistante?\b|non trouv)|n'existe (?:pas|plus)\b|a ete supprimee?\b"
    r"|n'a (?:pas|plus) (?:ete|pu etre) trouve|n'est (?:pas|plus) (?:disponible|accessible|en ligne))"
    r"|(?:page|file|document|content|url)(?: requested| you(?: are|'re)? [\w ]{1,30}?)? "
    r"(?:was not found|(?:can|could) ?not be found|not found|(?:does not|doesn't) exist|no longer exists)"
)
_MISSING_WORDS = re.compile(rf"\b(?:{_WORDS}|404 not found)")
_MISSING_NAME = re.compile(
    rf"\b(?:{_WORDS}|(?:erreur|error|http) ?:? ?404\b)|^404(?: ?[-–|:!.]|$| not found)|^not found\b"
)
