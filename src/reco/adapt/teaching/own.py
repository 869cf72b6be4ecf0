"""The project's own catalogue and written requests, as files of a clone."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from reco.adapt.teaching.lessons import of_requests
from reco.adapt.teaching.written import by_resource, read_requests
from reco.adapt.training.pairs import Pair
from reco.catalogue.admission import Rules, admit
from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Record, Resource
from reco.errors import InvalidInput


@dataclass(frozen=True)
class Replay:
    """A file of written requests, and the catalogue of the resources that they are written for."""

    requests: Path
    catalogue: Path

    def pairs(self) -> list[Pair]:
        """Return each request with its resource. Raises InvalidInput for a file that cannot be read."""
        return of_requests(read_own(self.catalogue), by_resource(read_requests(self.requests)))


def read_own(path: Path) -> Catalogue:
    """Return the catalogue of a CSV file with our columns. Raises InvalidInput when it cannot be read."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = [
                admit(Record("own", f"{path.name}:{number}", row), Rules())
                for number, row in enumerate(csv.DictReader(stream), start=2)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", "Give a CSV file with our columns.") from error
    return Catalogue(row for row in rows if isinstance(row, Resource))
