"""Documentation is tested: what it must name is named, what it names exists, and its links lead somewhere."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer

from reco import errors
from reco.cli.main import app
from reco.workspace.doctor import NAMES
from reco.workspace.settings import Settings
from tests.support import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
WRITTEN = [*PAGES, REPOSITORY / "CONTRIBUTING.md"]

_CODE = re.compile(r"^```.*?^```|^(?:    |\t).*?$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_NAME = re.compile(r"`(reco(?:\.\w+){2,})(?:\([^`]*\))?`")
_PATH = re.compile(
    r"`((?:src|tests|scripts|benchmarks|notebooks|deploy|docs|data)/[\w./-]*|reco\.example\.toml)`"
)


def commands(group: Any, prefix: str = "reco") -> Iterator[str]:
    if not hasattr(group, "commands"):
        yield prefix
        return
    for name, command in group.commands.items():
        yield from commands(command, f"{prefix} {name}")


def settings(table: Any, seen: tuple[Any, ...] = ()) -> Iterator[str]:
    """Yield the name of every setting, those of tables included."""
    for name, field in table.__pydantic_fields__.items():
        yield name
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if hasattr(inner, "__pydantic_fields__") and inner not in seen:
                yield from settings(inner, (*seen, inner))


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(app))))
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"\b{re.escape(command)}\b", TEXT)


def test_every_command_is_met() -> None:
    assert {"reco refresh", "reco source test"} < set(commands(typer.main.get_command(app)))


def test_every_setting_is_documented() -> None:
    names = sorted(set(settings(Settings)))
    assert {"stale_hours", "reject_limit", "cursor", "relayout"} <= set(names), "tables are read too"
    missing = [name for name in names if not re.search(rf"`(\[+)?{re.escape(name)}(\]+)?`", TEXT)]
    assert missing == []


def test_every_variable_is_documented() -> None:
    sources = "".join(path.read_text("utf-8") for path in (REPOSITORY / "src").rglob("*.py"))
    variables = set(re.findall(r"\"(RECO_[A-Z_]+)\"", sources))
    assert len(variables) >= 5
    assert [name for name in sorted(variables) if f"`{name}" not in TEXT] == []


def test_every_exit_code_is_documented() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    for code in sorted({0, *(kind.exit_code for kind in kinds)}):
        for page in ("docs/commands.md", "docs/operation.md"):
            assert f"\n| {code} |" in (REPOSITORY / page).read_text(encoding="utf-8"), (page, code)


def test_every_diagnosis_is_documented() -> None:
    assert [name for name in NAMES if f"\n| `{name}` |" not in TEXT] == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda path: path.name)
def test_every_file_and_name_of_the_code_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path for path in _PATH.findall(text) if not (REPOSITORY / path).exists()] == []
    assert [name for name in _NAME.findall(text) if not name.endswith(".toml") and not exists(name)] == []
    assert [name for block in blocks(text) for name in used(block) if not exists(name)] == []


def test_the_map_of_the_house_is_that_of_the_contracts() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(REPOSITORY / ".importlinter", encoding="utf-8")
    layers = contracts["importlinter:contract:layers"]["layers"].split("\n")[1:]
    floors = dict(enumerate((set(layer.split(" : ")) for layer in reversed(layers)), start=1))
    drawn: dict[int, set[str]] = {}
    for floor, names in re.findall(
        r"^\| (\d+) \| (`[a-z`, ]+`) \|", PAGES[0].read_text("utf-8"), re.MULTILINE
    ):
        drawn.setdefault(int(floor), set()).update(re.findall(r"`(\w+)`", names))
    assert drawn == floors


def test_a_name_that_is_gone_is_noticed() -> None:
    assert exists("reco.sources.rows.Row")
    assert not exists("reco.sources.rows.Gone")
    assert not exists("reco.gone.rows")
    assert list(used("from reco.sources import rows\nrows.Gone(1)")) == [
        "reco.sources.rows",
        "reco.sources.rows.Gone",
    ]


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    module, inside = name, list[str]()
    while module:
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            inside.insert(0, last)
            continue
        try:
            reduce(getattr, inside, found)
        except AttributeError:
            return False
        return True
    return False


def blocks(text: str) -> list[str]:
    """Return the Python of a page."""
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def used(code: str) -> Iterator[str]:
    """Yield what code takes from `reco`: what it imports, then the attributes of that."""
    tree = ast.parse(code)
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "reco"
        for alias in node.names
    }
    yield from imported.values()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            yield f"{imported[node.value.id]}.{node.attr}"


@pytest.mark.parametrize("page", WRITTEN, ids=lambda path: path.name)
def test_every_link_and_anchor_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8")))
    assert [link for link in links if not urlsplit(link).scheme and not leads(page, link)] == []


def test_a_link_that_is_broken_is_noticed() -> None:
    page = REPOSITORY / "docs" / "operation.md"
    assert leads(page, "settings.md#sources")
    assert leads(page, "#roll-back")
    assert not leads(page, "settings.md#no-such-heading")
    assert not leads(page, "nowhere.md")


def leads(page: Path, link: str) -> bool:
    """Whether a relative link of a page leads to a file, and to a heading in it if it names one."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", _CODE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-E",
        "-n",
        "-W",
        str(REPOSITORY / "docs"),
        str(tmp_path),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = sorted(tmp_path.glob("*.html"))
    assert {path.stem for path in PAGES[1:]} <= {page.stem for page in pages}
    html = "".join(page.read_text(encoding="utf-8") for page in pages)
    loaded = re.findall(
        r"<(?:script|img|iframe|source)[^>]*src=\"([^\"]+)\"|<link[^>]*href=\"([^\"]+)\"", html
    )
    assert len(loaded) > 2 * len(pages), "its own styles and scripts are met"
    assert {link for pair in loaded for link in pair if re.match(r"(?:https?:)?//", link)} == set()
    styles = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", styles) == []
