"""Model loading: safetensors only, in bfloat16 on processors that support it natively."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from reco.encoder.adapter import Adapter
from reco.encoder.protocol import unit
from reco.encoder.taught import Difference
from reco.errors import EncoderError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

_SELF_CHECK = (
    "Rénover l'éclairage public d'un village",
    "La commune accompagne les habitants qui veulent partager l'eau, la terre et les bâtiments vacants.",
)
_AGREEMENT = 0.999


@dataclass(frozen=True)
class ModelSource:
    """The origin of a model: a local `folder`, or a Hub `name` pinned to a `revision`.

    `stamp`, if given, identifies the weights, so that the folder is not hashed. `taught` and `adapter` are
    learnt for this model, the second on top of the first; they are merged when it is loaded.
    """

    folder: Path | None = None
    name: str = ""
    revision: str = ""
    stamp: str = ""
    precision: str = "auto"
    taught: Difference | None = None
    adapter: Adapter | None = None

    @property
    def own_weights(self) -> str:
        """What identifies the weights as their authors made them."""
        if self.stamp:
            return self.stamp
        return _folder_digest(self.folder) if self.folder is not None else f"{self.name}@{self.revision}"

    @property
    def weights(self) -> str:
        """What identifies the weights with what they were taught, without adapter."""
        return self.own_weights if self.taught is None else f"{self.own_weights}:{self.taught.digest}"


def loaded(source: ModelSource, label: str) -> SentenceTransformer:
    """Load a model with what it was taught, without adapter.

    Raises EncoderError when it is missing, pickled, unpinned or broken.
    """
    model = _plain(source, label)
    if source.taught is not None:
        source.taught.merge_into(inner(model))
    return model


def _plain(source: ModelSource, label: str) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    if source.folder is not None:
        require_safetensors(source.folder)
    elif not source.revision:
        raise EncoderError(
            f"The model {label} has no pinned revision.", "Set `revision` to a commit under [encoder]."
        )
    try:
        return SentenceTransformer(
            label,
            device="cpu" if source.folder is not None else None,
            revision=source.revision or None,
            trust_remote_code=False,
            local_files_only=source.folder is not None,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, ImportError, RuntimeError, KeyError) as error:
        raise EncoderError(
            f"The model {label} cannot be loaded: {str(error).splitlines()[0]}",
            "Give a Sentence Transformers folder with safetensors weights, or a Hub id and its revision.",
        ) from error


def require_safetensors(folder: Path, setting: str = "`folder` under [encoder]") -> None:
    """Raise EncoderError unless a model folder exists and holds safetensors weights only.

    `setting` is what names the folder, for the hint.
    """
    if not folder.is_dir():
        raise EncoderError(f"There is no model folder {folder}.", f"Check {setting}.")
    pickled = [
        p for p in folder.rglob("*") if p.suffix in {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}
    ]
    if not list(folder.rglob("*.safetensors")) or pickled:
        raise EncoderError(
            f"The model folder {folder} does not hold safetensors weights only.",
            "Convert it with model.save_pretrained(..., safe_serialization=True) and remove pickled files.",
        )


def inner(model: SentenceTransformer) -> Any:
    """Return the transformer inside a Sentence Transformers model. Adapters name its modules."""
    first: Any = model[0]
    return first.auto_model


def made_short(model: SentenceTransformer) -> bool:
    """Round a model's weights to bfloat16, and return whether its vectors still agree with float32."""
    import torch

    exact = model.encode(list(_SELF_CHECK), show_progress_bar=False)
    model.to(torch.bfloat16)
    short = (
        model.encode(list(_SELF_CHECK), show_progress_bar=False, convert_to_tensor=True).float().cpu().numpy()
    )
    agreement = float((unit(exact) * unit(short)).sum(axis=1).min())
    if agreement < _AGREEMENT:
        logger.warning("bfloat16 vectors differ from float32 vectors (cosine %.5f)", agreement)
    return agreement >= _AGREEMENT


def native_bfloat16() -> bool:
    """Return whether this processor has bfloat16 matrix instructions, and torch uses its AVX-512 kernels."""
    import torch

    # Under ATEN_CPU_CAPABILITY=default, attention in bfloat16 fails: "pack_vnni2 is only supported when...".
    if not torch.backends.cpu.get_cpu_capability().startswith("AVX512"):
        return False
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(bool(getattr(torch.cpu, name, lambda: False)()) for name in checks)


def _folder_digest(folder: Path) -> str:
    """Return the digest of all files that decide a vector: weights, tokenizer, configuration."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in {".safetensors", ".json", ".txt", ".model"})
    if not files:
        raise EncoderError(f"There is no model in {folder}.", "Check `folder` under [encoder].")
    state = hashlib.sha256()
    for path in files:
        state.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as stream:
            state.update(hashlib.file_digest(stream, "sha256").digest())
    return state.hexdigest()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread. For a short text, waking a second one can cost ten times the work."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the progress bars and notices of Transformers during the block."""
    from transformers.utils import logging

    library: Any = logging
    before = library.get_verbosity()
    library.set_verbosity_error()
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(before)
        library.enable_progress_bar()


def require_readable(model: str, settings: Iterable[Path], weights: Iterable[Path], hint: str) -> None:
    """Raise EncoderError with `hint` unless the JSON and safetensors files of `model` can be read."""
    try:
        for path in settings:
            json.loads(path.read_bytes())
        for path in weights:
            with safe_open(path, framework="np"):
                pass
    except (OSError, ValueError, SafetensorError) as error:
        raise EncoderError(f"{model} is damaged or cannot be read: {error}.", hint) from error
