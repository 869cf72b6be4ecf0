"""Minutes of a meeting: each item keeps its title and its discussion. Attendance, votes and procedure "
"do not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reco.text.papers import deliberation
from reco.text.papers.reading import Mark, Segment

_TITLE = re.compile(
    r"(?!extrait)(?:.{0,60}\b)?(?:proces[- ]verbal|compte[- ]rendu|releve de (?:decisions|conclusions)|"
    r"pv|cr) (?:de |du |des |d')?(?:la |l')?"
    r"(?:conseil|seance|reunion|commission|comite|bureau|assemblee|deliberations)\b"
)
_ITEM = re.compile(
    r"(?:(?:point|question|deliberation|affaire|sujet|dossier) ?(?:n°|no|"
    r"numero)? ?[\w./-]{1,12} ?[:.)–—-]+ ?|"
    r"(?:\d{1,2}|[ivx]{1,5}) ?(?:[.)°/:–—-]|-)+ ?(?=\S)|[a-h][.)] )(?=[^\d\s])"
)
_AGENDA = re.compile(r"(?:a l'|l')?ordre du jour(?! etant) ?:?")
_PROCEDURE = re.compile(
    r"(?:approbation d|adoption d|validation d)(?:u|es|e) (?:dernier )?(?:proces|compte|pv|cr\b|ordre)|"
    r"(?:designation|nomination|election) (?:d'un |du |de la )?secretaire|(?:questions?|informations?|affaires|"
    r"communications?)(?: et (?:questions?|informations?))? diverses|questions? orales?|"
    r"informations? (?:du maire|du president)|"
    r"(?:divers|tour de table|points divers)\b|(?:ouverture|cloture)(?: (?:de la seance|des debats))? ?[.:]?$|"
    r"prochaine? (?:conseil|seance|reunion)|decisions? (?:du maire|"
    r"prises?)|compte rendu des (?:decisions|delegations)|"
    r"decisions modificatives?\b|appel nominal|verification du quorum"
)
_CLOSING = re.compile(
    r"(?:(?:la )?seance (?:est )?(?:levee|close|ouverte)|(?:le )?quorum|l'ordre du jour (?:etant )?epuise|(?:plus rien|"
    r"aucune autre)|fin de (?:la )?seance|prochain(?:e)? (?:conseil|seance|reunion)|"
    r"(?:madame|monsieur|m\.|mme) .{0,40}(?:ouvre|leve|clot) la seance|les? membres? (?:present|absent))"
)
_VOTE_ONLY = re.compile(
    r"(?:vote|pour|contre|abstentions?|adopte|decision adoptee|deliberation adoptee|"
    r"apres (?:en avoir )?(?:delibere|debat|discussion)|le conseil (?:municipal )?(?:approuve|valide|"
    r"accepte|adopte|prend acte).{0,40}$|(?:accord|approuve|valide|adopte)e? a l'unanimite|unanimite)"
)
_AGENDA_SHARE = 90
"""Characters of an entry of an agenda."""


def found(lines: Sequence[Segment]) -> bool:
    """Whether a text is minutes: their name near the top, and two items."""
    if not any(_TITLE.match(line.plain) for line in lines[:6]):
        return False
    return sum(bool(_ITEM.match(line.plain)) for line in lines) >= 2


def marks(lines: Sequence[Segment]) -> list[Mark]:
    """Return a mark for each segment of minutes. An agenda is kept only where no item follows it."""
    begin, stop = _agenda(lines)
    marked: list[Mark] = []
    state = "heading"
    for place, line in enumerate(lines):
        mark = Mark("agenda") if begin <= place < stop else _mark(line, state)
        state = mark.label if mark.label not in ("vote", "visas", "formality") else state
        marked.append(mark)
    return marked


def _agenda(lines: Sequence[Segment]) -> tuple[int, int]:
    """Return the bounds of an agenda whose items come again below it; (0, 0) without one."""
    begin = next((place for place, line in enumerate(lines) if _AGENDA.match(line.plain)), None)
    if begin is None:
        return 0, 0
    stop = begin + 1
    while stop < len(lines) and _ITEM.match(lines[stop].plain) and len(lines[stop].text) <= _AGENDA_SHARE:
        stop += 1
    again = sum(bool(_ITEM.match(line.plain)) for line in lines[stop:])
    return (begin, stop) if again >= 2 else (begin, begin + 1)


def _mark(line: Segment, state: str) -> Mark:
    plain = line.plain
    if state == "signatures":
        return Mark("signatures")
    if _CLOSING.match(plain):
        return Mark("closing")
    if match := _ITEM.match(plain):
        return _item(line, match.end())
    if _PROCEDURE.match(plain):
        return Mark("procedure")
    if deliberation.VISAS.match(plain):
        return Mark("visas")
    if deliberation.FORMALITY.match(plain):
        return Mark("formality")
    if _VOTE_ONLY.match(plain):
        return Mark("vote")
    return _within(line, state)


def _item(line: Segment, start: int) -> Mark:
    return Mark("procedure" if _PROCEDURE.match(line.plain[start:]) else "item", line.after(start))


def _within(line: Segment, state: str) -> Mark:
    """Mark a segment that begins nothing by the item it is in."""
    plain = line.plain
    if state in ("heading", "attendance"):
        if deliberation.ATTENDANCE.match(plain):
            return Mark("attendance")
        return Mark("heading" if _TITLE.match(plain) else state)
    if state in ("procedure", "closing", "agenda"):
        if state != "procedure" and deliberation.END.match(plain):
            return Mark("signatures")
        return Mark(state)
    return Mark("discussion")
