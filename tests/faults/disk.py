"""A disk that loses power: of what was not synced, any part may be lost, and in any order.

It follows what a refresh announced, operation by operation. A file lasts as it was at its last fsync, a
name as it was at the last fsync of its folder; a rename is one change, which lasts whole or not at all.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

IGNORED = {".lock"}
Left = dict[Path, bytes | None]
Lasting = Literal["all", "none", "last", "drawn"]


@dataclass
class File:
    """A file's bytes: those that last, and those that a running process sees."""

    lasting: bytes = b""
    now: bytes = b""

    def left(self, chance: Chance) -> bytes:
        """The bytes found after the power came back."""
        if self.lasting == self.now or not chance.data():
            return self.lasting
        return chance.part(self.now)


@dataclass
class Folder:
    """A folder's names, and in order the changes to them that are not synced."""

    lasting: dict[str, File | Folder] = field(default_factory=dict)
    now: dict[str, File | Folder] = field(default_factory=dict)
    pending: list[dict[str, File | Folder | None]] = field(default_factory=list)

    def change(self, change: dict[str, File | Folder | None]) -> None:
        """Change some names at once; None takes one away."""
        _apply(change, self.now)
        self.pending.append(change)

    def sync(self) -> None:
        """Let the names last."""
        self.lasting, self.pending = dict(self.now), []

    def left(self, chance: Chance, path: Path = Path()) -> Left:
        """What is found after the power came back, by path."""
        names = dict(self.lasting)
        for change in self.pending:
            if chance.name(change is self.pending[-1]):
                _apply(change, names)
        found: Left = {path: None}
        for name, node in names.items():
            if isinstance(node, Folder):
                found |= node.left(chance, path / name)
            else:
                found[path / name] = node.left(chance)
        return found


def _apply(change: dict[str, File | Folder | None], names: dict[str, File | Folder]) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


class Chance:
    """What of the unsynced lasts: all of it, none, a folder's last name only, or as a seed has it."""

    def __init__(self, names: Lasting, data: Lasting, seed: int = 0) -> None:
        self._names, self._data, self._random = names, data, random.Random(seed)

    def name(self, last: bool) -> bool:
        """Whether an unsynced change of names lasts, `last` being the folder's latest."""
        return self._lasts(self._names, last)

    def data(self) -> bool:
        """Whether anything of a file's unsynced bytes lasts."""
        return self._lasts(self._data, last=True)

    def part(self, data: bytes) -> bytes:
        """What lasts of unsynced bytes: their beginning, when it is left to chance."""
        return data[: self._random.randint(0, len(data))] if self._data == "drawn" else data

    def _lasts(self, lasting: Lasting, last: bool) -> bool:
        if lasting == "drawn":
            return self._random.random() < 0.5
        return lasting == "all" or (lasting == "last" and last)


WORST: dict[str, tuple[Lasting, Lasting]] = {
    "nothing unsynced": ("none", "none"),
    "names only": ("all", "none"),
    "last names only": ("last", "none"),
    "data only": ("none", "all"),
}


class Disk:
    """Follows a folder from a first state, all of which lasts."""

    def __init__(self, state: Path) -> None:
        self.root = _loaded(state)

    def follow(self, operation: str, path: Path, after: Path) -> None:
        """Do what was announced of `path`, relative to the folder; `after` is a copy of what it led to."""
        if operation == "fsync":
            self._sync(path)
        elif operation == "write":
            node = self._at(path)
            assert isinstance(node, File)
            node.now = (after / path).read_bytes()
        elif operation == "open":
            self._opened(path, after)
        elif operation == "rename":
            self._renamed(path, after)
        elif operation == "mkdir":
            self._made(path)
        else:
            assert operation in ("unlink", "rmdir"), operation
            if path.name in self._folder(path).now:
                self._folder(path).change({path.name: None})

    def left(self, chance: Chance) -> Left:
        """What is found after the power went now, by path: bytes, or None for a folder."""
        return self.root.left(chance)

    def _sync(self, path: Path) -> None:
        node = self._at(path)
        if isinstance(node, Folder):
            node.sync()
        else:
            node.lasting = node.now

    def _opened(self, path: Path, after: Path) -> None:
        folder = self._folder(path)
        if path.name not in folder.now:
            folder.change({path.name: File()})
        node = folder.now[path.name]
        assert isinstance(node, File)
        node.now = (after / path).read_bytes()

    def _renamed(self, path: Path, after: Path) -> None:
        folder = self._folder(path)
        (source,) = folder.now.keys() - {entry.name for entry in (after / path.parent).iterdir()}
        folder.change({path.name: folder.now[source], source: None})

    def _made(self, path: Path) -> None:
        folder = self.root
        for name in path.parts:
            if name not in folder.now:
                folder.change({name: Folder()})
            found = folder.now[name]
            assert isinstance(found, Folder)
            folder = found

    def _folder(self, path: Path) -> Folder:
        found = self._at(path.parent)
        assert isinstance(found, Folder)
        return found

    def _at(self, path: Path) -> File | Folder:
        node: File | Folder = self.root
        for name in path.parts:
            assert isinstance(node, Folder)
            node = node.now[name]
        return node


def write(left: Left, folder: Path) -> None:
    """Make a folder what was left."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, data in left.items():
        if data is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(data)


def _loaded(path: Path) -> Folder:
    names: dict[str, File | Folder] = {}
    for entry in path.iterdir():
        if entry.is_dir():
            names[entry.name] = _loaded(entry)
        elif entry.name not in IGNORED:
            data = entry.read_bytes()
            names[entry.name] = File(data, data)
    return Folder(dict(names), names)
