"""reco: which guides, reports, books and local experiences should a commune read?

`reco.open()` opens a home: the snapshots on disk with their settings. `reco.from_frame(df)` makes one from
a DataFrame. `import reco` is instant: the first use imports the rest.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from reco.version import __version__

# torch and faiss each start an OpenMP pool; the spinning threads of one starve the other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# The matrix products of a query are small: a second thread costs more than it saves (on two cores, a warm
# query takes 105 ms with it and 28 ms without). This does not set torch's own threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from reco.catalogue.catalogue import Catalogue, Filters
    from reco.catalogue.resource import Resource
    from reco.clusters.model import Clusters
    from reco.encoder.settings import EncoderSettings
    from reco.evaluation.evaluate import Evaluation
    from reco.ranking.explain import Explanation
    from reco.ranking.query import Query
    from reco.ranking.recommender import Answer, Recommendation, Recommender
    from reco.refresh.report import RefreshReport
    from reco.snapshots.snapshot import Snapshot
    from reco.snapshots.store import SnapshotStore
    from reco.workspace.home import Home
    from reco.workspace.settings import Settings

__all__ = [
    "Answer",
    "Catalogue",
    "Clusters",
    "Evaluation",
    "Explanation",
    "Filters",
    "Home",
    "Query",
    "Recommendation",
    "Recommender",
    "RefreshReport",
    "Resource",
    "Settings",
    "Snapshot",
    "SnapshotStore",
    "__version__",
    "from_frame",
    "open",
]

_PLACES = {
    "Answer": "reco.ranking.recommender",
    "Catalogue": "reco.catalogue.catalogue",
    "Clusters": "reco.clusters.model",
    "Evaluation": "reco.evaluation.evaluate",
    "Explanation": "reco.ranking.explain",
    "Filters": "reco.catalogue.catalogue",
    "Home": "reco.workspace.home",
    "Query": "reco.ranking.query",
    "Recommendation": "reco.ranking.recommender",
    "Recommender": "reco.ranking.recommender",
    "RefreshReport": "reco.refresh.report",
    "Resource": "reco.catalogue.resource",
    "Settings": "reco.workspace.settings",
    "Snapshot": "reco.snapshots.snapshot",
    "SnapshotStore": "reco.snapshots.store",
}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'reco' has no attribute {name!r}")


def open(home: str | Path | None = None, *, config: str | Path | None = None) -> Home:
    """Open a home. Its settings are read now, its snapshot and its model at first use.

    `home` is a folder, by default `RECO_HOME`, the settings' `home`, or the user's data directory. `config`
    is a settings file, by default `RECO_CONFIG`, `reco.toml` in `home` or `RECO_HOME`, `./reco.toml`, or the
    settings and the catalogue that come with reco. Raises InvalidSettings for a file that cannot be used.

    >>> import reco
    >>> home = reco.open("communes")  # doctest: +SKIP
    >>> home.recommend("Désimperméabiliser la cour de l'école", k=5).to_frame()  # doctest: +SKIP
    """
    from reco.workspace.home import Home

    return Home.open(home, config=config)


def from_frame(
    frame: pd.DataFrame,
    home: str | Path | None = None,
    *,
    encoder: EncoderSettings | Mapping[str, Any] | None = None,
) -> Home:
    """Make a home from a DataFrame with the columns `title` and `summary`, and refresh it.

    Optional columns: id, authors, publisher, year, type, theme (or themes), url, place, place_code,
    audience, scale, language, evidence. Other columns are ignored. A row without an id gets a stable one
    from its title, publisher and authors.

    `home` is the folder to make the home in: a later call updates it, and `reco.open(home)` opens it.
    Without one, the home is in a temporary folder that is removed with the returned object. `encoder` takes
    the keys of `[encoder]` in a settings file; the default is the bundled model.

    Rejected rows are in `.rejected`, each with its reasons. Raises InvalidInput for a frame that cannot be
    read or whose rows are all rejected, RefreshRefused when an update would lose too many resources.

    >>> import pandas as pd
    >>> import reco
    >>> frame = pd.DataFrame(
    ...     {"title": ["Planter des haies", "Isoler l'école", ""],
    ...      "summary": ["Bocage et biodiversité.", "Chauffage et confort d'été.", "Sans titre."]}
    ... )
    >>> home = reco.from_frame(frame, encoder=encoder)  # `encoder` is that of the tests: leave it out
    >>> home.recommend("chauffage de l'école", k=1)[0].resource.title
    "Isoler l'école"
    >>> [row.problems for row in home.rejected]
    [('the title is missing',)]
    """
    from reco.workspace.frame import home_of_frame

    return home_of_frame(frame, home, encoder)
