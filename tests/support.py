"""What several tests share: an invented catalogue, a home to refresh, and ways to run the command line."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from odfdo import Document as Spreadsheet
from odfdo import Table

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import FIELDS, Record, Resource
from reco.encoder.protocol import Document, DocumentVectors, Progress
from reco.encoder.testing import HashingEncoderForTests
from reco.index.vectors import embed
from reco.ranking.recommender import Answer, Recommender
from reco.refresh.publish import Forced
from reco.refresh.report import RefreshReport
from reco.refresh.run import refresh
from reco.snapshots.snapshot import Manifest, Snapshot, build
from reco.snapshots.store import SnapshotStore
from reco.workspace.home import recipe_of
from reco.workspace.settings import Settings, load

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"
SOURCE = REPOSITORY / "src" / "reco"

CONFIG = """\
[encoder]
kind = "hashing-for-tests"
dimension = {dimension}

"""
SOURCE_TABLE = """\
[[sources]]
name = "{name}"
kind = "csv"
path = "{file}"
{options}
"""

_TOPICS = (
    ("Rénover la piscine municipale", "Guides & outils", "Sport", "Bassin, chaufferie et vestiaires repris"),
    (
        "Un verger partagé derrière la mairie",
        "Livres",
        "Biodiversité",
        "Pommiers et poiriers plantés",
    ),
    ("Éclairer moins, éclairer mieux", "Rapports", "Énergie", "Lampadaires éteints de minuit à cinq heures"),
    ("La cantine cuisine local", "Guides & outils", "Alimentation", "Légumes des maraîchers du canton"),
    (
        "Sauver le dernier café",
        "Dossiers & articles",
        "Commerces",
        "Licence rachetée, gérance confiée",
    ),
    ("Ouvrir un pédibus", "Guides & outils", "Mobilités", "Quatre lignes à pied vers l'école"),
    ("Les haies reviennent", "Rapports", "Biodiversité", "Bocage replanté sur douze kilomètres"),
    (
        "Budget participatif au village",
        "Livres",
        "Participation",
        "Un vote chaque printemps",
    ),
    ("Un cimetière sans pesticide", "Dossiers & articles", "Santé", "Allées enherbées, binette et paillage"),
    ("Chauffer l'église au bois", "Rapports", "Énergie", "Chaudière à plaquettes et silo enterré"),
    (
        "Désimperméabiliser la cour d'école",
        "Guides & outils",
        "Adaptation",
        "Bitume ôté, arbres posés",
    ),
    ("Médiathèque ouverte le dimanche", "Livres", "Culture", "Bénévoles formés, horaires élargis"),
    ("Le bus à la demande", "Guides & outils", "Mobilités", "Minibus réservé par téléphone la veille"),
    (
        "Prévenir les inondations de la rivière",
        "Rapports",
        "Risques",
        "Digue arasée, lit élargi",
    ),
    ("Accueillir un médecin salarié", "Dossiers & articles", "Santé", "Centre de santé porté par la commune"),
    ("Une recyclerie dans l'ancienne gare", "Livres", "Déchets", "Meubles réparés puis vendus le samedi"),
    ("Compter l'eau des fontaines", "Rapports", "Eau", "Compteurs posés, fuites trouvées en trois mois"),
    ("Loger les saisonniers", "Guides & outils", "Logement", "Camping municipal aménagé pour l'été"),
    (
        "Le conseil des jeunes décide",
        "Dossiers & articles",
        "Participation",
        "Enveloppe confiée",
    ),
    ("Friche textile, nouveau quartier", "Rapports", "Urbanisme", "Halle conservée, sols dépollués"),
    ("Une ferme communale", "Livres", "Alimentation", "Agricultrice recrutée en régie"),
    ("Le wifi de la halle", "Guides & outils", "Numérique", "Bornes, charte et médiateur au marché"),
    ("Rouvrir la source du lavoir", "Dossiers & articles", "Eau", "Captage nettoyé, lavoir restauré"),
    ("Vieillir au bourg", "Rapports", "Solidarités", "Béguinage de huit logements près de l'épicerie"),
)


def rows() -> list[dict[str, str]]:
    """The invented catalogue: 24 rows, each with its own words, several passages, and facets."""
    return [
        {
            "id": f"r{number:02}",
            "title": title,
            "publisher": f"Éditions {'du Lavoir' if number % 3 else 'de la Halle'}",
            "year": str(2000 + number),
            "type": kind,
            "theme": theme,
            "url": f"https://exemple.fr/{number}",
            "summary": f"{passage}, raconté par l'équipe municipale. "
            f"Le coût, les partenaires et le calendrier de « {title} » sont donnés poste par poste. "
            f"Une liste de {number + 3} erreurs à éviter termine le document.",
            "language": "fr",
        }
        for number, (title, kind, theme, passage) in enumerate(_TOPICS)
    ]


def write_csv(path: Path, table: Iterable[dict[str, str]]) -> None:
    """Write rows as a CSV file; a field that none of them has is left out."""
    table = list(table)
    columns = [name for name in FIELDS if any(name in row for row in table)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        writer.writerows(table)


class CountingEncoder(HashingEncoderForTests):
    """Remembers the documents it was asked to encode."""

    def __init__(self, dimension: int = 64, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        self.encoded: list[Document] = []

    def encode_documents(
        self, documents: Sequence[Document], progress: Progress | None = None
    ) -> list[DocumentVectors]:
        self.encoded.extend(documents)
        return super().encode_documents(documents, progress)


@dataclass
class Home:
    """A folder with a configuration, its sources, and the home that a refresh fills."""

    folder: Path
    dimension: int = 64
    sources: dict[str, str] = field(default_factory=lambda: {"main": "catalogue.csv"})
    extra: str = ""
    options: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configure()

    @property
    def config(self) -> Path:
        return self.folder / "reco.toml"

    @property
    def path(self) -> Path:
        return self.folder / "home"

    @property
    def arguments(self) -> tuple[str, ...]:
        """The options that make a command use this home."""
        return ("--config", str(self.config), "--home", str(self.path))

    def configure(self) -> None:
        tables = "".join(
            SOURCE_TABLE.format(name=n, file=f, options=self.options) for n, f in self.sources.items()
        )
        self.config.write_text(CONFIG.format(dimension=self.dimension) + self.extra + tables, "utf-8")

    def write(self, table: Iterable[dict[str, str]], name: str = "main") -> None:
        write_csv(self.folder / self.sources[name], table)

    def settings(self) -> Settings:
        return load(self.config)

    @property
    def store(self) -> SnapshotStore:
        return SnapshotStore(self.path)

    def refresh(
        self, encoder: HashingEncoderForTests | None = None, forced: Forced | None = None
    ) -> RefreshReport:
        chosen = encoder or HashingEncoderForTests(self.dimension)
        settings = self.settings()
        return refresh(self.store, settings.sources, lambda: chosen, None, recipe_of(settings), forced)

    def recommender(self, encoder: HashingEncoderForTests | None = None) -> Recommender:
        return Recommender(self.store.open(), encoder or HashingEncoderForTests(self.dimension))


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output; anything else beside it fails."""
        return json.loads(self.out)


def run_cli(*arguments: str) -> Ran:
    """Run the command line in this process."""
    from reco.cli.main import main

    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(arguments))
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else int(done.code is not None)
    return Ran(code, out.getvalue(), err.getvalue())


def run_process(*arguments: str, stdin: str | bytes = "", **environment: str) -> Ran:
    """Run the command line in a process of its own."""
    return python("-c", "from reco.cli.main import main; main()", *arguments, stdin=stdin, **environment)


def python(*arguments: str, stdin: str | bytes = "", **environment: str) -> Ran:
    """Run Python in a process of its own."""
    done = subprocess.run(
        [sys.executable, *arguments],
        input=stdin if isinstance(stdin, bytes) else stdin.encode(),
        env={**os.environ, **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def record(**values: str) -> Record:
    """A record that is admitted unless `values` say otherwise."""
    given = {"id": "r1", "title": "Un titre", "summary": "Un résumé.", **values}
    return Record("essai", "essai.csv:2", given)


def resource(identifier: str, title: str = "Un titre", **values: Any) -> Resource:
    """A resource made without the door."""
    return Resource(**{"id": identifier, "title": title, "source": "essai", **values})


def resources() -> list[Resource]:
    """The invented catalogue, as resources."""
    return [
        Resource(
            id=row["id"],
            title=row["title"],
            source="main",
            publisher=row["publisher"],
            year=int(row["year"]),
            type=row["type"],
            themes=(row["theme"],),
            url=row["url"],
            summary=row["summary"],
            language="fr",
        )
        for row in rows()
    ]


def snapshot_of(
    found: Iterable[Resource], encoder: HashingEncoderForTests, number: str = "000001"
) -> Snapshot:
    """A snapshot in memory."""
    catalogue = Catalogue(found)
    table, _ = embed(catalogue, encoder)
    manifest = Manifest(
        snapshot=number,
        created="2026-01-01T00:00:00+00:00",
        encoder=encoder.fingerprint,
        dimension=encoder.dimension,
        resources=len(catalogue),
        passages=int((table.spans[:, 0] >= 0).sum()),
    )
    return build(manifest, catalogue, table)


def publish(store: SnapshotStore, snapshot: Snapshot) -> str:
    """Write and serve a snapshot, as a refresh does once its checks have passed."""
    with store.writing():
        return store.publish(store.write_draft(snapshot))


def scores_of(answer: Answer) -> list[tuple[str, float]]:
    """What an answer ranks: ids with their scores."""
    return [(item.resource.id, item.score) for item in answer.recommendations]


def files_under(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its relative name."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def edited(table: list[dict[str, str]], identifier: str, **values: str) -> list[dict[str, str]]:
    """Rows in which one has other values."""
    return [{**row, **values} if row["id"] == identifier else row for row in table]


def ods(rows: Sequence[Sequence[str]]) -> bytes:
    """Return an OpenDocument spreadsheet of one sheet."""
    document, table = Spreadsheet("spreadsheet"), Table("Feuille")
    document.body.clear()
    for y, row in enumerate(rows):
        table.set_row_values(y, list(row))
    document.body.append(table)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()
