"""A table made from another is the one that would be made from scratch."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.resource import Resource
from reco.index.vectors import embed
from tests.support import CountingEncoder, resource

TEXTS = st.sampled_from(
    [
        "",
        "Un lavoir.",
        "Une halle rénovée par la commune et ses habitants. Un marché y revient chaque samedi matin, abrité.",
        "Deux écoles réunies dans un bâtiment de bois. La cour est plantée d'arbres qui donnent de l'ombre.",
        "Un four à pain remis en service par une association, ouvert aux écoles et aux habitants du hameau.",
    ]
)
CATALOGUES = st.lists(TEXTS, max_size=7)


def made(texts: list[str]) -> list[Resource]:
    return [resource(f"r{row}", summary=text) for row, text in enumerate(texts)]


@given(before=CATALOGUES, after=CATALOGUES)
def test_reuse_changes_no_row(before: list[str], after: list[str]) -> None:
    encoder = CountingEncoder(16)
    previous, _ = embed(made(before), encoder)
    scratch, _ = embed(made(after), encoder)
    encoder.encoded.clear()
    reused, encoded = embed(made(after), encoder, previous)
    assert encoded == len(encoder.encoded) == len(set(after) - set(before))
    assert reused.hashes == scratch.hashes
    for name in ("parts", "weights", "spans", "bounds"):
        one, other = getattr(reused, name), getattr(scratch, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("texts", [[], ["Un lavoir."] * 3])
def test_what_is_reused_is_copied(texts: list[str]) -> None:
    encoder = CountingEncoder(16)
    previous, _ = embed(made(texts), encoder)
    reused, encoded = embed(made(texts), encoder, previous)
    assert encoded == 0 and not np.shares_memory(previous.parts, reused.parts)


@given(texts=CATALOGUES.filter(bool), order=st.randoms(use_true_random=False))
def test_a_print_is_of_the_parts_alone(texts: list[str], order: random.Random) -> None:
    table, _ = embed(made(texts), CountingEncoder(16))
    mixed = order.sample(texts, len(texts))
    again, _ = embed(made(mixed), CountingEncoder(16))
    known = dict(zip(texts, table.prints.tolist(), strict=True))
    assert again.prints.tolist() == [known[text] for text in mixed]
    assert len(set(known.values())) == len(known)


@given(texts=CATALOGUES.filter(bool), data=st.data())
def test_one_other_bit_or_two_parts_exchanged_are_another_print(
    texts: list[str], data: st.DataObject
) -> None:
    table, _ = embed(made(texts), CountingEncoder(16))
    row = data.draw(st.integers(0, len(texts) - 1))
    first, last = int(table.bounds[row]), int(table.bounds[row + 1]) - 1
    parts = table.parts.copy()
    if last > first and data.draw(st.booleans()):
        parts[[first, last]] = parts[[last, first]]
    else:
        number, bit = data.draw(st.integers(0, 15)), data.draw(st.integers(0, 31))
        parts.view(np.uint32)[last, number] ^= np.uint32(1 << bit)
    changed = replace(table, parts=parts).prints != table.prints
    assert np.flatnonzero(changed).tolist() == [row]
