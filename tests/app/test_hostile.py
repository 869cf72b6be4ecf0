"""A catalogue written by an attacker: nothing of it is Markdown, HTML or a link once it is sent."""

from __future__ import annotations

import re

import pytest

from reco.app.markup import plain
from tests.app.conftest import Open, Publish
from tests.app.test_pages import opened, search

ATTACKS = (
    "<script>window.hurt=1</script>",
    "&lt;img src=x onerror=window.hurt=1&gt;",
    "![pixel](https://evil.example/p.png)",
    "[click](javascript:window.hurt=1)",
    "$\\frac{a}{b}$ $$x^2$$",
    ":red[alarm] :material/bomb: :tada:",
    "=HYPERLINK('https://evil.example')",
    "https://evil.example www.evil.example a@evil.example",
    "] :blue-background[x] **bold** `code` ~~no~~",
    "# heading - list > quote | table | --> <-> 1. x",
)
# What would still act once backslashes have taken what follows them; our own badges and marks may stay.
ACTIVE = re.compile(r"[<$`|~#!(]|://|www(?!\u2060)|@|:(?!(?:blue|gray)-badge\[|green-background\[)\S")
ROWS = [
    (
        f"a{n}",
        f"École {attack}",
        attack,
        "2020",
        attack,
        attack,
        "https://example.org/",
        f"Une école. {attack}.",
    )
    for n, attack in enumerate(ATTACKS)
]


@pytest.fixture
def hostile(publish: Publish) -> None:
    publish(ROWS)


def test_every_field_is_sent_escaped(hostile: None, page: Open) -> None:
    test = opened(opened(search(page(), "école"), "why_"), "near_")
    assert not test.exception
    assert len(test.subheader) == len(ROWS)
    sent = [e.value for kind in ("markdown", "caption", "subheader") for e in test.get(kind)]
    sent += [e.proto.label for e in test.get("page_link")] + [e.text for e in test.get("progress")]
    for text in sent:
        assert not ACTIVE.search(re.sub(r"\\.", "", text)), text


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_every_sheet_renders(hostile: None, page: Open, number: int) -> None:
    test = page("sheet", id=f"a{number}")
    assert not test.exception
    assert test.title[0].value == plain(read(test.title[0].value))
    assert all(button.proto.url == "https://example.org/" for button in test.get("link_button"))


def read(markdown: str) -> str:
    from tests.app.test_markup import read_back

    return read_back(markdown)


def test_a_hostile_request_and_address_are_inert(hostile: None, page: Open) -> None:
    test = search(page(), " ".join(ATTACKS))
    assert not test.exception
    assert not page("sheet", id="<script>").exception
