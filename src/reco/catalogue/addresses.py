"""Addresses as people write them: one address that a browser opens, or none and why.

A cell that starts with an address is that address: its apostrophes, brackets and commas are its own, and
its spaces become `%20`. In a sentence, an address ends at the first space, and the signs around it are the
sentence's. `w3lib` writes what may not stand in an address, as browsers do; `tld` has the public suffixes,
which tell a host (`mairie.fr`) from the name of a file (`guide.pdf`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin, urlsplit

from reco.text.clean import strip_markup
from reco.text.escapes import without_excel_escapes

_SHOWN = 200
_SOUND = re.compile(r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)+/[\w./?#=%~+@!$*'-]*", re.ASCII)
"""What nearly every cell holds, and nothing has to be done to; the rest takes ten times as long."""
_REFUSED = re.compile(r"(?:javascript|data|vbscript|blob|file|s?ftps?|gopher|wss?)\s*:", re.IGNORECASE)
_DOI = re.compile(r"(?:doi\s*:?\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_START = re.compile(
    r"(?:h?t{1,3}p{1,2}(s?)(?:\s?[:;]\s?[/\\]{1,4}|[/\\]{2,4}|:(?=[\w-]+\.)))+", re.IGNORECASE
)
"""The start of an address with its slips: `http:/`, `https//`, `https:x.fr`, `ttps://`, `http://http://`."""
_LINK = re.compile(r"https?://[^\s<>\"]+|(?<![\w@./-])www\.[\w-]+\.[^\s<>\"]+", re.IGNORECASE)
_NEXT = re.compile(
    r"(?<![\s;,|])[\s;,|]++(?:(?:et|ou|and|or|puis|[&+–-])\s++)?(?=https?://|www\.)|\n|\s\|\s", re.IGNORECASE
)
_BEHIND = re.compile(r"(?<![\w/=?&])(?:https?://|www\.)", re.IGNORECASE)
_BARE = re.compile(r"((?:[\w-]+\.)+[^\W\d_][\w-]*)(?::\d{1,5})?([/?#].*)?", re.DOTALL)
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*\.?|[0-9a-f]*:[0-9a-f:.]+", re.IGNORECASE)

_FILE = re.compile(r"/[^/?#]*\.[a-z][a-z0-9]{1,4}$", re.IGNORECASE)
_COMPLETE = re.compile(r"[/,;:!?.)]$|^https?://[^/?#]*$", re.IGNORECASE)
_ASIDE = re.compile(
    r"\s\(?(?:consult[ée]e?|accès le|accédé|disponible|voir|téléchargé|archivé|lien|site|page)\b",
    re.IGNORECASE,
)
_PROSE = re.compile(r"[,;:!?.]\s|\s[-–—:(«\"\[]")
_AFTER = " \t\n.,;:!?…»”’'\"*_>"

_MARKDOWN = re.compile(r"\]\(\s*<?((?:https?:|www\.)[^\n<>]+)", re.IGNORECASE)
_ANGLES = re.compile(r"<((?:https?:|www\.|mailto:)[^<>]+)>", re.IGNORECASE)
_ANCHOR = re.compile(r"<a\s[^<>]*?\bhref\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)'|([^\s\"'<>]+))", re.IGNORECASE)
_ESCAPED = re.compile(r"&(?:amp|apos|#0*3[89]|#x0*2[67]);", re.IGNORECASE)
"""What a program that writes HTML makes of the "&" and the apostrophe of an address."""
_PAIRS = ("<>", "«»", '""', "“”", "()", "[]", "''", "‘’")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_UNSAFE = re.compile(r"[\s\"<>\\^`{|}]")
_APOSTROPHE = re.compile("'|%27")

_INTERNAL = frozenset("intranet internal private corp home lan local localhost test example invalid".split())
"""Suffixes that organisations use inside (RFC 6762, appendix G), and those of examples (RFC 2606)."""
_ALSO_FILES = frozenset("zip mov md sh ps py pl rs".split())
"""Public suffixes that end the names of files too."""
_FILES = frozenset("pdf htm html php asp aspx jsp doc docx odt xls xlsx ods ppt pptx csv txt jpg png".split())


@dataclass(frozen=True)
class Address:
    """An address, or "", with the `problem` that refuses the row or a `note` on what was left out."""

    url: str = ""
    note: str = ""
    problem: str = ""


def read(text: str) -> Address:
    """Return the first address of a cell. The time is linear in the length of `text`."""
    if _SOUND.fullmatch(text) and not text.endswith(("'", "_")):
        return Address(text)
    value = _unwrapped(text)
    if not value:
        return Address()
    if _REFUSED.match(value):
        return Address(problem=f"the address {value[:80]!r} is neither http nor https")
    if doi := _DOI.fullmatch(value):
        return Address(safe(f"https://doi.org/{_trimmed(doi[1])}"))
    found, rest = _first(value)
    if not found:
        return Address(note=f"url set aside, it leads nowhere by itself: {value[:_SHOWN]}")
    try:
        url = safe(found)
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not _HOST.fullmatch(host):
        return Address(note=f"url set aside, it cannot be read: {value[:_SHOWN]}")
    if not parts.path.strip("/") and host.rpartition(".")[2] in _FILES:
        return Address(note=f"url set aside, it leads nowhere by itself: {value[:_SHOWN]}")
    several = f"url holds several addresses, the first is kept: {value[:_SHOWN]}"
    return Address(url, several if _BEHIND.search(rest) else "")


def safe(url: str) -> str:
    """Return an address with `%20` for a space, and the like; a sound one and each apostrophe stay.

    Raises ValueError for an address that cannot be read.
    """
    if not _UNSAFE.search(url):
        return url
    from w3lib.url import safe_url_string

    apostrophes = iter(_APOSTROPHE.findall(url))
    # Browsers write the apostrophe of a query as %27, and that of a path as it is.
    return _APOSTROPHE.sub(lambda _: next(apostrophes), safe_url_string(url.replace("\\", "/")))


def joined(base: str, relative: str) -> str:
    """Return a link of a page or feed as a whole address, resolved against the address of its base.

    A link that cannot be read is returned as it is, for `read` to set aside.
    """
    try:
        return safe(urljoin(base, relative.strip()))
    except ValueError:
        return relative


def _unwrapped(text: str) -> str:
    """Return a cell without what is put around an address: HTML, Markdown, brackets and quotes."""
    text = _UNSEEN.sub("", without_excel_escapes(text) if "_x" in text else text)
    if link := _ANCHOR.search(text):
        text = next(filter(None, link.groups()), "")
    text = _ANGLES.sub(r" \1 ", text)
    text = strip_markup(text) if "<" in text else text
    text = _ESCAPED.sub(lambda sign: unescape(sign[0]), text.replace("\u00a0", " ")).strip()
    if link := _MARKDOWN.search(text):
        text = _balanced(link[1]).partition(' "')[0].partition(" '")[0]
    for pair in _PAIRS * 2:
        if len(text) > 1 and text[0] == pair[0] and text[-1] == pair[1]:
            text = text[1:-1].strip()
    return text


def _first(value: str) -> tuple[str, str]:
    """Return the first address of a cell, "" for none, and what stands behind it."""
    if begun := _START.match(value):
        return _cell(f"http{begun[1].lower()}://{value[begun.end() :].lstrip()}")
    if value.startswith("//") and _BARE.fullmatch(value[2:]):
        return _cell(f"https:{value}")
    if bare := _BARE.fullmatch(value):
        named = bare[1].lower().startswith("www.") or not _is_file_name(bare[1], bool(bare[2]))
        return _cell(f"https://{value}") if named else ("", "")
    if inside := _LINK.search(value):
        found = _in_sentence(inside.group(), value[inside.start() :])
        return found if found.lower().startswith("http") else f"https://{found}", value[inside.end() :]
    return "", ""


def _cell(value: str) -> tuple[str, str]:
    """Return the first address of a cell that starts with one, and what stands behind it."""
    several = _NEXT.search(value)
    head = (value[: several.start()] if several else value).rstrip(' \t\n;,|"»”>')
    first, *rest = head.split(None, 1)
    if not rest:
        found = _balanced(head)
    elif _FILE.search(first) or _COMPLETE.search(first):
        found = _trimmed(first)
    elif _ASIDE.search(head) or (_PROSE.search(head) and not _FILE.search(head)):
        found = _file_in(head) or _trimmed(first)
    else:
        found = head
    return found, value[len(found) :]


def _in_sentence(found: str, tail: str) -> str:
    """Return an address that starts within a cell; a file's name at the cell's end may hold spaces."""
    whole = _FILE.search(found) or _COMPLETE.search(found)
    return ("" if whole else _file_in(tail)) or _trimmed(found)


def _file_in(text: str) -> str:
    """Return a text up to where a sentence goes on or starts anew, "" if no file's name ends there."""
    ends = [end.start() for end in (look.search(text) for look in (_NEXT, _PROSE, _ASIDE)) if end]
    head = text[: min(ends, default=len(text))]
    return head if _FILE.search(head) else ""


def _trimmed(found: str) -> str:
    """Return an address in a sentence without the sentence's signs after it."""
    return _balanced(found.rstrip(_AFTER)).rstrip(_AFTER)


def _balanced(text: str) -> str:
    """Return a text up to the first closing bracket that it does not open."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth < 0:
            return text[:at]
    return text


def _is_file_name(host: str, has_path: bool = False) -> bool:
    """Whether a name with a dot is that of a file: `guide.pdf` is, `mairie.fr` is not."""
    from tld import get_tld

    suffix = host.rpartition(".")[2].lower()
    if suffix == host.lower() or suffix in _INTERNAL or host.replace(".", "").isdigit() or ":" in host:
        return False
    if suffix in _ALSO_FILES and not has_path and host.count(".") == 1:
        return True
    return get_tld(f"https://{host}", fail_silently=True) is None
