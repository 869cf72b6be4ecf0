"""What was set aside of a source's row, which the core notes in English, in the visitor's language."""

from __future__ import annotations

import re

from reco.app.wording import say

_KNOWN = (
    (re.compile(r"url set aside, it leads nowhere by itself: (.*)", re.DOTALL), "remark.unlinked"),
    (re.compile(r"url set aside, it cannot be read: (.*)", re.DOTALL), "remark.unreadable_link"),
    (re.compile(r"place code (\S+) is unknown"), "remark.unknown_code"),
    (re.compile(r"place (['\"].*['\"]) is shared by \d+: .*", re.DOTALL), "remark.shared_place"),
    (re.compile(r"place (['\"].*['\"]) is no commune, .*", re.DOTALL), "remark.unknown_place"),
)


def worded(note: str) -> str:
    """Return a note in the visitor's words, or as it is when it is not one of the core's."""
    for pattern, key in _KNOWN:
        found = pattern.fullmatch(note)
        if found is not None:
            return say(key, text=_quoted(found[1]))
    return note


def _quoted(text: str) -> str:
    """Return a text in the language's quotes instead of the code's."""
    if text[:1] in "'\"" and text[-1:] == text[:1]:
        return f"{say('quote.open')}{text[1:-1]}{say('quote.close')}"
    return text
