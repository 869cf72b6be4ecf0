"""Documentation is tested: every command, setting, variable, exit code and diagnosis is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from reco import errors
from reco.cli.main import app
from reco.workspace.doctor import NAMES
from reco.workspace.settings import Settings
from tests.support import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)


def commands(group: Any, prefix: str = "reco") -> Iterator[str]:
    if not hasattr(group, "commands"):
        yield prefix
        return
    for name, command in group.commands.items():
        yield from commands(command, f"{prefix} {name}")


def settings(model: type[BaseModel], seen: tuple[type[BaseModel], ...] = ()) -> Iterator[str]:
    """Yield the name of every setting, those of tables included."""
    for name, field in model.model_fields.items():
        yield name
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and inner not in seen:
                yield from settings(inner, (*seen, inner))


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(app))))
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"\b{re.escape(command)}\b", TEXT)


def test_every_command_is_met() -> None:
    assert {"reco refresh", "reco source test"} < set(commands(typer.main.get_command(app)))


def test_every_setting_is_documented() -> None:
    names = sorted(set(settings(Settings)))
    assert {"stale_hours", "reject_limit", "cursor"} <= set(names), "tables are read too"
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
        for page in ("README.md", "docs/operation.md"):
            assert f"\n| {code} |" in (REPOSITORY / page).read_text(encoding="utf-8"), (page, code)


def test_every_diagnosis_is_documented() -> None:
    assert [name for name in NAMES if f"\n| `{name}` |" not in TEXT] == []


def test_every_file_that_is_named_exists() -> None:
    for path in re.findall(r"`((?:deploy|docs|data)/[\w./-]*|reco\.example\.toml)`", TEXT):
        assert (REPOSITORY / path).exists(), path
