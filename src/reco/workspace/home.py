"""A home: the snapshots under one folder, with the settings that they are made and asked with."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from reco.catalogue import quarantine
from reco.catalogue.catalogue import Catalogue, Filters, Values, several
from reco.catalogue.resource import Rejection
from reco.encoder.protocol import Encoder, Progress
from reco.encoder.settings import build_encoder
from reco.errors import InvalidQuery
from reco.projects.store import ProjectStore
from reco.ranking.query import Query
from reco.ranking.recommender import Answer, Recommender
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from reco.workspace import settings as configuration
from reco.workspace.settings import Settings
from reco.workspace.workspace import home_of

if TYPE_CHECKING:
    from reco.clusters.model import Clusters
    from reco.evaluation.evaluate import Evaluation, Tried
    from reco.evaluation.sets import Bars
    from reco.refresh.publish import Forced
    from reco.refresh.report import RefreshReport


class Home:
    """The front door: recommends, refreshes and measures, from the snapshot served when it was first used.

    Nothing is opened or loaded before it is needed. `reload` opens what is served now. What is read from
    a home is shared and never changed, so that several threads may ask the same one.

    >>> home.recommend("rénover la piscine", k=1).to_frame()["title"].tolist()
    ['Rénover la piscine municipale']
    >>> len(home.catalogue), home.snapshot.vectors.shape
    (24, (24, 64))
    """

    def __init__(
        self, settings: Settings, path: str | Path | None = None, encoder: Encoder | None = None
    ) -> None:
        """`path` and `encoder` stand in for the folder and the encoder that the settings name."""
        self.settings = settings
        if encoder is not None:
            self.plain_encoder = encoder
        self.path = home_of(settings, None if path is None else Path(path))
        self.store = SnapshotStore(self.path)
        self.report: RefreshReport | None = None
        """What the last refresh by this object did; None before."""
        self._kept: object = None

    @classmethod
    def open(cls, home: str | Path | None = None, *, config: str | Path | None = None) -> Home:
        """Return the home that `reco.open` does."""
        path = None if home is None else Path(home)
        return cls(configuration.load(None if config is None else Path(config), path), path)

    def __repr__(self) -> str:
        return f"Home({str(self.path)!r})"

    # What is served

    @cached_property
    def _served(self) -> tuple[Snapshot, str]:
        return self.store.serve()

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot served when this was first asked for. Raises SnapshotError when none can be."""
        return self._served[0]

    @property
    def warning(self) -> str:
        """Why an older snapshot stands in for a damaged one; empty when the current one is served."""
        return self._served[1]

    @property
    def catalogue(self) -> Catalogue:
        """The resources of the snapshot, in the order of their ids."""
        return self.snapshot.catalogue

    @cached_property
    def clusters(self) -> Clusters:
        """The snapshot's clusters; found now, and not kept on the disk, where it has none.

        Raises InvalidInput for fewer than 20 texts that differ.
        """
        from reco.clusters.find import find

        found = self.snapshot.clusters
        return found or find(self.catalogue, self.snapshot.vectors, self.settings.clusters.options())

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder that made the snapshot: the settings' own, with what the snapshot learnt."""
        return self.encoder_for(self.snapshot)

    @cached_property
    def recommender(self) -> Recommender:
        """What answers queries from the snapshot."""
        return Recommender(self.snapshot, self.encoder, self.settings.ranking.fusion())

    def encoder_for(self, snapshot: Snapshot) -> Encoder:
        """Return the encoder that made one of this home's snapshots.

        Raises EncoderMismatch when what it learnt was learnt for another encoder than the settings'.
        """
        adapter = snapshot.adapter
        return self.plain_encoder if adapter is None else self.plain_encoder.adapted(adapter)

    def recommender_for(self, snapshot: Snapshot) -> Recommender:
        """Return what answers queries from one of this home's snapshots, an older one for instance."""
        return Recommender(snapshot, self.encoder_for(snapshot), self.settings.ranking.fusion())

    def tried(self, snapshot: Snapshot | None) -> Tried:
        """Return what a snapshot is evaluated with; without one, what the settings alone give."""
        from reco.evaluation.evaluate import Tried

        fusion, acronyms = self.settings.ranking.fusion(), self.settings.ranking.table()
        plain = self.plain_encoder
        if snapshot is None:
            return Tried(plain, fusion, None, acronyms)
        encoder = self.encoder_for(snapshot)
        # One object for one encoder: what `dense` encodes, the product need not encode again.
        same = encoder.fingerprint == plain.fingerprint
        return Tried(plain if same else encoder, fusion, snapshot.head, acronyms)

    @cached_property
    def plain_encoder(self) -> Encoder:
        """The settings' encoder, without anything learnt. It loads its model when it first encodes."""
        return build_encoder(self.settings.encoder)

    @property
    def projects(self) -> ProjectStore:
        """The saved projects."""
        return ProjectStore(self.path)

    def reload(self) -> None:
        """Forget the snapshot that was opened: the next use opens the one served then."""
        for name in ("_served", "clusters", "encoder", "recommender"):
            self.__dict__.pop(name, None)

    def keep_alive(self, thing: object) -> None:
        """Hold a reference, to the temporary folder that this home is in, until this object goes."""
        self._kept = thing

    # What is asked

    def recommend(
        self,
        query: str | Query,
        k: int | None = None,
        *,
        type: Values = (),
        theme: Values = (),
        publisher: Values = (),
        scale: Values = (),
        language: Values = (),
        place: Values = (),
        first_year: int | None = None,
        last_year: int | None = None,
        commune: str = "",
        near: bool = False,
        diversity: float | None = None,
        shelf: bool = False,
        without: Values = (),
    ) -> Answer:
        """Return the `k` best resources (10 by default) for a description, each with its explanation.

        A filter takes one value or several; values of one are alternatives, filters are all required.
        `commune` is the one to whose size and place resources are compared, `near` puts like places first
        among equals, `diversity` (0 to 1) spreads the list, `shelf` gives the best of each type, and
        `without` names acronyms not to expand. A Query has all of this and takes nothing beside it.

        Raises InvalidQuery with every problem, SnapshotError when there is nothing to answer from.

        >>> answer = home.recommend("économiser l'énergie", k=3, type="Rapports", first_year=2010)
        >>> [(item.resource.type, item.resource.year >= 2010) for item in answer]
        [('Rapports', True), ('Rapports', True), ('Rapports', True)]
        """
        filters = Filters.of(
            type=type,
            theme=theme,
            publisher=publisher,
            scale=scale,
            language=language,
            place=place,
            first_year=first_year,
            last_year=last_year,
        )
        if isinstance(query, Query):
            given = (k, filters != Filters(), commune, near, shelf, without)
            if any(given) or diversity is not None:
                raise InvalidQuery(
                    "A Query takes nothing beside it.", "Give k, filters and options to Query.of."
                )
            return self.recommender.recommend(query)
        asked = Query.of(
            query,
            10 if k is None else k,
            filters,
            several(without),
            diversity=diversity,
            shelf=shelf,
            place=commune,
            near=near,
        )
        return self.recommender.recommend(asked)

    def similar(self, identifier: str, k: int = 10, filters: Filters | None = None) -> Answer:
        """Return the resources nearest to one, never itself nor its other listings.

        Raises UnknownResource when the snapshot does not hold it.

        >>> home.similar("r00", k=1)[0].resource.id == "r00"
        False
        """
        return self.recommender.similar(identifier, k, filters)

    def evaluate(
        self,
        *folders: str | Path,
        systems: Iterable[str] = ("bm25", "dense", "product"),
        golden: bool = False,
        limit: int | None = None,
        bars: Bars | None = None,
    ) -> Evaluation:
        """Measure systems on judged sets in BEIR layout, and on the settings' golden set.

        The golden set, judged on what is served, is measured when its folder is named, when `golden` is
        set, or when no folder is named. `systems` are among `reco.evaluation.evaluate.SYSTEMS`; `limit`
        takes the first queries of each set. `bars` gives, for the name of a set, a context manager that
        yields a progress callback. Raises InvalidInput for a set that cannot be read.
        """
        from reco.evaluation.sets import evaluate_sets, read_sets, require_systems

        chosen = tuple(systems)
        require_systems(chosen)
        known = self.settings.gates.golden
        sets = read_sets([Path(folder) for folder in folders], known, golden or not folders, limit)
        served = self.snapshot if sets.topics or self.store.current() is not None else None
        return evaluate_sets(sets, served, self.tried(served), self.plain_encoder, chosen, bars)

    # What is made

    def refresh(self, *, forced: Forced | None = None, progress: Progress | None = None) -> RefreshReport:
        """Read the sources and publish a new snapshot if anything changed: the night.

        `forced` publishes in spite of the gates. Raises what `reco.refresh.run.refresh` does, the
        snapshot served staying as it was.

        >>> home.refresh().published  # nothing changed since the last one
        False
        """
        from reco.refresh.run import refresh
        from reco.workspace.workspace import recipe_of

        recipe = recipe_of(self.settings)
        self.reload()  # a large snapshot must not be in memory beside the two of the night
        self.report = refresh(
            self.store,
            self.settings.sources,
            lambda: self.plain_encoder,
            progress,
            recipe,
            forced,
        )
        return self.report

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """The rows that the last refresh by this object refused, each with its reasons."""
        if self.report is None or self.report.quarantine is None:
            return ()
        return quarantine.read(Path(self.report.quarantine), self.report.rejected).rejections

    def export(self, folder: str | Path) -> dict[str, Path]:
        """Write the catalogue, its vectors and its clusters as Parquet; return the paths by name.

        `catalogue.parquet` has a row per resource, `vectors.parquet` its id and unit vector (a list of
        float32), `clusters.parquet` its id, finest cluster ("" for an outlier), that one's label, and
        its place (x, y) on the map; the last is left out where the snapshot has no clusters. Each file is
        replaced in one step and its pages carry checksums. Raises InvalidInput, before anything is written,
        when a file of such a name is there that no export wrote.

        >>> sorted(home.export(folder))
        ['catalogue', 'clusters', 'vectors']
        """
        from reco.workspace.export import export

        return export(self.snapshot, Path(folder))
