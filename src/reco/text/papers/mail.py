"""An e-mail or a letter: its message is kept. Headers, greeting, signature, disclaimer and thread are not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reco.text.papers.reading import Mark, Segment

_HEADER = re.compile(
    r"\*?(?:de|from|a|to|cc|cci|bcc|date|envoye(?: le)?|sent|repondre a|reply-to|pieces? jointes?|"
    r"attachments?|importance|emetteur|expediteur|destinataires?|(?:nos |vos )?ref(?:erences?)?\.?|"
    r"n/ref\.?|v/ref\.?|p\.?j\.?|copies?|(?:affaire suivie|dossier suivi) par|tel(?:ephone)?\.?|courriel) ?:\*? ?\S"
)
SUBJECT = re.compile(r"\*?(?:objet|sujet|subject) ?:\*? ?(?:(?:re|tr|fw|fwd|ref) ?: ?)*")
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
    r"(?:veuillez|dans l'attente|restant a votre|(?:je|nous) rest(?:e|ons) (?:a|bien)\b|en vous souhaitant|bonne (?:journee|reception|soiree)|"
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
_SALUTES = re.compile(r".*\b(?:salutations|consideration|sentiments|agreer|disposition)\b")
"""What a long formula of the end of a letter holds; "nous vous remercions de nous dire où …" asks something."""
_TOP = 16
"""Segments in which a letter has its greeting, below its letterhead."""
_FEWEST_WORDS = 6
"""Words of a message. A forwarded mail has fewer before the thread, which is then the message."""


def found(lines: Sequence[Segment]) -> bool:
    """Whether a text is an e-mail: two headers, a thread, or a greeting or signature around a message."""
    if len(lines) < 3:
        return False
    headers = sum(map(is_field, lines[:12]))
    thread = any(_THREAD.match(line.plain) for line in lines)
    quotes = sum(line.plain.startswith(">") for line in lines) >= 2
    signed = any(_SIGN_OFF.match(line.plain) for line in lines[1:])
    greeted = _message_begins(lines) > 0 or any(_GREETING.match(line.plain) for line in lines[:6])
    return headers >= 2 or thread or quotes or (signed and greeted)


def marks(lines: Sequence[Segment]) -> list[Mark]:
    """Return a mark for each segment of an e-mail. A message that only forwards keeps what it forwards."""
    marked = _marked(lines, follow=False)
    words = sum(
        len(line.plain.split()) for line, mark in zip(lines, marked, strict=True) if mark.label == "body"
    )
    return marked if words >= _FEWEST_WORDS else _marked(lines, follow=True)


def _marked(lines: Sequence[Segment], follow: bool) -> list[Mark]:
    begins = _message_begins(lines)
    marked = [letterhead(line) for line in lines[:begins]]
    state, started = "body", False
    for place, line in list(enumerate(lines))[begins:]:
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
    if not started and (match := SUBJECT.match(plain)):
        return Mark("object", line.after(match.end())), "body"
    if not started and _HEADER.match(plain):
        return Mark("headers"), "body"
    if _GREETING.match(plain):
        return Mark("greeting"), "body"
    if (
        started
        and _SIGN_OFF.match(plain)
        and (len(plain.split()) <= _SHORT_SIGNATURE or _SALUTES.match(plain))
    ):
        return Mark("signature"), "signature"
    if state == "signature" and len(plain.split()) <= _SHORT_SIGNATURE:
        return Mark("signature"), state
    return Mark("body"), "body"


def _opens_thread(lines: Sequence[Segment]) -> bool:
    """Whether a block of headers begins here, as a mail program writes it above a quoted message."""
    headers = [is_field(line) for line in lines]
    return len(headers) >= 3 and headers[0] and sum(headers) >= 3


def is_field(line: Segment) -> bool:
    """Whether a segment is a field of the top of an e-mail, a letter or a note, such as "Objet : …"."""
    return bool(_HEADER.match(line.plain) or SUBJECT.match(line.plain))


def _message_begins(lines: Sequence[Segment]) -> int:
    """Return the place of the greeting below a letterhead of short lines, or of the end of its fields; or 0."""
    for place, line in enumerate(lines[:_TOP]):
        if _THREAD.match(line.plain) or _SIGN_OFF.match(line.plain) or line.plain.startswith(">"):
            return 0
        if place and _GREETING.match(line.plain) and any(map(is_field, lines[:place])):
            return place
        if not is_field(line) and len(line.plain.split()) > _SHORT_SIGNATURE:
            fields = [at for at, one in enumerate(lines[:place]) if is_field(one)]
            return fields[-1] + 1 if len(fields) > 1 else 0
    return 0


def letterhead(line: Segment) -> Mark:
    """Return the mark of a segment above the message of a letter or a note."""
    match = SUBJECT.match(line.plain)
    return Mark("object", line.after(match.end())) if match is not None else Mark("headers")
