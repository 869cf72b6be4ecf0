"""An e-mail: its message is kept. Headers, greeting, signature, disclaimer and the quoted thread are not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reco.text.papers.reading import Mark, Segment

_HEADER = re.compile(
    r"\*?(?:de|from|a|to|cc|cci|bcc|date|envoye(?: le)?|sent|repondre a|reply-to|pieces? jointes?|"
    r"attachments?|importance) ?:\*? ?\S"
)
_SUBJECT = re.compile(r"\*?(?:objet|sujet|subject) ?:\*? ?(?:(?:re|tr|fw|fwd|ref) ?: ?)*")
_THREAD = re.compile(
    r"(?:le .{4,120} a ecrit ?:|on .{4,120} wrote ?:|-{2,} ?(?:message (?:d'origine|transfere|original)|"
    r"original message|forwarded).*|_{10,}$|debut du message (?:transfere|reexpedie))"
)
_QUOTE = re.compile(r"(?:>|\|) ?")
_GREETING = re.compile(
    r"(?:re-?)?(?:bonjour|bonsoir|chere?s?|mesdames|messieurs|madame|monsieur|"
    r"cher(?:e)? collegue)\b[^.?:;]{0,60}[,!.]?$"
)
_SIGN_OFF = re.compile(
    r"(?:(?:bien |tres )?(?:cordialement|amicalement|respectueusement|sincerement)|cdt|cdlt|bien a vous|"
    r"salutations|(?:mes |nos )?(?:sinceres|meilleures|respectueuses) salutations|"
    r"(?:en vous |vous )?(?:remerciant|merci) (?:par avance|d'avance|de votre|pour votre|beaucoup)|"
    r"merci ?[,.!]*$|(?:je|nous) (?:vous )?(?:prie|prions|remercie|remercions)\b|"
    r"(?:veuillez|dans l'attente|restant a votre|en vous souhaitant|bonne (?:journee|reception|soiree)|"
    r"a votre disposition|avec mes remerciements)|--$|-- $)"
)
_DISCLAIMER = re.compile(
    r"(?:ce (?:message|courriel|mail|courrier)|cet e-?mail|le present (?:message|courriel)|"
    r"this (?:e-?mail|message)|pensez (?:a|avant)|avant d'imprimer|"
    r"n'imprimez|envoye (?:de|depuis) mon|sent from my|garanti sans virus|les informations contenues|"
    r"si vous n'etes pas le destinataire)"
)
_PERSONAL = re.compile(r"(?:ps|p\.s\.|post-scriptum) ?[:.-] ?")
_SHORT_SIGNATURE = 14
"""Words of a line of a signature; a longer one is a sentence of the message."""
_FEWEST_WORDS = 6
"""Words of a message. A forwarded mail has fewer before the thread, which is then the message."""


def found(lines: Sequence[Segment]) -> bool:
    """Whether a text is an e-mail: two headers, a thread, or a greeting or signature around a message."""
    if len(lines) < 3:
        return False
    headers = sum(bool(_HEADER.match(line.plain) or _SUBJECT.match(line.plain)) for line in lines[:12])
    thread = any(_THREAD.match(line.plain) for line in lines)
    quotes = sum(line.plain.startswith(">") for line in lines) >= 2
    signed = any(_SIGN_OFF.match(line.plain) for line in lines[1:])
    greeted = any(_GREETING.match(line.plain) for line in lines[:6])
    return headers >= 2 or thread or quotes or (signed and greeted)


def marks(lines: Sequence[Segment]) -> list[Mark]:
    """Return a mark for each segment of an e-mail. A message that only forwards keeps what it forwards."""
    marked = _marked(lines, follow=False)
    words = sum(
        len(line.plain.split()) for line, mark in zip(lines, marked, strict=True) if mark.label == "body"
    )
    return marked if words >= _FEWEST_WORDS else _marked(lines, follow=True)


def _marked(lines: Sequence[Segment], follow: bool) -> list[Mark]:
    marked: list[Mark] = []
    state, started = "body", False
    for place, line in enumerate(lines):
        mark, state = _mark(line, state, started, follow, _opens_thread(lines[place : place + 4]))
        # Below the mark of a forwarded message, its own headers come first.
        started = mark.label == "body" or (started and mark.label != "quoted")
        marked.append(mark)
    return marked


def _mark(line: Segment, state: str, started: bool, follow: bool, opens: bool) -> tuple[Mark, str]:
    """Return the mark of a segment, and the state after it."""
    plain = line.plain
    if state == "quoted":
        return Mark("quoted"), state
    if _THREAD.match(plain) or (opens and started):
        return Mark("quoted"), "body" if follow else "quoted"
    if plain.startswith(">"):
        inner = _QUOTE.match(plain)
        return (Mark("body", line.after(inner.end() if inner else 0)) if follow else Mark("quoted")), state
    if _DISCLAIMER.match(plain):
        return Mark("disclaimer"), "signature"
    if match := _PERSONAL.match(plain):
        return Mark("body", line.after(match.end())), "body"
    return _message(line, state, started)


def _message(line: Segment, state: str, started: bool) -> tuple[Mark, str]:
    plain = line.plain
    if not started and (match := _SUBJECT.match(plain)):
        return Mark("object", line.after(match.end())), "body"
    if not started and _HEADER.match(plain):
        return Mark("headers"), "body"
    if _GREETING.match(plain):
        return Mark("greeting"), "body"
    if _SIGN_OFF.match(plain) and started:
        return Mark("signature"), "signature"
    if state == "signature" and len(plain.split()) <= _SHORT_SIGNATURE:
        return Mark("signature"), state
    return Mark("body"), "body"


def _opens_thread(lines: Sequence[Segment]) -> bool:
    """Whether a block of headers begins here, as a mail program writes it above a quoted message."""
    headers = [bool(_HEADER.match(line.plain) or _SUBJECT.match(line.plain)) for line in lines]
    return len(headers) >= 3 and headers[0] and sum(headers) >= 3
