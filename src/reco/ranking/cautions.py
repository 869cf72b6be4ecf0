"""Cautions: the passages of a resource about what can go wrong.

The rule is lexical and deterministic. A passage is a caution when it has a cue of `cautions.toml`
("retard de chantier"), unless the words before cancel the cue ("sans difficulté", "lever les freins") or
it begins another subject ("obstacle à la migration", "échec scolaire"). A caution claims only that the
passage is about an obstacle, an overrun, a delay, an abandonment or a condition. The cues favour
precision, which `docs/placement.md` gives; they miss about two passages in three.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from reco.text.clean import fold
from reco.text.passages import Span

_CONTEXT = 80
"""Characters before a cue that can cancel it."""

KINDS = ("obstacle", "cost", "delay", "abandonment", "condition")


@dataclass(frozen=True)
class Caution:
    """A passage of a summary, `summary[start:end]`, about what can go wrong.

    `kind` is one of `KINDS`. `cue` is the words that match, in lower case without accents.
    """

    text: str
    start: int
    end: int
    kind: str
    cue: str


def points(text: str, spans: Iterable[Span]) -> tuple[Caution, ...]:
    """Return the cautions of `text` among its passages `spans`, in their order."""
    cautions = []
    for span in spans:
        passage = text[span.start : span.end]
        kind_and_cue = cue(passage)
        if kind_and_cue is not None:
            cautions.append(Caution(passage, span.start, span.end, *kind_and_cue))
    return tuple(cautions)


@lru_cache(maxsize=16_384)  # the same passages come back from one query to the next
def cue(passage: str) -> tuple[str, str] | None:
    """Return the kind and the cue of a passage, None when it is not a caution.

    Of several cues, the first in the passage wins, then the first kind in `KINDS`.
    """
    folded = fold(passage)
    signs = [
        (match.start(), KINDS.index(kind), match.group())
        for kind, pattern in _PATTERNS
        if (match := _first(pattern, folded)) is not None
    ]
    if not signs:
        return None
    _, kind, words = min(signs)
    return KINDS[kind], words.strip(" ,:;.!")


def _first(pattern: re.Pattern[str], folded: str) -> re.Match[str] | None:
    for match in pattern.finditer(folded):
        before = folded[max(0, match.start() - _CONTEXT) : match.start()]
        if not (_CANCELLED.search(before) or _OTHER_SUBJECT.match(folded, match.start())):
            return match
    return None


def _either(lines: str) -> str:
    """Return the pattern of any of several patterns, given one a line."""
    return "|".join(lines.strip().splitlines())


_CANCELLED = re.compile(
    r"(?:\bsans (?:\w+ |la moindre )?|\bpas (?:de |d'|necessairement )?|\bni |\baucune? |"
    r"\bjamais (?:de |d')?"
    r"|\b(?:moins|peu) (?:de |d')?|\beviter (?:les |des |le |tout )?"
    r"|\ben (?:tres )?(?:grande |situation de )?|\ben cas d(?:e |')(?:\w+ )?|\bl'interieur de "
    r"|\bsi vous (?:rencontrez|avez) (?:une |des |la moindre )"
    r"|\b(?:personnes?|publics?|jeunes|menages) (?:ayant|rencontrant|eprouvant) (?:des |de grandes |une )"
    r"|\b(?:lever|levant|leve[es]*|elimin\w+|resou\w+|resolu\w*|pallier|surmonter|depasser|compens\w+|"
    r"couvr\w+|repondre|reponse|cree\w*) "
    r"(?:\w+ )?(?:a |aux? |les? |leurs? |de |ces |des |certains )*"
    r"|\bdossiers? [^\w]*)$"
)
"""Words that cancel the cue after them: a denial, a problem solved, or a problem of the public helped."""

_LEXICON = tomllib.loads((files("reco.ranking") / "cautions.toml").read_text(encoding="utf-8"))
_OTHER_SUBJECT = re.compile(_either(_LEXICON["other_subject"]))
_PATTERNS = tuple(
    (kind, re.compile(rf"(?<!\w)(?:{_either(cues)})(?:(?<!\w)|(?!\w))"))
    for kind, cues in _LEXICON["cues"].items()
)
