"""One flaw, one casualty: an item that cannot be read is told, and costs the others nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reco.catalogue.resource import Rejection, Remark
from reco.sources.config import SourceConfig
from reco.sources.rows import refuse, remark
from reco.sources.xml_text import Document

_MOST_TOLD = 20
"""Items of one text that are told one by one."""


def told(config: SourceConfig, place: str, found: Document, items: int) -> Iterator[Remark | Rejection]:
    """Yield what was mended in an XML text of so many items, and what was left out of it."""
    for count, (rank, said) in enumerate(sorted(found.mended.items())):
        if count == _MOST_TOLD:
            yield remark(config, place, f"{len(found.mended) - count} more items are mended likewise")
            break
        name = f"{found.names[rank]}: " if found.names.get(rank) else ""
        yield remark(config, f"{place}#{rank}" if rank else place, f"{name}mended: {'; '.join(said)}")
    lost = {f"{place}#{rank}": _lost(found.names.get(rank, ""), why) for rank, why in found.lost.items()}
    yield from casualties(config, lost, items)


def casualties(config: SourceConfig, lost: Mapping[str, str], total: int) -> Iterator[Remark | Rejection]:
    """Yield the items that are left out, by locator, of `total` items of one text.

    One of them is told and no more: in a short list it would refuse the whole source. Above the share that
    `reject_limit` allows they are rejections, and the limit of the source decides.
    """
    is_few = len(lost) <= max(1, int(config.reject_limit * total)) and config.reject_limit > 0
    for locator, why in lost.items():
        yield remark(config, locator, f"left out: {why}") if is_few else refuse(config, locator, why)


def _lost(name: str, why: str) -> str:
    return f"{name}: {why}" if name else why
