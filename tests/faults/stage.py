"""A home just before a fault, what a reader may see of it afterwards, and the record of a long run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import SOURCE_TABLE, Home, edited, rows

Ask = Callable[..., dict[str, Any]]
QUERY = "ouvrir une piscine et rénover le café du village"
ROWS = rows()[:8]
SOME_BAD_ROWS = "reject_limit = 0.3"
SOURCE_OF = SOURCE_TABLE.replace("{name}", "main").replace("{file}", "catalogue.csv")
MOST_OPERATIONS = 400
SCALE = float(os.environ.get("RECO_FAULT_SCALE", "1"))
"""Share of the long runs that is done: a small one shows in minutes that each can end."""
STRIDE = max(1, round(1 / SCALE))


def scaled(count: int) -> int:
    """So many of a long run's repetitions; a short run's few are always done."""
    return max(min(count, 20), round(count * SCALE))


def record(test: str, **figures: object) -> None:
    """Add one line to the file that RECO_FAULT_REPORT names, if it names one."""
    path = os.environ.get("RECO_FAULT_REPORT")
    if path:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(f"{test}: {', '.join(f'{name} {value}' for name, value in figures.items())}\n")


@dataclass
class Stage:
    """A home just before its refresh, with what a reader may see of it: the old answer or the new one."""

    ask: Ask
    scratch: Path
    template: Path
    kind: type[Home] = Home
    old: dict[str, Any] = field(default_factory=dict)
    new: dict[str, Any] = field(default_factory=dict)
    runs: int = 0

    def fresh(self) -> Home:
        """Return a new copy of the home."""
        self.runs += 1
        folder = self.scratch / f"run{self.runs}"
        shutil.copytree(self.template, folder)
        return self.kind(folder, options=SOME_BAD_ROWS)

    def operations(self) -> list[str]:
        """The names of what a refresh of this home does to the disk, in order."""
        trace = self.run(self.fresh(), trace=True, directly=True)["trace"]
        return [name for name, _ in trace["operations"]]

    def run(self, home: Home, *arguments: str, **fault: Any) -> dict[str, Any]:
        return run(self.ask, home, *arguments, **fault)

    def read(self, home: Home) -> dict[str, Any]:
        return read(self.ask, home)

    def is_public(self, home: Home) -> bool:
        """Whether `CURRENT` names the new snapshot."""
        return pointer(home.path) != pointer(self.template / "home")

    def expected(self, home: Home) -> Any:
        """What a reader must see, given what `CURRENT` names."""
        return comparable(self.new if self.is_public(home) else self.old)


def run(ask: Ask, home: Home, *arguments: str, **fault: Any) -> dict[str, Any]:
    """Run `reco` in a process of its own, by default `reco refresh`."""
    return ask("run", **of(home), arguments=arguments or ("refresh",), **fault)


def read(ask: Ask, home: Home) -> dict[str, Any]:
    """What a process that has just started is served."""
    return ask("read", **of(home))


def of(home: Home) -> dict[str, Any]:
    """What a worker must know of a home."""
    return {
        "config": home.config,
        "home": home.path,
        "note": home.folder / "note",
        "query": QUERY,
        "dimension": home.dimension,
    }


def pointer(home: Path) -> bytes:
    """The bytes of CURRENT, if there are any."""
    path = home / "CURRENT"
    return path.read_bytes() if path.exists() else b""


def comparable(seen: dict[str, Any]) -> Any:
    """What a reader saw, but for the snapshot's number and for how it was found."""
    return seen.get("ids"), seen.get("answer")


def leftovers(home: Home) -> list[str]:
    """What no home should hold once a refresh has ended well: drafts, and snapshots never committed."""
    drafts = [path for path in home.path.rglob("*") if ".tmp" in path.name]
    unsealed = [
        path for path in (home.path / "snapshots").glob("*") if not (path / "manifest.sha256").exists()
    ]
    return sorted({str(path.relative_to(home.path)) for path in (*drafts, *unsealed)})


def tomorrow() -> list[dict[str, str]]:
    """The catalogue of the next day: one text changed, one facet changed, one row gone, one new, one bad."""
    table = edited(ROWS, "r00", summary="La piscine devient un bassin naturel, filtré par des roseaux.")
    table = edited(table, "r05", theme="Éducation")
    table = [row for row in table if row["id"] != "r04"]
    table.append({"id": "r99", "title": "Le café rouvre", "summary": "Un café associatif, ouvert le soir."})
    table.append({"id": "r98", "title": "", "summary": "Sans titre, cette ligne part en quarantaine."})
    return table


def stage(ask: Ask, folder: Path, nights: int, crashed: bool = False) -> Stage:
    """A home after `nights` refreshes, before another; `crashed` adds what deaths at their worst leave."""
    return staged(ask, folder, Home, nights, crashed)


def staged(ask: Ask, folder: Path, kind: type[Home], nights: int = 1, crashed: bool = False) -> Stage:
    """A home of some kind, as `stage` makes it."""
    template = kind(folder / "template", options=SOME_BAD_ROWS)
    for night in range(nights):
        template.write(edited(ROWS, "r01", summary=f"Le verger donne ses pommes, nuit {night}."))
        done = run(ask, template)
        assert done["code"] == 0, done
    if crashed:
        leave_behind(template)
    old = read(ask, template)
    template.write(tomorrow())
    made = Stage(ask, folder, template.folder, kind, old)
    home = made.fresh()
    assert made.run(home)["code"] == 0
    made.new = made.read(home)
    assert comparable(made.new) != comparable(made.old)
    assert leftovers(home) == []
    return made


def leave_behind(home: Home) -> None:
    """A draft, temporary files, a snapshot renamed but not committed, and one committed but not sealed."""
    snapshots = home.path / "snapshots"
    (current,) = [p for p in snapshots.iterdir() if p.name.encode() in pointer(home.path)]
    shutil.copytree(current, snapshots / "000007.tmp-1")
    shutil.copytree(current, snapshots / f"{int(current.name) + 1:06d}")
    (snapshots / f"{int(current.name) + 1:06d}" / "manifest.sha256").unlink()
    (current / "manifest.sha256").rename(current / "manifest.sha256.tmp-1")
    (home.path / "CURRENT.tmp-1").write_bytes(b"half")
