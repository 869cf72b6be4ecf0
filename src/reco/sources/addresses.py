"""Relative addresses of a source, resolved against where it was read."""

from __future__ import annotations

import re
from urllib.parse import urljoin

_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HOST = re.compile(r"www\.[^\s/]+\.[a-z]{2,}(?:[/?#]|$)", re.IGNORECASE)


def joined(base: str, address: str) -> str:
    """Return `address` resolved against `base`, or as it is when no base is known.

    A relative address without a base starts with "." or "/": nothing in it can be taken for a host.

    >>> joined("https://commune.example.org/actus/", "?p=1")
    'https://commune.example.org/actus/?p=1'
    """
    address = address.strip()
    if not address or _ABSOLUTE.match(address):
        return address
    if address.startswith("//"):
        return f"https:{address}" if not base else urljoin(base, address)
    if _HOST.match(address):
        return address
    if base:
        try:
            return urljoin(base, address)
        except ValueError:
            return address
    return address if address.startswith((".", "/", "?", "#")) else f"./{address}"
