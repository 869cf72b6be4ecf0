"""What is at an address and at the usual addresses of its host. Each is fetched once."""

from __future__ import annotations

import json
from collections.abc import Mapping

import httpx2

from reco.errors import InvalidInput
from reco.sources.content import is_html
from reco.sources.remote import Fetched, Refused, Remote, Unreachable, shown

_WAIT = frozenset((408, 425, 429, 502, 503, 504))
"""Statuses of a server that has too much to do: another question would not help."""


class Site:
    """An address under examination.

    An address that was only guessed may be missing or refused: that is kept in `refusals`, for the message
    when no source is found. A server that is busy or cannot be reached raises `SourceError`.
    """

    def __init__(self, url: str, remote: Remote) -> None:
        self.url = httpx2.URL(url).copy_with(fragment=None)
        self.refusals: list[str] = []
        self._remote = remote
        self._page: Fetched | None = None
        self._seen: dict[str, Fetched | None] = {}

    @property
    def root(self) -> str:
        """The address of the host, without a slash at its end."""
        return str(self.url.copy_with(path="/", query=None)).rstrip("/")

    @property
    def steps(self) -> tuple[str, ...]:
        """The parts of the path: ("explore", "dataset", "ID")."""
        return tuple(step for step in self.url.path.split("/") if step)

    def page(self) -> Fetched:
        """Return what the address itself answers. Raises SourceError."""
        if self._page is None:
            self._page = self._remote.get(str(self.url))
        return self._page

    def fetch(self, url: str) -> Fetched:
        """Return what an address named by the source itself answers. Raises SourceError."""
        return self._remote.get(url)

    def look(self, url: str) -> Fetched | None:
        """Return what a guessed address answers, or None when it is missing or refused."""
        if url not in self._seen:
            try:
                self._seen[url] = self._remote.find(url)
            except Refused as error:
                if isinstance(error, Unreachable) or error.status in _WAIT:
                    raise
                self.refusals.append(str(error).partition(": ")[2])
                self._seen[url] = None
        return self._seen[url]

    def document(self, url: str) -> Mapping[str, object]:
        """Return the JSON object at a guessed address; empty when there is none."""
        fetched = self.look(url)
        found = as_json(fetched.body) if fetched else None
        return found if isinstance(found, Mapping) else {}

    def required(self, url: str, what: str) -> Mapping[str, object]:
        """Return the JSON object at an address of an API that must be there.

        Raises SourceError when the server refuses it, InvalidInput when the answer is something else.
        """
        fetched = self._remote.get(url)
        found = as_json(fetched.body)
        if isinstance(found, Mapping):
            return found
        given = "a web page" if is_html(fetched.body) else "something else"
        raise InvalidInput(
            f"{shown(str(self.url))} looks like {what}, but its API at {shown(url)} answers {given} "
            "instead of JSON.",
            "Open the API's address in a browser: it may need a login or be closed. "
            "The address of an exported file works too.",
        )


def merged(url: str | httpx2.URL, **parameters: str) -> str:
    """Return an address with these parameters set."""
    return str(httpx2.URL(url).copy_merge_params(parameters))


def as_json(data: bytes) -> object:
    """Return the JSON document in `data`, or None."""
    try:
        return json.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None


def within(document: object, path: str) -> object:
    """Return the value at a dotted path, or None. Lists are not entered."""
    for key in path.split("."):
        document = document.get(key) if isinstance(document, Mapping) else None
    return document


def text_at(document: object, path: str) -> str:
    """Return the text at a dotted path, or ""."""
    found = within(document, path)
    return found.strip() if isinstance(found, str) else ""


def objects_at(document: object, path: str) -> list[Mapping[str, object]]:
    """Return the objects of the list at a dotted path."""
    found = within(document, path)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
