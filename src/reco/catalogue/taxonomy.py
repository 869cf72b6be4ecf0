"""The taxonomy of the bundled catalogue: its themes, types and scales."""

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
"""Code -> label as shown. A source or a filter may use either."""

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
"""The scale of a resource whose source does not know it; empty labels are counted under it."""

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
    """Return the label of `known` that `value` means, or None: `"energie" -> "Énergie"`.

    Case and accents are ignored; a type may be given by its code.
    """
    wanted = fold(TYPES.get(value.strip().casefold(), value))
    return next((label for label in known if fold(label) == wanted), None)
