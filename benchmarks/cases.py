"""Check inputs as people have them, folder by folder, against what each must give.

python -m benchmarks.cases FOLDER [--home HOME] [--only PART]

FOLDER holds one folder a case, with its files and its `reco.toml`; `server.py` there, if any, is started
on the port that the settings name. The requests are answered by the snapshot of HOME (default: the usual
home); without one, those cases are skipped and said so. Prints one line a case, then the counts as JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import reco
from reco.catalogue.admission import Rules, admit_all
from reco.catalogue.resource import Resource
from reco.errors import RecoError
from reco.projects import batch
from reco.refresh.report import RefreshReport
from reco.sources.read import inspect
from reco.sources.sandbox import parent

_PORT = 8977


@dataclass
class Night:
    """What a refresh gave: its report, or the error that it ended with, and the resources by id."""

    report: RefreshReport | None = None
    error: str = ""
    resources: dict[str, Resource] = field(default_factory=dict)

    def values(self, name: str) -> list[object]:
        """Return one field of every resource, by id."""
        return [getattr(resource, name) for _, resource in sorted(self.resources.items())]

    @property
    def told(self) -> bool:
        """Whether the refresh warned of something."""
        return bool(self.report is not None and getattr(self.report, "warnings", ()))


TRIED = frozenset(
    ("15-rss-misc", "28-themes", "29-ids", "30-url-apostrophe", "34-jsonfeed", "34-rss-charset")
)
"""Cases whose bad rows are bad: a refresh refuses so large a share of them, and rightly."""

Check = Callable[[Path], Iterator[tuple[str, bool]]]
CHECKS: dict[str, Check] = {}
NIGHTS: dict[str, Callable[[Night, Path], Iterator[tuple[str, bool]]]] = {}
HOMES: list[reco.Home] = []


def refreshed(folder: Path) -> Night:
    """Refresh the home of a case, kept beside its files."""
    home = reco.open(folder / "home", config=folder / "reco.toml")
    try:
        report = home.refresh()
    except RecoError as error:
        return Night(error=f"{type(error).__name__}: {error}")
    return Night(report, "", {resource.id: resource for resource in home.catalogue})


def tried(folder: Path) -> Night:
    """Read a case as `reco source test` does: a share of refused rows refuses nothing here."""
    source = reco.open(folder / "home", config=folder / "reco.toml").settings.sources[0]
    try:
        seen = inspect(source, 1_000)
    except RecoError as error:
        return Night(error=str(error))
    admitted, _ = admit_all([*seen.records, *seen.rejections], Rules())
    return Night(None, "", {resource.id: resource for resource in admitted})


def night(*names: str) -> Callable[..., object]:
    """Register a check of what a refresh gives, for the cases of these names."""

    def register(check: Callable[[Night, Path], Iterator[tuple[str, bool]]]) -> object:
        NIGHTS.update(dict.fromkeys(names, check))
        return check

    return register


def case(*names: str) -> Callable[[Check], Check]:
    """Register a check of the files themselves."""

    def register(check: Check) -> Check:
        CHECKS.update(dict.fromkeys(names, check))
        return check

    return register


def _cells(folder: Path, column: int) -> dict[str, str]:
    lines = (folder / "c.csv").read_text(encoding="utf-8").splitlines()[1:]
    return {line.split(";")[0]: line.split(";")[column] for line in lines}


@night("01-url-entity")
def _entities(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "addresses as typed", {i: r.url for i, r in found.resources.items()} == _cells(folder, 2)
    yield "no character of an entity", "&region=53" in found.resources["r1"].summary


@night(
    "02-sep-line", "08-header-case", "08-header-nfd", "09-trailing-semicolons", "23-double-bom", "35-nightly"
)
def _every_row(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    lines = [line for line in (folder / "c.csv").read_bytes().splitlines() if not line.startswith(b"sep=")]
    yield "every row", len(found.resources) == len(lines) - 1
    yield "none refused", found.report is not None and found.report.rejected == 0
    yield "every field", folder.name != "08-header-case" or found.values("url") == ["https://a.example.org/1"]
    yield "its theme", folder.name != "08-header-nfd" or found.values("themes") == [("Eau",)]


@night("04-title-rows")
def _title_rows(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "two rows with their years", found.values("year") == [2020, 2021]


@night("05-hidden-sheet")
def _hidden(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "the visible sheet", list(found.resources) == ["b"]


@night("06-xlsx-errors")
def _errors(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    first, second = found.resources["1"], found.resources["2"]
    yield "empty cells", not (first.themes or first.publisher or first.url or first.summary)
    yield "an unknown year", second.year is None and second.publisher == "ADEME"
    yield "a title that is an error is missing", "3" not in found.resources


@night("07-insee-zero")
def _codes(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    codes = [[locality.code for locality in found.resources[i].localities] for i in ("3", "4", "5")]
    yield "the communes", [part[:1] for part in codes] == [["01004"], ["01385"], ["02408"]]


@night("10-missing-trailing")
def _short_rows(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "three rows", found.values("year") == [2020, None, 2021]


@night("11-year-sd")
def _years(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    years = [found.resources[str(n)].year for n in range(1, 21)] if len(found.resources) == 20 else []
    read = [2021, 2019, 2018, 2017]
    yield "twenty rows", len(years) == 20
    yield "years read", years[8:12] == read and years[13:15] == [2020, 2020]
    yield "no date is unknown", not any(years[:7]) and not any(years[15:19]) and years[7] in (None, 2019)
    notes = [found.resources[str(n)].notes for n in (1, 3, 5, 13)] if years else [()]
    yield "a note", all(notes)


@night("11b-sd-one-of-ten")
def _one_of_ten(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "ten rows", len(found.resources) == 10 and found.resources["10"].year is None


@night("12-rss-relative")
def _relative(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    host = "https://www.agglo.example.org"
    wanted = {f"{host}/actus/budget-participatif", f"{host}/voie-verte.html"}
    yield "resolved against the channel", set(map(str, found.values("url"))) == wanted


@night("13a-rss-blank-before", "13b-rss-entity", "13c-rss-amp")
def _flawed_feeds(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    items = (folder / "c.xml").read_text(encoding="utf-8").count("<item>")
    yield "every item", len(found.resources) == items
    yield "published", found.report is not None and found.report.published
    yield "with a warning", found.told
    yield (
        "the text",
        folder.name != "13c-rss-amp" or any("Eau & sol" in str(t) for t in found.values("title")),
    )


@night("14-rss-dates")
def _feed_dates(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "eight items", len(found.resources) == 8
    yield "the years", all(found.resources[f"g{n}"].year == 2024 for n in (0, 2, 5))


@night("15-rss-misc")
def _feed_oddities(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "its title", found.resources["1"].title == "L’eau & l’école"
    yield "its address", found.resources["1"].url == "https://a.example.org/?p=12&region=2"
    yield "no script", "x()" not in found.resources["1"].summary


@night("16-atom-xmlbase")
def _atom_base(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "resolved", found.values("url") == ["https://pnr.example.org/fr/actus/haie.html"]
    yield "its title", found.values("title") == ["Une haie & un talus"]


@night("18-oai-badchar", "18-oai-charref")
def _bad_records(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    others = {"oai:depot.example.org:4"} | (
        {"oai:depot.example.org:6"} if "badchar" in folder.name else set()
    )
    yield "the other records", others <= set(found.resources)
    bad = found.resources.get("oai:depot.example.org:5")
    yield "cleaned, or refused alone", bad is None or "\x1a" not in bad.summary + "\x1f"[:0]
    yield "with a warning", found.told or bool(found.report is not None and found.report.rejected)


@night("19-oai-expired")
def _expired(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "refused whole", bool(found.error) and not found.resources


@night("22-api-400", "22-api-dict", "22-api-null", "22-api-shift")
def _ends(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "every record once", len(found.resources) == (3 if "null" in folder.name else 7)
    yield "published", found.report is not None and found.report.published


@night("24-wp-two-sites")
def _two_sites(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "twelve resources", len(found.resources) == 12
    yield "six of each", len({r.source for r in found.resources.values()}) == 2


@night("25-folder-pdf")
def _folder(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "the ten rows", len(found.resources) == 10
    yield (
        "the others told, not refused",
        found.told and found.report is not None and not found.report.rejected,
    )


@night("27-languages")
def _languages(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "one French", set(found.values("language")) == {"fr"}
    yield "rows of both files", len(found.resources) == 8


@night("28-themes")
def _themes(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "every row but one of four cells", len(found.resources) == 5
    yield "two themes", found.resources["1"].themes == ("Eau", "Énergie")


@night("29-ids")
def _ids(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    typed = [line.split(";")[0] for line in (folder / "c.csv").read_text("utf-8").splitlines()[1:]]
    yield "ids as typed", set(typed[:5]) <= set(found.resources) <= set(typed)


@night("30-url-apostrophe")
def _addresses(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    typed, urls = _cells(folder, 2), {i: r.url for i, r in found.resources.items()}
    yield "as typed", all(urls.get(i) == typed[i] for i in ("1", "3", "4", "8"))
    yield "spaces", urls.get("2") == typed["2"].replace(" ", "%20")
    yield "in prose", urls.get("5") == "https://www.ville.example.org/note"
    yield "two addresses in two cells are no row", "6" not in found.resources
    yield "a Markdown link", urls.get("7") == "https://www.ville.example.org/guide.pdf"
    files = [found.resources[i] for i in ("9", "10", "11") if i in found.resources]
    yield "file names set aside with a note", len(files) == 3 and all(not r.url and r.notes for r in files)
    yield (
        "no false host",
        all(urls.get(i, "") in ("", "https://doi.org/10.1234/abcd.56") for i in ("12", "13")),
    )


@night("31-isbn-chapters")
def _mentioned(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield (
        "three, no family",
        len(found.resources) == 3 and found.report is not None and not found.report.families,
    )


@night("37-editions")
def _editions(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    yield "one family", found.report is not None and found.report.families == 1


@night("34-jsonfeed", "34-rss-charset")
def _other_feeds(found: Night, folder: Path) -> Iterator[tuple[str, bool]]:
    titles = "".join(map(str, found.values("title")))
    if "json" in folder.name:
        yield "its item, or a clear error", "Une fiche" in titles or "cannot be read as rss" in found.error
    else:
        yield "its item", "élémentaire" in titles


@case("32-rss-window")
def _window(folder: Path) -> Iterator[tuple[str, bool]]:
    settings = folder / "reco.toml"
    kept = settings.read_text(encoding="utf-8") + 'keep = "forever"\n'
    settings.write_text(kept, encoding="utf-8")
    for span in (("1", "10"), ("5", "14")):
        subprocess.run([sys.executable, "night.py", *span], cwd=folder, check=True)
        found = refreshed(folder)
    yield "kept by choice", len(found.resources) == 14


@case("33-batch")
def _batch(folder: Path) -> Iterator[tuple[str, bool]]:
    for name, most in (("a.csv", 2), ("b.csv", 3)):
        projects = batch.read(folder / name, "Projet").projects
        yield f"{name}: every project", len(projects) == most and not any(p.problem for p in projects)
        yield (
            f"{name}: its text",
            "réserve d'eau" in projects[0].text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"),
        )


def _asked(text: str) -> tuple[str, list[str], int]:
    answer = HOMES[0].recommend(text)
    return answer.verdict, [item.resource.id for item in answer.recommendations], len(answer.needs)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


@case("36-pdf-hyphen")
def _pdf(folder: Path) -> Iterator[tuple[str, bool]]:
    data = (folder / "note.pdf").read_bytes()
    text = parent.read(data, "note.pdf").text
    joined = re.sub(r"-\s*\n\s*", "", text).replace("\n", " ")
    yield "no hyphen at a line's end", re.search(r"\w-\s*\n", text) is None
    yield "the same answer as on one line", _asked(text) == _asked(joined)


@case("38-wrapped-lines")
def _wrapped(folder: Path) -> Iterator[tuple[str, bool]]:
    flat = _asked(_text(folder / "flat.txt"))
    yield "wrapped as on one line", _asked(_text(folder / "wrapped.txt")) == flat
    hyphens = _text(folder / "hyphens.txt")
    joined = " ".join(re.sub(r"-\n", "", hyphens).split())
    yield "hyphens as on one line", _asked(hyphens) == _asked(joined)


@case("39-deliberation")
def _deliberation(folder: Path) -> Iterator[tuple[str, bool]]:
    text = _text(folder / "delib.txt")
    subject = next(line.split(":", 1)[1] for line in text.splitlines() if line.startswith("OBJET"))
    verdict, found, _ = _asked(text)
    alone = _asked(subject)
    yield "found, as for the object alone", verdict == alone[0] == "found"
    yield "three of the first five are the object's", len(set(found[:5]) & set(alone[1][:5])) >= 3


@case("40-acronyms")
def _acronyms(folder: Path) -> Iterator[tuple[str, bool]]:
    for name in ("1.txt", "2.txt", "3.txt"):
        answer = HOMES[0].recommend(_text(folder / name))
        yield f"{name}: no acronym", not answer.expansions
    yield "capitals as lower case", _asked(_text(folder / "4.txt")) == _asked(_text(folder / "5.txt"))


def outcome(folder: Path) -> list[tuple[str, bool]]:
    """Return each expectation of a case, and whether it holds. An error is one that does not."""
    try:
        if folder.name in CHECKS:
            return list(CHECKS[folder.name](folder))
        found = tried(folder) if folder.name in TRIED else refreshed(folder)
        held = list(NIGHTS[folder.name](found, folder))
        return (
            held if all(ok for _, ok in held) else [*held, *([(found.error, False)] if found.error else [])]
        )
    except (RecoError, LookupError) as error:
        return [(f"{type(error).__name__}: {error}"[:160], False)]


@contextlib.contextmanager
def served(folder: Path) -> Iterator[None]:
    """Run the server of the cases, unless one answers already."""
    with socket.socket() as probe:
        running = probe.connect_ex(("127.0.0.1", _PORT)) == 0
    if running or not (folder / "server.py").exists():
        yield
        return
    command = [sys.executable, str(folder / "server.py"), str(_PORT)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        time.sleep(1)
        try:
            yield
        finally:
            server.terminate()


def main() -> None:
    """Check every case, and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    home = reco.open(given.home)
    with contextlib.suppress(RecoError):
        home.recommend("une haie")
        HOMES.append(home)
    counts: dict[str, int] = {"cases": 0, "passed": 0, "skipped": 0}
    with tempfile.TemporaryDirectory() as scratch, served(given.cases.resolve()):
        for source in sorted(
            path for path in given.cases.iterdir() if path.is_dir() and given.only in path.name
        ):
            folder = Path(shutil.copytree(source, Path(scratch) / source.name, copy_function=shutil.copyfile))
            folder.chmod(0o755)
            _report(folder, counts)
    print(json.dumps(counts))


def _report(folder: Path, counts: dict[str, int]) -> None:
    needs_home = folder.name in CHECKS and folder.name not in ("32-rss-window", "33-batch")
    if (needs_home and not HOMES) or folder.name not in CHECKS | NIGHTS:
        counts["skipped"] += 1
        print(f"skipped  {folder.name}: {'no snapshot' if needs_home else 'nothing is expected of it here'}")
        return
    held: Mapping[str, bool] = dict(outcome(folder))
    failed = [what for what, ok in held.items() if not ok]
    counts["cases"] += 1
    counts["passed"] += not failed
    print(
        f"{'failed ' if failed else 'passed '}  {folder.name}{': ' if failed else ''}{'; '.join(failed)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
