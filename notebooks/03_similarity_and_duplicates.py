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
# # How near is near, and what is listed twice?
#
# Similarity is a number between two texts, and a number needs a scale. This notebook draws the scale of your
# own catalogue: how near two resources are by chance, how near a resource and its nearest neighbour are, and
# where two listings of the same thing lie. It then shows the pairs that were found, and the pairs just
# outside.
#
# Run `make refresh` first. `RECO_HOME` and `RECO_CONFIG` choose another home or other settings.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import reco
from reco.encoder.protocol import unit
from reco.index.duplicates import NEAR

# Without ipywidgets, progress bars are text.
warnings.filterwarnings("ignore", message="IProgress not found")
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
home = reco.open()
snapshot, catalogue = home.snapshot, home.catalogue
families = snapshot.families.families if snapshot.families else ()
print(f"Snapshot {snapshot.id}: {len(catalogue)} resources, {len(families)} things listed more than once")

# %% [markdown]
# ## The scale
#
# For a language model, any two French texts about public action are rather similar: cosines start high. The
# scale is therefore the distance *relative to that of two resources drawn at random*: 1 is chance, 0 is the
# same text. Two listings of one thing are searched below the dotted line.

# %%
vectors = unit(snapshot.table.pooled())
rng = np.random.default_rng(0)
asked = np.sort(rng.choice(len(vectors), min(1500, len(vectors)), replace=False))
cosines = vectors[asked] @ vectors.T
cosines[np.arange(len(asked)), asked] = np.nan
ordinary = 1 - np.nanmean(cosines)
nearest = (1 - np.nanmax(cosines, axis=1)) / ordinary
tenth = (1 - np.sort(np.nan_to_num(cosines, nan=-1), axis=1)[:, -10]) / ordinary
chance = (1 - rng.choice(cosines[~np.isnan(cosines)], 20_000)) / ordinary

figure, axes = plt.subplots(figsize=(13, 4.5), constrained_layout=True)
bins = np.linspace(0, max(1.6, float(np.quantile(chance, 0.999))), 90)
for values, label, colour in (
    (chance, "two resources at random", "#9aa5b1"),
    (tenth, "a resource and its tenth neighbour", "#5b8db8"),
    (nearest, "a resource and its nearest", "#e07b39"),
):
    axes.hist(values, bins=bins, density=True, histtype="stepfilled", alpha=0.5, color=colour, label=label)
axes.axvline(NEAR, color="#444444", linestyle=":")
axes.annotate(
    "one thing, perhaps", (NEAR, axes.get_ylim()[1]), xytext=(-6, -12), textcoords="offset points", ha="right"
)
axes.set(
    xlabel="distance (1: as two resources drawn at random)",
    yticks=[],
    title="How near is near, in this catalogue",
)
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# The further left the orange hill lies, the more the catalogue repeats itself. If it covers the grey hill,
# the texts are too short or too similar for neighbours to mean anything.
#
# ## One resource and its neighbours
#
# We take a resource with a typical distance to its nearest neighbour, and list the results that the app shows
# beside it. Two listings of the same thing are never neighbours.

# %%
usual = asked[np.argsort(nearest)[len(nearest) // 2]]
start = catalogue[int(usual)]
answer = home.similar(start.id, k=8)
print(f"{start.title}\n{start.publisher}, {start.year or 'no year'}")
pd.DataFrame(
    {
        "score": round(item.score, 3),
        "title": item.resource.title[:90],
        "publisher": item.resource.publisher[:40],
        "best passage": item.explanation.passages[0].text[:110] if item.explanation.passages else "",
    }
    for item in answer.recommendations
)

# %% [markdown]
# ## A neighbourhood, all against all
#
# The same resources, compared in pairs. A dark block away from the diagonal is a small subject within the
# neighbourhood. A pale row is a resource that came in for a word rather than for its meaning.

# %%
rows = [int(usual), *(catalogue.row(item.resource.id) for item in answer.recommendations)]
block = (1 - vectors[rows] @ vectors[rows].T) / ordinary
figure, axes = plt.subplots(figsize=(12, 5.6), constrained_layout=True)
np.fill_diagonal(block, np.nan)
low, high = np.nanquantile(block, (0.02, 0.98))
image = axes.imshow(block, cmap="Blues_r", vmin=low, vmax=high)
for (row, column), value in np.ndenumerate(block):
    if row != column:
        dark = value < (low + high) / 2
        told = f"{max(value, 0):.2f}"
        axes.text(
            column, row, told, ha="center", va="center", fontsize=8, color="white" if dark else "#333333"
        )
axes.set_xticks(range(len(rows)), range(len(rows)))
axes.set_yticks(range(len(rows)), [f"{n}  {catalogue[row].title[:70]}" for n, row in enumerate(rows)])
figure.colorbar(image, ax=axes, label="distance (1: chance)", shrink=0.8)
plt.show()

# %% [markdown]
# ## Listed twice
#
# Two resources are one thing if they share an address, an ISBN, a title or nearly the whole meaning, unless a
# place, a number or a word of the title separates them. Each pair below has the reason why it was joined.

# %%
pairs = pd.DataFrame(
    [
        {
            "why": pair.why,
            "cosine": pair.cosine,
            "distance": float(1 - vectors[catalogue.row(pair.first)] @ vectors[catalogue.row(pair.second)])
            / ordinary,
            "first": catalogue[catalogue.row(pair.first)].title,
            "second": catalogue[catalogue.row(pair.second)].title,
        }
        for family in families
        for pair in family.pairs
    ],
    columns=["why", "cosine", "distance", "first", "second"],
)
print(f"{len(pairs)} pairs in {len(families)} families: {pairs['why'].value_counts().to_dict()}")
pairs.sort_values("distance", ascending=False).head(12).round(2)

# %% [markdown]
# The pairs at the top of the table are not joined by their texts. Look for one mistake there: a title that
# two different things share. The pairs just outside the line matter as much. Below are the nearest
# resources that were *not* joined: variants, such as one aid in several regions, or listings that should be
# merged.

# %%
joined = {frozenset((a, b)) for family in families for a in family.members for b in family.members if a != b}
seen, apart = set(), []
for place in np.argsort(nearest):
    first = catalogue[int(asked[place])]
    second = catalogue[int(np.nanargmax(cosines[place]))]
    key = frozenset((first.id, second.id))
    if key not in joined | seen:
        seen.add(key)
        told = {"first": first.title[:60], "by": first.publisher[:30]}
        told |= {"second": second.title[:60], "by too": second.publisher[:30]}
        apart.append({"distance": max(0.0, nearest[place]), **told})
apart = pd.DataFrame(apart, columns=["distance", "first", "by", "second", "by too"])
apart.head(12).round(2)

# %%
figure, axes = plt.subplots(figsize=(13, 3.6), constrained_layout=True)
kinds = ["curator", "meaning", "title", "isbn", "url"]
told = [kind for kind in kinds if kind in set(pairs["why"])]
for place, kind in enumerate(told):
    values = pairs.loc[pairs["why"] == kind, "distance"].clip(lower=0)
    axes.scatter(
        values,
        np.full(len(values), place) + rng.uniform(-0.18, 0.18, len(values)),
        s=28,
        alpha=0.7,
        color="#e07b39",
    )
values = apart["distance"].head(300)
axes.scatter(
    values,
    np.full(len(values), len(told)) + rng.uniform(-0.18, 0.18, len(values)),
    s=14,
    alpha=0.5,
    color="#5b8db8",
)
axes.axvline(NEAR, color="#444444", linestyle=":")
axes.set_yticks(range(len(told) + 1), [*(f"joined by {kind}" for kind in told), "nearest, not joined"])
axes.set(xlabel="distance (1: chance)", title="What was joined, and the nearest that was not")
axes.set_xlim(left=-0.02)
axes.set_ylim(-0.5, len(told) + 0.5)
plt.show()

# %% [markdown]
# ## Correcting a pair
#
# A curator has the last word: one line in `data/decisions.csv` merges or splits two ids, with its author,
# date and reason, and every refresh applies it. `.venv/bin/reco duplicates` prints the families on the
# command line, and `docs/catalogue.md` explains the rules.
