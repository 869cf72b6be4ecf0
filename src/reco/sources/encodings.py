"""The encoding of texts from the web: by a mark, the HTTP header, what is declared, what the bytes say."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from reco.text.decoding import decoded_line, encoding_of

_HEADER = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_OF_THE_WEB = re.compile(
    r"utf-?8|utf-16(le|be)?|utf-32(le|be)?|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?[19]|windows-125\d|cp125\d"
    r"|koi8-[ru]|mac-?(intosh|roman)|shift_jis|euc-(jp|kr)|gb2312|gbk|gb18030|big5",
    re.IGNORECASE,
)
"""Python has codecs of other kinds, such as punycode, that take hours on a page."""
_AS_WINDOWS = frozenset(("iso8859-1", "ascii"))
"""Encodings that the web writes for Windows-1252, which has more characters."""
_SURROGATES = re.compile("(?:\udced[\udca0-\udcbf][\udc80-\udcbf])+")
_BYTES = re.compile("[\udc80-\udcff]")


def charset_of(content_type: str) -> str:
    """Return the encoding that an HTTP header names, or "".

    >>> charset_of("application/rss+xml; charset=ISO-8859-1")
    'ISO-8859-1'
    """
    found = _HEADER.search(content_type)
    return found[1] if found else ""


def decoded(data: bytes, named: Sequence[str] = ()) -> tuple[str, str]:
    """Return the text of `data`, and what is wrong with the encodings that its server and its text name.

    `named` are these encodings, the first one first. A byte that fits none stays as a lone surrogate, as
    Python's "surrogateescape" writes it, for `restored`. Raises nothing.
    """
    encoding = encoding_of(data)
    if encoding:
        errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
        return data.decode(encoding, errors).lstrip("\ufeff"), ""
    known = [name for name in map(_codec, named) if name]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        # Bytes that are valid UTF-8 by chance are rarer than servers that name a wrong encoding.
        wrong = known and known[0] in _SINGLE and not text.isascii()
        if known[:1] in ([], ["utf-8"]) or known[0] in _SINGLE:
            return text, f"it is UTF-8, and not {known[0]} as it is said to be" if wrong else ""
    for encoding in known:
        if encoding != "utf-8":
            try:
                return data.decode(encoding), ""
            except UnicodeError:
                continue
    return data.decode("utf-8", "surrogateescape"), ""


def restored(text: str) -> str:
    """Return `text` with the bytes that were not UTF-8 read as in a file; halves of characters go."""
    lines = _SURROGATES.sub(_joined, text).encode("utf-8", "surrogateescape").splitlines(keepends=True)
    return "".join(map(decoded_line, lines))


def is_flawed(text: str) -> bool:
    """Return whether `text` has bytes that were not UTF-8."""
    return not text.isascii() and _BYTES.search(text) is not None


def _codec(name: str) -> str:
    """Return the codec that the web means by a name, or "" for none of its encodings."""
    try:
        known = codecs.lookup(name).name if _OF_THE_WEB.fullmatch(name) else ""
    except LookupError:
        return ""
    return "cp1252" if known in _AS_WINDOWS else known


def _joined(found: re.Match[str]) -> str:
    """Return the characters that were written as UTF-16 halves (CESU-8), without lone halves."""
    halves = found[0].encode("utf-8", "surrogateescape").decode("utf-8", "surrogatepass")
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


_SINGLE = frozenset(("cp1252", *(f"iso8859-{n}" for n in range(1, 17)), *(f"cp125{n}" for n in range(9))))
"""Encodings in which any bytes are a text."""
