"""A query as a short code in an address, and back.

The code is deflated JSON in base64url (RFC 4648). Anyone can send one: the unpacked size is bounded, and an
invalid code is rejected as a whole.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from reco.errors import InvalidInput
from reco.ranking.query import Query

LONGEST_ADDRESS = 1_500
"""Most characters of a whole address that mail programs and old servers let through."""

_MOST_UNPACKED = 20_000
_MOST_RESULTS = 100
_QUERIES = TypeAdapter(Query)


def code_of(query: Query, longest: int = LONGEST_ADDRESS) -> str:
    """Return the code of a query for `query_of`, without the visitor's own opinions.

    Raises InvalidInput if the code has more than `longest` characters, or unpacks to more than 20,000 bytes.
    """
    values = _QUERIES.dump_python(replace(query, opinions=()), exclude_defaults=True)
    data = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    code = base64.urlsafe_b64encode(zlib.compress(data, 9)).decode().rstrip("=")
    if len(code) > longest or len(data) > _MOST_UNPACKED:
        raise InvalidInput(
            f"The query is too long for an address: {len(code):,} characters, at most {longest:,}.",
            "Shorten the description, or send the dossier as a file.",
        )
    return code


def query_of(code: str) -> Query:
    """Return the query of a code. Raises InvalidInput if the code is cut short, altered or too long."""
    try:
        query = _QUERIES.validate_json(_unpacked(code), strict=True)
        return Query.of(**{**vars(query), "k": min(query.k, _MOST_RESULTS), "opinions": ()})
    except (ValidationError, binascii.Error, zlib.error, InvalidInput) as error:
        raise InvalidInput(
            "This address contains no query that can be read.", "Copy the whole address again."
        ) from error


def _unpacked(code: str) -> bytes:
    if len(code) > LONGEST_ADDRESS or not code.isascii():
        raise InvalidInput("The code is too long, or has characters that no code has.")
    packed = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True)
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(packed, _MOST_UNPACKED)
    if not unpacker.eof:
        raise InvalidInput("The code is cut short, or its content is too long.")
    return data
