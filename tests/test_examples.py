"""The examples in docstrings run as they are written, and every public class has one."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import reco
from tests.support import Home, rows

PUBLIC = sorted(set(reco.__all__) - {"__version__", "open", "from_frame", "Settings"})
GOLDEN = {"q1": ("rénover la piscine", "r00"), "q2": ("un verger", "r01"), "q3": ("un pédibus", "r05")}


def _examples() -> Iterator[doctest.DocTest]:
    """Yield the examples of every module whose text has a prompt; others are not even imported."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for found in pkgutil.walk_packages(reco.__path__, "reco."):
        spec = importlib.util.find_spec(found.name)
        if spec is None or spec.origin is None or ">>> " not in Path(spec.origin).read_text("utf-8"):
            continue
        module = importlib.import_module(found.name)
        yield from (test for test in finder.find(module, found.name) if test.examples)
    yield from (test for test in finder.find(reco, "reco") if test.examples)


EXAMPLES = list(_examples())


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What examples may name: a home with the invented catalogue, an encoder, and an empty folder."""
    folder = tmp_path_factory.mktemp("examples")
    made = Home(folder / "reco", extra='[gates]\ngolden = "golden"\n\n')
    made.write(rows())
    golden = folder / "reco" / "golden"
    golden.mkdir()
    queries = (f'{{"_id": "{i}", "text": "{text}"}}\n' for i, (text, _) in GOLDEN.items())
    (golden / "queries.jsonl").write_text("".join(queries), "utf-8")
    lines = (f"{i}\t{relevant}\t3\n" for i, (_, relevant) in GOLDEN.items())
    (golden / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines), "utf-8")
    home = reco.open(made.path, config=made.config)
    assert home.refresh().published
    encoder = {"kind": "hashing-for-tests"}
    return {"home": home, "encoder": encoder, "folder": folder / "exported"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_gives_what_it_says(example: doctest.DocTest, known: dict[str, Any]) -> None:
    said: list[str] = []
    example.globs.update(known)
    ran = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert ran.attempted and not ran.failed, "".join(said)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_class_has_an_example(name: str) -> None:
    found = getattr(reco, name)
    assert inspect.isclass(found) and ">>> " in (found.__doc__ or "")
