"""A refresh that was killed while it encoded does not encode the same texts again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from reco.catalogue.catalogue import Catalogue
from reco.encoder.protocol import Document
from reco.index.vectors import CHUNK, EncodedDocument, embed, encode
from reco.refresh.journal import Journal
from reco.storage import atomic
from tests.support import CountingEncoder, Home, Ran, python, resource, rows, run_cli

MANY = [
    {**row, "id": f"{row['id']}-{n}", "title": f"{row['title']}, tome {n}"}
    for n in range(10)
    for row in rows()
]
KILLED = """
import os, signal, sys
from reco.storage import atomic
from reco.cli.main import main

seen = 0

def operation(name, path):
    global seen
    seen += name == {name!r} and path.name == "encoded"
    if seen == {at}:
        print("killed at", name, path.name, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

atomic.operation = operation
main(sys.argv[1:])
"""


def killed(home: Home, name: str, at: int) -> Ran:
    """Refresh in a process that dies at an operation on the journal."""
    return python("-c", KILLED.format(name=name, at=at), "refresh", "--json", *home.arguments)


@pytest.fixture
def many(memory: Path) -> Home:
    home = Home(memory / "many")
    home.write(MANY)
    return home


@pytest.mark.parametrize(("name", "at", "chunks"), [("open", 4, 3), ("fsync", 2, 2)])
def test_a_killed_refresh_resumes_where_it_was(many: Home, name: str, at: int, chunks: int) -> None:
    done = killed(many, name, at)
    assert done.code == -9 and f"killed at {name} encoded" in done.out
    assert many.store.current() is None
    report = run_cli("refresh", "--json", *many.arguments).json
    assert report["published"] and report["encoded"] == len(MANY) - chunks * CHUNK
    assert not (many.path / "journal").exists()
    scratch, _ = embed(many.store.open().catalogue, CountingEncoder())
    np.testing.assert_array_equal(many.store.open().table.parts, scratch.parts)


def test_two_deaths_in_a_row_keep_what_both_did(many: Home) -> None:
    assert killed(many, "open", 2).code == -9
    assert killed(many, "open", 3).code == -9
    report = run_cli("refresh", "--json", *many.arguments).json
    assert report["encoded"] == len(MANY) - 3 * CHUNK


def test_a_death_after_the_last_text_leaves_nothing_to_encode(many: Home) -> None:
    def operation(name: str, path: Path) -> None:
        if path.name == "CURRENT":
            raise OSError(28, "No space left on device")

    before, atomic.operation = atomic.operation, operation
    try:
        assert run_cli("refresh", "--json", *many.arguments).code == 1
    finally:
        atomic.operation = before
    encoder = CountingEncoder()
    assert many.refresh(encoder).published and encoder.encoded == []


def test_another_encoder_starts_anew(many: Home) -> None:
    assert killed(many, "open", 4).code == -9
    many.dimension = 32
    many.configure()
    encoder = CountingEncoder(32)
    assert many.refresh(encoder).encoded == len(MANY) == len(encoder.encoded)
    assert many.store.open().dense.dimension == 32


def test_a_quiet_night_forgets_what_is_no_longer_wanted(served: Home) -> None:
    journal = Journal(served.path / "journal", CountingEncoder().fingerprint)
    journal.keep(documents(["Un texte retiré"]))
    assert not served.refresh().published
    assert not (served.path / "journal").exists()


def documents(
    titles: Iterable[str], summary: str = "Une phrase. Une autre phrase."
) -> dict[str, EncodedDocument]:
    wanted = {f"key-{title}": Document.of(title, summary) for title in titles}
    return {key: found for chunk in encode(wanted, CountingEncoder(16), None) for key, found in chunk.items()}


def same(one: dict[str, EncodedDocument], other: dict[str, EncodedDocument]) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[key].vectors.parts, other[key].vectors.parts)
        and np.array_equal(one[key].vectors.weights, other[key].vectors.weights)
        and one[key].spans == other[key].spans
        for key in one
    )


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, dict[str, EncodedDocument]]:
    """A journal of six documents, added two at a time."""
    found = documents(["a", "b", "c", "d", "e", "é"])
    keys = list(found)
    for start in (0, 2, 4):
        Journal(tmp_path / "journal", "print").keep({key: found[key] for key in keys[start : start + 2]})
    return tmp_path / "journal", found


def test_what_is_recalled_is_what_was_kept(kept: tuple[Path, dict[str, EncodedDocument]]) -> None:
    folder, found = kept
    assert same(Journal(folder, "print").recall(found.keys()), found)
    assert Journal(folder, "print-2").recall(found.keys()) == {}
    assert Journal(folder, "print").recall(found.keys()) == {}, "the other encoder took its place"


def test_encoders_that_take_turns_never_mix(kept: tuple[Path, dict[str, EncodedDocument]]) -> None:
    folder, found = kept
    for _ in range(2):
        assert Journal(folder, "two").recall(found.keys()) == {}
        journal = Journal(folder, "one")
        assert journal.recall(found.keys()) == {}
        journal.keep(found)
        assert same(Journal(folder, "one").recall(found.keys()), found)


def test_a_torn_tail_is_dropped_and_the_rest_goes_on(kept: tuple[Path, dict[str, EncodedDocument]]) -> None:
    folder, found = kept
    path, keys = folder / "encoded", list(found)
    whole = path.read_bytes()
    for cut in (1, 40, 200):
        path.write_bytes(whole[:-cut])
        journal = Journal(folder, "print")
        assert same(journal.recall(keys), {key: found[key] for key in keys[:-1]})
        journal.keep({keys[-1]: found[keys[-1]]})
        assert same(Journal(folder, "print").recall(keys), found)


def test_no_changed_byte_is_recalled(kept: tuple[Path, dict[str, EncodedDocument]]) -> None:
    folder, found = kept
    path = folder / "encoded"
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        recalled = Journal(folder, "print").recall(found.keys())
        assert len(recalled) < len(found)
        assert same(recalled, {key: found[key] for key in recalled})


def test_the_file_holds_no_more_than_what_is_wanted(kept: tuple[Path, dict[str, EncodedDocument]]) -> None:
    folder, found = kept
    (folder / "encoded.tmp-1").write_bytes(b"half")
    before = (folder / "encoded").stat().st_size
    wanted = list(found)[:2]
    assert set(Journal(folder, "print").recall(wanted)) == set(wanted)
    assert (folder / "encoded").stat().st_size < before / 2
    assert [path.name for path in folder.iterdir()] == ["encoded"]


def test_a_text_split_in_another_way_is_encoded_again(tmp_path: Path) -> None:
    one = resource("r1", "Un titre", summary="Une phrase. Une autre phrase.")
    (found,) = documents(["Un titre"], "Une phrase.").values()
    journal = Journal(tmp_path / "journal", "print")
    journal.keep({one.content_hash: found})
    assert embed(Catalogue([one]), CountingEncoder(16), None, None, journal)[1] == 1


def test_chunks_of_like_length_and_progress_over_all() -> None:
    texts = {str(n): Document.of("mot " * (n % 150 + 1), "") for n in range(CHUNK * 2 + 10)}
    seen: list[tuple[int, int]] = []
    chunks = list(encode(texts, CountingEncoder(16), lambda done, total: seen.append((done, total))))
    assert [len(chunk) for chunk in chunks] == [CHUNK, CHUNK, 10]
    lengths = [[len(texts[key].text) for key in chunk] for chunk in chunks]
    assert min(lengths[0]) >= max(lengths[1]) and min(lengths[1]) >= max(lengths[2])
    assert seen == [(n, len(texts)) for n in range(1, len(texts) + 1)]
