"""Fixtures and Hypothesis profiles for every test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from reco.sources.child import door, parent
from tests.support import SHARED, Home, rows

settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.register_profile("explore", deadline=None, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


# A worker takes one module after the other: a long one that comes last would run alone.
LONGEST = (
    "test_browser",
    "test_kills",
    "test_poison",
    "test_notebooks",
    "test_deep",
    "test_accessibility",
    "test_hostile_pages",
    "test_journal",
    "test_power_loss",
    "test_clusters",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest modules first; the others stay in their order."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def _read_in_this_process() -> None:
    """A child process takes 0.3 s to start, and what a test replaces here would not be replaced there."""
    door.runner = door.here


@pytest.fixture
def in_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources are read in a child process, as they are in production."""
    monkeypatch.setattr(door, "runner", parent.apart)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RECO_HOME", "RECO_CONFIG", "RECO_LOG", "RECO_LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: snapshots are synced, and a busy disk makes that slow."""
    place = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=place if os.access(place, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def home(memory: Path) -> Home:
    """A configuration with the test encoder and the invented catalogue; nothing is refreshed yet."""
    made = Home(memory / "reco")
    made.write(rows())
    return made


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose first snapshot is published, to be copied: a refresh for each test takes a minute in all."""
    made = Home(tmp_path_factory.mktemp("first_night") / "reco")
    made.write(rows())
    assert made.refresh().published
    return made


@pytest.fixture
def served(home: Home, first_night: Home) -> Home:
    """A home whose first snapshot is published."""
    shutil.copytree(first_night.path, home.path)
    return home


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Return the path of a file or folder of ../shared, or skip the test."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"{path} is not on this machine")
        return path

    return find
