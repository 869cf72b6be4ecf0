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
# # From your spreadsheet to answers
#
# You have a table of resources, which several people have filled over the years. This notebook turns such a
# table, with its own column names and mistakes, into a catalogue that answers queries: look at it, map its
# columns, see why rows are rejected, serve it, query it, and see what a new version would change. Everything
# happens in a temporary folder; your own home is untouched.
#
# `RECO_OWN_TABLE` names your CSV, separated by semicolons, with the columns below. Without it, the notebook
# writes one from 60 resources of the catalogue in use, with the faults that such tables have.

# %%
import os
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import reco
from reco.catalogue.admission import Rules, admit_all
from reco.catalogue.catalogue import Catalogue, diff
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.read import inspect, read

# Without ipywidgets, progress bars are text.
warnings.filterwarnings("ignore", message="IProgress not found")
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
home = reco.open()
workshop = Path(tempfile.mkdtemp(prefix="reco-own-"))

# %% [markdown]
# ## The table as it is
#
# It has the usual faults: French column names, a year written as a sentence, two rows without a title, an
# address that is none, and one row twice.

# %%
columns = {
    "title": "Intitulé",
    "publisher": "Structure",
    "year": "Date de parution",
    "type": "Nature",
    "themes": "Rubriques",
    "url": "Lien",
    "summary": "En quelques mots",
}
table = Path(os.environ.get("RECO_OWN_TABLE", workshop / "ressources.csv"))
if "RECO_OWN_TABLE" not in os.environ:
    served = home.catalogue.to_frame()
    rows = served.iloc[np.unique(np.linspace(0, len(served) - 1, 60).astype(int))]
    rows = rows[list(columns)].rename(columns=columns).astype(object).reset_index(drop=True)
    rows["Contact"] = "service documentation"
    rows.loc[[5, 21], "Intitulé"] = ""
    rows.loc[9, "Lien"] = "voir le site"
    rows.loc[12, "Date de parution"] = "paru au printemps 2019"
    rows = pd.concat([rows, rows.iloc[[3]]])
    rows.to_csv(table, sep=";", index=False, encoding="utf-8-sig")
pd.read_csv(table, sep=";").head(6)

# %% [markdown]
# ## Which column is which?
#
# The table has no column that reco knows. The error says so and lists its columns.

# %%
bare = SourceConfig(name="ma-table", kind="csv", path=table)
try:
    print("unread:", inspect(bare).unmapped)
except SourceError as error:
    print(f"{error}\n{error.hint}")

# %% [markdown]
# The mapping has our field on the left and your column on the right. Unmapped columns are simply not read. In
# `reco.toml`, this is a `[[sources]]` table with the same keys; see `docs/settings.md`.

# %%
fields = {("theme" if name == "themes" else name): column for name, column in columns.items()}
source = SourceConfig(name="ma-table", kind="csv", path=table, fields=fields, constants={"language": "fr"})
print("still unread:", inspect(source).unmapped)

# %% [markdown]
# ## Which rows are accepted?
#
# Each row becomes a resource, or a rejection with all of its reasons. A row with a small fault, such as a
# link that is not an address, is accepted with a note.

# %%
resources, refusals = admit_all(read(source), Rules())
print(f"{len(resources)} rows accepted, {len(refusals)} rejected")
pd.DataFrame(
    [{"where": refusal.locator, "why": "; ".join(refusal.problems)} for refusal in refusals],
    columns=["where", "why"],
)

# %%
catalogue = Catalogue(resources)
notes = [{"title": r.title[:80], "note": note} for r in catalogue for note in r.notes]
pd.DataFrame(notes, columns=["title", "note"])

# %% [markdown]
# ## Is it worth serving?
#
# Check three things first: how many fields are filled, whether the summaries are long enough, and how old the
# resources are. A title alone is found by its words; a summary of 25 to 120 words is found by its meaning.

# %%
frame = catalogue.to_frame()
names = ["title", "publisher", "year", "type", "themes", "url", "summary"]
filled = pd.Series({name: (frame[name].notna() & (frame[name].astype(str) != "")).mean() for name in names})
lengths = frame["summary"].str.split().str.len()
years = frame["year"].dropna().astype(int)

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 3.8), constrained_layout=True)
left.barh(
    filled.index[::-1], filled[::-1], color=np.where(filled[::-1] < 0.5, "#b3423a", "#3a7d44"), height=0.65
)
left.set(title="Share of rows that fill a field", xlim=(0, 1))
middle.axvspan(25, 120, color="#3a7d44", alpha=0.1)
middle.hist(lengths.clip(upper=300), bins=np.arange(0, 310, 10), color="#5b8db8")
middle.set(title="Words in a summary (green: the best length)", xlabel="words, 300 and more together")
if len(years):
    counts = years.value_counts().sort_index()
    right.bar(counts.index, counts, color="#5b8db8")
right.set(title="Year of publication")
right.xaxis.get_major_locator().set_params(integer=True)
plt.show()

# %% [markdown]
# ## Serving it
#
# `refresh` reads the sources, compares, encodes new texts, checks the result, and only then serves it. The
# second run finds nothing to do, and reports it. A source may have 5 % of rejected rows by default; this
# one may have 10 %.

# %%
allowed = source.model_copy(update={"reject_limit": 0.1})
settings = reco.Settings(encoder=home.settings.encoder, sources=(allowed,))
mine = reco.Home(settings, workshop / "home")
first, second = mine.refresh(), mine.refresh()
pd.DataFrame(
    [
        {name: getattr(run, name) for name in ("read", "rejected", "added", "encoded", "published")}
        for run in (first, second)
    ],
    index=["first run", "second run"],
)

# %% [markdown]
# ## Querying it
#
# Keep half of the words of each title, as a colleague could have typed them: does this query find the
# resource? Then send a real query of your own.

# %%
ranks = []
for resource in mine.catalogue:
    half = " ".join(resource.title.split()[::2])
    ids = [item.resource.id for item in mine.recommend(half)]
    ranks.append(ids.index(resource.id) + 1 if resource.id in ids else 11)
found = Counter(min(rank, 11) for rank in ranks)

figure, axes = plt.subplots(figsize=(13, 3.2), constrained_layout=True)
places = range(1, 12)
axes.bar(places, [found[place] for place in places], color=["#3a7d44", *["#5b8db8"] * 9, "#b3423a"])
axes.set_xticks(places, [*map(str, places[:-1]), "not in\nthe first ten"])
axes.set(title="Half a title: at which rank does its resource come?", ylabel="resources")
plt.show()

# %%
mine.recommend("Comment associer les habitants à un projet, avec peu de moyens ?", k=5).to_frame()

# %% [markdown]
# ## The next version of the table
#
# A colleague edits a title, adds a row and removes another. `diff` shows these changes before anything is
# served; a refresh then encodes only the new texts.

# %%
mended = pd.read_csv(table, sep=";", dtype=str).fillna("")
mended.loc[0, "Intitulé"] += " (nouvelle édition)"
added = dict.fromkeys(mended.columns, "") | {
    "Intitulé": "Rafraîchir la place du marché : ce que nous avons appris",
    "En quelques mots": "Retour de la commune sur trois étés d'ombrières, d'arbres et de sols clairs.",
}
mended = pd.concat([mended.drop(index=[1]), pd.DataFrame([added])])
mended.to_csv(workshop / "ressources-2.csv", sep=";", index=False, encoding="utf-8-sig")
later = allowed.model_copy(update={"path": workshop / "ressources-2.csv"})
after = Catalogue(admit_all(read(later), Rules())[0])
changes = diff(catalogue, after)
for kind in ("added", "changed", "removed"):
    print(kind, *[f"\n   {identifier}" for identifier in getattr(changes, kind)])
settings = settings.model_copy(update={"sources": (later,)})
third = reco.Home(settings, mine.path, mine.plain_encoder).refresh()
print(f"{third.encoded} texts encoded, {third.reused} reused")

# %% [markdown]
# An edited title counts as one resource removed and one added: without an `id` column, the title identifies
# the row. Keep a column of ids that never change, and map it to `id`. When the table is right, copy the
# source into `reco.toml`, run `.venv/bin/reco source test ma-table`, then `make refresh`.
