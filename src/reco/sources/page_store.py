"""What was read of each page of a site, so that a page that did not change is not read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reco.sources.web_page import RECIPE, VERSION_READ
from reco.storage import atomic
from reco.text.clean import digest


@dataclass(frozen=True)
class StoredPage:
    """A page as last read: its cells, or the `problem` that it has instead.

    `lastmod` is what the sitemap said then, and `body` the sha256 of the page's bytes.
    """

    lastmod: str
    body: str
    cells: Mapping[str, object]
    problem: str = ""


class PageStore:
    """A folder of stored pages, by address. Losing it costs requests only. Without a folder it is empty."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, url: str) -> StoredPage | None:
        """Return what is stored for `url`, or None when it is missing, damaged or made by other code."""
        if self._folder is None:
            return None
        try:
            data = self._path(self._folder, url).read_bytes()
            seal, _, text = data.partition(b"\n")
            if seal == _seal(text):
                return StoredPage(**json.loads(text))
        except (OSError, ValueError, TypeError):
            pass
        return None

    def save(self, url: str, page: StoredPage) -> None:
        """Keep a page. Raises `StorageError` when the disk refuses."""
        if self._folder is None:
            return
        text = json.dumps(vars(page), default=str).encode()
        atomic.make_folder(self._folder)
        atomic.replace(self._path(self._folder, url), _seal(text) + b"\n" + text)

    def forget(self, url: str) -> None:
        """Drop what is stored for `url`."""
        if self._folder is not None and (path := self._path(self._folder, url)).exists():
            atomic.remove(path)

    def _path(self, folder: Path, url: str) -> Path:
        return folder / f"{digest(url)}.page"


def _seal(text: bytes) -> bytes:
    """Return a digest of a stored page and of the code that read it."""
    return hashlib.sha256(f"{RECIPE} {VERSION_READ}\n".encode() + text).hexdigest().encode()
