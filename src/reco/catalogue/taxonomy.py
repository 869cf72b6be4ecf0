"""The closed list of themes and types of the bundled catalogue, and its codes for types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reco.text.clean import fold

TYPES: Mapping[str, str] = {
    "guide": "Guides & outils",
    "report": "Rapports",
    "book": "Livres",
    "article": "Dossiers & articles",
    "initiative": "Initiatives & retours d'expérience",
}
"""Code -> label as shown. Either may be written in a source or a filter."""

THEMES: tuple[str, ...] = (
    "Initiatives locales",
    "Aménagement du territoire",
    "Vie démocratique et institutionnelle",
    "Énergie",
    "Adaptation",
    "Eau",
    "Mobilités",
    "Biodiversité",
    "Alimentation & agriculture",
    "Logement & bâtiment",
    "Déchets & économie circulaire",
    "Santé-environnement",
    "Finances & commande publique",
    "Participation",
    "Numérique & données",
    "Solidarités & vieillissement",
    "Éducation & jeunesse",
    "Culture & patrimoine",
    "Sport",
    "Tourisme",
    "Risques naturels & sécurité",
    "Outre-mer",
    "Ruralité & petites villes",
    "Centres-bourgs & commerces",
    "Friches, ZAN & urbanisme",
    "Économie & emploi",
    "Pilotage & conduite du changement",
)

UNKNOWN = "unknown"
"""What a source says of a scale that it does not know, and what an empty label is counted as."""

SCALES: tuple[str, ...] = (
    "commune rurale",
    "petite ville",
    "ville moyenne",
    "métropole",
    "EPCI",
    "département",
    "région",
    "national",
    UNKNOWN,
)


def canonical(value: str, known: Iterable[str]) -> str | None:
    """Return the label of `known` that `value` writes, ignoring case, accents and type codes."""
    wanted = fold(TYPES.get(value.strip().casefold(), value))
    return next((label for label in known if fold(label) == wanted), None)
