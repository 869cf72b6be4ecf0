# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first look at a snapshot
#
# What the app serves is a *snapshot*: a catalogue, the vectors of its texts, and the indexes made from
# them. This notebook opens the current one, asks it a question as a mayor's assistant would, and draws the
# catalogue as groups of neighbours.
#
# Run `make refresh` first. `RECO_HOME` and `RECO_CONFIG` choose another home or another catalogue.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from reco.recommend import Query
from reco.settings import load, recommender_of, store_of

root = next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "reco.toml").is_file())
settings = load(Path(os.environ.get("RECO_CONFIG", root / "reco.toml")))
snapshot = store_of(settings).open()
print(f"Snapshot {snapshot.id} of {snapshot.manifest.created}: {len(snapshot.catalogue)} resources")

# %% [markdown]
# ## The catalogue as a table, and its vectors
#
# One row is one resource; row *i* of the vectors is the same resource. Vectors have length one, so that an
# inner product is a cosine.

# %%
resources = snapshot.catalogue.to_frame()
vectors = snapshot.dense.vectors()
assert len(resources) == len(vectors)
resources[["id", "title", "publisher", "year", "type", "themes"]].head(10)

# %%
resources.groupby("type").size().sort_values(ascending=False).to_frame("resources")

# %% [markdown]
# ## One question
#
# The score is the sum of its lines: what each passage lifts the resource above the catalogue's average
# resource, and what each word of the request brings.

# %%
recommender = recommender_of(settings, snapshot)
answer = recommender.recommend(
    Query.of("Désimperméabiliser la cour de l'école, 1 200 habitants, peu de budget", k=5)
)
pd.DataFrame(
    {
        "score": round(item.score, 3),
        "title": item.resource.title,
        "best passage": item.explanation.passages[0].text if item.explanation.passages else "",
    }
    for item in answer.recommendations
)

# %%
first = answer.recommendations[0]
shares = pd.DataFrame([vars(line) for line in first.explanation.contributions])
assert abs(shares["value"].sum() - first.score) < 1e-6
shares

# %% [markdown]
# ## Groups of neighbours
#
# k-means cuts the vectors into groups. The left plot lays the resources out on the two directions in which
# they differ most; the right one counts, for each group, the themes that its publishers gave: a group that
# a theme fills is one that words and meaning agree on.

# %%
groups = int(min(8, max(2, len(resources) // 5)))
centred = vectors - vectors.mean(axis=0)
labels = KMeans(n_clusters=groups, n_init=10, random_state=0).fit_predict(centred)
flat = PCA(n_components=2, random_state=0).fit_transform(centred)

figure, (left, right) = plt.subplots(1, 2, figsize=(15, 6), constrained_layout=True)
points = left.scatter(flat[:, 0], flat[:, 1], c=labels, cmap="tab10", s=18, alpha=0.8)
left.legend(*points.legend_elements(), title="group", frameon=False)
left.set(title="Resources on the two main directions", xticks=[], yticks=[])

themes = resources["themes"].str.split("; ").str[0].replace("", "no theme")
common = themes.value_counts().index[:12]
table = pd.crosstab(themes.where(themes.isin(common), "other"), labels)
right.imshow(np.sqrt(table), cmap="Blues", aspect="auto")
for (row, column), count in np.ndenumerate(table.to_numpy()):
    if count:
        right.text(column, row, count, ha="center", va="center", fontsize=8)
right.set(title="Themes in each group", xlabel="group", xticks=range(groups), yticks=range(len(table)))
right.set_yticklabels(table.index)
plt.show()

# %%
for group in range(groups):
    members = np.flatnonzero(labels == group)
    centre = centred[members].mean(axis=0)
    nearest = members[np.argsort(-(centred[members] @ centre))[:3]]
    print(f"Group {group} ({len(members)})")
    for row in nearest:
        print("   ", resources["title"][row])
