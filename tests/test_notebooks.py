"""Every notebook runs from top to bottom on a part of the bundled catalogue, with the test encoder."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from tests.support import REPOSITORY, run_cli, write_csv

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.py"))
ROWS = 467
"""Those that the golden set was first judged on."""
PICTURES = {"image/png", "application/vnd.plotly.v1+json"}


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The first rows of the bundled catalogue, refreshed with the encoder that needs no model.

    All rows take a minute more, and show nothing else.
    """
    folder = tmp_path_factory.mktemp("notebooks")
    text = (REPOSITORY / "reco.toml").read_text(encoding="utf-8")
    text = text.replace('"data/', f'"{REPOSITORY.as_posix()}/data/')
    text = text.replace(
        f'"{REPOSITORY.as_posix()}/data/catalogue.csv"', f'"{folder.as_posix()}/catalogue.csv"'
    )
    with (REPOSITORY / "data" / "catalogue.csv").open(encoding="utf-8", newline="") as stream:
        write_csv(folder / "catalogue.csv", islice(csv.DictReader(stream), ROWS))
    config = folder / "reco.toml"
    config.write_text(f'[encoder]\nkind = "hashing-for-tests"\n\n{text}', encoding="utf-8")
    assert run_cli("refresh", "--config", str(config), "--home", str(folder / "home")).code == 0
    return config, folder / "home"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(
    path: Path, configured: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, home = configured
    monkeypatch.setenv("RECO_CONFIG", str(config))
    monkeypatch.setenv("RECO_HOME", str(home))
    # Streamlit's own test door sets it for this whole process; a kernel would then draw nothing inline.
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = jupytext.read(path)
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [o for o in outputs if PICTURES & set(o.get("data", {}))]
    assert pictures, "a notebook without a picture shows nothing"
    nbformat.validate(notebook)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_paired_and_keeps_no_output_in_git(path: Path) -> None:
    assert jupytext.read(path).metadata["jupytext"]["formats"] == "ipynb,py:percent"
    assert "/notebooks/*.ipynb" in (REPOSITORY / ".gitignore").read_text(encoding="utf-8").split("\n")


def test_the_story_is_whole() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06"]
