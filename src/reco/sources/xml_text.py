"""XML as people publish it: mended where it is flawed, item by item, and refused where it is cut short.

Nothing is guessed: characters that XML forbids go, HTML's named characters become characters, a "&" or "<"
that starts nothing is text. An item whose tags are wrong has its texts read as text, or is left out alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.sax import ContentHandler, SAXException, handler
from xml.sax.saxutils import unescape

from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from reco.sources.encodings import charset_of, decoded, restored
from reco.sources.xml_characters import mended
from reco.sources.xml_split import Parts, is_interrupted, outside, parted
from reco.sources.xml_tags import closing, declared, retagged

LARGEST_ITEM = 20_000_000
"""Characters of an item. Larger ones are left out: a text field holds a thousandth of it."""

MOST_BROKEN = 1_000
"""Items whose tags are wrong. A text with more of them is no list of items."""

_DECLARATION = re.compile(r"<\?xml\s[^<>]{0,300}?\?>")
_ENCODING = re.compile(rb"<\?xml[^<>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})")
_DOCUMENT_TYPE = re.compile(r"<!\s*(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)
_ROOT = re.compile(r"<[A-Za-z_](?:[^<>\"']|\"[^\"<]{0,5000}\"|'[^'<]{0,5000}'){0,2000}>")
_NAMES = tuple(
    re.compile(rf"<(?:[\w.-]{{1,40}}:)?{name}\b[^<>]{{0,200}}>(?:<!\[CDATA\[)?([^<\]]{{1,300}})")
    for name in ("title", "loc", "identifier", "guid", "id")
)
_AFTER = ("</channel>", "</rss>", "</feed>", "</rdf:RDF>", "<resumptionToken", "</ListRecords>", "</urlset>")
"""What follows the last item."""
_START = 1_000
_TOGETHER = 50


class CutShort(ValueError):
    """An XML text that ends before its root does."""


class DocumentType(ValueError):
    """An XML text with a document type: it can hide an attack."""


@dataclass
class Document:
    """A well-formed XML text in UTF-8, without a declaration.

    By rank of an item, from 1: `mended` says what was changed in it, `lost` why it was emptied. Rank 0 is
    what stands around the items. `names` are what the items in question are called.
    """

    data: bytes = b""
    mended: dict[int, list[str]] = field(default_factory=dict)
    lost: dict[int, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)


def document(data: bytes, content_type: str, names: Sequence[str], first: str = "") -> Document:
    """Return `data` as well-formed XML. Items are elements of these names (`xml_split.parted`).

    Raises `DocumentType`, `CutShort`, and ValueError for what is no XML.
    """
    inside = _ENCODING.search(data[:_START])
    said = [name for name in (charset_of(content_type), inside[1].decode() if inside else "") if name]
    text, wrong = decoded(data, said)
    found = Document(mended={0: [wrong]} if wrong else {})
    text = _from_root(text, found)
    if not (fault := fault_of(text)):
        found.data = text.encode()
        return found
    parts = parted(text, names, first)
    if _DOCUMENT_TYPE.search(parts.head.replace("\0", "")):
        raise DocumentType(fault)
    _mend_characters(parts, found)
    if fault_of(joined := _joined(parts)):
        _mend_tags(parts, found, fault)
        joined = _joined(parts)
        if again := problem(joined):
            raise ValueError(again)
    found.data = joined.encode()
    return found


def problem(text: str) -> str:
    """Return why `text` is not well-formed XML, or "". Raises `DocumentType`."""
    parser = DefusedExpatParser(forbid_dtd=True)
    parser.setContentHandler(ContentHandler())
    parser.setFeature(handler.feature_namespaces, True)
    try:
        parser.feed(text.encode())
        parser.close()
    except DefusedXmlException as error:
        raise DocumentType(str(error)) from error
    except UnicodeEncodeError:
        return "it has bytes that are not in its encoding"
    except (SAXException, ValueError) as error:
        return str(error)
    return ""


def fault_of(text: str) -> str:
    """Return why an XML text is not as its author meant it, or "". Raises `DocumentType`."""
    return problem(text) or ("unclosed CDATA section" if is_interrupted(text) else "")


def _from_root(text: str, found: Document) -> str:
    """Return `text` without its declaration and what stands before it, such as a warning of PHP."""
    text = text.lstrip("\ufeff")
    declaration = _DECLARATION.search(text[: _START * 20])
    if declaration is None:
        bare = text.lstrip()
        before = bare.find("<")
        junk, text = bare[: max(before, 0)].strip(), bare[max(before, 0) :]
    else:
        junk, text = text[: declaration.start()], text[declaration.end() :]
        if _DOCUMENT_TYPE.search(junk):
            raise DocumentType("a document type stands before the XML declaration")
    if junk:
        shown = " ".join(restored(junk).split())[:80]
        found.mended.setdefault(0, []).append(f"what stands before the XML is left out: {shown or 'a blank'}")
    return text


def _mend_characters(parts: Parts, found: Document) -> None:
    parts.head = _mended(parts.head, found, 0)
    parts.tail = _mended(parts.tail, found, 0)
    parts.gaps = [_mended(gap, found, 0) for gap in parts.gaps]
    parts.items = [_mended(item, found, rank) for rank, item in enumerate(parts.items, 1)]


def _mended(text: str, found: Document, rank: int) -> str:
    """Return a part of the text with its characters mended, and say so under `rank`."""
    text, said = mended(text)
    if said:
        found.mended.setdefault(rank, []).extend(said)
        found.names[rank] = name_of(text) if rank else ""
    return text


def _joined(parts: Parts) -> str:
    body = [text for pair in zip(parts.items, parts.gaps, strict=True) for text in pair]
    return "".join([parts.head, *body, parts.tail])


def _mend_tags(parts: Parts, found: Document, fault: str) -> None:
    """Make each part well-formed on its own. Raises ValueError where that cannot be done."""
    whole = _joined(parts)
    root = _ROOT.search(outside(parts.head, str))
    if root is None or not (parts.items or parts.tail):
        raise CutShort(fault) if root and f"</{closing(root[0])}" not in whole else ValueError(fault)
    parts.head, start, missing = declared(parts.head, root[0], whole)
    if missing:
        found.mended.setdefault(0, []).append(f"prefixes that it does not declare: {', '.join(missing)}")
    _close_last(parts)
    _close(parts, found, closing(root[0]), fault)
    for index in _broken(parts.items, start):
        _mend_item(parts, found, index, start)
    for index, gap in enumerate(parts.gaps):
        if gap.strip() and problem(f"{start}{gap}</{closing(start)}>"):
            found.mended.setdefault(0, []).append(f"what follows item {index + 1} is left out")
            parts.gaps[index] = ""


def _broken(items: Sequence[str], start: str) -> Iterator[int]:
    """Yield the index of each item that is not well-formed. Raises ValueError for too many."""
    broken = 0
    for first in range(0, len(items), _TOGETHER):
        some = items[first : first + _TOGETHER]
        if max(map(len, some)) <= LARGEST_ITEM and not fault_of(f"{start}{''.join(some)}</{closing(start)}>"):
            continue
        for index, item in enumerate(some, first):
            if len(item) > LARGEST_ITEM or problem(f"{start}{item}</{closing(start)}>"):
                broken += 1
                yield index
        if broken > MOST_BROKEN:
            raise ValueError(f"more than {MOST_BROKEN} of its items have wrong tags")


def _mend_item(parts: Parts, found: Document, index: int, start: str) -> None:
    """Read the texts of an item whose tags are wrong as text, or empty it."""
    item, rank, mended = parts.items[index], index + 1, ""
    if len(item) > LARGEST_ITEM:
        broken = f"it has {len(item):,} characters; at most {LARGEST_ITEM:,} are read"
    else:
        broken = problem(f"{start}{item}</{closing(start)}>").rpartition(": ")[2]
        mended = "" if _DOCUMENT_TYPE.search(item) else retagged(item, start, problem)
    found.names[rank] = name_of(item)
    if mended:
        found.mended.setdefault(rank, []).append(f"its tags are read as text ({broken})")
    else:
        found.lost[rank] = broken
    parts.items[index] = mended or f"<{closing(item)}/>"


def _close_last(parts: Parts) -> None:
    """Take a last item without an end tag out of the tail, if the text goes on after it."""
    ends = [parts.tail.find(end) for end in _AFTER] if parts.unclosed else []
    if stops := [end for end in ends if end >= 0]:
        parts.items.append(parts.tail[: min(stops)])
        parts.gaps.append("")
        parts.tail = parts.tail[min(stops) :]


def _close(parts: Parts, found: Document, root: str, fault: str) -> None:
    """See that the tail ends the document, and that head and tail fit."""
    end = parts.tail.rfind(f"</{root}")
    if end < 0 and "</channel>" not in parts.tail:
        raise CutShort(fault)
    stop = parts.tail.find(">", end) + 1 if end >= 0 else 0
    tail = parts.tail[:stop] if stop else f"{parts.tail}</{root}>"
    if tail.strip() != parts.tail.strip():
        found.mended.setdefault(0, []).append("what follows the end of the XML is left out")
    parts.tail = tail
    if problem(parts.head + tail):
        if "resumptionToken" in tail:
            raise ValueError(fault)
        parts.head, parts.tail = (
            _bare(parts.head, root),
            "</channel></rss>" if root == "rss" else f"</{root}>",
        )
        found.mended.setdefault(0, []).append(f"what stands around the items is not well-formed: {fault}")


def _bare(head: str, root: str) -> str:
    """Return the start of a feed without what is wrong in it: its root, its link and its language."""
    start = _ROOT.search(head)
    simple = re.findall(r"<(?:link|language)>[^<>]{0,500}</(?:link|language)>|<link [^<>]{0,500}/>", head)
    whole = [element for element in simple if not problem(f"<a>{element}</a>")]
    return f"{start[0] if start else ''}{'<channel>' if root == 'rss' else ''}{''.join(whole)}"


def name_of(item: str) -> str:
    """Return what an item is called, for a person: its title, its address or its identifier."""
    found = next((name for pattern in _NAMES if (name := pattern.search(item))), None)
    return " ".join(unescape(found[1]).split())[:120] if found else ""
