"""Write the head that first snapshots start from. It comes from a home refreshed from our own catalogue.

    .venv/bin/reco refresh --home /tmp/own
    python -m benchmarks.starter --home /tmp/own

Writes src/reco/adapt/starter.safetensors (or --out FILE): the snapshot's learnt head in half precision.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reco.adapt import starter
from reco.errors import InvalidInput, RecoError
from reco.snapshots.store import SnapshotStore
from reco.storage import atomic

_OUT = Path(__file__).parents[1] / "src" / "reco" / "adapt" / starter.FILE


def main() -> None:
    """Read the arguments and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="a home refreshed from data/catalogue.csv")
    parser.add_argument("--out", type=Path, default=_OUT)
    given = parser.parse_args()
    try:
        write(given.home, given.out)
    except RecoError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        raise SystemExit(error.exit_code) from error


def write(home: Path, out: Path) -> None:
    """Write the head of the home's snapshot. Raises InvalidInput without a head, or with tuned weights."""
    snapshot = SnapshotStore(home).open()
    if snapshot.head is None or not snapshot.manifest.report.get("adapt", {}).get("kept"):
        raise InvalidInput(f"Snapshot {snapshot.id} learnt no head.", "Run `reco adapt` first.")
    if snapshot.adapter is not None:
        raise InvalidInput(
            f"Snapshot {snapshot.id} was made by a tuned encoder.",
            "Run `reco adapt --undo`, then `reco adapt`.",
        )
    atomic.replace(out, starter.to_bytes(snapshot.head, snapshot.manifest.encoder))


if __name__ == "__main__":
    main()
