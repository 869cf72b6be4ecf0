"""A dossier as Markdown. Sources' text is escaped, so none of it acts as markup."""

from __future__ import annotations

import re

from reco.app.dossier.content import Dossier, Headings, Item, address, facts, one_line

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~$&!@]|(?<=www)\.|:(?=//)", re.IGNORECASE)
_OPENING = re.compile(r"^(\d+)?([-+=.):])")
_IN_ADDRESS = {"<": "%3C", ">": "%3E", "\\": "%5C", " ": "%20"}


def markdown_bytes(dossier: Dossier, headings: Headings) -> bytes:
    """Return the file, in UTF-8."""
    parts = [f"# {_escaped(dossier.title)}"]
    if dossier.request.strip():
        parts += [f"## {headings.request}", _escaped(dossier.request)]
    parts.append(f"## {headings.resources}")
    for rank, item in enumerate(dossier.items, start=1):
        parts += _item(rank, item, headings)
    parts += ["---", _escaped(dossier.foot)]
    return ("\n\n".join(parts) + "\n").encode("utf-8", "replace")


def _item(rank: int, item: Item, headings: Headings) -> list[str]:
    parts = [f"### {rank}. {_escaped(item.resource.title)}"]
    credit = " · ".join(_escaped(fact) for fact in (*facts(item), item.level) if fact)
    if credit:
        parts.append(credit)
    parts += [f"> {headings.open_quote}{_escaped(q)}{headings.close_quote}" for q in item.quotes]
    if item.reasons:
        parts.append(f"**{headings.reasons}**\n\n" + "\n".join(f"- {_escaped(r)}" for r in item.reasons))
    if item.note.strip():
        parts.append(f"**{headings.note}**\n\n{_escaped(item.note)}")
    if source := " · ".join(part for part in (_escaped(item.resource.publisher), _link(item)) if part):
        parts.append(f"{headings.source} : {source}")
    return parts


def _link(item: Item) -> str:
    url = "".join(_IN_ADDRESS.get(character, character) for character in address(item.resource))
    return f"<{url}>" if url else ""


def _escaped(text: str) -> str:
    escaped = _SPECIAL.sub(lambda match: "\\" + match.group(), one_line(text))
    return _OPENING.sub(lambda match: f"{match[1] or ''}\\{match[2]}", escaped)
