"""Which columns of a source are our fields: by their usual names, checked on the first rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reco.catalogue import years
from reco.catalogue.places.codes import written
from reco.sources.mapping import to_text
from reco.text.clean import fold

_USUAL: Mapping[str, tuple[str, ...]] = {
    field: tuple(" ".join(name.split()) for name in names.split(","))
    for field, names in {
        "title": """titre, title, intitule, titre du projet, intitule du projet, nom du projet,
            nom de l action, nom, name, libelle, designation, objet, objet du projet, label""",
        "summary": """resume, summary, abstract, description, descriptif, presentation,
            description du projet, resume du projet, notes, synthese, contenu, content, texte, text, chapo,
            chapeau, body, detail, details""",
        "id": """id, identifiant, identifier, uid, uuid, guid, slug, recordid, doi, reference, ref, numero,
            num, code, cle, key""",
        "url": """url, lien, link, permalink, adresse web, site web, site internet, page web, website, page,
            href, uri, homepage, fiche, en savoir plus""",
        "year": """annee, year, date de publication, date publication, publication date, published, date,
            issued, parution, millesime, exercice, created, created at, date de creation, modified,
            updated at""",
        "publisher": """editeur, publisher, producteur, organisme, organisation, organization, structure,
            porteur, porteur du projet, maitre d ouvrage, beneficiaire, nom beneficiaire, source""",
        "authors": """auteur, auteurs, author, authors, creator, creators, redacteur, contributeur,
            contributeurs""",
        "theme": """theme, themes, thematique, thematiques, categorie, categories, category, domaine,
            domaines, mots cles, mot cle, keyword, keywords, tags, sujet, sujets, subject, secteur,
            politique publique""",
        "type": """type, type de document, type de ressource, type de projet, document type, nature, genre""",
        "place": """commune, communes, nom commune, nom de la commune, com nom, libelle commune, ville, city,
            lieu, localisation, territoire, collectivite, place, location, nom departement, departement,
            nom region, region""",
        "place_code": """code insee, insee, code commune, code insee commune, insee com, com code, codgeo,
            code geographique, depcom, code epci, siren epci, code departement""",
        "language": "langue, language, lang, langues",
        "scale": "echelle, scale, strate, strate de population",
        "audience": "public, public cible, publics, audience, cible",
    }.items()
}
"""Our field -> usual column names in French and English, folded, the best first."""

_LOOSE: Mapping[str, tuple[str, ...]] = {
    "title": ("titre", "title", "intitule"),
    "summary": ("resume", "description", "descriptif", "abstract", "presentation"),
    "id": ("id", "identifiant", "reference", "numero"),
    "url": ("url", "lien", "link"),
    "year": ("annee", "year", "date"),
    "publisher": ("organisme", "producteur", "publisher", "editeur", "structure"),
    "authors": ("auteur", "auteurs", "author", "authors"),
    "theme": ("thematique", "thematiques", "theme", "themes", "categorie", "keywords"),
    "place": ("commune", "ville"),
    "place_code": ("insee",),
}
"""Words that make a longer column name fit, such as "Titre de l'opération"."""

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MARKS = re.compile(r"[^a-z0-9]+")
_CODE = re.compile(r"\d[\dAB]\d{3}|\d[\dAB]|97\d|\d{9}")
_LETTER = re.compile(r"[^\W\d_]")
_WEB = ("http://", "https://", "www.")
_MOST_COLUMNS, _DEEPEST = 300, 4
_LONGEST_ID, _LONGEST_TITLE, _SHORTEST_TEXT = 200, 300, 40

Values = list[str]


@dataclass(frozen=True)
class Mapped:
    """Our field -> column, why that column, and the separator of its values if it holds several.

    `columns` are all those of the first rows.
    """

    columns: tuple[str, ...]
    fields: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)


def mapped(
    rows: Sequence[Mapping[str, object]],
    known: Mapping[str, tuple[str, ...]] | None,
    readable: Mapping[str, str],
    chosen: Mapping[str, str],
) -> Mapped:
    """Return the columns of our fields. `chosen` wins; `known` are the names that the format fixes, or None.

    A column must pass a check on the rows: ids that differ, addresses that are addresses, years with a
    year. `readable` maps a column to a second name to match.
    """
    columns = _columns(rows)
    found = Mapped(tuple(columns))
    for ours, column in chosen.items():
        _take(found, ours, column, "chosen with --field")
    if known is not None:
        for ours, names in known.items():
            fit = (n for n in names if n in columns and _fits(ours, columns[n], len(rows)))
            if ours not in found.fields and (name := next(fit, None)):
                _take(found, ours, name, "fixed by the format")
        return found
    for _, ours, column, why in sorted(_candidates(columns, readable)):
        is_free = ours not in found.fields and column not in found.fields.values()
        if is_free and _fits(ours, columns[column], len(rows)):
            _take(found, ours, column, why)
    _fall_back(found, columns, len(rows))
    if any("|" in value for value in columns.get(found.fields.get("theme", ""), ())):
        found.splits["theme"] = "|"  # a comma can be part of a label, a bar cannot
    return found


def _take(found: Mapped, ours: str, column: str, why: str) -> None:
    found.fields[ours] = column
    found.why[ours] = why


def _candidates(
    columns: Mapping[str, Values], readable: Mapping[str, str]
) -> Iterator[tuple[tuple[int, int, int], str, str, str]]:
    """Yield (rank, our field, column, why): exact names first, then names that hold a usual word."""
    for at, column in enumerate(columns):
        forms = {_plain(column), _plain(column.rpartition(".")[2]), _plain(readable.get(column, ""))}
        for ours, names in _USUAL.items():
            for rank, name in enumerate(names):
                if name in forms:
                    yield (0, rank, at), ours, column, "a usual name"
            words = {word for form in forms for word in form.split()}
            for rank, word in enumerate(_LOOSE.get(ours, ())):
                if word in words:
                    yield (1, rank, at), ours, column, f"its name holds {word!r}"


def _fall_back(found: Mapped, columns: Mapping[str, Values], rows: int) -> None:
    """Find a summary and an id where no name fits."""
    if "summary" not in found.fields:
        free = {c: _length(v) for c, v in columns.items() if c not in found.fields.values() and _is_text(v)}
        longest = max(free, key=lambda column: free[column], default="")
        if longest and free[longest] >= _SHORTEST_TEXT:
            _take(found, "summary", longest, "no usual name fits; it holds the longest text")
    address = found.fields.get("url", "")
    if "id" not in found.fields and address and _fits("id", columns[address], rows):
        _take(found, "id", address, "no usual name fits; each row has its own address")


def _fits(ours: str, values: Values, rows: int) -> bool:
    """Return whether the values of a column, blank ones left out, can be those of a field."""
    if not values:
        return False
    checks: Mapping[str, Callable[[], bool]] = {
        "id": lambda: len(set(values)) == rows and max(map(len, values)) <= _LONGEST_ID,
        "title": lambda: (
            len(values) * 2 >= rows
            and _most(values, _LETTER.search)
            and not _most(values, _is_web)
            and _length(values) <= _LONGEST_TITLE
        ),
        "summary": lambda: _is_text(values),
        "url": lambda: _most(values, _is_web),
        "year": lambda: _most(values, _gives_year),
        "place": lambda: _most(values, _LETTER.search) and not _most(values, _is_web),
        "place_code": lambda: _most(values, lambda value: _CODE.fullmatch(written(value))),
        "language": lambda: _length(values) <= 20,
    }
    by_words = checks.get(ours, lambda: _most(values, _LETTER.search) and not _most(values, _is_web))
    return by_words()


def _most(values: Values, test: Callable[[str], object]) -> bool:
    return sum(bool(test(value)) for value in values) * 2 >= len(values)


def _is_web(value: str) -> bool:
    return value.lower().startswith(_WEB)


def _gives_year(value: str) -> bool:
    return years.read(value)[0] is not None


def _is_text(values: Values) -> bool:
    return _most(values, _LETTER.search) and not _most(values, _is_web)


def _length(values: Values) -> float:
    return sum(map(len, values)) / len(values) if values else 0.0


def _plain(name: str) -> str:
    """Return a column's name folded: "codeINSEE", "Code_Insee" -> "code insee"."""
    return _MARKS.sub(" ", fold(_CAPITAL.sub(" ", name))).strip()


def _columns(rows: Sequence[Mapping[str, object]]) -> dict[str, Values]:
    """Return each column, or dotted path in nested data, with its texts that are not blank, in order."""
    columns: dict[str, Values] = {}
    for row in rows:
        texts: dict[str, list[str]] = {}
        for path, value in _leaves(row, "", 0):
            if _is_writable(path):
                texts.setdefault(path, [])
                if text := (to_text(value) or "").strip():
                    texts[path].append(text)
        for path, parts in texts.items():
            if path in columns or len(columns) < _MOST_COLUMNS:
                columns.setdefault(path, []).extend(["; ".join(parts)] if parts else [])
    return columns


def _leaves(value: object, path: str, depth: int) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for item in value:
            yield from _leaves(item, path, depth)
    elif path:
        yield path, value


def _is_writable(path: str) -> bool:
    """Return whether a name can stand in settings: a lone surrogate cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in path)
