"""A request as a code that fits in an address, and back.

The code is JSON, deflated, in base64url (RFC 4648). It comes from anyone: how much is unpacked is
bounded, and a code that is not one of ours is refused whole.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import asdict, fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reco.errors import InvalidInput
from reco.ranking.query import Query

LONGEST_ADDRESS = 1_500
"""Characters of a whole address: what mail programs and old servers let through."""

_MOST_UNPACKED = 20_000
_MOST_RESULTS = 100


def code_of(query: Query, longest: int = LONGEST_ADDRESS) -> str:
    """Return what `query_of` reads back: all that is asked but the opinions, which are the visitor's own.

    Raises InvalidInput when it has more than `longest` characters.
    """
    asked = asdict(replace(query, opinions=()))
    usual = asdict(Query(""))
    data = json.dumps(_other_than(asked, usual), ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )
    code = base64.urlsafe_b64encode(zlib.compress(data, 9)).decode().rstrip("=")
    if len(code) > longest or len(data) > _MOST_UNPACKED:
        raise InvalidInput(
            f"The request is too long for an address: {len(code):,} characters, at most {longest:,}.",
            "Shorten the description, or send the dossier as a file.",
        )
    return code


def query_of(code: str) -> Query:
    """Return the request of a code. Raises InvalidInput for one that is cut short, altered or too long."""
    try:
        asked = TypeAdapter(Query).validate_json(_unpacked(code), strict=True)
        given = {field.name: getattr(asked, field.name) for field in fields(asked)}
        return Query.of(**{**given, "k": min(asked.k, _MOST_RESULTS), "opinions": ()})
    except (ValidationError, binascii.Error, zlib.error, InvalidInput) as error:
        raise InvalidInput(
            "This address holds no request that can be read.", "Copy the whole address again."
        ) from error


def _unpacked(code: str) -> bytes:
    if len(code) > LONGEST_ADDRESS or not code.isascii():
        raise InvalidInput("The code is no code of ours.")
    packed = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True)
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(packed, _MOST_UNPACKED)
    if not unpacker.eof:
        raise InvalidInput("The code unpacks to too much, or is cut short.")
    return data


def _other_than(asked: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """Return the values that are not the usual ones, within tables too: an address is short."""
    found = {}
    for name, value in asked.items():
        other = usual.get(name)
        if isinstance(value, dict) and isinstance(other, dict):
            value = _other_than(value, other)  # noqa: PLW2901 - the same table, shorter
            other = {}
        if value != other:
            found[name] = value
    return found
