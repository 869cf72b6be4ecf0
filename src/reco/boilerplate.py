"""Text that says nothing of a resource: what a publisher repeats, and what it says of itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reco.passages import Span
from reco.resource import Resource
from reco.text import fold

RECURRING = 3
"""Records of other titles in which a sentence must be found before it is a publisher's habit."""
SHARE = 0.05
"""Share of the publisher's records in which it must be found as well."""
SHORTEST = 20
"""Letters below which a repeated line is a heading, which costs nothing to read."""
KEPT = 40
"""Characters of a summary that are always left: a text that is all habit is read as it is."""

_SENTENCE = re.compile(r"[^\n.!?…]+[.!?…]*")
_SIGN = re.compile(r"[\W_]+")
_LEAD = re.compile(r"(?m)(?:^|(?<=[.!?…] ))[ \t]*(?:[-–—*#•]+[ \t]*)?")
_ABOUT = re.compile(
    r"(?:[àa] propos (?:de |du |des |d['’])?(?:l['’ ])?(?:auteure?s?|autrices?|autrice|[ée]diteur|nous)"
    r"|sur (?:l['’ ]|les )(?:auteure?s?|autrices?|[ée]diteur)"
    r"|(?:l['’ ]|les )(?:auteure?s?|autrices?)(?=\s*:)"
    r"|biographie|qui sommes[- ]nous|contacts? presse|mentions l[ée]gales|suivez[- ]nous|abonnez[- ]vous)\b",
    re.IGNORECASE,
)
_ABOUT_BODY = re.compile(
    r"(?:[àa] propos (?:de |du |des |d['’])|sur )(?:l['’ ]|la |le |les )?"
    r"(?P<body>[^\n:.]{2,80}?)\s*(?::|\n|$)",
    re.IGNORECASE,
)


def set_aside(resources: Sequence[Resource]) -> dict[str, tuple[Span, ...]]:
    """Return, by id, what of each summary is kept out of the embedded text, in order."""
    habits = _habits(resources)
    found: dict[str, tuple[Span, ...]] = {}
    for resource in resources:
        repeated = _repeated(resource, habits.get(_publisher(resource), frozenset()))
        spans = _merged([*repeated, *_tail(resource)])
        if spans and _left(resource.summary, spans) >= KEPT:
            found[resource.id] = spans
    return found


def _habits(resources: Iterable[Resource]) -> Mapping[str, frozenset[str]]:
    """Return each publisher's repeated sentences. Re-listings of one title make no habit."""
    titles: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    counts: dict[str, int] = defaultdict(int)
    for resource in resources:
        counts[_publisher(resource)] += 1
        for match in _SENTENCE.finditer(resource.summary):
            key = _key(match.group())
            if len(key) >= SHORTEST:
                titles[_publisher(resource)][key].add(fold(resource.title))
    return {
        publisher: frozenset(
            key for key, found in sentences.items() if len(found) >= max(RECURRING, SHARE * counts[publisher])
        )
        for publisher, sentences in titles.items()
    }


def _repeated(resource: Resource, habits: frozenset[str]) -> list[Span]:
    if not habits:
        return []
    return [
        Span(*match.span()) for match in _SENTENCE.finditer(resource.summary) if _key(match.group()) in habits
    ]


def _tail(resource: Resource) -> list[Span]:
    """Return the end of a summary from where it begins to speak of who made the resource."""
    text = resource.summary
    for lead in _LEAD.finditer(text):
        start = lead.end()
        body = _ABOUT_BODY.match(text, start)
        if _ABOUT.match(text, start) or (body is not None and _is_maker(body["body"], resource)):
            return [Span(start, len(text))]
    return []


def _is_maker(name: str, resource: Resource) -> bool:
    """Whether a name is the publisher's or the authors', or stands among theirs as an acronym."""
    key = _key(name)
    makers = f" {_key(resource.publisher)} {_key(resource.authors)} "
    return bool(key) and f" {key} " in makers


def _publisher(resource: Resource) -> str:
    return fold(resource.publisher) or f"source:{resource.source}"


def _key(text: str) -> str:
    return _SIGN.sub(" ", fold(text)).strip()


def _merged(spans: list[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(span.end, merged[-1].end))
        else:
            merged.append(span)
    return tuple(merged)


def _left(text: str, spans: Sequence[Span]) -> int:
    return len(text.strip()) - sum(span.end - span.start for span in spans)
