"""Make the vectors that ship with the package again: `make prepared`.

Encodes the bundled catalogue in a home of its own, learns and calibrates as a first refresh does, and
writes `src/reco/refresh/prepared.safetensors`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from reco.errors import RecoError
from reco.refresh.prepared import FILE, Prepared
from reco.storage import atomic
from reco.workspace.home import Home

_ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Make the file. Return the exit code of the error that stopped it, or 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=_ROOT / "reco.toml")
    parser.add_argument("--out", type=Path, default=_ROOT / "src" / "reco" / "refresh" / FILE)
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            # Vectors made before must not be taken over.
            options.out.unlink(missing_ok=True)
            data = _made(options.config, Path(folder))
        atomic.replace(options.out, data)
    except RecoError as error:
        print(f"{error} {error.hint}".strip(), file=sys.stderr)
        return error.exit_code
    print(f"{options.out}: {len(data) / 1e6:.1f} MB")
    return 0


def _made(config: Path, folder: Path) -> bytes:
    home = Home.open(folder, config=config)
    home.refresh()
    snapshot = home.snapshot
    levels = snapshot.levels
    learnt = snapshot.manifest.report.get("adapt", {})
    asked = levels.asked if levels is not None else {}
    made = Prepared(snapshot.manifest.encoder, snapshot.table, asked, learnt, snapshot.head)
    return made.to_bytes()


if __name__ == "__main__":
    sys.exit(main())
