"""A second look: a cross-encoder moves the first results, adds up in the proof, and changes no level."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import reco
from reco.encoder.cross import SecondReader
from reco.encoder.loading import ModelSource
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import EncoderError
from reco.ranking.query import Opinion, Query
from reco.ranking.recommender import Recommender
from reco.ranking.second_look import FIRST, SecondLook
from reco.snapshots.snapshot import Snapshot
from reco.workspace.settings import RankingSettings
from tests.promises import by_score, levels_of
from tests.support import Home, resources, rows, run_cli, snapshot_of

ENCODER = HashingEncoderForTests()
TEXT = "un verger partagé derrière la mairie"


@dataclass
class Fixed:
    """A reader that likes texts with a word, and notes what it read."""

    liked: str
    name: str = "fixed"
    fingerprint: str = "fixed"
    read: list[str] = field(default_factory=list)

    def fits(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        self.read += [query, *texts]
        return np.asarray([1.0 if self.liked in text else 0.25 for text in texts])


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return snapshot_of(resources(), ENCODER)


def test_what_fits_comes_first_and_the_proof_adds_up(snapshot: Snapshot) -> None:
    plain = Recommender(snapshot, ENCODER).recommend(Query.of(TEXT, 8))
    liked = plain[5].resource.title.split()[-1]
    reader = Fixed(liked)
    found = Recommender(snapshot, ENCODER, second=SecondLook(reader, 10.0)).recommend(Query.of(TEXT, 8))
    assert reader.read[0] == TEXT and plain[5].resource.title in " ".join(reader.read)
    assert found[0].resource.id == plain[5].resource.id or liked in found[0].resource.title
    before = {item.resource.id: item for item in plain}
    for item in found:
        (line,) = [one for one in item.explanation.contributions if one.kind == "rerank"]
        assert line.text == "fixed" and line.value in (10.0, 2.5)
        assert sum(one.value for one in item.explanation.contributions) == pytest.approx(item.score, abs=1e-6)
        if item.resource.id in before:
            assert item.score - line.value == pytest.approx(before[item.resource.id].score, abs=1e-6)
            assert item.level == before[item.resource.id].level


def test_a_longer_list_starts_with_the_shorter_one_and_only_the_first_are_read(snapshot: Snapshot) -> None:
    reader = Fixed("e")
    recommender = Recommender(snapshot, ENCODER, second=SecondLook(reader, 0.3))
    long = [hit.row for hit in recommender.rank(Query.of(TEXT, 20))]
    assert [hit.row for hit in recommender.rank(Query.of(TEXT, 4))] == long[:4]
    assert len(reader.read) <= 2 * (FIRST + 1)


def test_without_weight_nothing_moves(snapshot: Snapshot) -> None:
    looked = Recommender(snapshot, ENCODER, second=SecondLook(Fixed("verger"), 0.0))
    plain = Recommender(snapshot, ENCODER)
    assert looked.rank(Query.of(TEXT, 10)) == plain.rank(Query.of(TEXT, 10))


def test_no_level_and_no_verdict_moves_though_ranks_do(snapshot: Snapshot) -> None:
    """The cuts lie among the plain scores, and the points are worth more than their whole range."""
    scores = [hit.score for hit in Recommender(snapshot, ENCODER).rank(Query.of(TEXT, 20))]
    fusion = RankingSettings(rerank="somewhere", rerank_weight=9.0).fusion()
    promise = by_score(scores[10], scores[6], scores[2])
    levels = levels_of(promise, snapshot.manifest.dimension, fusion)
    known = replace(snapshot, levels=levels)
    plain = Recommender(known, ENCODER).recommend(Query.of(TEXT, 20))
    second = SecondLook(Fixed(plain[9].resource.title), 50.0)
    looked = Recommender(known, ENCODER, second=second).recommend(Query.of(TEXT, 20))
    assert looked[0].resource.id == plain[9].resource.id
    assert (looked.verdict, looked.confidence) == (plain.verdict, plain.confidence)
    level_of = {item.resource.id: item.level for item in plain}
    assert None not in level_of.values() and len(set(level_of.values())) > 1
    assert {item.resource.id: item.level for item in looked} == level_of


def test_it_adds_up_with_opinions(snapshot: Snapshot) -> None:
    """Both move the score, each in a line of its own."""
    liked = Recommender(snapshot, ENCODER).recommend(Query.of(TEXT, 6))[4].resource.id
    query = Query.of(TEXT, 10, opinions=(Opinion(liked, useful=True),))
    found = Recommender(snapshot, ENCODER, second=SecondLook(Fixed("e"), 0.3)).recommend(query)
    assert liked in [item.resource.id for item in found]
    for item in found:
        lines = item.explanation.contributions
        kinds = [line.kind for line in lines]
        assert kinds.count("rerank") == 1
        assert item.resource.id != liked or kinds.count("feedback") == 1
        assert sum(line.value for line in lines) == pytest.approx(item.score, abs=1e-6)


def save(folder: Path, labels: int = 1) -> Path:
    """Save a small random cross-encoder."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(0)
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted({w for r in resources() for w in r.title.split()})]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(known)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **special).save_pretrained(
        folder
    )
    config = BertConfig(
        vocab_size=len(known),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        num_labels=labels,
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("cross") / "small-reranker")


def test_a_reader_says_what_the_model_says_of_each_pair(folder: Path) -> None:
    """The oracle is the bare model, one pair at a time, and the logistic function by hand."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    texts = [one.title for one in resources()]
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        logits = [float(model(**tokenizer(TEXT, text, return_tensors="pt")).logits[0, 0]) for text in texts]
    found = SecondReader(ModelSource(folder=folder)).fits(TEXT, texts)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-np.asarray(logits))), atol=2e-6)
    assert np.ptp(found) > 0.01
    assert len(SecondReader(ModelSource(folder=folder)).fits(TEXT, [])) == 0


def test_a_fit_is_the_same_whatever_is_read_beside(folder: Path) -> None:
    reader = SecondReader(ModelSource(folder=folder))
    texts = [f"{one.title} {one.title} " * (n % 5 + 1) for n, one in enumerate(resources())]
    alone = [float(reader.fits(TEXT, [text])[0]) for text in texts]
    assert reader.fits(TEXT, texts).tolist() == alone
    assert reader.fits(TEXT, texts[::-1]).tolist() == alone[::-1]


def test_callers_read_one_at_a_time(folder: Path) -> None:
    """The model is one for all visitors of the app."""
    reader = SecondReader(ModelSource(folder=folder))
    inside: list[int] = []
    most: list[int] = []

    class Slow:
        def predict(self, pairs: Sequence[object], **_options: object) -> NDArray[np.float32]:
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()
            return np.zeros(len(pairs), dtype=np.float32)

    reader.__dict__["_model"] = Slow()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: reader.fits(TEXT, ["un texte"]), range(4)))
    assert most == [1, 1, 1, 1]


def test_what_is_no_reranker_is_refused(folder: Path, tmp_path: Path) -> None:
    def refused(path: Path, told: str) -> None:
        with pytest.raises(EncoderError, match=told):
            SecondReader(ModelSource(folder=path)).fits(TEXT, ["un texte"])

    def hint(path: Path) -> str | None:
        with pytest.raises(EncoderError) as caught:
            SecondReader(ModelSource(folder=path)).fingerprint  # noqa: B018 - reading it raises
        return caught.value.hint

    refused(tmp_path / "absent", "There is no model folder")
    assert "`rerank` under [ranking]" in (hint(tmp_path / "absent") or "")
    refused(save(tmp_path / "three", labels=3), "has 3 outputs, not one")
    plain = shutil.copytree(folder, tmp_path / "plain")
    config = json.loads((plain / "config.json").read_text())
    (plain / "config.json").write_text(json.dumps({**config, "architectures": ["BertModel"]}))
    refused(plain, "no head that scores a pair")
    (plain / "config.json").write_text("{")
    refused(plain, "is damaged or cannot be read")
    (plain / "config.json").write_text("[]")
    refused(plain, "no configuration that can be read")
    (plain / "config.json").unlink()
    refused(plain, "no configuration that can be read")
    pickled = shutil.copytree(folder, tmp_path / "pickled")
    (pickled / "pytorch_model.bin").write_bytes(b"")
    refused(pickled, "safetensors weights only")
    cut = shutil.copytree(folder, tmp_path / "cut")
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    refused(cut, "is damaged or cannot be read")
    assert "`rerank_revision`" in (hint(cut) or "")
    weights.write_bytes(b"")
    refused(cut, "is damaged or cannot be read")


def test_the_settings_name_it_and_an_answer_records_it(folder: Path, home: Home, tmp_path: Path) -> None:
    home.write(rows())
    home.refresh()
    shutil.copytree(folder, home.config.parent / "models" / "small")
    home.config.write_text(
        home.config.read_text() + '\n[ranking]\nrerank = "models/small"\nrerank_weight = 0.5\n'
    )
    done = run_cli("recommend", TEXT, "--json", *home.arguments).json
    kinds = {line["kind"] for line in done["recommendations"][0]["explanation"]["contributions"]}
    assert "rerank" in kinds and done["depended_on"]["second"]["weight"] == 0.5
    opened = reco.open(home.path, config=home.config)
    assert opened.replay(done).same
    home.config.write_text(home.config.read_text().replace("rerank_weight = 0.5", "rerank_weight = 0.4"))
    (told,) = reco.open(home.path, config=home.config).replay(done).differences
    assert "second look" in told
    home.config.write_text(home.config.read_text().replace("models/small", "models/absent"))
    failed = run_cli("recommend", TEXT, "--json", *home.arguments)
    assert failed.code == 1 and "models/absent" in failed.json["error"]
    assert run_cli("similar", "r01", "--json", *home.arguments).code == 0
