"""Resources pasted from a web page: a title, credits glued to a theme, a type, then a summary.

    A title
    An author or a publisherTheme / Type
    Résumé :
    Lines of text, up to the next title.

The page has no markup. A record is found by its header line, which ends with a known theme and a known
type. A line that must be a header but has unknown labels starts a rejected record, kept whole with the
reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from reco.catalogue.resource import Rejection
from reco.catalogue.taxonomy import THEMES, TYPES
from reco.errors import NoCatalogue
from reco.sources.config import SourceConfig
from reco.sources.content import is_html, unreadable, whole
from reco.sources.credits import Credit, divide, is_likely, misspellings
from reco.sources.kinds import refuse_other
from reco.sources.labels import Labels, Tail
from reco.sources.rows import Row, refuse
from reco.text.clean import nfc
from reco.text.decoding import decoded, encoding_of

_LINE_END = re.compile(r"\r\n?|\n")
_LABEL = re.compile(r"^\s*r[ée]sum[ée]\s*(?::\s*(?P<rest>.*))?$", re.IGNORECASE)
_ITEM = re.compile(r"^\s*(?:[-–—•*✔▪]|\d+[.)])")
_GOES_ON = re.compile(r"(?:[,&]|\bet)\s*$")
_LEADS_ON = re.compile(r"^\s*(?:[,&]|et\b)")
_CLOSED = re.compile(r"[.:;,]\s*$")
_INTRODUCES = re.compile(r"[:;,]\s*$")
_TITLE_MARK = re.compile(r"[?!:]")
_LONGEST_HEADER = 600
_START = 1_000
"""Bytes searched for NUL, which no text file holds."""

_LONGEST_CREDIT = 5_000
"""Longest credits, in characters, whose names are searched in the summary. No longer field is admitted."""


@dataclass(frozen=True)
class PageRecord:
    """One resource of a page. `line` is the line number of its title, from 1.

    `confidence` is per field, 0 to 1; `variants` holds, per author, other spellings of the name in the
    summary.
    """

    line: int
    title: str
    authors: tuple[str, ...]
    publishers: tuple[str, ...]
    theme: str
    type: str
    summary: str
    confidence: Mapping[str, float] = field(default_factory=dict)
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class PageReject:
    """Lines of a page that are not a valid resource, whole, with the reason."""

    line: int
    problem: str
    raw: str


@dataclass(frozen=True)
class _PageHeader:
    """A parsed header line, or the `problem` that prevents it. Positions are line indexes."""

    begin: int
    at: int
    title_at: int | None
    credit: str = ""
    theme: str = ""
    type: str = ""
    sure: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
    """Yield the resources of a page. Lines that are not a valid resource are a rejection.

    Raises `SourceError` when the page holds no resource.
    """
    data = whole(config, cache)
    if data.strip() and not is_html(data):
        refuse_other(config, BytesIO(data))
    text = _text(config, data)
    parsed = parse(text, config.themes or THEMES, config.types or tuple(TYPES.values()))
    if not any(isinstance(item, PageRecord) for item in parsed):
        what = "" if data.strip() else ": it is empty"
        what = ": it is a web page, not text copied from one" if is_html(data) else what
        raise NoCatalogue(
            f"source {config.name}: no resource found in {config.place}{what}",
            'Check that `themes` and `types` list the labels of the lines "publisher theme / type".',
        )
    for item in parsed:
        locator = f"{config.place}:{item.line}"
        if isinstance(item, PageReject):
            yield refuse(config, locator, item.problem, item.raw)
        else:
            yield Row(locator, _cells(item))


def parse(text: str, themes: Sequence[str], types: Sequence[str]) -> list[PageRecord | PageReject]:
    """Return the resources of a pasted page, in order. Every line belongs to a record or a rejection.

    `themes` and `types` are the closed lists of labels on the page.
    """
    lines = _LINE_END.split(nfc(text.removeprefix("\ufeff")))
    headers = list(_headers(lines, Labels.of(themes, types)))
    ends = [header.begin for header in headers] + [len(lines)]
    parsed: list[PageRecord | PageReject] = []
    if before := _block(lines[: ends[0]]):
        parsed.append(PageReject(1, "text before the first resource", before))
    for header, end in zip(headers, ends[1:], strict=True):
        parsed.append(_resource(lines, header, end))
    return parsed


def _headers(lines: Sequence[str], labels: Labels) -> Iterator[_PageHeader]:
    after = -1
    for at, line in enumerate(lines):
        if not line.strip() or _LABEL.match(line) or len(line) > _LONGEST_HEADER:
            continue
        if header := _header(lines, at, after, labels):
            yield header
            after = at


def _header(lines: Sequence[str], at: int, after: int, labels: Labels) -> _PageHeader | None:
    """Return the header on line `at`, if any. `after` is the line of the previous header."""
    above = _above(lines, at, after)
    announced = _announced(lines, at)
    tail = labels.read(lines[at])
    if tail is None:
        if above is not None and (announced or _is_broken(lines, at, above, labels)):
            return _PageHeader(above, at, above, problem=labels.complaint(lines[at]))
        if after < 0 and announced and above is None:
            return _PageHeader(at, at, None, problem="no title above the credits")
        return None
    if not (announced or tail.glued or _is_free_header(lines, tail, above)):
        return None
    return _placed(lines, at, after, tail, announced)


def _placed(lines: Sequence[str], at: int, after: int, tail: Tail, announced: bool) -> _PageHeader:
    """Return a header line with the credits, of one line or more, and the title above it."""
    credit, top = [tail.before] if tail.before else [], at  # from the bottom up
    while (above := _above(lines, top, after)) is not None and _is_credit(lines, above, after, credit[-1:]):
        credit.append(lines[above].strip())
        top = above
    sure = {
        "title": (1.0 if announced else 0.9) - (0.2 if not tail.before else 0.0),
        "theme": tail.sure,
        "type": 1.0,
        "summary": 1.0 if announced else 0.9,
    }
    problem = "no title above the credits" if above is None else ""
    begin = top if above is None else above
    return _PageHeader(begin, at, above, " ".join(reversed(credit)), tail.theme, tail.type, sure, problem)


def _is_credit(lines: Sequence[str], at: int, after: int, below: list[str]) -> bool:
    """Return whether line `at`, just above the credits `below`, holds credits rather than the title."""
    line = lines[at]
    if below and (_GOES_ON.search(line) or _LEADS_ON.match(below[0])):
        return True
    title_at = _above(lines, at, after)
    if title_at is None or _CLOSED.search(lines[title_at]) or _TITLE_MARK.search(line):
        return False
    credit = divide(line)
    if below:  # a title that is a list of names is rarer than a list of names over two lines
        return len(credit.authors) > 1 and not credit.publishers and bool(divide(below[0]).authors)
    return is_likely(line)


def _is_free_header(lines: Sequence[str], tail: Tail, above: int | None) -> bool:
    """Return whether a line is a header without glued labels or "Résumé :" below: prose cites labels too."""
    if above is None or _INTRODUCES.search(lines[above]) or _ITEM.match(tail.before):
        return False
    return not tail.before or is_likely(tail.before)


def _is_broken(lines: Sequence[str], at: int, above: int, labels: Labels) -> bool:
    """Return whether an invalid line was meant as a header."""
    if _ITEM.match(lines[at]) or _INTRODUCES.search(lines[above]):
        return False
    return labels.half_read(lines[at])


def _above(lines: Sequence[str], at: int, after: int) -> int | None:
    """Return the nearest line with text above `at` in the same record, if any."""
    above = next((i for i in range(at - 1, after, -1) if lines[i].strip()), None)
    return None if above is None or _LABEL.match(lines[above]) else above


def _announced(lines: Sequence[str], at: int) -> bool:
    below = next((line for i in range(at + 1, len(lines)) if (line := lines[i]).strip()), "")
    return _LABEL.match(below) is not None


def _resource(lines: Sequence[str], header: _PageHeader, end: int) -> PageRecord | PageReject:
    if header.title_at is None or header.problem:
        return PageReject(header.begin + 1, header.problem, _block(lines[header.begin : end]))
    credit = divide(header.credit)
    summary = _summary(lines[header.at + 1 : end])
    authors = credit.authors if len(header.credit) <= _LONGEST_CREDIT else ()
    spellings = {author: misspellings(author, summary) for author in authors}
    variants = {author: others for author, others in spellings.items() if others}
    return PageRecord(
        line=header.title_at + 1,
        title=lines[header.title_at].strip(),
        authors=credit.authors,
        publishers=credit.publishers,
        theme=header.theme,
        type=header.type,
        summary=summary,
        confidence={**header.sure, **_confidence(credit, variants)},
        variants=variants,
    )


def _confidence(credit: Credit, variants: Mapping[str, object]) -> dict[str, float]:
    confidence = {}
    if credit.authors:
        confidence["authors"] = min(credit.confidence, 0.6) if variants else credit.confidence
    if credit.publishers:
        confidence["publisher"] = credit.confidence
    return confidence


def _summary(lines: Sequence[str]) -> str:
    """Return a summary without its "Résumé :" label."""
    kept = list(lines)
    for at, line in enumerate(kept):
        if label := _LABEL.match(line):
            kept[at] = label["rest"] or ""
            break
        if line.strip():
            break
    return _block(kept)


def _block(lines: Sequence[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _cells(record: PageRecord) -> dict[str, object]:
    return {
        "title": record.title,
        "authors": list(record.authors),
        "publisher": list(record.publishers),
        "theme": record.theme,
        "type": record.type,
        "summary": record.summary,
        "evidence": _evidence(record),
    }


def _evidence(record: PageRecord) -> str:
    """Return the confidence of each field, and the other spellings of names on the page."""
    sure = ", ".join(f"{name} {value:.0%}" for name, value in record.confidence.items())
    others = [f"{name}: also written {', '.join(seen)}" for name, seen in record.variants.items()]
    return "; ".join([f"read from a page, sure of: {sure}", *others])


def _text(config: SourceConfig, data: bytes) -> str:
    if config.encoding:
        try:
            return data.decode(config.encoding)
        except UnicodeDecodeError as error:
            raise unreadable(config, error) from error
    if b"\0" in data[:_START] and not encoding_of(data):
        raise unreadable(config, "it holds NUL bytes: it is not text, or it is UTF-16 text")
    return decoded(data)
