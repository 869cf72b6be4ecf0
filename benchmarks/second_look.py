"""Measure what a second look costs a query: thirty pairs of a request and a text of the catalogue.

python -m benchmarks second-look [--catalogue FILE.csv] [--threads N] [--requests N]

The models are made here with random weights, in the sizes of public rerankers: the time does not depend on
what the weights say, and so nothing is said of quality. Words are cut by the bundled tokenizer. It prints one
JSON document, in seconds; `median` and `worst` are over the requests, each with the thirty texts that the
catalogue's own order gives it, cut at 512 tokens.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

import reco
from benchmarks.__main__ import QUERIES
from reco.encoder.bundled import bundled_folder
from reco.encoder.cross import SecondReader
from reco.encoder.loading import ModelSource
from reco.ranking.second_look import FIRST
from reco.refresh.run import refresh
from reco.sources.config import SourceConfig

WINDOW = 512


@dataclass(frozen=True)
class Size:
    """The shape of an encoder, which decides what a pair costs."""

    layers: int
    hidden: int
    heads: int


SIZES = {
    "MiniLM-L6 (6 x 384)": Size(6, 384, 12),
    "MiniLM-L12 (12 x 384)": Size(12, 384, 12),
    "base (12 x 768)": Size(12, 768, 12),
    "large (24 x 1024)": Size(24, 1024, 16),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each size, and print the figures."""
    parser = argparse.ArgumentParser(prog="benchmarks second-look", description=__doc__.splitlines()[0])
    parser.add_argument("--catalogue", type=Path, default=Path("data/catalogue.csv"))
    parser.add_argument("--threads", type=int, help="threads of torch (default: its own choice)")
    parser.add_argument(
        "--requests", type=int, default=len(QUERIES), help="requests measured, from the first"
    )
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    requests = list(QUERIES[: given.requests])
    with tempfile.TemporaryDirectory() as scratch:
        texts = read_texts(given.catalogue, Path(scratch) / "home", requests)
        found = {
            name: measure(Path(scratch) / str(n), size, texts) for n, (name, size) in enumerate(SIZES.items())
        }
    print(json.dumps({"threads": torch.get_num_threads(), "pairs": FIRST, "sizes": found}, indent=2))


def read_texts(catalogue: Path, home: Path, requests: Sequence[str]) -> dict[str, list[str]]:
    """Return, for each request, the texts that a second look reads."""
    source = SourceConfig(name="bench", kind="csv", path=catalogue.resolve())
    opened = reco.Home(reco.open().settings.model_copy(update={"sources": (source,)}), home)
    refresh(opened.store, opened.settings.sources, lambda: opened.plain_encoder)
    read: dict[str, list[str]] = {}
    for request in requests:
        answer = opened.recommend(request, k=FIRST)
        read[request] = [f"{item.resource.title}. {item.resource.read_summary}" for item in answer]
    return read


def measure(folder: Path, size: Size, texts: dict[str, list[str]]) -> dict[str, object]:
    """Return the seconds of a reading, and of the first one, which loads the model."""
    save(folder, size)
    reader = SecondReader(ModelSource(folder=folder))
    first = next(iter(texts))
    loading = _seconds(reader, first, texts[first])
    taken = [_seconds(reader, request, found) for request, found in texts.items()]
    tokens = AutoTokenizer.from_pretrained(folder)
    lengths = [
        len(tokens(request, text, truncation=True, max_length=WINDOW)["input_ids"])
        for request, found in texts.items()
        for text in found
    ]
    return {
        **asdict(size),
        "median": round(statistics.median(taken), 2),
        "worst": round(max(taken), 2),
        "first_with_loading": round(loading, 2),
        "tokens_a_pair": round(statistics.mean(lengths)),
    }


def save(folder: Path, size: Size) -> None:
    """Save a cross-encoder with random weights and the bundled tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(bundled_folder(), model_max_length=WINDOW)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.hidden,
        max_position_embeddings=WINDOW,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _seconds(reader: SecondReader, request: str, texts: Sequence[str]) -> float:
    start = time.perf_counter()
    reader.fits(request, texts)
    return time.perf_counter() - start
