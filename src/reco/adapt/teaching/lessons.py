"""What the shipped encoder learns from: pairs from public sheets, records and written requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reco.adapt.teaching.sheets import Sheet
from reco.adapt.training.pairs import Pair
from reco.catalogue.catalogue import Catalogue
from reco.text.clean import fold

_SHORTEST = 40
_TELLING = 100
_ALONE = 5


def of_sheets(sheets: Iterable[Sheet], chapters: int = 3) -> list[Pair]:
    """Return title to introduction, and title, heading or both (in turn) to the first `chapters`."""
    pairs = []
    for sheet in sheets:
        if len(sheet.introduction) >= _SHORTEST:
            pairs.append(Pair(sheet.title, sheet.introduction, sheet.id, sheet.subject))
        told = [chapter for chapter in sheet.chapters if len(chapter.text) >= _TELLING][:chapters]
        for number, chapter in enumerate(told):
            asked = _asked(sheet.title, chapter.heading)[number % 3]
            pairs.append(Pair(asked, chapter.text, sheet.id, sheet.subject))
    return pairs


def _asked(title: str, heading: str) -> tuple[str, str, str]:
    """Return both, the title, and the heading where it says enough alone."""
    both = f"{title} : {heading}" if heading else title
    return both, title, heading if len(heading.split()) >= _ALONE else both


def of_links(sheets: Sequence[Sheet]) -> list[Pair]:
    """Return each question that a sheet lists with the text of that sheet, and titles of related sheets."""
    by_id = {sheet.id: sheet for sheet in sheets}
    pairs = []
    for sheet in sheets:
        answer = f"{sheet.title}. {sheet.text}"
        for _, question in sheet.questions:
            pairs.append(Pair(question, answer, sheet.id, sheet.subject))
        for identifier in sheet.related:
            other = by_id.get(identifier)
            if other is not None:
                pairs.append(Pair(other.title, answer, sheet.id, sheet.subject))
    return pairs


def of_catalogue(catalogue: Catalogue) -> list[Pair]:
    """Return the title of each record with its summary."""
    return [
        Pair(one.title, one.summary, fold(one.title), one.theme)
        for one in catalogue
        if one.title and len(one.summary) >= _SHORTEST
    ]


def of_requests(catalogue: Catalogue, requests: Mapping[str, Sequence[str]]) -> list[Pair]:
    """Return each written request with the text of its resource, title first."""
    pairs = []
    for one in catalogue:
        answer = f"{one.title}. {one.summary}" if one.summary else one.title
        for text in requests.get(one.id, ()):
            pairs.append(Pair(text, answer, fold(one.title), one.theme))
    return pairs
