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
# # What is missing, and what is shown too often?
#
# A recommender can be right on every query and still serve its visitors badly: subjects that nobody wrote
# about, resources in every list, resources that no query ever reaches. This notebook measures both sides. It
# learns nothing from visitors: its queries are the titles of the catalogue and a set written beforehand.
#
# Run `make refresh` first. `RECO_HOME` and `RECO_CONFIG` choose another home or other settings. The same
# figures on the command line: `.venv/bin/reco radar` and `.venv/bin/reco audit`.

# %%
import warnings
from collections import Counter
from dataclasses import asdict

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import reco
from reco.evaluation import exposure, gaps
from reco.evaluation.beir import read_topics
from reco.projects.batch import read
from reco.workspace.settings import defaults

# Without ipywidgets, progress bars are text.
warnings.filterwarnings("ignore", message="IProgress not found")
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
home = reco.open()
settings, snapshot, encoder, recommender = home.settings, home.snapshot, home.encoder, home.recommender
print(f"Snapshot {snapshot.id}: {len(snapshot.catalogue)} resources")


# %%
def shortened(name, longest=34):
    """Keep both ends: similar types and publishers often begin alike."""
    end = (longest - 2) // 2
    return name if len(name) <= longest else f"{name[:end]}…{name[-end:]}"


# %% [markdown]
# ## The queries
#
# There are three kinds of queries: the golden queries of this catalogue, the projects that officers saved,
# and a sample on subjects that the bundled catalogue is known to lack, such as cemeteries or abandoned
# cars. Replace the sample by a CSV of your own: one column, `text`, is enough.

# %%
topics = read_topics(settings.gates.golden) if settings.gates.golden else ()
requests = [gaps.DemandQuery.of_topic(topic) for topic in topics]
saved = home.projects.read().projects
requests += [gaps.DemandQuery(one.id, one.text, gaps.PROJECT, None, one.filters) for one in saved]
sample = [one for one in read(defaults() / "data" / "requests" / "gap.csv").projects if not one.problem][::4]
requests += [gaps.DemandQuery(one.id, one.text, "sample") for one in sample]
themes = [theme for source in settings.sources for theme in source.themes]
found = gaps.scan(recommender, encoder, requests, themes)
pd.DataFrame({"asked": found.asked, "without a good answer": found.unmet}).fillna(0).astype(int)

# %% [markdown]
# ## What the catalogue covers
#
# Rows are themes (the thirty largest at most), the smallest first. A theme with two resources or fewer has a
# `!`. An empty cell is a type of document that the theme lacks: a theme with reports only has nothing
# practical for a technician.

# %%
cells = pd.DataFrame([asdict(cell) for cell in found.cells])
kept = [one.theme for one in found.coverage][-30:]
wide = cells.pivot_table(index="theme", columns="type", values="resources", aggfunc="sum", fill_value=0)
wide = wide.reindex(kept, fill_value=0)
wide = wide[wide.sum().sort_values(ascending=False).index[:12]]
thin = {one.theme for one in found.coverage if one.thin}

if len(wide):
    figure, axes = plt.subplots(figsize=(12, 1.8 + 0.32 * len(wide)), constrained_layout=True)
    axes.imshow(np.sqrt(wide), cmap="Blues", aspect="auto")
    for (row, column), count in np.ndenumerate(wide.to_numpy()):
        dark = np.sqrt(count) > 0.6 * np.sqrt(wide.to_numpy().max())
        axes.text(
            column,
            row,
            count or "·",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else "#555555",
        )
    axes.set_xticks(
        range(len(wide.columns)), [shortened(name) for name in wide.columns], rotation=25, ha="right"
    )
    axes.set_yticks(
        range(len(wide)),
        [f"{shortened(name, 48)} !" if name in thin else shortened(name, 48) for name in wide.index],
    )
    axes.set_title(f"Resources by theme and type ({len(thin)} thin themes of {len(found.coverage)})")
    plt.show()
else:
    print("This catalogue has no themes: there is no coverage to draw.")

# %% [markdown]
# ## Queries without a good answer
#
# Unmet queries are grouped by meaning, and each group is named with its own words. A query that is near no
# other is isolated and counted with its nearest theme: it comes from one person, so read it before you rely
# on it.
#
# - `none-left`: the resources that answered it are no longer in the catalogue.
# - `not-found`: they are in the catalogue, below the first ten results.
# - `unrelated`: the best result is no nearer than for a sentence on any other subject.

# %%
needs = [need for need in found.needs if not need.isolated][:20]
alone = [need for need in found.needs if need.isolated]
bars = [(f"{need.label}  ({need.theme or 'no theme'})", need.requests) for need in needs]
near = Counter(need.theme or "no theme" for need in alone)
themes_near = [theme for theme, count in near.most_common(12) if count > 1]
for theme in themes_near:
    requests_near = [need.requests[0] for need in alone if (need.theme or "no theme") == theme]
    bars.append((f"isolated, near {theme}", requests_near))
others = [need.requests[0] for need in alone if (need.theme or "no theme") not in themes_near]
if others:
    bars.append(("isolated, one for a theme", others))
if len(bars) > 1:
    figure, axes = plt.subplots(figsize=(12, 1.4 + 0.34 * max(1, len(bars))), constrained_layout=True)
    whys = sorted({request.why for _, requests in bars for request in requests})
    colours = dict(
        zip(whys, ("#e07b39", "#5b8db8", "#9aa5b1", "#6a9a58", "#b8659b", "#c9a227"), strict=False)
    )
    left = np.zeros(len(bars))
    for why in whys:
        width = np.array([sum(request.why == why for request in requests) for _, requests in bars])
        axes.barh(range(len(bars)), width, left=left, color=colours[why], label=why, height=0.7)
        left += width
    axes.set_yticks(range(len(bars)), [name[:80] for name, _ in bars])
    axes.invert_yaxis()
    axes.set(xlabel="unmet queries", title="Unmet needs, the nearest theme in brackets")
    axes.xaxis.get_major_locator().set_params(integer=True)
    if whys:
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()
else:
    print("No two unmet queries are on one subject. They are listed below.")

# %%
for need in needs[:4]:
    print(f"{need.label} ({need.size})")
    for request in need.requests[:3]:
        print(f"   {request.why}: « {request.text[:120]} »")
print(f"{len(alone)} isolated")
for need in alone[:8]:
    print(f"   {need.requests[0].why}: « {need.requests[0].text[:120]} »")

# %% [markdown]
# Read a few before you order a new guide: a resource may meet the need although its text does not say so. A
# better summary is cheaper than a new guide.
#
# ## Exposure
#
# Now the other side. Each title of the catalogue (1,000 at most) is sent as a query, and so are the queries
# above. A *hub* is in more than five times as many lists as the average; an *orphan* is in none.

# %%
seen = exposure.audit(recommender, [request.text for request in requests])
print(f"{seen.titles} titles and {seen.requests} queries, lists of {seen.k}")
print(f"skewness {seen.skewness:.2f}: above 1.4, hubs matter")
print(
    f"{len(seen.hubs)} hubs, {len(seen.orphans)} orphans, "
    f"{len(seen.orphans) / len(snapshot.catalogue):.0%} of the catalogue; "
    f"{seen.titles} lists have {seen.titles * seen.k} places for {len(snapshot.catalogue)} resources"
)

# %%
of_hubs = [snapshot.catalogue[snapshot.catalogue.row(hub.id)] for hub in seen.hubs[:12]]
hub_names = [f"{shortened(hub.title, 40)} · {shortened(hub.publisher, 22)}" for hub in of_hubs]
hubs, average = seen.hubs[:12], seen.titles * seen.k / len(snapshot.catalogue)
publishers = next(facet for facet in seen.concentration if facet.facet == "publisher")
figure, (left, right) = plt.subplots(1, 2, figsize=(15, 5.2), constrained_layout=True)
if hubs:
    left.barh(range(len(hubs)), [hub.titles for hub in hubs], color="#e07b39", height=0.7)
    left.set_yticks(range(len(hubs)), hub_names, fontsize=8)
    left.axvline(average, color="#444444", linestyle=":")
    left.invert_yaxis()
    left.set(title=f"Hubs (dotted: the average, {average:.1f} lists)", xlabel="lists of titles that it is in")
else:
    left.set_axis_off()
    left.text(0.5, 0.5, "no hub", ha="center", va="center")
for attribute, label, colour in (
    ("catalogue", "in the catalogue", "#9aa5b1"),
    ("shown", "as shown", "#e07b39"),
):
    shares = np.sort([getattr(share, attribute) for share in publishers.values])
    lorenz = np.concatenate([[0], np.cumsum(shares) / max(shares.sum(), 1e-12)])
    right.plot(np.linspace(0, 1, len(lorenz)), lorenz, color=colour, linewidth=2, label=label)
right.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.8)
right.legend(frameon=False, loc="upper left")
right.set(
    title=f"Publishers: Gini {publishers.gini_catalogue:.2f} held, {publishers.gini_shown:.2f} shown",
    xlabel="share of publishers, smallest first",
    ylabel="share of what they hold",
)
plt.show()

# %% [markdown]
# On the right, a curve that sags more means that fewer publishers have most of the places. If the orange
# curve sags more than the grey one, ranking adds to the concentration of the catalogue.
#
# ## Exposure by publisher, type and theme
#
# Each dot is a publisher, type or theme. To the right of the line, it is shown more than its share of the
# catalogue. This is a question to look into, not a fault in itself: queries are not spread over subjects as
# the catalogue is.

# %%
figure, axes = plt.subplots(1, 3, figsize=(15, 5.2), constrained_layout=True)
for panel, facet in zip(axes, seen.concentration, strict=True):
    values = sorted(facet.values, key=lambda share: -share.catalogue)[:14]
    values.sort(key=lambda share: share.ratio)
    ratio = np.clip([share.ratio for share in values], 0.1, 10)
    panel.hlines(range(len(values)), 1, ratio, color="#cccccc", linewidth=2)
    size = [20 + 900 * share.catalogue for share in values]
    panel.scatter(
        ratio, range(len(values)), s=size, color=np.where(ratio > 1, "#e07b39", "#5b8db8"), zorder=2
    )
    panel.axvline(1, color="#444444", linewidth=0.8)
    panel.set_xscale("log")
    panel.set_xlim(0.08, 12)
    panel.set_xticks([0.1, 0.5, 1, 2, 10], ["÷10", "÷2", "1", "×2", "×10"])
    panel.minorticks_off()
    panel.set_yticks(range(len(values)), [shortened(share.value) for share in values], fontsize=8)
    panel.set(title=facet.facet, xlabel="shown, against its share of the catalogue")
    panel.margins(y=0.08)
plt.show()

# %%
places = [*(("inhabitants", s) for s in seen.population), *(("scale", s) for s in seen.scale)]
columns = ["of", "value", "catalogue", "shown", "ratio"]
pd.DataFrame([{"of": of, **asdict(share)} for of, share in places], columns=columns).round(3)

# %% [markdown]
# Small communes are most of France and a small part of most catalogues. If their ratio above is below 1,
# ranking makes it worse. If it is near 1, the remedy is in the sources.
#
# ## Orphans
#
# No title and no query reached these resources. Some are so specific that only their own subject reaches
# them; others have a text that says too little. In a catalogue of far more than 1,000 resources, titles are
# only a sample, so most orphans merely had no query near them.

# %%
orphans = pd.DataFrame(
    [asdict(orphan) for orphan in seen.orphans[:12]], columns=["id", "title", "titles", "requests"]
)
orphans["words in its summary"] = [
    len(snapshot.catalogue[snapshot.catalogue.row(identifier)].summary.split())
    for identifier in orphans["id"]
]
orphans.drop(columns=["titles", "requests"])
