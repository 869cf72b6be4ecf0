"""Clusters of a catalogue: found at refresh, named in French, on a map, the same from night to night.

`find` makes them from a snapshot's catalogue and vectors; a snapshot that has them carries them as
`snapshot.clusters`. `frames` has them as DataFrames. scikit-learn has its one door here.
"""

from reco.clusters.evolving import Located, locate
from reco.clusters.finding import NAMING, RECIPE, ClustersUnavailable, Options, find
from reco.clusters.model import PREFIX, Cluster, Clusters, CuratorName, Event, LevelQuality, Other

__all__ = [
    "NAMING",
    "PREFIX",
    "RECIPE",
    "Cluster",
    "Clusters",
    "ClustersUnavailable",
    "CuratorName",
    "Event",
    "LevelQuality",
    "Located",
    "Options",
    "Other",
    "find",
    "locate",
]
