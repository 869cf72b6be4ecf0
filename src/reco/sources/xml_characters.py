"""Characters and references that XML does not have, as people publish them."""

from __future__ import annotations

import re
from html.entities import html5

from reco.sources.encodings import is_flawed, restored
from reco.sources.xml_split import outside

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&(?:#(\d{1,8}|[xX][0-9a-fA-F]{1,8});|([A-Za-z][A-Za-z0-9]{0,40});)?")
_NO_TAG = re.compile(r"<(?![A-Za-z_/!?:])")
_OWN = frozenset(("amp", "lt", "gt", "quot", "apos"))
_MOST_SAID = 5
_LONGEST_QUERY = 300
_NO_ADDRESS = re.compile(r"[\s<>]")


def mended(text: str) -> tuple[str, list[str]]:
    """Return a part of an XML text with its characters mended, and what was mended."""
    said: dict[str, None] = {}
    if is_flawed(text):
        said["bytes that are not in its encoding are read as Windows-1252"] = None
        text = restored(text)
    if _FORBIDDEN.search(text):
        said["characters that XML forbids are left out"] = None
        text = _FORBIDDEN.sub("", text)
    text = outside(text, lambda markup: _markup(markup, said))
    return text, list(said)[:_MOST_SAID]


def _markup(text: str, said: dict[str, None]) -> str:
    text, count = _NO_TAG.subn("&lt;", _REFERENCE.sub(lambda reference: _read(reference, said), text))
    if count:
        said['a "<" that starts no tag is read as text'] = None
    return text


def _read(reference: re.Match[str], said: dict[str, None]) -> str:
    """Return a reference as XML has it: HTML's names are characters, a "&" that starts nothing is text."""
    number, name = reference.groups()
    if name in _OWN:
        return reference[0]
    if number:
        code = int(number[1:], 16) if number[0] in "xX" else int(number)
        if code <= 0x10FFFF and not _FORBIDDEN.match(chr(code)):
            return reference[0]
        said["characters that XML forbids are left out"] = None
        return ""
    if name and f"{name};" in html5 and not _is_parameter(reference):
        said[f"&{name}; is read as HTML's character"] = None
        return html5[f"{name};"].replace("&", "&amp;").replace("<", "&lt;")
    said['a "&" that starts nothing is read as text'] = None
    return f"&amp;{reference[0][1:]}"


def _is_parameter(reference: re.Match[str]) -> bool:
    """Return whether a reference is a parameter of an address: `?a=1&copy;=2`."""
    text, end = reference.string, reference.end()
    if text[end : end + 1] != "=":
        return False
    _, query, before = text[max(reference.start() - _LONGEST_QUERY, 0) : reference.start()].rpartition("?")
    return bool(query) and not _NO_ADDRESS.search(before)
