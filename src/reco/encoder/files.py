"""Whether the files of a model can be read, as far as that is known without loading it."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from reco.errors import EncoderError


def require_readable(folder: Path, hint: str) -> None:
    """Raise EncoderError with that hint unless every JSON and weight file of a folder is whole."""
    try:
        for path in sorted(folder.rglob("*.json")):
            json.loads(path.read_bytes())
        for path in sorted(folder.rglob("*.safetensors")):
            with safe_open(path, framework="np"):
                pass
    except (OSError, ValueError, SafetensorError) as error:
        raise EncoderError(f"The model in {folder} is damaged or cannot be read: {error}.", hint) from error
