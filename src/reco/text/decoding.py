"""Text from bytes whose encoding nobody tells: by its mark, else UTF-8, else Windows-1252.

Files, uploads and standard input all pass through here, so the same bytes are the same text everywhere.
"""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 2_000
"""Bytes that tell UTF-16 without a mark. Even, so that no code unit is cut."""
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd-\uffff]")
_UNDECODED = re.compile("[\udc80-\udcff]")
_HIGH = re.compile("[\x80-\x9f]")
"""The characters of Latin-1 that Windows-1252 has others for."""
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")


def encoding_of(start: bytes) -> str:
    """Return the encoding that the first bytes of a text tell, "" if they tell none.

    A byte order mark tells it: `utf-8-sig`, `utf-16` or `utf-32`, and decoding drops the mark. Without one,
    `utf-16-le` and `utf-16-be` are told by their zero bytes: every second byte nearly, and no other.

    >>> encoding_of("Titre;Thème".encode("utf-16-le"))
    'utf-16-le'
    """
    for bom, name in _BOMS:
        if start.startswith(bom):
            return name
    sample = start[:_SAMPLE]
    sample = sample[: len(sample) // 2 * 2]
    low, high = sample[::2].count(0), sample[1::2].count(0)
    if min(low, high) or 4 * max(low, high) < 3 * len(sample) // 2 or not sample:
        return ""
    name = "utf-16-le" if high else "utf-16-be"
    # A row of small binary numbers has zero bytes at the same places, but no letters.
    return "" if _CONTROL.search(sample.decode(name, "replace")) else name


def decoded(data: bytes) -> str:
    r"""Return the text of `data` without its byte order marks. No text is refused.

    Without a mark, a text that is not UTF-8 is read line by line, each as `decoded_line` does.

    >>> decoded("Rénover\nl’école".encode("cp1252"))
    'Rénover\nl’école'
    """
    encoding = encoding_of(data)
    if encoding and encoding != "utf-8-sig":
        return data.decode(encoding, "replace").lstrip("\ufeff")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "".join(map(decoded_line, data.splitlines(keepends=True)))
    return text.lstrip("\ufeff")


def decoded_line(line: bytes) -> str:
    """Return a line of a text that no mark explains: UTF-8, else Windows-1252.

    A line that is UTF-8 but for a few bytes stays so, and only those bytes are of Windows-1252. The five
    bytes that Windows-1252 leaves undefined become the control characters of the same number, as in
    browsers.
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("utf-8", "surrogateescape")
    bad = len(_UNDECODED.findall(text))
    if len(_BEYOND_ASCII.findall(text)) <= 2 * bad:
        text = line.decode("latin-1")
        return _HIGH.sub(lambda byte: _windows(ord(byte.group())), text)
    return _UNDECODED.sub(lambda byte: _windows(ord(byte.group()) - 0xDC00), text)


def _windows(byte: int) -> str:
    return bytes([byte]).decode("cp1252", "ignore") or chr(byte)
