"""Benchmark encoding, a warm query, a quiet refresh and peak memory, on any catalogue.

python -m benchmarks [--catalogue FILE.jsonl] [--texts N] [--home DIR]
python -m benchmarks refresh-scale ...    cost of a refresh by catalogue size and by share changed
python -m benchmarks catalogue-scale ...  read, validate and compare 97,710 real titles
python -m benchmarks cluster-scale ...    cluster, label and lay out 100,000 resources
python -m benchmarks.bertopic ...         compare the clusters with BERTopic, in a separate environment
python -m benchmarks proofs ...           cost of explanations, levels and needs; check that scores add up
python -m benchmarks app-load ...         load the web application with many sessions, and with too many
python -m benchmarks reading ...          read 100,000 CSV rows, beside another checkout
python -m benchmarks second-look ...      what a second look by a cross-encoder costs a query, by model size
python -m benchmarks demand --file FILE   how the catalogue answers what is really asked, and what it lacks
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import reco
from reco.encoder.loading import native_bfloat16
from reco.encoder.protocol import Document, Encoder
from reco.ranking.recommender import Query
from reco.refresh.run import refresh
from reco.sources.config import SourceConfig

QUERIES = (
    "désimperméabiliser la cour de l'école, 1 200 habitants, peu de budget",
    "rénover l'éclairage public pour réduire la facture",
    "aider les jeunes à passer le permis de conduire",
    "créer une voie verte entre deux villages",
    "associer les habitants à un projet de place publique",
)


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalogue", type=Path, default=Path("data/catalogue.csv"))
    parser.add_argument("--texts", type=int, default=60, help="texts encoded on both sides")
    parser.add_argument("--home", type=Path, help="a home to keep, so that a second run reuses its vectors")
    given = parser.parse_args()
    kind = "jsonl" if given.catalogue.suffix == ".jsonl" else "csv"
    source = SourceConfig(name="bench", kind=kind, path=given.catalogue.resolve())
    settings = reco.open().settings.model_copy(update={"sources": (source,)})
    with tempfile.TemporaryDirectory() as scratch:
        home = reco.Home(settings, given.home or Path(scratch))
        print(json.dumps(measure(home, given.texts), indent=2))


def measure(home: reco.Home, texts: int) -> dict[str, object]:
    """Return every figure, in seconds unless the name gives a unit."""
    encoder, sources = home.plain_encoder, home.settings.sources
    # Nothing is learnt here: this is the cost of the catalogue itself.
    first = refresh(home.store, sources, lambda: encoder)
    quiet = refresh(home.store, sources, lambda: encoder)
    snapshot, recommender = home.snapshot, home.recommender
    # No query is repeated: the encoder caches the last ones.
    queries = [f"{text} ({number})" for number in range(12) for text in QUERIES]
    warm = [seconds(lambda text=text: recommender.recommend(Query.of(text))) for text in queries][5:]
    return {
        "resources": len(snapshot.catalogue),
        "first_refresh": {"seconds": first.seconds, "encoded": first.encoded},
        "quiet_refresh": {"seconds": quiet.seconds, "encoded": quiet.encoded},
        "warm_query_ms": {"median": 1000 * statistics.median(warm), "worst": 1000 * max(warm)},
        "encoding": encoding(encoder, [Document.of(r.title, r.summary) for r in snapshot.catalogue[:texts]]),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def encoding(encoder: Encoder, documents: list[Document]) -> dict[str, object]:
    """Compare the default path with plain Sentence Transformers in float32, in alternating runs."""
    from sentence_transformers import SentenceTransformer

    from reco.encoder.bundled import bundled_folder

    plain = SentenceTransformer(str(bundled_folder()), device="cpu")
    texts = ["passage: " + document.text for document in documents]
    ours, theirs = [], []
    vectors: list[np.ndarray] = []
    reference = np.empty(0)
    for _ in range(3):
        ours.append(
            seconds(lambda: vectors.append(np.stack([d.vector for d in encoder.encode_documents(documents)])))
        )
        start = time.perf_counter()
        reference = plain.encode(texts, show_progress_bar=False)
        theirs.append(time.perf_counter() - start)
    short = [i for i, text in enumerate(texts) if len(plain.tokenizer.tokenize(text)) < 500]
    return {
        "native_bfloat16": native_bfloat16(),
        "documents_per_second": len(documents) / min(ours),
        "plain_fp32_documents_per_second": len(documents) / min(theirs),
        "ratio": min(theirs) / min(ours),
        "least_cosine_of_texts_within_the_window": float(
            (vectors[0][short] * reference[short]).sum(axis=1).min()
        ),
    }


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    if sys.argv[1:2] == ["refresh-scale"]:
        from benchmarks import refresh_scale

        refresh_scale.main(sys.argv[2:])
    elif sys.argv[1:2] == ["cluster-scale"]:
        from benchmarks import cluster_scale

        cluster_scale.main(sys.argv[2:])
    elif sys.argv[1:2] == ["catalogue-scale"]:
        from benchmarks import catalogue_scale

        catalogue_scale.main(sys.argv[2:])
    elif sys.argv[1:2] == ["proofs"]:
        from benchmarks import proofs

        proofs.main(sys.argv[2:])
    elif sys.argv[1:2] == ["app-load"]:
        from benchmarks import app_load

        app_load.main(sys.argv[2:])
    elif sys.argv[1:2] == ["reading"]:
        from benchmarks import reading

        reading.main(sys.argv[2:])
    elif sys.argv[1:2] == ["second-look"]:
        from benchmarks import second_look

        second_look.main(sys.argv[2:])
    elif sys.argv[1:2] == ["demand"]:
        from benchmarks import demand

        demand.main(sys.argv[2:])
    else:
        main()
