from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reco.sources.config import SourceConfig
from reco.storage.paths import FOLDER


def config(**options: Any) -> SourceConfig:
    return SourceConfig.model_validate({"name": "test", "kind": "csv", "path": "a.csv"} | options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "https://example.org/a.csv"}, "only one of them"),
        ({"path": None}, "either `path` or `url`"),
        ({"kind": "oai"}, "from a `url`"),
        ({"kind": "folder", "path": None, "url": "https://example.org"}, "from a `path`"),
        ({"path": None, "url": "ftp://example.org/a.csv"}, "https://"),
        ({"path": None, "url": "https://me:secret@example.org/a.csv"}, "must not hold a user name"),
        ({"fields": {"titel": "Titre"}}, "titel: not a field of reco"),
        ({"constants": {"id": "1"}}, "every row needs its own id"),
        ({"defaults": {"theme": ""}}, "leave the line out"),
        ({"sheet": "Feuil1"}, "`sheet` does not apply to kind csv"),
        ({"encoding": "utf-99"}, "not an encoding"),
        ({"name": "../evil"}, "pattern"),
        ({"colour": "red"}, "Extra inputs"),
        ({"kind": "excel"}, "Input should be"),
        ({"reject_limit": 2}, "less than or equal"),
        (
            {"kind": "api", "path": None, "url": "https://a.example", "pagination": {"mode": "cursor"}},
            "goes with mode",
        ),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config(**options)


def test_a_relative_path_starts_at_the_folder_of_the_settings() -> None:
    folder = {FOLDER: Path("/srv/reco")}
    for given, found in (("a.csv", "/srv/reco/a.csv"), ("/data/a.csv", "/data/a.csv")):
        values = {"name": "a", "kind": "csv", "path": given}
        assert SourceConfig.model_validate(values, context=folder).path == Path(found)


def test_an_address_stays_as_it_is() -> None:
    values = {"name": "a", "kind": "csv", "url": "https://example.org/a.csv"}
    remote = SourceConfig.model_validate(values, context={FOLDER: Path("/srv/reco")})
    assert remote == SourceConfig(name="a", kind="csv", url="https://example.org/a.csv")
