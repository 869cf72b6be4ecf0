"""Languages as sources write them, as one ISO 639 code each: `fre`, `fr-FR` and `Français` are `fr`.

`langcodes` reads the codes, and Babel, which comes with `trafilatura`, has the names in French, in English
and in the language itself.
"""

from __future__ import annotations

import re
from functools import lru_cache

from babel import Locale
from langcodes import Language
from langcodes.tag_parser import LanguageTagError

from reco.text.clean import fold

_LONGEST = 200
_BETWEEN = re.compile(r"[;,/|+&\n]|\s(?:et|and|y|und|-|–)\s|(?<=[^\W\d_]{4})-(?=[^\W\d_]{4})")
_LABEL = re.compile(r"(?:langues?|lang|language|(?:iso ?)?639(?:-\d)?)\s*[:=]\s*", re.IGNORECASE)
_AROUND = re.compile(r"^[\s\[\](){}'\"«»]+|[\s\[\](){}'\"«».]+$")
_TAG = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*(?:\.[a-z0-9-]+)?", re.IGNORECASE)
_NAMED_IN = ("fr", "en")
_OWN_NAMES = tuple("de es it pt nl ca eu br oc gsw lb pl ro ar tr ru uk".split())
"""Languages that a French source may call by their own name. Reading all 300 would take two seconds."""
_LOCAL = {
    "lsf": "fsl",
    "langue des signes": "fsl",
    "langue des signes francaise": "fsl",
    "castillan": "es",
    "multilingual": "mul",
    "falc": "fr",
    "vf": "fr",
    "angl": "en",
    "alsacien": "gsw",
    "provencal": "oc",
    "gascon": "oc",
    "creole reunionnais": "rcf",
    "creole guadeloupeen": "gcf",
    "creole martiniquais": "gcf",
}
"""Languages whose usual name in France is not the one of Unicode's tables. FALC is plain French."""
_UNDETERMINED = frozenset(("und", "mis"))
_NO_ANSWER = frozenset("na nc nd nr ns non vo".split())
"""Words for "none given" that are also the codes of rare languages."""
_ADDRESS = re.compile(r"https?://\S*?([^/#\s]+)/?")
"""A language of a vocabulary, such as `http://id.loc.gov/vocabulary/iso639-2/fre`."""


@lru_cache(maxsize=1024)
def read(text: str) -> tuple[str, str]:
    """Return the code of the first language in a text, "" for none, and a note ("" if nothing is left out).

    `"fre; eng" -> ("fr", "language 'fre; eng' names several, the first is kept")`. A region or a script
    is no language of its own: `fr-CA` is `fr`. `mul`, for several languages, is kept.
    """
    value = _LABEL.sub("", text.strip()[:_LONGEST], count=1)
    if not value:
        return "", ""
    found = list(dict.fromkeys(filter(None, map(code, _parts(value)))))
    if not found and _AROUND.sub("", value).casefold() not in _UNDETERMINED:
        return "", f"language unknown, the source says: {value}"
    if len(found) > 1:
        return found[0], f"language {value!r} names several, the first is kept"
    return (found[0] if found else ""), ""


def code(text: str) -> str:
    """Return the code of one language, given by its code, its tag or its name; "" if it is unknown."""
    value = _AROUND.sub("", text)
    return _exact(value) or _exact(value.partition("(")[0].strip()) or _of_words(value)


def _parts(value: str) -> list[str]:
    if address := _ADDRESS.fullmatch(value):
        return [address[1]]
    words = value.split()
    if _exact(_AROUND.sub("", value)):  # a name may hold a mark: "créole (Haïti)"
        return [value]
    return words if all(map(_of_tag, words)) else _BETWEEN.split(value)


def _exact(value: str) -> str:
    return _of_tag(value) or _names().get(fold(value), "")


def _of_tag(value: str) -> str:
    match = _TAG.fullmatch(value)
    if match is None or match[1].casefold() in _UNDETERMINED | _NO_ANSWER:
        return ""
    try:
        language = Language.get(match[1])
    except LanguageTagError:
        return ""
    return (language.language or "") if language.is_valid() else ""


def _of_words(value: str) -> str:
    """Return the code of a name among other words: "langue française", "en anglais", "français (France)"."""
    words = [word for word in fold(value.partition("(")[0]).split() if word]
    forms = (form for word in (" ".join(words), *reversed(words)) for form in (word, word.removesuffix("e")))
    return next((_names()[form] for form in forms if form in _names()), "")


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Return the code of each folded name of a language."""
    names = dict(_LOCAL)
    for spoken in _NAMED_IN:
        for tag, name in Locale(spoken).languages.items():
            names.setdefault(fold(name), tag.partition("_")[0])
    for tag in _OWN_NAMES:
        names.setdefault(fold(Locale(tag).languages[tag]), tag)
    return names
