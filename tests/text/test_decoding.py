"""Bytes of any encoding become the text that their author wrote."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.text.decoding import decoded, decoded_line, encoding_of
from reco.text.visible import shown

TEXT = "Numéro;Intitulé\r\n1;L’œuvre à 10 € – préau\r\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_a_text_of_any_usual_encoding_is_read(encoding: str) -> None:
    assert decoded(TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize("bom", [codecs.BOM_UTF8 * 2, codecs.BOM_UTF16_LE])
def test_no_mark_is_left_however_often_it_was_written(bom: bytes) -> None:
    encoding = "utf-8" if bom.startswith(codecs.BOM_UTF8) else "utf-16-le"
    assert decoded(bom + "\ufeffTitre".encode(encoding)) == "Titre"


def test_a_bad_byte_costs_its_line_only() -> None:
    data = "Forêt urbaine\n".encode() + "Îlot de fraîcheur\n".encode("cp1252") + "Préau".encode()
    assert decoded(data) == "Forêt urbaine\nÎlot de fraîcheur\nPréau"


def test_a_line_of_utf_8_with_a_bad_byte_stays_utf_8() -> None:
    assert decoded_line("Forêt, préau, l".encode() + b"\x92eau") == "Forêt, préau, l’eau"
    assert decoded_line("«ÉTÉ»".encode("cp1252")) == "«ÉTÉ»"


def test_bytes_that_windows_leaves_undefined_are_controls() -> None:
    assert decoded_line(b"caf\xe9 \x81 l\x92eau") == "café \x81 l’eau"


@pytest.mark.parametrize("data", [b"", b"\0", b"\0" * 64, bytes(range(256)), b"\x01\0\x02\0\x03\0\x04\0"])
def test_binary_data_is_not_taken_for_utf_16(data: bytes) -> None:
    assert encoding_of(data) == ""


def test_a_mark_tells_utf_32_from_utf_16() -> None:
    assert encoding_of("a".encode("utf-32")) == "utf-32"
    assert encoding_of("ab".encode("utf-16")) == "utf-16"


@given(st.binary(max_size=200))
def test_no_bytes_are_refused(data: bytes) -> None:
    assert isinstance(decoded(data), str)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"), max_size=200))
def test_utf_8_reads_back(text: str) -> None:
    if encoding_of(text.encode()) == "":  # NUL characters can look like UTF-16
        assert decoded(text.encode()) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Titre", "'Titre'"),
        ("Titre\u00a0", "'Titre<U+00A0>'"),
        ("\ufeffid", "'<U+FEFF>id'"),
        ("The\u0300me", "'The<U+0300>me'"),
        ("Th\u00e8me", "'Thème'"),
        ("a\nb", "'a<U+000A>b'"),
    ],
)
def test_a_message_shows_what_the_eye_cannot_see(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_a_long_text_is_cut_in_a_message() -> None:
    assert shown("x" * 100, 5) == "'xxxxx…'"
