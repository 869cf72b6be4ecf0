"""Version marks: the code behind one has not changed since the mark was last looked at."""

from __future__ import annotations

import ast
import json

import pytest

from tests.marks import CODE, RECORD, digest, found, parts, state

SAID = """
import os

LIMIT = 3

def first(text: str) -> str:
    \"\"\"Return the first words.\"\"\"
    from pathlib import Path

    return f"{text[:LIMIT]!r:>10}"  # few

class Kept:
    size: int = 1
"""


def test_every_mark_says_which_code_it_stands_for() -> None:
    assert found() == CODE.keys()


@pytest.mark.parametrize("mark", CODE)
def test_the_code_behind_a_mark_is_as_it_was_recorded(mark: str) -> None:
    recorded = json.loads(RECORD.read_text(encoding="utf-8")).get(mark)
    assert state(mark) == recorded, (
        f"The code behind {mark} changed: raise the mark if it gives other results, "
        "then record it with `python -m tests.marks`."
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import os\n", "import sys\nfrom os import path\n"),
        ("Return the first words.", "Return a few words."),
        ("  # few", "  # not many"),
        ("text: str) -> str", "text: object) -> object"),
        ("size: int", "size: float"),
        ("        from pathlib import Path\n", ""),
        ("LIMIT = 3\n", ""),
    ],
)
def test_words_annotations_and_imports_do_not_count(before: str, after: str) -> None:
    other = SAID.replace(before, after) + ("LIMIT = 3\n" if before.startswith("LIMIT") else "")
    assert digest(ast.parse(other).body) == digest(ast.parse(SAID).body)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("3", "4"),
        ("[:LIMIT]", "[LIMIT:]"),
        ("!r", "!s"),
        (">10", ">11"),
        ("size", "length"),
        ("= 1", "= 1.0"),
    ],
)
def test_what_the_code_does_counts(before: str, after: str) -> None:
    assert digest(ast.parse(SAID.replace(before, after)).body) != digest(ast.parse(SAID).body)


def test_a_name_brings_what_it_uses_of_its_module() -> None:
    names = {getattr(node, "name", "") for node in parts(["reco.encoder.bundled:_write_folder"])}
    assert {"_write_folder", "_write_bert", "_dequantise", "_bert_name"} <= names
    assert "bundled_folder" not in names
    with pytest.raises(LookupError, match=r"tests/marks\.py"):
        list(parts(["reco.text.clean:nothing"]))
