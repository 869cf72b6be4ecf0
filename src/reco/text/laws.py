"""The laws that a French text quotes: laws, ordinances, decrees, orders, circulars and codes.

The rule is lexical. An act is recognised by its kind with a number ("loi n° 2015-992") or a date ("décret du
27 mai 1994", "loi de 2005"); a name alone ("loi NOTRe") is none. A code is one of `codes.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files

from reco.text.clean import bare

CODE = "code"
_MONTHS = "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre".split()
_MONTH_NAMES = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
_KINDS = {
    "loi": "loi",
    "ordonnance": "ordonnance",
    "decret": "décret",
    "arrete": "arrêté",
    "circulaire": "circulaire",
    "financement": "loi de financement de la sécurité sociale",
    "finances": "loi de finances",
}


@dataclass(frozen=True, order=True)
class Law:
    """An act or a code. An empty field is not told; at least one is told.

    `kind` is "loi", "décret", ... or "code"; `number` is "2015-992"; `date` is ISO 8601, as exact as the text
    ("2015-08-17", "2015-08" or "2015"); `code` is the official name; `article` is "L2224-8".
    """

    kind: str = ""
    number: str = ""
    date: str = ""
    code: str = ""
    article: str = ""

    def __str__(self) -> str:
        """Return the law as a French text quotes it: "loi n° 2015-992 du 17 août 2015"."""
        if self.kind == CODE:
            where = f" du {self.code}" if self.code else ""
            return f"article {_spelt(self.article)}{where}" if self.article else self.code
        when = f"{_preposition(self.kind, self.date)}{_day(self.date)}" if self.date else ""
        number = f"n° {self.number}" if self.number else ""
        return " ".join(part for part in (self.kind, number, when) if part)

    @property
    def year(self) -> str:
        """The year of an act in four digits, from its date or its number; "" for a code."""
        first = self.date[:4] or self.number.partition("-")[0]
        return f"19{first}" if len(first) == 2 else first

    @property
    def short(self) -> Law:
        """The law without its date if it has a number: two quotes of one act are then equal."""
        return replace(self, date="") if self.number else self

    def covers(self, quoted: Law) -> bool:
        """Return whether `quoted` is this law, or is more exact: "loi de 2015" covers "loi n° 2015-992".

        A code covers its articles. Where a quote lacks the number, the exact date decides.
        """
        if CODE in (self.kind, quoted.kind):
            return (
                self.kind == quoted.kind
                and self.code in ("", quoted.code)
                and self.article in ("", quoted.article)
            )
        if self.kind not in ("", quoted.kind):
            return False
        if self.number and quoted.number:
            return self.number == quoted.number
        if self.number and not self.date:
            return False
        if len(self.date) == len("2015"):
            return quoted.year == self.date
        return quoted.date.startswith(self.date)


def quoted(text: str) -> tuple[Law, ...]:
    """Return the laws that a text quotes, each once, in the order of the text."""
    plain = bare(text).replace("’", "'")
    found = sorted((*_acts(plain), *_codes(plain)), key=lambda place: place[0])
    return tuple(dict.fromkeys(law for _, law in found))


def asked(text: str) -> Law | None:
    """Return the one law that a person names, "2015-992" or "CGCT" too; None for none or several."""
    found = quoted(text)
    if not found and (number := _BARE_NUMBER.fullmatch(bare(text).strip())) is not None:
        found = (Law(number=_number(number["number"])),)
    return found[0] if len(found) == 1 else None


def _acts(text: str) -> Iterator[tuple[int, Law]]:
    for match in _ACT.finditer(text):
        kind = _KINDS[match["kind"].lower()]
        number = _number(match["number"] or match["bare"])
        # Without a number, the date ends the match.
        date = _date(match["signed"] if number else match["when"] or _LAST.findall(match.group())[-1])
        yield match.start(), Law(kind, number, date)
        yield from _further(text, match.end(), kind)
    for match in _BUDGET.finditer(text):
        yield match.start(), Law(_KINDS[match["kind"].lower()], date=match["year"])


def _further(text: str, position: int, kind: str) -> Iterator[tuple[int, Law]]:
    """Yield the other acts of a list: "n° 2010-788 et n° 2014-366", "3 août 2009 et 12 juillet 2010"."""
    while (match := _FURTHER.match(text, position)) is not None:
        yield match.start(), Law(kind, _number(match["number"]), _date(match["when"] or match["alone"]))
        position = match.end()


def _codes(text: str) -> Iterator[tuple[int, Law]]:
    articles: list[tuple[int, int]] = []
    for match in _ARTICLES.finditer(text):
        code = _OF_CODE.match(text, match.end())
        for one in _REFERENCE.finditer(match["list"] or match["alone"]):
            # A plain number is an article only with its code: "article 40 de la loi" quotes the law.
            if code is not None or one["letter"]:
                name = _official(code["code"]) if code is not None else ""
                yield match.start(), Law(CODE, code=name, article=_article(one))
        if code is not None:
            articles.append((code.start("code"), code.end()))
    for match in _CODE.finditer(text):
        if not any(start <= match.start() < end for start, end in articles):
            yield match.start(), Law(CODE, code=_official(match["code"]))


def _number(text: str | None) -> str:
    return "" if text is None else _HYPHEN.sub("-", text)


def _article(reference: re.Match[str]) -> str:
    return (reference["letter"] or "").upper() + _HYPHEN.sub("-", reference["digits"])


def _date(text: str | None) -> str:
    match = _PARTS.search(text or "")
    if match is None:
        return ""
    if match["figures"]:
        day, month, year = match["figures"].split("/")
        return f"{year}-{int(month):02}-{int(day):02}"
    month = match["month"]
    parts = [match["year"]]
    if month:
        parts.append(f"{_MONTHS.index(month.lower()) + 1:02}")
    if match["day"]:
        parts.append(f"{int(match['day']):02}")
    return "-".join(parts)


def _day(date: str) -> str:
    year, month, day = [*date.split("-"), "", ""][:3]
    ordinal = f"{int(day)}{'er' if int(day) == 1 else ''}" if day else ""
    name = _MONTH_NAMES[int(month) - 1] if month else ""
    return " ".join(part for part in (ordinal, name, year) if part)


def _preposition(kind: str, date: str) -> str:
    if " " in kind:
        return "pour "
    if date.count("-") == 2:
        return "du "
    return "d'" if date[5:] in ("04", "08", "10") else "de "


def _spelt(article: str) -> str:
    return f"{article[0]}. {article[1:]}" if article[:1].isalpha() else article


def _official(form: str) -> str:
    return _FORMS[_SPACE.sub(" ", form).casefold().replace("codes ", "code ", 1)]


def _forms() -> dict[str, str]:
    """Return the official name of each code by every form, in lower case without accents."""
    lines = (files("reco.text") / "codes.txt").read_text(encoding="utf-8").splitlines()
    names = [line.split("; ") for line in lines if not line.startswith("#")]
    return {bare(form).casefold(): forms[0] for forms in names for form in forms}


def _written(form: str) -> str:
    """Return the pattern of a form: an acronym in capitals, a name in any case with any space."""
    if " " not in form:
        return form.upper()
    rest = r"\s+".join(map(re.escape, form.split()[1:]))
    return rf"(?i:codes?\s+{rest})"


_SPACE = re.compile(r"\s+")
_HYPHEN = re.compile(r"\s?[-‐‑–−]\s?")
_DASH = r"[-‐‑–−]"
_MARK = r"(?i:n(?:°s?|os?\b|\.)|numeros?)\s*"
_NUMBER = rf"(?:\d{{4}}|\d{{2}}){_DASH}\d{{1,4}}(?![\d/]|{_DASH}\d)"
_UNMARKED = rf"(?!\d{{4}}{_DASH}(?:19[5-9]|20)\d\d){_NUMBER}"
"""A number without "n°" must not be a span of years, such as 2019-2025."""

_YEAR = r"(?:1[789]\d\d|20\d\d)(?!\d)"
_MONTH = rf"(?i:{'|'.join(_MONTHS)})"
_FULL = (
    rf"(?:(?:0?[1-9]|[12]\d|3[01])(?:\s?er)?\s+{_MONTH}\s+{_YEAR}"
    rf"|(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|1[0-2])/{_YEAR})"
)
_PARTS = re.compile(
    rf"(?P<figures>\d{{1,2}}/\d{{1,2}}/\d{{4}})"
    rf"|(?:(?:(?P<day>\d{{1,2}})(?:\s?er)?\s+)?(?P<month>{_MONTH})\s+)?(?P<year>{_YEAR})"
)
_KIND = (
    r"\b(?P<kind>(?i:loi|ordonnance|decret|arrete|circulaire))s?(?i:-loi|-cadre)?"
    r"(?i:\s+(?:organique|constitutionnelle|(?:inter)?ministeriel(?:le)?|modifiee?))*"
)
_VERB = (
    r"(?i:(?:appliqu\w*|entr(?:e|ent|ait)\s+en|impos\w*|oblig(?:e|eait|era)|prevoi\w*|fix\w*|depuis|partir|compter"
    r"|lors|avant|apres|jusqu\w*|publie\w*|paru\w*|vote\w*)\b)"
)
"""Words that a name does not have: "la loi Climat s'applique depuis le"."""

_CAPITALISED = r"\s+[«\"]?\s?[A-Z0-9][\w&'-]*\s?[»\"]?"
_TITLE = r"(?:relati(?:ve|f)s?|portant|visant|pour|sur|de\s+finance\w+|d'orientation|de\s+programm\w+)"
_NAME = (
    rf"(?:{_CAPITALISED}(?:\s+(?!{_VERB})[\w&'-]+\s?[»\"]?){{0,4}}?"
    rf"|\s+{_TITLE}(?:\s+(?!{_VERB})[\w'-]+){{0,25}}?)"
)
_ACT = re.compile(
    rf"{_KIND}(?:"
    rf"(?:(?:{_NAME})??(?:\s*,?\s+|\s*\(){_MARK}(?P<number>{_NUMBER})|\s+\(?(?P<bare>{_UNMARKED}))"
    rf"(?:\s+(?i:(?:en\s+date\s+)?du)\s+(?P<signed>{_FULL}))?"
    rf"|(?:{_NAME})??\s+\(?(?i:(?:en\s+date\s+)?d(?:u|es))\s+(?P<when>{_FULL})"
    rf"|(?:{_CAPITALISED}){{0,3}}?\s+\(?(?:de\s+|d'){_MONTH}\s+{_YEAR}"
    rf"|(?<!rete)(?<!retes)(?:{_CAPITALISED}){{0,3}}?\s+(?:de\s+{_YEAR}|190[15])(?!\d|{_DASH}\d)"
    rf")"
)
_LAST = re.compile(rf"(?:{_MONTH}\s+)?{_YEAR}")
_FURTHER = re.compile(
    rf"\s*(?:,|\bet\b|\bou\b)\s*(?:(?:{_MARK})?(?P<number>{_UNMARKED})(?:\s+du\s+(?P<when>{_FULL}))?"
    rf"|(?:d(?:u|es)\s+)?(?P<alone>{_FULL}))"
)
_BUDGET = re.compile(
    rf"(?i:\bloi\s+de\s+(?P<kind>finances|financement)(?:\s+de\s+la\s+securite\s+sociale)?"
    rf"(?:\s+(?:rectificative|initiale))?\s+(?:pour\s+|de\s+)?)(?P<year>{_YEAR})(?!{_DASH}\d)"
)
_BARE_NUMBER = re.compile(rf"(?:{_MARK})?(?P<number>{_NUMBER})")

_FORMS = _forms()
_ONE_CODE = "|".join(_written(form) for form in sorted(_FORMS, key=len, reverse=True))
_CODE = re.compile(rf"\b(?P<code>{_ONE_CODE})\b")
_OF_CODE = re.compile(
    rf"(?:\s+et\s+s(?:uivants?|\.))?\s*(?:du\s+|de\s+la\s+|,\s*|\(\s*)(?P<code>{_ONE_CODE})\b"
)
_LETTERED = rf"[LRDA]\s?\*?\s?\.?\s?\*?\s?\d{{1,5}}(?:\s?{_DASH}\s?\d{{1,4}})*"
_PLAIN = rf"\d{{1,5}}(?:{_DASH}\d{{1,4}})*"
_JOINED = r"\s*(?:,|\bet\b|\bou\b|\bau?x?\b)\s*"
_ARTICLES = re.compile(
    rf"\b(?:(?i:art(?:icles?|\.))\s*(?P<list>(?:{_LETTERED}|{_PLAIN})(?:{_JOINED}(?:{_LETTERED}|{_PLAIN}))*)(?!\w)"
    rf"|(?P<alone>(?:[LR]\s?\*?\.?|D\s?\*?\.)\s?\d{{3,4}}\s?{_DASH}\s?\d{{1,4}}(?:{_DASH}\d{{1,3}})*))(?!\w)"
)
_REFERENCE = re.compile(
    rf"(?:(?P<letter>[LRDA])\s?\*?\s?\.?\s?\*?\s?)?(?P<digits>\d{{1,5}}(?:\s?{_DASH}\s?\d{{1,4}})*)"
)
