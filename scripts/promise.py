"""Learn again what ships as promise: `make promise`.

Asks the judged requests of `data/judged` of the bundled catalogue, in a home of its own, and writes
`src/reco/index/promise.json`: half of the requests to learn, the other half to measure, then all to learn.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from reco.errors import RecoError
from reco.evaluation.beir import read_topics
from reco.refresh.promising import learn_and_measure
from reco.storage import atomic
from reco.workspace.home import Home

_ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Make the file. Return the exit code of the error that stopped it, or 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--home", type=Path, help="a home that serves the bundled catalogue; made if not given"
    )
    parser.add_argument("--judged", type=Path, default=_ROOT / "data" / "judged")
    parser.add_argument("--out", type=Path, default=_ROOT / "src" / "reco" / "index" / "promise.json")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            home = Home.open(options.home or Path(folder), config=_ROOT / "reco.toml")
            if options.home is None:
                home.refresh()
            promise = learn_and_measure(home.recommender, read_topics(options.judged))
        text = json.dumps(asdict(promise), ensure_ascii=False, indent=1) + "\n"
        atomic.replace(options.out, text.encode())
    except RecoError as error:
        print(f"{error} {error.hint}".strip(), file=sys.stderr)
        return error.exit_code
    for name, value in promise.measured.items():
        print(f"{name:28} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
