"""Settings of request headers and tokens. A secret is named by its variable and never held in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

FROM_ENVIRONMENT = "env:"
"""What a value starts with that is read from the environment when the source is."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(
    r"auth|cookie|credential|key|passw|pwd|secret|session|signature|token|(?:^|[^a-z])sig$", re.IGNORECASE
)
_USER = re.compile(r"[^/?#]*:[^/?#]*@")
"""A user name and a password before a host, in an address without https://."""
_OURS = frozenset(
    "accept-encoding connection content-length host if-modified-since if-none-match range te trailer "
    "transfer-encoding upgrade".split()
)
"""Headers that the client sets itself: another value would break the reading of the response."""


def is_sendable(value: str) -> bool:
    """Return whether a text may be the value of a header: printable ASCII, not blank."""
    return bool(value.strip()) and value.isascii() and value.isprintable()


def names_secret(name: str) -> bool:
    """Return whether the name of a header or of a parameter of an address sounds like a secret.

    >>> names_secret("api_key"), names_secret("sig"), names_secret("design")
    (True, True, False)
    """
    return _SECRET.search(name) is not None


def variable_of(value: str) -> str:
    """Return the variable that a value names: `"env:KEY"` -> `"KEY"`; "" for a literal value."""
    return value.removeprefix(FROM_ENVIRONMENT) if value.startswith(FROM_ENVIRONMENT) else ""


def secret_variables(headers: Mapping[str, str]) -> list[str]:
    """Return the variables that the values of headers name, in order."""
    return [variable for value in headers.values() if (variable := variable_of(value))]


def web_address(url: str) -> str:
    """Return a complete address without user name and password. Raises ValueError for any other text."""
    parts = urlsplit(url)
    if "@" in parts.netloc or _USER.match(url):
        raise ValueError("an address must not hold a user name or a password")
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError("write a complete address that starts with https:// or http://")
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError("the port of an address is a number from 0 to 65535") from error
    return url


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a header")
    if name.lower() in _OURS:
        raise ValueError(f"the header {name} is set by reco itself; leave it out")
    return name


def _from_environment(name: str, value: str) -> str:
    """Return a value that names a variable. Messages never hold the value: it may be the secret."""
    if not _VARIABLE.fullmatch(variable_of(value)):
        raise ValueError(f'{name} holds a secret: write "env:VARIABLE", and put the secret in that variable')
    return value


def _headers(headers: dict[str, str]) -> dict[str, str]:
    lowered = [_name(name).lower() for name in headers]
    if twice := sorted({name for name in lowered if lowered.count(name) > 1}):
        raise ValueError(f"the header {', '.join(twice)} is given twice")
    for name, value in headers.items():
        if names_secret(name) or value.startswith(FROM_ENVIRONMENT):
            _from_environment(name, value)
        elif not is_sendable(value):
            raise ValueError(f"the value of the header {name} is not printable ASCII")
    return headers


Headers = Annotated[dict[str, str], AfterValidator(_headers)]
"""Header name -> a literal value, or "env:VARIABLE". A name that sounds like a secret needs a variable."""


class Token(BaseModel):
    """The exchange of a key for a short-lived token, which is then sent as `Authorization: Bearer`.

    A POST to `url` sends the key in `header`; `value` is "env:VARIABLE". `path` is the dotted path of the
    token in the JSON answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    header: str
    value: str
    path: str = Field(default="token", min_length=1)

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        return web_address(url)

    @field_validator("header")
    @classmethod
    def _known_header(cls, header: str) -> str:
        return _name(header)

    @field_validator("value")
    @classmethod
    def _variable(cls, value: str) -> str:
        return _from_environment("value", value)

    @property
    def variable(self) -> str:
        """The variable that holds the key."""
        return variable_of(self.value)
