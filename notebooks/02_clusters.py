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
# # What is the catalogue about?
#
# Publishers file their resources under themes, each in its own way. This notebook looks at the texts
# instead: which resources *say* nearly the same, under whatever theme? Every night, `refresh` groups them
# and names each group with words of its texts. A group that has not changed keeps its name. Here we explore
# the map, open a few groups, and compare them with the publishers' themes.
#
# Run `make refresh` first. `RECO_HOME` and `RECO_CONFIG` choose another home or other settings.

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.express as px

import reco
from reco.app.figures.label_layout import shifts

plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
home = reco.open()
snapshot, catalogue, clusters = home.snapshot, home.catalogue, home.clusters
resources = catalogue.to_frame().merge(clusters.places_to_frame(), on="id")
table = clusters.to_frame()
print(
    f"Snapshot {snapshot.id}: {len(catalogue)} resources, {clusters.levels} levels, "
    f"{len(clusters.outliers)} outliers"
)

# %% [markdown]
# ## The map
#
# Each point is a resource; near points say similar things. Colours are the broad subjects. The names are
# those of the largest subjects, where there is room. Point at a resource to read its title. Click a name in
# the legend to hide a subject, double-click to see it alone. Directions and empty areas mean nothing: only
# neighbours do.

# %%
shown = resources.assign(
    broad=resources["label_1"].replace("", "outlier"),
    subject=resources["label_2"].replace("", "outlier"),
    short=resources["title"].str.slice(0, 90),
)
order = [*[cluster.label for cluster in clusters.at(1)], "outlier"]
colours = dict(zip(order, px.colors.qualitative.Dark24, strict=False)) | {"outlier": "#cfcfcf"}
figure = px.scatter(
    shown,
    x="x",
    y="y",
    color="broad",
    category_orders={"broad": order},
    color_discrete_map=colours,
    hover_name="short",
    hover_data={"x": False, "y": False, "broad": False, "subject": True, "publisher": True},
    template="plotly_white",
    width=1150,
    height=750,
)
figure.update_traces(marker={"size": 6 if len(shown) < 3000 else 3, "opacity": 0.75})
named = clusters.at(2)[:16]
middles = [shown.loc[shown["cluster_2"] == cluster.id, ["x", "y"]].median() for cluster in named]
# The map has about 900 by 730 pixels; a letter is 11 pixels high and half as wide.
wide, high = 900 / np.ptp(shown["x"]), 730 / np.ptp(shown["y"])
pixels = [(middle["x"] * wide, -middle["y"] * high) for middle in middles]
for cluster, middle, down in zip(
    named, middles, shifts(pixels, [6 * len(cluster.label) + 6 for cluster in named], 17), strict=True
):
    if down is None:
        continue
    figure.add_annotation(
        x=middle["x"],
        y=middle["y"],
        yshift=-down,
        text=cluster.label,
        showarrow=False,
        font={"size": 11, "color": "#222222"},
        bgcolor="rgba(255,255,255,0.75)",
    )
figure.update_xaxes(visible=False)
figure.update_yaxes(visible=False)
figure.update_layout(
    legend={"title": "broad subject", "itemsizing": "constant"}, margin={"l": 0, "r": 0, "t": 10, "b": 0}
)
figure

# %% [markdown]
# ## From broad to fine
#
# Every subject lies within one broad subject. The area is the number of resources. A dark group is stable: it
# is found again when a fifth of the catalogue is left out. Click to go down a level.

# %%
# The outer frame is as pale as a group of stability 0.
frame = {"id": "all", "label": "the catalogue", "parent": "", "level": 0, "stability": 0.0, "keywords": ""}
tree = table[table["level"] <= 2].assign(parent=lambda rows: rows["parent"].replace("", "all"))
tree = pd.concat([pd.DataFrame([frame]), tree])
# A broad subject has room for one line, a subject for several.
wrapped = ["<br>".join(textwrap.wrap(label, 16, break_long_words=False)) for label in tree["label"]]
tree["label"] = np.where(tree["level"] == 2, wrapped, tree["label"])
figure = px.treemap(
    tree,
    ids="id",
    names="label",
    parents="parent",
    values="size",
    color="stability",
    color_continuous_scale=["#f7fbff", "#6baed6"],  # dark names stay readable on the darkest
    range_color=(0, 1),
    hover_data=["keywords"],
    template="plotly_white",
    width=1150,
    height=650,
)
# A broad subject also holds resources of none of its subjects: sizes need not add up.
figure.update_traces(branchvalues="remainder", marker={"cornerradius": 4}, textfont={"color": "#10243a"})
figure.data[0].values = np.where(tree["level"] == 2, tree["size"], 0)
figure.update_layout(
    margin={"l": 0, "r": 0, "t": 10, "b": 0},
    uniformtext={"minsize": 9, "mode": "hide"},
)
figure

# %% [markdown]
# ## Opening a group
#
# A name is a phrase from the group's own texts, so it can be narrower than the group. Before you trust a
# name, read the keywords, and the resources nearest to the middle of the group.

# %%
for cluster in clusters.at(2)[:5]:
    print(f"{cluster.label}  ({cluster.id}, {cluster.size} resources)")
    print("   words:", ", ".join(cluster.keywords))
    for identifier in cluster.representatives[:3]:
        print("   ·", catalogue[catalogue.row(identifier)].title[:100])
    print()

# %% [markdown]
# ## Beside the publishers' themes
#
# Each row is a theme, each column a broad subject. The colour of a cell is the share of the theme's
# resources in that subject. A row with one dark cell is a theme that the texts confirm. A pale row is a
# theme that gathers different subjects, or cuts across them, as *ruralité* does.

# %%
first_theme = resources["themes"].str.split("; ").str[0].replace("", "no theme")
known = first_theme.where(first_theme.isin(first_theme.value_counts().index[:27]), "other themes")
counts = pd.crosstab(known, shown["broad"]).reindex(
    columns=[name for name in order if name in set(shown["broad"])]
)
share = counts.div(counts.sum(axis=1), axis=0)
share = share.loc[share.idxmax(axis=1).map(order.index).sort_values(kind="stable").index]
counts = counts.loc[share.index]

figure, axes = plt.subplots(figsize=(13, 1.6 + 0.33 * len(share)), constrained_layout=True)
axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
for (row, column), value in np.ndenumerate(counts.to_numpy()):
    if value:
        dark = share.iloc[row, column] > 0.55
        axes.text(
            column, row, value, ha="center", va="center", fontsize=8, color="white" if dark else "#333333"
        )
axes.set_xticks(range(len(share.columns)), share.columns, rotation=35, ha="right")
axes.set_yticks(range(len(share)), share.index)
axes.set_title("Themes (rows) and broad subjects (columns), in resources")
plt.show()

# %% [markdown]
# One figure sums this up: `agreement` is 0 when subjects and themes are unrelated, 1 when they are the same.
# Neither is a goal: themes that only repeat the texts would be useless.

# %%
pd.DataFrame(clusters.quality).round(2)

# %% [markdown]
# ## Which groups can be trusted?
#
# Groups on the right come back when a fifth of the catalogue is left out. Groups at the top have keywords
# that occur in the same texts. A group at the bottom left is a leftover rather than a subject: do not quote
# it.

# %%
middle = table[table["level"] == 2]
figure, axes = plt.subplots(figsize=(13, 5.5), constrained_layout=True)
axes.scatter(
    middle["stability"],
    middle["coherence"],
    s=12 + 4 * middle["size"] * 100 / middle["size"].max(),
    c="#5b8db8",
    alpha=0.6,
)
axes.axvline(0.5, color="#b3423a", linestyle=":", linewidth=1)
spoken = pd.concat([middle.nlargest(6, "stability"), middle.nsmallest(6, "stability")]).drop_duplicates("id")
axes.set(xlabel="stability (mean Jaccard overlap in resamples)", ylabel="coherence (NPMI of keywords)")
axes.margins(x=0.12, y=0.12)
figure.canvas.draw()
# Names in the right half are written to the left of their point, to stay inside the frame.
right = (spoken["stability"] > middle["stability"].median()).to_numpy()
widths = [6 * len(label) for label in spoken["label"]]
at = axes.transData.transform(spoken[["stability", "coherence"]].to_numpy())
beside = at[:, 0] + np.where(right, -1, 1) * (np.array(widths) / 2 + 10)
for one, to_left, down in zip(
    spoken.itertuples(), right, shifts(list(zip(beside, -at[:, 1], strict=True)), widths, 12), strict=True
):
    if down is not None:
        place = {"xytext": (-7 if to_left else 7, -0.72 * down), "ha": "right" if to_left else "left"}
        point = (one.stability, one.coherence)
        axes.annotate(one.label, point, textcoords="offset points", va="center", fontsize=8, **place)
plt.show()

# %% [markdown]
# ## Outliers
#
# Outliers are further from every subject than the rest of the catalogue. They are either unique or misfiled:
# take a minute to read them.

# %%
resources.loc[resources["outlier"], ["id", "title", "publisher", "strength"]].head(12).round(2)

# %% [markdown]
# ## Resources filed under another theme
#
# These resources of the largest subject have no theme, or another theme than most of the subject.

# %%
largest = clusters.at(2)[0]
inside = resources[resources["cluster_2"] == largest.id]
odd = inside[~inside["themes"].str.contains(largest.theme, regex=False)] if largest.theme else inside
print(
    f"{largest.label}: {len(inside)} resources, {len(odd)} of them not under {largest.theme or 'a theme'!r}"
)
odd[["id", "title", "themes"]].head(10)

# %% [markdown]
# One command gives a group a better name, which stays until the group has truly changed: `.venv/bin/reco
# clusters rename ID "NAME" --by "YOU" --reason "WHY"`. `docs/exploring.md` explains how groups are found and
# what each figure measures.
