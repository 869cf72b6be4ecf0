"""HTML as people send it: whole, cut, escaped once too often, or only signs that look like it."""

from __future__ import annotations

import html
import re
from html.entities import html5

from turbohtml import TokenType, tokenize

_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption footer form h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol p pre section table td th tr ul jats:p jats:title jats:list-item".split()
)
_HIDDEN = frozenset(("script", "style", "template", "noscript"))
_ELEMENTS = (
    _BLOCKS
    | _HIDDEN
    | frozenset(
        "a abbr acronym applet area audio b base basefont bdi bdo bgsound big blink body button "
        "canvas caption center cite code col colgroup command data datalist del details dfn dialog "
        "dir em embed fieldset figure font frame frameset g head hgroup html i iframe image img "
        "input ins isindex kbd keygen label legend link listing map mark marquee menu menuitem meta "
        "meter nobr noembed noframes object optgroup option output param picture progress q rb rp "
        "rt rtc ruby s samp search select slot small source spacer span strike strong sub summary "
        "sup tbody textarea tfoot thead time title track tt u var video wbr xml xmp "
        "svg circle clippath defs ellipse lineargradient path polygon polyline rect tspan use "
        "math annotation mfrac mi mn mo mover mrow ms mspace mstyle msub msubsup msup mtable mtd mtext mtr "
        "munder semantics".split()
    )
)
"""Names of HTML, past and present, and what is common of SVG and MathML. Any other name is text."""
_WORDS = frozenset(
    "Article Code Data Figure Image Label Legend Main Menu Object Option Section Source Table Time".split()
)
"""French words that a form has between "<" and ">". Those with a capital are hardly ever meant as HTML."""
_PREFIXES = frozenset("fb g html jats m mml o st1 svg v w xhtml".split())
"""Prefixes of Word, of journals and of social networks: `<o:p>`, `<jats:p>`."""
_BARE = frozenset(
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled hidden inert "
    "ismap itemscope loop multiple muted nohref noresize noshade novalidate nowrap open playsinline readonly "
    "required reversed selected /".split()
)
"""Attributes that need no value."""

_SIGN = re.compile(
    # The usual tags are left out here: they need no second look.
    r"<(?!/?(?:p|b|i|u|a|em|strong|li|ul|ol|br|div|span|h[1-6]|t[drh]|img)(?:\s[^<>]*=[\"'][^<>]*|\s*/?)>)(?:"
    r"<(?=[^<>]*>>)"  # guillemets as typed
    r"|(?P<close>/)?(?P<name>[a-zA-Z][a-zA-Z0-9:-]*)(?=[\s/>])(?=(?P<rest>[^<>]*)(?P<end>>)?)"
    r"|(?P<comment>!--)|(?P<other>!doctype\b|!\[(?:end)?if\b|\?[a-zA-Z=]))?",
    re.IGNORECASE,
)
_CLOSED = re.compile(r"</([a-zA-Z][a-zA-Z0-9:-]*)")
_SCRIPT = re.compile(r"(<(?:script|style)\b|</(?:script|style)\s*>)", re.IGNORECASE)
_QUOTED = re.compile(r"=\s*[\"']")

_BEGINNINGS = (
    *(r"https?://", r"Https?://", r"HTTPS?://", r"ftp://", r"FTP://", r"www\.", r"Www\.", r"WWW\."),
    r"\?[\w.%\[\]-]+=",
)
"""What an address begins with, or its first parameter. A plain list, so that `re` looks for first letters."""
_ADDRESS = re.compile("|".join(_BEGINNINGS))
_REFERENCE = re.compile(r"&(?:#(?:[0-9]+|[xX][0-9a-fA-F]+);|[^\W_]*;?)")
_ADDRESS_OR_REFERENCE = re.compile(
    "|".join([*(rf"{beginning}[^\s<>\"]*" for beginning in _BEGINNINGS), _REFERENCE.pattern])
)
_LONGEST_REFERENCE = 40
_ENDS_ADDRESS = frozenset(' \t\n\u00a0\u2002\u2003\u2009\u202f"<>«»“”‘’…')
_IN_ADDRESS = _ENDS_ADDRESS | frozenset("&'[_\u00ad\u200b\u200c\u200d\u2060\ufeff")
"""Characters that whoever writes HTML escapes in an address or behind one."""


def readable(text: str) -> str:
    """Return the readable text of an HTML fragment, each block on its own line.

    Only what names an element of HTML is a tag: "a < b", "<maire@ville.fr>", "<Titre du projet>" and
    "<<haies>>" stay. Only a reference that ends in ";" is decoded, and in an address only the "&" and the
    signs that HTML writes so: `&region=53` and `&copy;=2` stay.

    The time is linear in the length of `text`. Tokens are read one by one, because a tree built from
    hostile tags takes time quadratic in their number.
    """
    if "<![CDATA[" in text:
        text = text.replace("<![CDATA[", "").replace("]]>", "")
    text = _with_escapes(text)
    closed = text.rfind(">") + 1
    parts: list[str] = []
    hidden: list[str] = []
    pieces = text[:closed] + text[closed:].replace("<", "&lt;")
    for token in tokenize(pieces, capture_attributes=False):  # no ">" follows, so no tag
        tag, kind = token.tag, token.type
        if kind is TokenType.TEXT and not hidden:
            parts.append(token.data or "")
        elif kind is TokenType.START_TAG and tag in _HIDDEN:
            hidden.append(tag)
        elif kind is TokenType.END_TAG and hidden and tag == hidden[-1]:
            hidden.pop()
        elif tag in _BLOCKS:
            parts.append("\n")
    return "".join(parts)


def mended(page: str) -> str:
    """Return a web page whose stray signs are escaped, so that a parser reads them as text.

    A parser takes "Q<Qmax" for a tag, which ends at the next ">", and `&region=53` for "®ion=53". Scripts
    stay as they are. An element may have a name of its own, if it is closed somewhere.
    """
    own = frozenset(map(str.lower, _CLOSED.findall(page)))
    last_comment, at, is_script = page.rfind("-->"), 0, False
    parts: list[str] = []
    for part in _SCRIPT.split(page):
        if _SCRIPT.match(part):
            is_script = not part.startswith("</")
        parts.append(part if is_script else _with_escapes(part, own, last_comment > at))
        at += len(part)
    return "".join(parts)


def protected(text: str) -> str:
    """Return `text` written so that `readable` gives it back. Numbers are decoded in addresses too."""
    return text.replace("&", "&#38;").replace("<", "&#60;").replace(">", "&#62;")


def _with_escapes(text: str, own: frozenset[str] = frozenset(), closes_later: bool = False) -> str:
    """Escape each "&" and "<" that is text.

    `own` are names of elements beside those of HTML; a comment without end here may close later.
    """
    if "&" in text:
        text = _ADDRESS_OR_REFERENCE.sub(_escape_references, text)
    last_comment = len(text) if closes_later else text.rfind("-->")

    def escaped(sign: re.Match[str]) -> str:
        return sign[0] if _is_tag(sign, last_comment, own) else sign[0].replace("<", "&lt;")

    return _SIGN.sub(escaped, text)


def _is_tag(sign: re.Match[str], last_comment: int, own: frozenset[str]) -> bool:
    """Return whether a "<" opens a tag, a declaration, or a comment that is closed later."""
    if sign["comment"]:
        return sign.start() < last_comment
    if sign["other"]:
        return True
    if not sign["name"]:
        return False
    name, rest = sign["name"].lower(), sign["rest"]
    if sign["name"] in _WORDS and name not in own and not rest.strip():
        return False
    quoted = _QUOTED.search(rest) is not None
    known = name in _ELEMENTS or name in own or name.partition(":")[0] in _PREFIXES
    if not (known or ("-" in name and (quoted or sign["close"]))):  # `<drupal-media data-id="1">`
        return False
    if sign["close"]:
        return sign["end"] is not None
    words = rest.lower().split()
    return quoted or all(word in _BARE or "=" in word.strip("=") for word in words)


def _escape_references(found: re.Match[str]) -> str:
    """Escape every "&" that must not be decoded, in a reference, or in an address and what adheres to it."""
    if found[0].startswith("&"):
        return _in_text(found)
    if "&" not in found[0]:
        return found[0]
    word, at = found[0], 0
    parts: list[str] = []
    while address := _ADDRESS.search(word, at):
        parts.append(_REFERENCE.sub(_in_text, word[at : address.start()]))
        at = address.start()
        for reference in _REFERENCE.finditer(word, address.end()):
            parts.append(word[at : reference.start()])
            at = reference.end()
            meaning = "" if word[at : at + 1] == "=" and "#" not in reference[0] else _meaning(reference[0])
            parts.append(reference[0] if meaning in _IN_ADDRESS else _kept(reference[0]))
            if meaning in _ENDS_ADDRESS:
                break
        else:
            return "".join([*parts, word[at:]])
    return "".join([*parts, _REFERENCE.sub(_in_text, word[at:])])


def _in_text(reference: re.Match[str]) -> str:
    if reference[0][1:] in html5 and reference[0].endswith(";"):  # nearly every one
        return reference[0]
    return reference[0] if _meaning(reference[0]) else _kept(reference[0])


def _kept(reference: str) -> str:
    return f"&amp;{reference[1:]}"


def _meaning(reference: str) -> str:
    """Return the characters of a reference that HTML defines and that ends in ";", "" for any other."""
    if not reference.endswith(";"):
        return ""
    if reference.startswith("&#"):
        return html.unescape(reference) if len(reference) <= _LONGEST_REFERENCE else "\ufffd"
    return html5.get(reference[1:], "")
