"""The headers and the token of one reading of a source. Their secrets stay in memory."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

import httpx2

from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.secrets import is_sendable, secret_variables, variable_of

LARGEST_ANSWER = 100_000
"""Most bytes of the answer with a token."""

_SHORTEST_HIDDEN = 6
"""Characters from which a secret is hidden in what a server sends: a shorter one would hit other text."""
_HIDDEN = "***"
_ESCAPE = re.compile(r"%[0-9A-F]{2}")
_AUTHORIZATION = "Authorization"


class Credentials:
    """What a source's own server is sent to know us by.

    Raises `SourceError` at once when a variable is not set or cannot be sent. `bearer` is the token that
    the key was exchanged for, if any.
    """

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._origin = _origin(httpx2.URL(config.url)) if config.url else None
        self._headers = {name: self._value(name, value) for name, value in config.headers.items()}
        self._secrets = {self._headers[name] for name, value in config.headers.items() if variable_of(value)}
        self._key = self._value(config.token.header, config.token.value) if config.token else ""
        self._secrets |= {self._key} if self._key else set()
        self.bearer = ""

    def sign(self, request: httpx2.Request) -> None:
        """Give a request to the source's own server its headers, and take them from any other.

        The client calls this for every redirect too: it has copied the headers of the request before.
        """
        if request.method != "GET":
            return  # the exchange, which has its own header
        ours = dict(self._headers)
        if self._config.token:
            ours[_AUTHORIZATION] = f"Bearer {self.bearer}"
        home = _origin(request.url) == self._origin
        for name, value in ours.items():
            request.headers.pop(name, None)
            if home:
                request.headers[name] = value

    @property
    def exchange(self) -> dict[str, str]:
        """The header that carries the key to the server of the token."""
        return {self._config.token.header: self._key} if self._config.token else {}

    def accept(self, body: bytes, path: str) -> bool:
        """Take the token at a dotted path of the answer to the exchange. Return whether there is one."""
        try:
            found: object = json.loads(body)
        except (ValueError, RecursionError):
            return False
        for key in path.split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        if not isinstance(found, str) or not is_sendable(found):
            return False
        self.bearer = found
        self._secrets.add(found)
        return True

    @property
    def variables(self) -> str:
        """The variables that hold the secrets, for messages; "" without any."""
        key = [self._config.token.variable] if self._config.token else []
        return ", ".join([*secret_variables(self._config.headers), *key])

    def without(self, body: bytes) -> bytes:
        """Return bytes of a server with every secret hidden: some servers repeat what they were sent."""
        for secret in self._long():
            body = body.replace(secret.encode("ascii"), _HIDDEN.encode("ascii"))
        return body

    def hidden(self, text: str) -> str:
        """Return a message with every secret hidden."""
        for secret in self._long():
            text = text.replace(secret, _HIDDEN)
        return text

    def _long(self) -> list[str]:
        long = [secret for secret in self._secrets if len(secret) >= _SHORTEST_HIDDEN]
        return sorted({form for secret in long for form in _forms(secret)}, key=len, reverse=True)

    def _value(self, header: str, value: str) -> str:
        variable = variable_of(value)
        if not variable:
            return value
        found = os.environ.get(variable, "").strip()
        if not found:
            raise SourceError(
                f"source {self._config.name}: the variable {variable}, for the header {header}, is not set",
                f"Set {variable} in the environment of the refresh. Its value is never stored.",
            )
        if not is_sendable(found):
            raise SourceError(
                f"source {self._config.name}: the variable {variable}, for the header {header}, "
                "holds characters that no header can hold",
                f"Set {variable} to the key alone, on one line.",
            )
        return found


def _forms(secret: str) -> set[str]:
    """Return a secret as a server may repeat it: plain, within JSON, within an address."""
    escaped = json.dumps(secret)[1:-1]
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    lowered = {_ESCAPE.sub(lambda found: found[0].lower(), form) for form in quoted}
    return {secret, escaped, escaped.replace("/", "\\/"), *quoted, *lowered}


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)
