"""A home: the snapshots of one folder, with the settings that make and query them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_data_path

from reco.adapt.deep.recipe import DeepRecipe
from reco.adapt.head import HeadRecipe
from reco.catalogue import quarantine
from reco.catalogue.catalogue import Catalogue, Filters, Values, several
from reco.catalogue.resource import Rejection
from reco.encoder.protocol import Encoder, Progress
from reco.encoder.settings import build_encoder
from reco.errors import InvalidQuery
from reco.evaluation.beir import read_topics
from reco.projects.store import ProjectStore
from reco.ranking.query import Query
from reco.ranking.recommender import Answer, Recommender
from reco.refresh.recipe import Recipe
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from reco.workspace import settings as configuration
from reco.workspace.settings import Settings

if TYPE_CHECKING:
    from reco.clusters.model import Clusters
    from reco.evaluation.evaluate import Evaluation, Tried
    from reco.evaluation.sets import Bars
    from reco.projects.feedback import Feedback
    from reco.ranking.second_look import SecondLook
    from reco.refresh.links import LinkReport
    from reco.refresh.publish import Forced
    from reco.refresh.report import RefreshReport
    from reco.workspace.replay import Replayed


class Home:
    """The front door: it recommends, refreshes and measures, from the snapshot served at first use.

    Nothing is opened or loaded before it is needed. `reload` makes the next use open the snapshot served
    then. The data of a home is shared and never changed, so several threads may query one home.

    >>> home.recommend("rénover la piscine", k=1).to_frame()["title"].tolist()
    ['Rénover la piscine municipale']
    >>> len(home.catalogue), home.snapshot.vectors.shape
    (24, (24, 64))
    """

    def __init__(
        self, settings: Settings, path: str | Path | None = None, encoder: Encoder | None = None
    ) -> None:
        """`path` and `encoder` replace the folder and the encoder of the settings."""
        self.settings = settings
        if encoder is not None:
            self.plain_encoder = encoder
        self.path = home_of(settings, None if path is None else Path(path))
        self.store = SnapshotStore(self.path)
        self.report: RefreshReport | None = None
        """The report of the last refresh by this object; None before."""
        self._kept: object = None

    @classmethod
    def open(cls, home: str | Path | None = None, *, config: str | Path | None = None) -> Home:
        """Return a home, as `reco.open` does."""
        path = None if home is None else Path(home)
        return cls(configuration.load(None if config is None else Path(config), path), path)

    def __repr__(self) -> str:
        return f"Home({str(self.path)!r})"

    # The served snapshot

    @cached_property
    def _served(self) -> tuple[Snapshot, str]:
        return self.store.serve()

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot served at first use. Raises SnapshotError when none can be served."""
        return self._served[0]

    @property
    def warning(self) -> str:
        """The reason why an older snapshot replaces a damaged one; empty when the current one is served."""
        return self._served[1]

    @property
    def catalogue(self) -> Catalogue:
        """The resources of the snapshot, sorted by id."""
        return self.snapshot.catalogue

    @cached_property
    def clusters(self) -> Clusters:
        """The clusters of the snapshot. If it has none, they are found now and not written to disk.

        Raises InvalidInput for fewer than 20 texts that differ.
        """
        from reco.clusters.find import find

        found = self.snapshot.clusters
        return found or find(self.catalogue, self.snapshot.vectors, self.settings.clusters.options())

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder that made the snapshot: that of the settings, with the snapshot's learnt weights."""
        return self.encoder_for(self.snapshot)

    @cached_property
    def second(self) -> SecondLook | None:
        """The second look of the settings, None without one."""
        return self.settings.ranking.second()

    @cached_property
    def recommender(self) -> Recommender:
        """The recommender of the snapshot."""
        return Recommender(self.snapshot, self.encoder, self.settings.ranking.fusion(), self.second)

    def encoder_for(self, snapshot: Snapshot) -> Encoder:
        """Return the encoder that made one of this home's snapshots.

        Raises EncoderMismatch when its weights were learnt for another encoder than the settings'.
        """
        adapter = snapshot.adapter
        return self.plain_encoder if adapter is None else self.plain_encoder.adapted(adapter)

    def recommender_for(self, snapshot: Snapshot) -> Recommender:
        """Return the recommender of one of this home's snapshots, an older one for instance."""
        fusion = self.settings.ranking.fusion()
        return Recommender(snapshot, self.encoder_for(snapshot), fusion, self.second)

    def tried(self, snapshot: Snapshot | None) -> Tried:
        """Return the encoder, weights, head and acronyms to evaluate a snapshot, or the settings' alone."""
        from reco.evaluation.evaluate import Tried

        fusion, acronyms = self.settings.ranking.fusion(), self.settings.ranking.table()
        plain = self.plain_encoder
        if snapshot is None:
            return Tried(plain, fusion, None, acronyms, self.second)
        encoder = self.encoder_for(snapshot)
        # One object for equal encoders: the product then reuses what `dense` has encoded.
        same = encoder.fingerprint == plain.fingerprint
        return Tried(plain if same else encoder, fusion, snapshot.head, acronyms, self.second)

    @cached_property
    def plain_encoder(self) -> Encoder:
        """The encoder of the settings, without learnt weights. It loads its model when it first encodes."""
        return build_encoder(self.settings.encoder)

    @property
    def projects(self) -> ProjectStore:
        """The saved projects."""
        return ProjectStore(self.path)

    @property
    def feedback(self) -> Feedback:
        """The journal of opinions on results."""
        from reco.projects.feedback import Feedback

        return Feedback(self.path)

    def reload(self) -> None:
        """Release the open snapshot: the next use opens the one served then."""
        for name in ("_served", "clusters", "encoder", "recommender"):
            self.__dict__.pop(name, None)

    def keep_alive(self, thing: object) -> None:
        """Hold a reference, such as this home's temporary folder, for as long as this object lives."""
        self._kept = thing

    # Queries and measures

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
        exact: Values = (),
        whole: bool = False,
    ) -> Answer:
        """Return the `k` best resources (10 by default) for a description, each with its explanation.

        A filter takes one value or several: a resource must match one value of every filter. `commune` is
        the commune whose size and place are compared with those of resources, `near` puts similar places
        first among equals, `diversity` (0 to 1) spreads the list, `shelf` gives the best of each type, and
        `without` names acronyms not to expand, `exact` words to search as they are typed; `whole` searches a
        deliberation with its formulas. A Query holds all of these, so it takes no other argument.

        Raises InvalidQuery with every problem, SnapshotError when no snapshot can be served.

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
            given = (k, filters != Filters(), commune, near, shelf, without, exact, whole)
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
            exact=several(exact),
            whole=whole,
        )
        return self.recommender.recommend(asked)

    def similar(self, identifier: str, k: int = 10, filters: Filters | None = None) -> Answer:
        """Return the resources nearest to one, without itself and its other listings.

        Raises UnknownResource when the snapshot does not hold it.

        >>> home.similar("r00", k=1)[0].resource.id == "r00"
        False
        """
        return self.recommender.similar(identifier, k, filters)

    def record(self, answer: Answer) -> dict[str, Any]:
        """Return an answer of the served snapshot as a document that `replay` reads.

        >>> home.record(home.recommend("un verger partagé", k=1))["depended_on"]["snapshot"]["id"]
        '000001'
        """
        from reco.workspace.replay import recorded_document

        return recorded_document(self, answer)

    def replay(self, document: str | Mapping[str, Any]) -> Replayed:
        """Ask a recorded question again, and say what differs: a document of `record`, or its JSON.

        Raises InvalidInput for anything else.

        >>> home.replay(home.record(home.recommend("un verger partagé"))).same
        True
        """
        from reco.workspace.replay import Recorded, replay

        text = document if isinstance(document, str) else json.dumps(document)
        return replay(self, Recorded.read(text))

    def evaluate(
        self,
        *folders: str | Path,
        systems: Iterable[str] = ("bm25", "dense", "product"),
        golden: bool = False,
        limit: int | None = None,
        bars: Bars | None = None,
    ) -> Evaluation:
        """Measure systems on judged sets in BEIR layout, and on the settings' golden set.

        The golden set is measured on the served snapshot when its folder is named, when `golden` is set, or
        when no folder is named. `systems` are among `reco.evaluation.evaluate.SYSTEMS`; `limit` takes the
        first queries of each set. `bars` maps the name of a set to a context manager that yields a progress
        callback. Raises InvalidInput for a set that cannot be read.
        """
        from reco.evaluation.sets import evaluate_sets, read_sets, require_systems

        chosen = tuple(systems)
        require_systems(chosen)
        known = self.settings.gates.golden
        topics, others = read_sets([Path(folder) for folder in folders], known, golden or not folders, limit)
        served = self.snapshot if topics or self.store.current() is not None else None
        return evaluate_sets(topics, others, served, self.tried(served), self.plain_encoder, chosen, bars)

    # Refresh and export

    def refresh(self, *, forced: Forced | None = None, progress: Progress | None = None) -> RefreshReport:
        """Read the sources, and publish a new snapshot if anything changed.

        `forced` publishes against the gates. Raises what `reco.refresh.run.refresh` raises; the served
        snapshot then stays the same.

        >>> home.refresh().published  # nothing changed since the last one
        False
        """
        from reco.refresh.run import refresh

        recipe = recipe_of(self.settings)
        self.reload()  # a large snapshot must not stay in memory beside the two of the refresh
        self.report = refresh(
            self.store, self.settings.sources, lambda: self.plain_encoder, progress, recipe, forced
        )
        return self.report

    def check_links(
        self, limit: int | None = None, *, night: date | None = None, progress: Progress | None = None
    ) -> LinkReport:
        """Check at most `limit` addresses of the catalogue, `[links] per_night` by default.

        `night` is the date that failures are counted under, today (UTC) by default. This asks the servers
        of the addresses, whether `[links] check` is set or not. Raises what
        `reco.refresh.links.check_links` raises.

        >>> home.check_links(0).addresses
        24
        """
        from reco.refresh.links import check_links
        from reco.sources.link_check import LinkChecker

        chosen = self.settings.links
        with LinkChecker(chosen.delay_seconds, chosen.allow_private) as checker:
            return check_links(
                self.path,
                self.catalogue,
                checker,
                night or datetime.now(UTC).date(),
                chosen.per_night if limit is None else limit,
                progress,
            )

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """The rejections of the last refresh by this object, each with its reasons."""
        if self.report is None or self.report.quarantine is None:
            return ()
        return quarantine.read(Path(self.report.quarantine), self.report.rejected).rejections

    def export(self, folder: str | Path) -> dict[str, Path]:
        """Write the catalogue, its vectors and its clusters as Parquet; return the paths by name.

        Each file has a row per resource: `catalogue.parquet` its fields, `vectors.parquet` its id and unit
        vector (a list of float32), `clusters.parquet` its id, finest cluster ("" for an outlier), the label
        of that cluster, and its position (x, y) on the map. A snapshot without clusters gives no third
        file. Each file is replaced in one step, and its pages carry checksums. Raises InvalidInput, before
        anything is written, when a file of one of these names exists that no export wrote.

        >>> sorted(home.export(folder))
        ['catalogue', 'clusters', 'vectors']
        """
        from reco.workspace.export import export

        return export(self.snapshot, Path(folder))


def home_of(settings: Settings, home: Path | None = None) -> Path:
    """Return the folder of the snapshots: `home`, that of the settings, or the user's data directory."""
    return home or settings.home or user_data_path("reco")


def recipe_of(settings: Settings) -> Recipe:
    """Return the recipe of a refresh. The test encoder learns no head and no weights.

    Raises InvalidInput when a table, the golden set or the judged requests cannot be used.
    """
    learns = settings.encoder.kind != "hashing-for-tests"
    golden, judged = settings.gates.golden, settings.levels.judged
    return Recipe(
        acronyms=settings.ranking.table(),
        curation=settings.curation.curation(),
        fusion=settings.ranking.fusion(),
        golden=read_topics(golden) if golden is not None else (),
        judged=read_topics(judged) if judged is not None else (),
        calibrate=True,
        clusters=settings.clusters.options() if settings.clusters.enabled else None,
        head=HeadRecipe() if learns and settings.adapt.head else None,
        deep=DeepRecipe() if learns and settings.adapt.deep else None,
        replay=settings.adapt.replay(),
        drift=settings.adapt.drift,
        thresholds=settings.gates.thresholds(),
        keep=settings.snapshots.keep,
    )
