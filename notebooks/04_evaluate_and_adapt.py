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
# A list of results always looks plausible. This notebook measures instead: 64 requests, written as officers
# write them, whose right answers in the bundled catalogue were judged beforehand. It compares a word search,
# the plain language model and this product, asks what each ingredient brings, draws what happens when the
# weights change, reads the requests that fail, and shows what the product learnt from its own catalogue.
#
# Run `make refresh` first. `RECO_HOME` and `RECO_CONFIG` choose another home or other settings. The same
# figures at the command line: `.venv/bin/reco evaluate --golden --worst 10`.

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

# Without ipywidgets, progress is drawn as text.
warnings.filterwarnings("ignore", message="IProgress not found")
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
home = reco.open()
snapshot = home.snapshot
topics = read_topics(home.settings.gates.golden or defaults() / "data" / "golden")
ids = frozenset(resource.id for resource in snapshot.catalogue)
if not among(topics, ids):
    print("No request was judged on this catalogue. In their place: every second word of a title.")
    titles = probes(snapshot.catalogue, ids, 64)
    topics = [Topic(one, " ".join(title.split()[::2]), {one: 3}) for one, title in titles.items()]
print(f"Snapshot {snapshot.id}: {len(snapshot.catalogue)} resources, {len(topics)} judged requests")

# %% [markdown]
# ## What is measured
#
# On a catalogue without judged requests, half of a title stands in for a request and its own resource for the
# answer. That says whether resources can be found by what they are called; it says nothing of requests in
# other words than theirs, which are the hard ones, and a word search does well on it.
#
# Each request has resources judged from 0 (beside the point) to 3 (what one hopes to find).
#
# - **nDCG@10** looks at the first ten results: a resource judged *r* brings $2^r - 1$ points, fewer the lower
#   it comes, divided by what the best possible order would bring. 1 is perfect; a request without any right
#   answer in its first ten counts 0.
# - **recall@100** is the share of the right answers that come within the first hundred.
# - **mrr@10** is one over the rank of the first right answer: 1 when it comes first, 0.5 when second.

# %%
judged = pd.DataFrame(
    {"request": topic.text, "relevance": relevance} for topic in topics for relevance in topic.qrels.values()
)
judged.groupby("relevance").size().to_frame("judgements")

# %% [markdown]
# ## A word search, a language model, and the product
#
# `bm25` is a good word search (French stems, stop words). `dense` compares meanings with the language model
# as it comes. `product` is what the app answers with. The other lines take one ingredient away.

# %%
tried = home.tried(snapshot)
encoder, fusion = tried.encoder, tried.fusion
result = evaluate_served(topics, snapshot, tried, home.plain_encoder, SYSTEMS)
if result.left_out.ids:
    print(f"{len(result.left_out.ids)} judged resources are not in this catalogue and are left out")
pd.DataFrame({name: scores.means for name, scores in result.systems.items()}).T.round(3)

# %% [markdown]
# The bars below carry a 95 % interval, drawn by picking requests at random again and again: with 64 requests
# it is wide. Whether one system beats another is told by the p-values of a **paired** test, on the same
# requests: how often would chance alone, flipping which system is which, give a difference as large?


# %%
def interval(values, rounds=2000):
    """Bounds of the mean in 95 % of random draws of as many requests."""
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
# A star on one line of several may be luck: of twenty comparisons of equal systems, one is expected to show
# it. An ingredient whose bar is short here is not useless: acronyms only matter to requests that use one.
#
# ## Request by request
#
# The mean hides who wins and who loses. Each bar is one request: what it gains from the word search (left)
# and from the plain model (right).

# %%
figure, axes = plt.subplots(1, 2, figsize=(15, 3.6), sharey=True, constrained_layout=True)
for panel, reference in zip(axes, ("bm25", "dense"), strict=True):
    gains = np.sort(columns["product"] - columns[reference])[::-1]
    panel.bar(range(len(gains)), gains, width=0.9, color=np.where(gains > 0, "#3a7d44", "#b3423a"))
    panel.axhline(0, color="#444444", linewidth=0.8)
    panel.set(
        title=f"product less {reference}: {(gains > 0).sum()} better, {(gains < 0).sum()} worse",
        xlabel="requests, most gained first",
    )
axes[0].set_ylabel("nDCG@10")
plt.show()

# %% [markdown]
# ## Turning the knobs
#
# A score adds up four sides: the meaning of the whole resource, the meaning of its best passage, words, and
# runs of four letters. Each request is ranked once by each side alone; any other weighting is then
# arithmetic, so a whole curve costs nothing. A setting worth having sits on a **plateau**: where a small
# change changes little. A lone peak would be luck on these 64 requests. The bands are 95 % intervals of the
# *change* from the setting in use, so they are narrow where both answer the same requests alike.

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
    "meaning": "weight of meaning (words and letter runs as set)",
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
# Do not tune on these curves: 64 requests judged on one catalogue say whether something broke, not which
# constant is best. `python -m benchmarks.sweeps` draws the same over many judged sets.
#
# ## Reading the worst
#
# The most useful page of any evaluation. For each request: its right answers with the rank they came at, then
# what came first instead. Some failures are ours (a synonym the model does not know), some are the judges'
# (a result that nobody looked at counts as wrong).

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
# At each large change of the catalogue, `refresh` tries to learn a **head**: one matrix that moves meanings
# so that a title finds its own text. No label and no log are needed. It is kept only if it helps records
# that it did not learn from, beyond chance, and costs general sentences at most 1 %. What it gave is in the
# manifest: `before` and `after` are mean reciprocal ranks of held-out records, `off_domain` those of general
# sentences.

# %%
adapted = snapshot.manifest.report.get("adapt", {})
pd.Series(adapted, name="value", dtype=object).to_frame() if adapted else "This snapshot learnt nothing."

# %% [markdown]
# The golden requests played no part in it, so they judge it fairly: below, the head goes from nothing (0) to
# what was learnt (1) and beyond. On the right, how far two resources of one theme are from two of different
# themes, without and with it.

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

# Pairs grow as the square: of a large catalogue, 2,000 resources say the same.
count = len(served.catalogue)
rows = np.sort(np.random.default_rng(0).choice(count, min(2000, count), replace=False))
themes = [served.catalogue[row].themes[0] if served.catalogue[row].themes else "" for row in rows.tolist()]
same = np.equal.outer(themes, themes) & np.not_equal.outer(themes, "")
pairs = np.triu(np.ones_like(same, dtype=bool), 1)
for label, one, style in (("without", served.with_head(None), ":"), ("with", served, "-")):
    vectors = one.dense.vectors(rows)
    # Against the usual cosine of two resources: models differ in where they start from.
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
# ## Bringing your own judged requests
#
# Thirty requests that your colleagues really asked say more about your catalogue than these do.
#
# 1. `queries.jsonl`, one request a line: `{"_id": "q1", "text": "désimperméabiliser la cour de l'école"}`
# 2. `qrels.tsv`, tabs between, one judgement a line: `q1`, the resource's id (`reco recommend --json` gives
#    ids), and 0 to 3. Judge the first ten of several systems, shuffled, without knowing which came from
#    where; judge what does *not* fit too.
# 3. In `reco.toml`: `[gates]` then `golden = "my-folder"`. `.venv/bin/reco evaluate --golden` then measures
#    on them, and a refresh that answers them worse than chance explains is not published.
#
# A folder with its own documents (`corpus.jsonl`, the BEIR layout) is measured with
# `.venv/bin/reco evaluate FOLDER`. `docs/evaluation.md` has the formulas, their sources, and what the figures
# do not prove.
