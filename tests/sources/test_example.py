from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

from reco.sources.config import Kind, SourceConfig
from reco.sources.rows import reader
from reco.workspace.settings import load

EXAMPLE = Path(__file__).parents[2] / "reco.example.toml"


def test_the_example_shows_every_kind_of_source_once() -> None:
    sources = [SourceConfig.model_validate(s) for s in tomllib.loads(EXAMPLE.read_text("utf-8"))["sources"]]
    assert sorted(source.kind for source in sources) == sorted(get_args(Kind))
    assert len({source.name for source in sources}) == len(sources)


def test_every_line_that_is_commented_out_can_be_used(tmp_path: Path) -> None:
    text = re.sub(r"^# (\w+ = |\[)", r"\1", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE)
    (tmp_path / "reco.toml").write_text(text, "utf-8")
    found = load(tmp_path / "reco.toml")
    assert (found.sources[0].delimiter, found.sources[0].encoding) == (";", "cp1252")
    assert found.curation.decisions == tmp_path / "decisions.csv"


def test_every_kind_has_a_reader() -> None:
    assert all(callable(reader(kind)) for kind in get_args(Kind))


def test_no_slow_library_is_loaded_before_a_source_needs_it() -> None:
    slow = (
        *("pyarrow", "openpyxl", "feedparser", "httpx2", "rapidfuzz", "defusedxml", "stamina"),
        *("protego", "trafilatura"),
    )
    code = f"import sys, reco.sources; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
