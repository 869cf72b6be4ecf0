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
# # Is it better than a word search, and what did it learn?
#
# A list of results always looks plausible. This notebook measures it on 64 queries, written as officers
# write them, whose right answers in the bundled catalogue were judged beforehand. It compares a word
# search, the plain language model and this product, measures what each ingredient adds, draws what happens
# when the weights change, shows the queries that fail, and what the product learnt from its own catalogue.
#
# Run `make refresh` first. `RECO_HOME` and `RECO_CONFIG` choose another home or other settings. The same
# figures on the command line: `.venv/bin/reco evaluate --golden --worst 10`.

# %%
import warnings
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import reco
from reco.evaluation.beir import Topic, read_topics
from reco.evaluation.evaluate import SYSTEMS, evaluate_served
from reco.evaluation.inspect_topics import worst
from reco.evaluation.runs import among, every_listing, probes
from reco.evaluation.sweep import SweepReader, at_strength, curve
from reco.workspace.settings import defaults

# Without ipywidgets, progress bars are text.
warnings.filterwarnings("ignore", message="IProgress not found")
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
home = reco.open()
snapshot = home.snapshot
topics = read_topics(home.settings.gates.golden or defaults() / "data" / "golden")
ids = frozenset(resource.id for resource in snapshot.catalogue)
if not among(topics, ids):
    print("No query was judged on this catalogue. Every second word of a title replaces them.")
    titles = probes(snapshot.catalogue, ids, 64)
    topics = [Topic(one, " ".join(title.split()[::2]), {one: 3}) for one, title in titles.items()]
print(f"Snapshot {snapshot.id}: {len(snapshot.catalogue)} resources, {len(topics)} judged queries")

# %% [markdown]
# ## What is measured
#
# On a catalogue without judged queries, half of a title replaces a query, and its resource is the right
# answer. This measures whether a resource is found by its own title. It does not measure the hard queries,
# those in other words than the title, and a word search does well on it.
#
# Each query has resources judged from 0 (off topic) to 3 (exactly what one hopes to find).
#
# - **nDCG@10** looks at the first ten results. A resource judged *r* brings $2^r - 1$ points, with a
#   discount by rank. The sum is divided by that of the best possible order: 1 is perfect, and a query
#   without a right answer in its first ten results counts 0.
# - **recall@100** is the share of the right answers among the first hundred results.
# - **mrr@10** is one over the rank of the first right answer: 1 for the first rank, 0.5 for the second.

# %%
judged = pd.DataFrame(
    {"request": topic.text, "relevance": relevance} for topic in topics for relevance in topic.qrels.values()
)
judged.groupby("relevance").size().to_frame("judgements")

# %% [markdown]
# ## A word search, a language model, and the product
#
# `bm25` is a good word search (French stems, stop words). `dense` compares meanings with the unchanged
# language model. `product` is the ranking of the app. Each other line leaves out one ingredient.

# %%
tried = home.tried(snapshot)
encoder, fusion = tried.encoder, tried.fusion
result = evaluate_served(topics, snapshot, tried, home.plain_encoder, SYSTEMS)
if result.left_out.ids:
    print(f"{len(result.left_out.ids)} judged resources are not in this catalogue and are left out")
pd.DataFrame({name: scores.means for name, scores in result.systems.items()}).T.round(3)

# %% [markdown]
# The bars below have a 95 % interval, from resampled queries (bootstrap): with 64 queries it is wide. The
# p-values of a **paired** test on the same queries say whether one system beats another: how often would a
# random swap of the two systems, query by query, give a difference as large?


# %%
def interval(values, rounds=2000):
    """Return the bounds of the mean in 95 % of random draws of as many queries."""
    draws = np.random.default_rng(0).choice(values, (rounds, len(values))).mean(axis=1)
    return np.percentile(draws, [2.5, 97.5])


p_values = {frozenset((a, b)): p for a, b, _, p in result.differences()}
columns = {name: scores.column("ndcg@10") for name, scores in result.systems.items()}
means = {name: values.mean() for name, values in columns.items()}
main, ablations = SYSTEMS[:3], SYSTEMS[3:]


def against(reference, name):
    p = p_values[frozenset((reference, name))]
    return f"{means[name] - means[reference]:+.3f}  p = {p:.4f}" + (" *" if p < 0.05 else "")


figure, (left, right) = plt.subplots(
    1, 2, figsize=(15, 4.2), constrained_layout=True, gridspec_kw={"width_ratios": [2, 3]}
)
colours = {"bm25": "#9aa5b1", "dense": "#5b8db8", "product": "#e07b39"}
for place, name in enumerate(main):
    low, high = interval(columns[name])
    error = [[means[name] - low], [high - means[name]]]
    left.barh(place, means[name], xerr=error, color=colours[name], height=0.65, ecolor="#444444")
    left.text(0.02, place, f"{means[name]:.3f}", va="center", color="white", weight="bold")
left.set(title="nDCG@10, with 95 % intervals", xlim=(0, 1), yticks=range(3), yticklabels=main)
left.invert_yaxis()
for place, name in enumerate(ablations):
    change = means[name] - means["product"]
    right.barh(place, change, color="#b3423a" if change < 0 else "#3a7d44", height=0.65)
    right.annotate(
        against("product", name),
        (max(change, 0), place),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
    )
right.axvline(0, color="#444444", linewidth=0.8)
right.set(
    title="What is lost without an ingredient (nDCG@10 less the product's; * p < 0.05)",
    yticks=range(len(ablations)),
    yticklabels=ablations,
)
right.margins(x=0.45)
right.invert_yaxis()
plt.show()

# %%
pd.DataFrame(
    [
        {"from": a, "to": b, "gain": round(gain, 3), "p": p}
        for a, b, gain, p in result.differences()
        if b in main
    ]
)

# %% [markdown]
# One star among several lines may be luck: of twenty comparisons of equal systems, one is expected to have a
# star. An ingredient with a short bar is not useless: acronyms only matter to queries that use one.
#
# ## Query by query
#
# The mean hides the queries that win and those that lose. Each bar is one query: its gain over the word
# search (left) and over the plain model (right).

# %%
figure, axes = plt.subplots(1, 2, figsize=(15, 3.6), sharey=True, constrained_layout=True)
for panel, reference in zip(axes, ("bm25", "dense"), strict=True):
    gains = np.sort(columns["product"] - columns[reference])[::-1]
    panel.bar(range(len(gains)), gains, width=0.9, color=np.where(gains > 0, "#3a7d44", "#b3423a"))
    panel.axhline(0, color="#444444", linewidth=0.8)
    panel.set(
        title=f"product less {reference}: {(gains > 0).sum()} better, {(gains < 0).sum()} worse",
        xlabel="queries, largest gain first",
    )
axes[0].set_ylabel("nDCG@10")
plt.show()

# %% [markdown]
# ## Turning the knobs
#
# A score adds four parts: the meaning of the whole resource, the meaning of its best passage, words, and
# sequences of four letters. Each query is ranked once by each part alone; any other weighting is then
# arithmetic, so a whole curve costs nothing. A good setting lies on a **plateau**, where a small change
# changes little. A lone peak would be luck on these 64 queries. The bands are 95 % intervals of the
# *change* from the setting in use, so they are narrow where both settings give the same results.

# %%
served = every_listing(snapshot)
reader = SweepReader(served, encoder, fusion)
sides = [reader.read(topic) for topic in result.topics]
in_use = curve(sides, [fusion])[0]
swept = {
    "meaning": [replace(fusion, meaning=float(value)) for value in np.linspace(0, 1, 26)],
    "passage": [replace(fusion, passage=float(value)) for value in np.linspace(0, 1, 26)],
}
labels = {
    "meaning": "weight of meaning (words and letter sequences as set)",
    "passage": "share of the best passage in meaning",
}

figure, axes = plt.subplots(1, 2, figsize=(15, 4.2), sharey=True, constrained_layout=True)
for panel, (name, options) in zip(axes, swept.items(), strict=True):
    change = curve(sides, options) - in_use
    values = [getattr(option, name) for option in options]
    low, high = np.transpose([interval(row) for row in change])
    panel.fill_between(values, low, high, color="#e07b39", alpha=0.2, linewidth=0)
    panel.plot(values, change.mean(axis=1), color="#e07b39", linewidth=2)
    panel.axhline(0, color="#bbbbbb", linewidth=0.8)
    panel.axvline(getattr(fusion, name), color="#666666", linestyle=":")
    panel.annotate(
        "in use", (getattr(fusion, name), panel.get_ylim()[0]), xytext=(4, 6), textcoords="offset points"
    )
    panel.set(title=name, xlabel=labels[name])
axes[0].set_ylabel("change in nDCG@10")
plt.show()

# %% [markdown]
# Do not tune on these curves: 64 queries judged on one catalogue show whether something broke, not which
# constant is best. `python -m benchmarks.sweeps` draws the same curves over many judged sets.
#
# ## The worst queries
#
# This is the most useful page of any evaluation. Each query comes with its right answers and their ranks,
# then with the results that came first instead. Some failures are ours (a synonym that the model does not
# know), some are the judges' (a result without a judgement counts as wrong).

# %%
for reading in worst({"golden": result}, 5):
    print(f"{reading.topic}  nDCG@10 {reading.scores['product']:.2f}  (words {reading.scores['bm25']:.2f})")
    print(f"  « {reading.text} »")
    for one in reading.relevant:
        print(f"    judged {one.relevance}, rank {one.rank or 'beyond 100'}: {one.title}")
    for one in reading.first:
        mark = "not judged" if one.relevance is None else f"judged {one.relevance}"
        print(f"      came {one.rank} ({mark}): {one.title}")
    print()

# %% [markdown]
# ## What it learnt from its own catalogue
#
# After each large change of the catalogue, `refresh` tries to learn a **head**: a matrix that moves vectors
# so that a title finds its own text. It needs no labels and no logs. The head is kept only if it helps
# held-out records beyond chance, and costs general sentences at most 1 %. The manifest has the figures:
# `before` and `after` are mean reciprocal ranks of held-out records, `off_domain` those of general
# sentences.

# %%
adapted = snapshot.manifest.report.get("adapt", {})
pd.Series(adapted, name="value", dtype=object).to_frame() if adapted else "This snapshot learnt nothing."

# %% [markdown]
# The head did not learn from the golden queries, so they judge it fairly. On the left, its strength goes
# from 0 (no head) to 1 (as learnt) and beyond. On the right, the nearness of two resources of one theme,
# and of two different themes, without and with the head.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(15, 4.2), constrained_layout=True)
if snapshot.head is not None:
    strengths = np.array([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5])
    readers = [SweepReader(at_strength(served, float(value)), encoder, fusion) for value in strengths]
    cached = [[other.read(side.topic, side) for side in sides] for other in readers]
    for name, setting, colour in (
        ("product", fusion, "#e07b39"),
        ("meaning alone", replace(fusion, words=0.0, grams=0.0), "#5b8db8"),
    ):
        scores = np.array([curve(one, [setting])[0] for one in cached])
        change = scores - scores[0]
        low, high = np.transpose([interval(row) for row in change])
        left.fill_between(strengths, low, high, color=colour, alpha=0.18, linewidth=0)
        left.plot(strengths, change.mean(axis=1), "o-", color=colour, label=name)
    left.axhline(0, color="#bbbbbb", linewidth=0.8)
    left.legend(frameon=False, loc="upper left")
    left.set(title="Head, from nothing to learnt", xlabel="strength", ylabel="change in nDCG@10")
else:
    left.set_axis_off()
    left.text(0.5, 0.5, "no head in this snapshot", ha="center", va="center")

# Pairs grow as the square, so a large catalogue is sampled: 2,000 resources give the same picture.
count = len(served.catalogue)
rows = np.sort(np.random.default_rng(0).choice(count, min(2000, count), replace=False))
themes = [served.catalogue[row].themes[0] if served.catalogue[row].themes else "" for row in rows.tolist()]
same = np.equal.outer(themes, themes) & np.not_equal.outer(themes, "")
pairs = np.triu(np.ones_like(same, dtype=bool), 1)
for label, one, style in (("without", served.with_head(None), ":"), ("with", served, "-")):
    vectors = one.dense.vectors(rows)
    # Standardised, because models differ in the usual cosine of two resources.
    cosines = vectors @ vectors.T
    scaled = (cosines - cosines[pairs].mean()) / cosines[pairs].std()
    for where, colour in ((same, "#3a7d44"), (~same, "#9aa5b1")):
        if not (pairs & where).any():
            continue
        counts, edges = np.histogram(scaled[pairs & where], bins=60, range=(-4, 6), density=True)
        kind = "one theme" if where is same else "two themes"
        right.plot((edges[1:] + edges[:-1]) / 2, counts, style, color=colour, label=f"{kind}, {label}")
right.legend(frameon=False)
right.set(
    title="How near two resources are (standard deviations from the mean cosine)",
    xlabel="nearness",
    yticks=[],
)
plt.show()

# %% [markdown]
# ## Bring your own judged queries
#
# Thirty real queries of your colleagues say more about your catalogue than these 64.
#
# 1. `queries.jsonl`, one query per line: `{"_id": "q1", "text": "désimperméabiliser la cour de l'école"}`
# 2. `qrels.tsv`, one judgement per line, separated by tabs: `q1`, the id of the resource (`reco recommend
#    --json` gives ids), and 0 to 3. Pool the first ten results of several systems and shuffle them, so that
#    you do not know which system each result came from. Judge the results that do *not* fit too.
# 3. In `reco.toml`: `[gates]` then `golden = "my-folder"`. `.venv/bin/reco evaluate --golden` then measures
#    these queries, and a refresh that answers them worse, beyond chance, is not published.
#
# `.venv/bin/reco evaluate FOLDER` measures a folder with its own corpus (`corpus.jsonl`, the BEIR layout).
# `docs/evaluation.md` has the formulas, their sources, and what the figures do not prove.
