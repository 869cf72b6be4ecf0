"""How a source is read night after night: whole, as a window that moves on, or by what changed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from reco.catalogue.admission import identifier
from reco.catalogue.resource import FIELDS, Record, Rejection, Remark, Resource
from reco.refresh.held import Held, HeldRow
from reco.sources.config import SourceConfig
from reco.sources.read import log_remark, read, read_changes
from reco.text.clean import digest, protected, strip_markup

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Admitted:
    """Tonight's rows of one source after admission, and its resources of the served snapshot.

    All have the source's own ids.
    """

    resources: Sequence[Resource]
    rejections: Sequence[Rejection]
    served: Sequence[Resource]


class Reading:
    """One reading of a source that gives all of its rows every night: nothing is held of it.

    `remarks` are what its reader mended or left out, once `rows` is read.

    `held` is what to keep of the source for the next night, once `rest` was asked; None for nothing.
    """

    def __init__(self, config: SourceConfig, cache: Path | None, before: Held | None, today: date) -> None:
        self._config = config
        self._cache = cache
        self._before = before
        self._today = today
        self.held: Held | None = None
        self.remarks: list[Remark] = []

    def rows(self) -> Iterator[Record | Rejection]:
        """Yield the rows of the source. Raises SourceError while iterating, as `read` does."""
        yield from read(self._config, self._cache, self._tell)

    def _tell(self, remark: Remark) -> None:
        log_remark(remark)
        self.remarks.append(remark)

    def rest(self, admitted: Admitted) -> list[Record]:
        """Return the rows that stay although tonight's reading lacks them."""
        return []

    def last(self) -> list[Record]:
        """Return the rows held since the last reading that did not fail."""
        return [row.record for row in self._before.rows.values()] if self._before is not None else []


class MovingWindow(Reading):
    """A reading of a source that shows its newest rows only: those that it showed before are kept."""

    def __init__(self, config: SourceConfig, cache: Path | None, before: Held | None, today: date) -> None:
        super().__init__(config, cache, before, today)
        self._read: list[Record] = []

    def rows(self) -> Iterator[Record | Rejection]:
        """Yield the rows that the source shows tonight."""
        for row in super().rows():
            if isinstance(row, Record):
                self._read.append(row)
            yield row

    def rest(self, admitted: Admitted) -> list[Record]:
        """Return the rows that left the window and are kept.

        A row that the served snapshot has and no file holds is kept too: `keep` is new, or the file is lost.
        A row that the source shows but that is refused tonight is not kept in its older form.
        """
        before = self._before or Held()
        shown = {resource.id for resource in admitted.resources}
        refused = {identifier(row) for row in admitted.rejections} - shown
        gone = {key: seen for key, seen in before.gone.items() if key not in shown}
        kept = dict[str, HeldRow]()
        for key, row in {**self._adopted(admitted.served, gone), **before.rows}.items():
            if key in shown:
                continue
            if key in refused:
                gone[key] = ""
            elif self._is_over(row.seen):
                gone[key] = row.seen
            else:
                gone.pop(key, None)
                kept[key] = row
        locators = {row.locator for row in admitted.rejections}
        self.held = Held({**kept, **self._shown(shown, locators)}, gone)
        return [row.record for row in kept.values()]

    def _adopted(self, served: Sequence[Resource], gone: Mapping[str, str]) -> dict[str, HeldRow]:
        """Return the rows that only the served snapshot has, save those that were refused."""
        held = self._before.rows if self._before is not None else {}
        alone = [r for r in served if r.id not in held]
        seen = {r.id: gone.get(r.id, str(self._today)) for r in alone}
        return {r.id: HeldRow(row_of(r), seen[r.id]) for r in alone if seen[r.id]}

    def _shown(self, shown: set[str], refused: set[str]) -> dict[str, HeldRow]:
        read = ((identifier(record), record) for record in self._read if record.locator not in refused)
        return {key: HeldRow(record, str(self._today)) for key, record in read if key in shown}

    def _is_over(self, seen: str) -> bool:
        keep = self._config.keep
        return isinstance(keep, int) and (self._today - date.fromisoformat(seen)).days > keep


class Harvest(Reading):
    """A reading of an OAI-PMH repository that asks only for what changed since the last one."""

    def rows(self) -> Iterator[Record | Rejection]:
        """Yield the rows of the repository: those held, as changed tonight."""
        before = self._before or Held()
        since = "" if self._is_due(before) else before.since
        changed = read_changes(self._config, self._cache, since, self._tell)
        rows = dict[str, Record | Rejection](
            {} if changed.whole else {key: row.record for key, row in before.rows.items()}
        )
        for key, row in changed.rows.items():
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        held = {key: HeldRow(row) for key, row in rows.items() if isinstance(row, Record)}
        whole = str(self._today) if changed.whole else before.whole
        # A repository whose clock is ahead would hide what changes until then.
        following = min(changed.since, str(self._today - timedelta(days=1)))
        self.held = Held(held, {}, _asked(self._config), following, whole)
        told = "read whole" if changed.whole else f"asked for what changed since {since}"
        logger.info("source %s is %s: %d records listed", self._config.name, told, len(changed.rows))
        yield from rows.values()
        yield from changed.refused

    def _is_due(self, before: Held) -> bool:
        """Whether tonight reads all records: some repositories do not tell which ones they deleted."""
        if not before.since or not before.whole:
            return True
        # A clock that was put back would put the whole harvest off.
        return not 0 <= (self._today - date.fromisoformat(before.whole)).days < self._config.harvest_days


def reading_of(config: SourceConfig, cache: Path | None, before: Held | None, today: date) -> Reading:
    """Return tonight's reading of a source. `before` is what the home holds of it.

    What was held of another repository, or of a source that was a repository or is one now, is not used.
    """
    fits = before is not None and before.asked == (_asked(config) if config.kind == "oai" else "")
    return _reading(config)(config, cache, before if fits else None, today)


def _reading(config: SourceConfig) -> type[Reading]:
    if config.kind == "oai":
        return Harvest
    return MovingWindow if config.keep is not None else Reading


def is_held(config: SourceConfig) -> bool:
    """Return whether something of a source is held between nights."""
    return config.kind == "oai" or config.keep is not None


def _asked(config: SourceConfig) -> str:
    """Return a digest of what decides the rows of a repository, apart from the repository."""
    mapping = (config.fields, config.constants, config.defaults, config.splits)
    return digest(config.url, config.set, config.metadata_prefix, *(repr(sorted(m.items())) for m in mapping))


def row_of(resource: Resource) -> Record:
    """Return the row of a resource. Admission makes the same texts of it."""
    texts = {name: str(getattr(resource, name) or "") for name in FIELDS}
    values = {name: text if strip_markup(text) == text else protected(text) for name, text in texts.items()}
    return Record(resource.source, f"snapshot:{resource.id}", {n: text for n, text in values.items() if text})
