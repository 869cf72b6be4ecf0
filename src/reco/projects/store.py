"""Saved projects: queries that every new snapshot answers again, one JSON file each in the home."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from reco.catalogue.catalogue import Filters
from reco.errors import InvalidInput, StorageError
from reco.ranking.query import LONGEST, Query
from reco.storage import atomic
from reco.text.clean import clean, digest, fold

logger = logging.getLogger(__name__)

LONGEST_NAME = 120
"""Most characters of a project's name, and of its place."""

MOST_RESULTS = 50
"""Most results of a project that can be followed."""

_LONGEST_FILE = 4_000_000
_WAIT_SECONDS = 10
_READABLE = re.compile(r"[^\W_]")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True)
class Project:
    """A named query. Its first `k` results are followed; `created` is in ISO 8601, UTC."""

    id: str
    name: str
    text: str
    created: str
    filters: Filters = field(default_factory=Filters)
    k: int = 10
    place: str = ""

    @cached_property
    def key(self) -> str:
        """Digest of the text and filters; a recorded answer with another key is not this project's."""
        return digest(self.text, json.dumps(asdict(self.filters), sort_keys=True))


@dataclass(frozen=True)
class Saved:
    """The projects of a home, by id, and its unreadable files with the reason."""

    projects: tuple[Project, ...]
    damaged: dict[str, str]


class ProjectStore:
    """Adds, lists and removes the projects of one home."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "projects"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock of this folder's writers. Raises StorageError when it cannot be taken."""
        atomic.make_folder(self.folder)
        try:
            with FileLock(self.folder / ".lock", timeout=_WAIT_SECONDS):
                for draft in self.folder.rglob("*.tmp-*"):
                    atomic.remove(draft)
                yield
        except Timeout as error:
            raise StorageError(
                "Another process is changing the saved projects.", "Run the command again."
            ) from error
        except PermissionError as error:
            raise StorageError(f"{self.folder} cannot be written.", "Check its permissions.") from error

    def read(self) -> Saved:
        """Return every readable project; a damaged file is reported and skipped."""
        projects, damaged = [], {}
        for path in sorted(self.folder.glob("*.json")):
            try:
                projects.append(_read(path))
            except (OSError, ValueError, InvalidInput) as error:
                damaged[str(path)] = _reason(error)
                logger.warning("the saved project %s is skipped: %s", path, damaged[str(path)])
        return Saved(tuple(projects), damaged)

    def add(self, name: str, query: Query, place: str = "") -> Project:
        """Save a project and return it.

        Raises InvalidInput for a name that is empty, too long or taken, StorageError when the disk refuses.
        """
        label, where = _one_line(name), _one_line(place)
        _require_sound(label, query.text, query.k, where)
        with self.writing():
            self._require_free(label)
            project = Project(
                id=self._free_id(label),
                name=label,
                text=query.text,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                filters=query.filters,
                k=query.k,
                place=where,
            )
            data = json.dumps(asdict(project), ensure_ascii=False, indent=1).encode("utf-8", "replace")
            atomic.replace(self._path(project.id), data)
        return project

    def remove(self, identifier: str) -> None:
        """Delete a project, damaged or not. Raises InvalidInput for an unknown id."""
        with self.writing():
            saved = {path.stem: path for path in sorted(self.folder.glob("*.json"))}
            if identifier not in saved:
                known = ", ".join(saved) or "none"
                raise InvalidInput(f"There is no saved project {identifier!r}.", f"Saved: {known}.")
            atomic.remove(saved[identifier])

    def _path(self, identifier: str) -> Path:
        return self.folder / f"{identifier}.json"

    def _require_free(self, name: str) -> None:
        for project in self.read().projects:
            if fold(project.name) == fold(name):
                raise InvalidInput(
                    f"There is already a project named {project.name!r} ({project.id}).",
                    "Choose another name, or remove that one with `reco projects remove`.",
                )

    def _free_id(self, name: str) -> str:
        slug = re.sub(r"[^a-z0-9]+", "-", fold(name))[:60].strip("-") or "projet"
        number, free = 1, slug
        while self._path(free).exists():
            number += 1
            free = f"{slug}-{number}"
        return free


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _require_sound(name: str, text: str, k: int, place: str) -> None:
    """Raise InvalidInput with every problem at once."""
    problems = []
    if not _READABLE.search(name):
        problems.append("its name is empty")
    for what, value in (("name", name), ("place", place)):
        if len(value) > LONGEST_NAME:
            problems.append(f"its {what} has more than {LONGEST_NAME} characters")
    if not _READABLE.search(text) or len(text) > LONGEST:
        problems.append(f"its text is empty, or longer than {LONGEST:,} characters")
    if not 1 <= k <= MOST_RESULTS:
        problems.append(f"k is {k}; from 1 to {MOST_RESULTS} results are followed")
    if problems:
        raise InvalidInput(
            f"The project cannot be saved: {'; '.join(problems)}.", "Give it a short name of its own."
        )


def _read(path: Path) -> Project:
    if path.stat().st_size > _LONGEST_FILE:
        raise InvalidInput("It is too large.")
    saved = TypeAdapter(Project).validate_json(path.read_bytes(), strict=True)
    project = replace(
        saved,
        name=_one_line(saved.name),
        text=clean(saved.text),
        place=_one_line(saved.place),
    )
    if project.id != path.stem or not _ID.fullmatch(project.id):
        raise InvalidInput(f"Its id {project.id!r} is not its file's name.")
    _require_sound(project.name, project.text, project.k, project.place)
    return project


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']}"
    return str(getattr(error, "strerror", None) or error)
