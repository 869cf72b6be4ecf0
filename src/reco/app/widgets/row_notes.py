"""The core's English notes and rejections of a row, in the visitor's language."""

from __future__ import annotations

import re

from reco.app.phrases import decimal, group, say

_TEXT = r"(?P<text>['\"].*['\"])"
_KNOWN = tuple(
    (re.compile(pattern, re.DOTALL), key)
    for pattern, key in (
        # Notes on a resource
        (r"url set aside, it leads nowhere by itself: (?P<text>.*)", "remark.unlinked"),
        (r"url set aside, it cannot be read: (?P<text>.*)", "remark.unreadable_link"),
        (r"url holds several addresses, the first is kept: (?P<text>.*)", "remark.several_links"),
        (rf"year read as (?P<year>\d{{4}}) from {_TEXT}", "remark.read_year"),
        (
            r"year set aside, it is not between (?P<first>\d+) and (?P<last>\d+): (?P<text>.*)",
            "remark.far_year",
        ),
        (r"year unknown, the source says: (?P<text>.*)", "remark.no_year"),
        (r"language unknown, the source says: (?P<text>.*)", "remark.no_language"),
        (rf"language {_TEXT} names several, the first is kept", "remark.several_languages"),
        (r"place code (?P<text>.*) is unknown", "remark.unknown_code"),
        (r"postal code (?P<text>\S+) is shared by \d+: .*", "remark.shared_postal_code"),
        (rf"place {_TEXT} is not where its code is: (?P<code>.*)", "remark.elsewhere"),
        (rf"place {_TEXT} is shared by \d+: .*", "remark.shared_place"),
        (rf"place {_TEXT} is no commune, .*", "remark.unknown_place"),
        # Problems of a rejected row
        (r"(?P<field>\w+) has (?P<found>[\d,]+) characters; at most (?P<most>[\d,]+) .*", "remark.too_long"),
        (r"the title is missing", "remark.no_title"),
        (r"the id is empty", "remark.no_id"),
        (
            rf"the id {_TEXT} is already used at (?P<where>.*) \(served as (?P<name>['\"].*['\"])\)",
            "remark.used_id_apart",
        ),
        (rf"the id {_TEXT} is already used (?:in source|at) (?P<where>.*)", "remark.used_id"),
        (r"the theme is missing", "remark.missing_theme"),
        (rf"the (?P<field>\w+) {_TEXT} is not in this source's list", "remark.unlisted"),
        (rf"the address {_TEXT} is neither http nor https", "remark.bad_scheme"),
        (r"(?P<found>\d+) cells where the header has (?P<expected>\d+)", "remark.cells"),
        (r"a quote is never closed", "remark.open_quote"),
        (r"not an object but a (?P<text>.*)", "remark.not_an_object"),
        (r"not a line of JSON: (?P<text>.*)", "remark.not_json"),
    )
)


def worded(note: str) -> str:
    """Return a note in the visitor's language, unchanged if it is not one of the core's."""
    for pattern, key in _KNOWN:
        match = pattern.fullmatch(note)
        if match is not None:
            return say(key, **{name: _worded_value(name, value) for name, value in match.groupdict().items()})
    return note


def _worded_value(name: str, value: str) -> str:
    if name == "field":
        return group("field").get(value, value).lower()
    return decimal(int(value.replace(",", "")), 0) if name in ("found", "most") else _quoted(value)


def _quoted(text: str) -> str:
    """Return a text in the quotes of the language, if it is in the quotes of Python."""
    if text[:1] in "'\"" and text[-1:] == text[:1]:
        return f"{say('quote.open')}{text[1:-1]}{say('quote.close')}"
    return text
