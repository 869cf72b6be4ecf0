"""Tags of an item that do not fit: what stands in its fields is read as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape

_TAG = re.compile(
    r"\s*<([A-Za-z_][\w.:-]{0,80})((?:\s(?:[^<>\"'/]|/(?!>)|\"[^\"<]{0,5000}\"|'[^'<]{0,5000}'){0,500})?)(/?)>"
)
_PREFIX = re.compile(r"</?([A-Za-z_][\w.-]{0,40}):[A-Za-z_]")
_ATTRIBUTE_PREFIX = re.compile(r"\s([A-Za-z_][\w.-]{0,40}):[\w.-]{1,40}\s*=\s*[\"']")
_NAMESPACE = re.compile(r"xmlns(?::([\w.-]{1,40}))?\s*=\s*(\"[^\"<]{0,500}\"|'[^'<]{0,500}')")
_TEXTS = frozenset(
    ("title", "description", "summary", "content", "encoded", "subtitle", "abstract", "loc", "link")
)
_XHTML = re.compile(r"""type\s*=\s*["'](?:xhtml|application/xhtml\+xml)["']""")
_DEEPEST, _MOST_NAMED = 6, 5
_KNOWN: Mapping[str, str] = {
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "atom": "http://www.w3.org/2005/Atom",
    "media": "http://search.yahoo.com/mrss/",
    "oai_dc": "http://www.openarchives.org/OAI/2.0/oai_dc/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}

Problem = Callable[[str], str]


def closing(tag: str) -> str:
    """Return the name of the element that a start tag opens: `<rss version="2.0">` -> `rss`."""
    found = re.match(r"\s*<([\w.:-]{1,100})", tag)
    return found[1] if found else ""


def declared(head: str, root: str, text: str) -> tuple[str, str, list[str]]:
    """Return `head` with every prefix of `text` declared, a start tag that does so, and what was missing."""
    known: dict[str, str] = dict(_NAMESPACE.findall(head))
    inside = {name: uri[1:-1] for name, uri in _NAMESPACE.findall(text)}
    used = set(_PREFIX.findall(text)) | set(_ATTRIBUTE_PREFIX.findall(text))
    missing = sorted(used - known.keys() - {"xml", "xmlns"})
    added = "".join(
        f' xmlns:{name}="{inside.get(name) or _KNOWN.get(name, "urn:undeclared")}"' for name in missing
    )
    name = closing(root)
    opened = f"<{name}{added}"
    spaces = "".join(f" xmlns{f':{prefix}' if prefix else ''}={uri}" for prefix, uri in known.items())
    return (
        head.replace(f"<{name}", opened, 1),
        f"{opened}{spaces}>",
        [name for name in missing if name not in inside][:_MOST_NAMED],
    )


def retagged(item: str, start: str, problem: Problem) -> str:
    """Return a well-formed form of `item` with the texts of its fields as text, or "" if it has none.

    `start` is a start tag with the namespaces of the document.
    """
    opened = _TAG.match(item)
    if opened is None or opened[3]:
        return ""
    stop = item.rfind(f"</{opened[1]}")
    inner = item[opened.end() : stop] if stop >= 0 else item[opened.end() :]
    fields = _fields(inner, start, problem, 0)
    made = f"{opened[0]}{fields}</{opened[1]}>" if fields is not None else ""
    return made if made and not problem(f"{start}{made}</{closing(start)}>") else ""


def _fields(inner: str, start: str, problem: Problem, depth: int) -> str | None:
    """Return a run of elements, each well-formed, or None if it is anything else."""
    made, position = list[str](), 0
    while position < len(inner.rstrip()):
        tag = _TAG.match(inner, position)
        if tag is None:
            return None
        if tag[3]:
            made.append(_sound(tag[0], start, problem))
            position = tag.end()
            continue
        end = inner.find(f"</{tag[1]}>", tag.end())
        if end < 0:
            return None
        body, position = inner[tag.end() : end], end + len(tag[1]) + 3
        made.append(_field(tag, body, start, problem, depth))
    return "".join(made)


def _field(tag: re.Match[str], body: str, start: str, problem: Problem, depth: int) -> str:
    whole = f"{tag[0]}{body}</{tag[1]}>"
    if not problem(f"{start}{whole}</{closing(start)}>"):
        return whole
    opened = tag[0] if not problem(f"{start}{tag[0]}</{tag[1]}></{closing(start)}>") else f"<{tag[1]}>"
    if tag[1].rpartition(":")[2] not in _TEXTS and depth < _DEEPEST:
        fields = _fields(body, start, problem, depth + 1)
        if fields is not None:
            return f"{opened}{fields}</{tag[1]}>"
    opened = _XHTML.sub('type="html"', opened)
    return f"{opened}{_as_text(body)}</{tag[1]}>"


def _sound(tag: str, start: str, problem: Problem) -> str:
    """Return an empty element, or nothing if it is not well-formed: an attribute given twice, say."""
    return tag if not problem(f"{start}{tag}</{closing(start)}>") else ""


def _as_text(body: str) -> str:
    """Return the content of a field as text: its references stay, its tags are escaped."""
    text = body.replace("<![CDATA[", "").replace("]]>", "")
    if "<![CDATA[" in body:
        return escape(text, quote=False)
    return text.replace("<", "&lt;").replace(">", "&gt;")
