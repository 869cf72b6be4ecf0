"""Vectors that ship with the package: used for their own encoder and texts, and never on trust."""

from __future__ import annotations

import csv
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reco.adapt.teaching.own import read_own
from reco.encoder.settings import EncoderSettings, build_encoder
from reco.encoder.testing import HashingEncoderForTests
from reco.refresh import prepared
from reco.refresh.prepared import Prepared, prepared_for, prepared_table
from tests.support import Home, edited, rows

CATALOGUE = Path(__file__).parents[2] / "data" / "catalogue.csv"


@pytest.fixture
def shipped(home: Home, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """What ships for the test encoder: the vectors of the test catalogue."""
    home.refresh()
    snapshot = home.store.open()
    found = Prepared(snapshot.manifest.encoder, snapshot.table, {"ab" * 16: np.ones(64, np.float16)}, {})
    monkeypatch.setattr(prepared, "_shipped", lambda: found)
    return found


def first_refresh(folder: Path, table: list[dict[str, str]]) -> tuple[Home, int]:
    other = Home(folder)
    other.configure()
    other.write(table)
    return other, other.refresh().encoded


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    folder = tmp_path / "fresh"
    folder.mkdir()
    return folder


def test_a_first_start_encodes_nothing(shipped: Prepared, home: Home, fresh: Path) -> None:
    other, encoded = first_refresh(fresh, rows())
    assert encoded == 0
    np.testing.assert_array_equal(other.store.open().table.parts, home.store.open().table.parts)


def test_a_changed_row_is_encoded(shipped: Prepared, fresh: Path) -> None:
    assert first_refresh(fresh, edited(rows(), "r03", summary="La cantine devient une régie."))[1] == 1


def test_vectors_that_a_sample_contradicts_are_not_used(
    shipped: Prepared, fresh: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    turned = replace(shipped, table=replace(shipped.table, parts=shipped.table.parts[:, ::-1].copy()))
    monkeypatch.setattr(prepared, "_shipped", lambda: turned)
    with caplog.at_level(logging.WARNING):
        assert first_refresh(fresh, rows())[1] == len(rows())
    assert "a sample differs" in caplog.text


def test_they_belong_to_one_encoder(shipped: Prepared) -> None:
    assert prepared_for(HashingEncoderForTests()) is shipped
    assert prepared_for(HashingEncoderForTests(32)) is None
    assert prepared_table([], HashingEncoderForTests()) is None


def test_bytes_give_the_same_and_others_are_refused(shipped: Prepared) -> None:
    data = shipped.to_bytes()
    again = Prepared.from_bytes(data)
    assert again.encoder == shipped.encoder and again.table.hashes == shipped.table.hashes
    np.testing.assert_allclose(again.table.parts, shipped.table.parts, atol=1e-3)
    np.testing.assert_array_equal(again.table.spans, shipped.table.spans)
    assert list(again.asked) == list(shipped.asked)
    for damaged in (b"", data[:-1], data[: len(data) // 2], b"\xff" * 40):
        with pytest.raises(ValueError):
            Prepared.from_bytes(damaged)


def test_a_damaged_file_is_told_and_everything_encoded(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(prepared, "FILE", "absent.safetensors")
    prepared._shipped.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert home.refresh().encoded == len(rows())
        assert "prepared vectors are not used" in caplog.text
    finally:
        prepared._shipped.cache_clear()


def test_what_ships_is_what_the_encoder_gives_for_the_bundled_catalogue() -> None:
    encoder = build_encoder(EncoderSettings())
    found = prepared_for(encoder)
    assert found is not None, "run `make prepared`: the vectors were made by another encoder"
    catalogue = read_own(CATALOGUE)
    with CATALOGUE.open(encoding="utf-8", newline="") as stream:
        assert len(catalogue) == sum(1 for _ in csv.DictReader(stream))
    assert found.drift([one.content_hash for one in catalogue]) == 0, "run `make prepared`"
    assert prepared_table(list(catalogue), encoder) is found.table
