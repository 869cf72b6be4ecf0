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
# The app serves a *snapshot*: a catalogue, the vectors of its texts, and the indexes made from them. This
# notebook opens the current snapshot, sends it a query as a mayor's assistant would write it, and draws the
# catalogue as a map of its subjects.
#
# Run `make refresh` first. `RECO_HOME` and `RECO_CONFIG` choose another home or another catalogue.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import reco

# Without ipywidgets, progress bars are text.
warnings.filterwarnings("ignore", message="IProgress not found")
home = reco.open()
print(f"Snapshot {home.snapshot.id} of {home.snapshot.manifest.created}: {len(home.catalogue)} resources")

# %% [markdown]
# ## The catalogue as a table, and its vectors
#
# A row is a resource, and row *i* of the vectors is the same resource. Vectors have length one, so an inner
# product is a cosine.

# %%
resources = home.catalogue.to_frame()
vectors = home.snapshot.vectors
assert len(resources) == len(vectors)
resources[["id", "title", "publisher", "year", "type", "themes"]].head(10)

# %%
resources.groupby("type").size().sort_values(ascending=False).to_frame("resources")

# %% [markdown]
# ## One query
#
# The score is the sum of the lines of its explanation: how far each passage lifts the resource above the
# average resource of the catalogue, and what each word of the query adds.

# %%
answer = home.recommend("Désimperméabiliser la cour de l'école, 1 200 habitants, peu de budget", k=5)
answer.to_frame()

# %%
shares = answer[0].explanation.to_frame()
assert abs(shares["value"].sum() - answer[0].score) < 1e-6
shares

# %% [markdown]
# ## The catalogue at a glance
#
# The years of publication, and the publishers. When the last bars are low, nobody adds to the catalogue any
# more.


# %%
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})


def shortened(name, longest=40):
    return name if len(name) <= longest else f"{name[: longest - 1].rstrip()}…"


figure, (left, right) = plt.subplots(1, 2, figsize=(15, 4.6), constrained_layout=True)
years = resources["year"].dropna().astype(int)
recent = years[years >= 1990]
dated = resources.loc[recent.index, "type"].replace("", "not said")
kinds = dated.where(dated.isin(dated.value_counts().index[:6]), "other")
by_year = pd.crosstab(recent, kinds)
by_year = by_year[sorted(by_year, key=lambda kind: (kind == "other", -by_year[kind].sum()))]
if len(by_year):
    below = np.zeros(len(by_year))
    for number, kind in enumerate(by_year.columns):
        left.bar(
            by_year.index, by_year[kind], bottom=below, color=f"C{number}", label=shortened(kind), width=0.85
        )
        below += by_year[kind].to_numpy()
    left.legend(frameon=False, fontsize=8)
left.set(title=f"Year of publication ({len(resources) - len(recent)} without, or before 1990)")
publishers = resources["publisher"].replace("", "not said").value_counts().head(12)
right.barh(
    [shortened(name, 45) for name in publishers.index][::-1], publishers[::-1], color="#5b8db8", height=0.7
)
right.set(title="Largest publishers", xlabel="resources")
plt.show()

# %% [markdown]
# ## The map
#
# Every night, a refresh groups the resources by meaning and lays them out on a map: near points have a near
# meaning. Each colour is a broad subject, named with words of its own texts. Grey points belong to no
# subject. `02_clusters` explores this map interactively; `home.clusters.to_frame()` lists the subjects.

# %%
clusters = home.clusters
places = clusters.places_to_frame()
figure, axes = plt.subplots(figsize=(15, 9), constrained_layout=True)
size = 22 if len(places) < 3000 else 5
out = places[places["cluster_1"] == ""]
axes.scatter(out["x"], out["y"], s=size, color="#cfcfcf", linewidth=0)
for number, cluster in enumerate(clusters.at(1), start=1):
    inside = places[places["cluster_1"] == cluster.id]
    colour = plt.get_cmap("tab20")((number - 1) % 20)
    name = f"{number}  {cluster.label} ({cluster.size})"
    axes.scatter(inside["x"], inside["y"], s=size, color=colour, alpha=0.8, linewidth=0, label=name)
    # The number is at the resource nearest to the middle: the middle itself may lie in another group.
    away = np.hypot(*(inside[["x", "y"]] - inside[["x", "y"]].median()).to_numpy().T)
    at = inside.iloc[away.argmin()][["x", "y"]]
    ring = {"boxstyle": "circle", "facecolor": "white", "edgecolor": colour, "alpha": 0.9}
    axes.annotate(number, at, ha="center", va="center", fontsize=9, weight="bold", bbox=ring)
axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2 if size > 10 else 4)
axes.set(xticks=[], yticks=[])
axes.spines[:].set_visible(False)
plt.show()
