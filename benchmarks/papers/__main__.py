"""Measure whether a paper finds what its object alone finds.

python -m benchmarks.papers --home DIR [--folder DIR]

Each text of `texts/` is a deliberation, minutes, a form, a letter or a note; its lines that begin with "= "
are what it asks. The rules were written on 01 to 10; docs/papers.md says how 11 to 18 were read at first.
LibreOffice makes a DOCX and an ODT of it, Chromium a PDF with its header and page number, and the TXT is
wrapped at 72 columns. Each file is read as an upload. The table in Markdown says how many of the first five
results are those of the object alone, "=" when they are also in its order. A format whose program is not on
this machine is skipped, and said.
"""

from __future__ import annotations

import argparse
import html
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import reco
from reco.ranking.query import Query
from reco.ranking.recommender import Recommender
from reco.sources.sandbox.parent import read

TEXTS = sorted((Path(__file__).parent / "texts").glob("*.txt"))
FORMATS = ("txt", "docx", "odt", "pdf")
FIRST = 5
_COLUMNS = 72
_STYLE = "body{font-family:serif;font-size:11pt;text-align:justify}h3{text-align:center}td{border:1px solid}"


def main() -> None:
    """Make the files, ask each, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.papers", description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a home with a snapshot (default: that of the settings)")
    parser.add_argument("--folder", type=Path, help="where the files are made (default: a temporary folder)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        made = {path.stem: files(path, folder) for path in TEXTS}
        table(reco.open(given.home).recommender, made)


def table(recommender: Recommender, made: dict[str, dict[str, Path]]) -> None:
    """Print a line for each paper, then the number of papers whose first five are those of the object."""
    print(f"| paper | {' | '.join(FORMATS)} | whole |\n|---|{'---|' * (len(FORMATS) + 1)}")
    same = dict.fromkeys(FORMATS, 0)
    for path in TEXTS:
        alone = _first(recommender, Query.of(asked(path), FIRST))
        cells = []
        for kind in FORMATS:
            file = made[path.stem].get(kind)
            found = (
                []
                if file is None
                else _first(recommender, Query.of(read(file.read_bytes(), file.name).text, FIRST))
            )
            same[kind] += set(found) == set(alone)
            cells.append("skipped" if file is None else _shared(found, alone))
        whole = _first(recommender, Query.of(body(path), FIRST, whole=True))
        print(f"| {path.stem} | {' | '.join(cells)} | {_shared(whole, alone)} |")
    print("\n" + ", ".join(f"{kind}: {number} of {len(TEXTS)}" for kind, number in same.items()))


def files(path: Path, folder: Path) -> dict[str, Path]:
    """Make the files of a paper, by format; a format is left out when its program is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / f"{path.stem}.txt"
    text.write_text("\n".join(textwrap.fill(line, _COLUMNS) for line in body(path).split("\n")), "utf-8")
    page = folder / f"{path.stem}.html"
    page.write_text(_page(path), "utf-8")
    made = {"txt": text}
    if shutil.which("soffice"):
        for kind in ("odt", "docx"):
            source = page if kind == "odt" else folder / f"{path.stem}.odt"
            _run("soffice", "--headless", "--convert-to", kind, "--outdir", folder, *_reader(source), source)
            made[kind] = folder / f"{path.stem}.{kind}"
    if browser := shutil.which("chromium"):
        made["pdf"] = folder / f"{path.stem}.pdf"
        _run(browser, "--headless", "--no-sandbox", f"--print-to-pdf={made['pdf']}", page.absolute().as_uri())
    return made


def asked(path: Path) -> str:
    """Return what a paper asks."""
    return "\n".join(line[2:] for line in _lines(path) if line.startswith("= "))


def body(path: Path) -> str:
    """Return the text of a paper."""
    lines = (line for line in _lines(path) if not line.startswith("= "))
    return "\n".join(line.removeprefix("# ").strip("| ").replace(" | ", " : ") for line in lines)


def _page(path: Path) -> str:
    lines = "".join(_element(line) for line in _lines(path) if not line.startswith("= "))
    return f'<html lang="fr"><meta charset="utf-8"><style>{_STYLE}</style><body>{lines}</body></html>'


def _element(line: str) -> str:
    if line.startswith("| "):
        cells = "".join(f"<td>{html.escape(cell.strip())}</td>" for cell in line.strip("|").split("|"))
        return f"<table><tr>{cells}</tr></table>"
    return f"<h3>{html.escape(line[2:])}</h3>" if line.startswith("# ") else f"<p>{html.escape(line)}</p>"


def _lines(path: Path) -> Iterator[str]:
    return (line for line in path.read_text("utf-8").split("\n") if line)


def _reader(source: Path) -> tuple[str, ...]:
    return ("--infilter=HTML (StarWriter)",) if source.suffix == ".html" else ()


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=120)


def _first(recommender: Recommender, query: Query) -> list[str]:
    return [item.resource.id for item in recommender.recommend(query)]


def _shared(found: list[str], alone: list[str]) -> str:
    return f"{len(set(found) & set(alone))}{' =' if found == alone else ''}"


if __name__ == "__main__":
    main()
