"""The HTTP client of sources: public hosts only, bounded size and time, retries, a cache."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

import httpx2
import stamina

from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.credentials import LARGEST_ANSWER, Credentials
from reco.sources.http_cache import HttpCache, Stored
from reco.sources.public_hosts import GuardedTransport, PrivateAddress, Resolver, system_resolver
from reco.sources.secrets import Token, names_secret
from reco.version import __version__

LONGEST_WAIT = 60.0
"""Longest `Retry-After` that the client obeys, in seconds."""

_REDIRECTS = 3
_BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))
_NOT_MODIFIED = 304
_MISSING = 404
_UNKNOWN, _FORBIDDEN = 401, 403
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_HEADERS = {"user-agent": f"reco/{__version__}", "accept-encoding": "gzip"}


@dataclass(frozen=True)
class Fetched:
    """An HTTP response: its final address, its headers, its decompressed body."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Refused(SourceError):
    """A failure that concerns one address: other addresses of the same server may be read.

    `status` is the HTTP status, or 0 when the response itself cannot be used.
    """

    def __init__(self, message: str, hint: str, status: int) -> None:
        super().__init__(message, hint)
        self.status = status


class Unreachable(Refused):
    """No response at all: the address, or one that it redirects to, is silent, wrong or not public."""


class _Busy(Exception):
    """A response such as 503, after which a later attempt may succeed."""

    def __init__(self, status: int, wait: float | None) -> None:
        super().__init__(f"the server answers {status}")
        self.status = status
        self.wait = wait

    def __str__(self) -> str:
        told = f" and asks to wait {self.wait:.0f} seconds" if self.wait else ""
        return f"{self.args[0]}{told}"


class _Denied(Exception):
    """A response of 401 or 403: the server does not know us, or does not let us read."""


class Remote:
    """An HTTP client for one reading of one source. Its limits cover all its requests together.

    Every failure is a `SourceError` with the source, the address and what to do, the constructor's too. A
    cache that cannot be written is a `StorageError`. The headers of the source go to its own server only.
    """

    def __init__(
        self,
        config: SourceConfig,
        cache: Path | None,
        resolve: Resolver = system_resolver,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._cache = HttpCache(cache) if cache else None
        self._sleep = sleep
        self._pages = 0
        self._bytes = 0
        self._deadline = time.monotonic() + config.max_seconds
        self._credentials = Credentials(config)
        self._client = httpx2.Client(
            transport=GuardedTransport(resolve, config.allow_private),
            headers=_HEADERS,
            timeout=config.timeout_seconds,
            follow_redirects=True,
            max_redirects=_REDIRECTS,
            trust_env=False,
            event_hooks={"request": [self._credentials.sign]},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.close()

    def get(self, url: str, remember: bool = False) -> Fetched:
        """Fetch `url`. With `remember`, use the cache and ask the server only for changes."""
        fetched = self.find(url, remember)
        if fetched is None:
            raise self.error(url, "the server answers 404", "Correct the address of this source.")
        return fetched

    def find(self, url: str, remember: bool = False, most: int | None = None) -> Fetched | None:
        """Fetch `url`, or return None when the server answers 404.

        `most` is the largest body accepted, in bytes, when it is below `max_bytes`. Raises `Refused` for a
        failure that may concern this address only, `Unreachable` when there is no response.
        """
        self._count_page(url)
        cache = self._cache if remember else None
        try:
            return self._with_retries(url, cache, most)
        except PrivateAddress as error:
            hint = (
                "Use a public address, or set `allow_private = true` for a source of your own network "
                "(`--allow-private` for `reco source add`)."
            )
            raise self._unreachable(url, str(error), hint) from error
        except httpx2.TooManyRedirects as error:
            hint = "Write the final address into this source."
            raise self._refused(url, f"more than {_REDIRECTS} redirects", hint) from error
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            hint = "Write a complete address that starts with https:// or http://."
            raise self._unreachable(url, str(error), hint) from error
        except (_Busy, httpx2.RequestError) as error:
            hint = "Try again later. If the error persists, open the address in a browser."
            said = f"{type(error).__name__.strip('_')}: {error}"
            if isinstance(error, _Busy | httpx2.DecodingError):
                raise self._refused(url, said, hint, getattr(error, "status", 0)) from error
            raise self._unreachable(url, said, hint) from error

    def pause(self, seconds: float) -> None:
        """Wait before the next request. Raises `SourceError` at once when `max_seconds` would pass."""
        if seconds > self._left():
            hint = "Raise `max_seconds` of this source: its server is read slowly."
            raise self.error(self._config.url, f"not read after {self._config.max_seconds:g} seconds", hint)
        self._sleep(seconds)

    def error(self, url: str, what: str, hint: str) -> SourceError:
        """Return an error of this source about an address."""
        told = self._credentials.hidden(f"{shown(url)}: {what}")
        return SourceError(f"source {self._config.name}: {told}", hint)

    def _refused(self, url: str, what: str, hint: str, status: int = 0) -> Refused:
        told = self._credentials.hidden(f"{shown(url)}: {what}")
        return Refused(f"source {self._config.name}: {told}", hint, status)

    def _unreachable(self, url: str, what: str, hint: str) -> Unreachable:
        told = self._credentials.hidden(f"{shown(url)}: {what}")
        return Unreachable(f"source {self._config.name}: {told}", hint, 0)

    def _with_retries(self, url: str, cache: HttpCache | None, most: int | None) -> Fetched | None:
        attempts = stamina.retry_context(
            on=self._retry_after_error,
            attempts=self._config.retries + 1,
            timeout=self._left(),
            wait_initial=0.5,
            wait_max=20,
        )
        for attempt in attempts:
            with attempt:
                return self._known(url, cache, most)
        raise AssertionError("stamina raises the last error")

    def _retry_after_error(self, error: Exception) -> bool | float:
        """Return whether to retry after an error, or the seconds to wait before the retry."""
        if isinstance(error, _Busy) and error.wait is not None:
            return min(error.wait, LONGEST_WAIT, self._left())
        if isinstance(error, httpx2.UnsupportedProtocol):
            return False
        return isinstance(error, _Busy | httpx2.TransportError | httpx2.DecodingError)

    def _known(self, url: str, cache: HttpCache | None, most: int | None) -> Fetched | None:
        """Fetch `url` with a token where the source asks for one; an old token is renewed once."""
        token, fresh = self._config.token, not self._credentials.bearer
        if token is not None and fresh:
            self._exchange(token)
        try:
            return self._attempt(url, cache, most)
        except _Denied as denied:
            if token is None or fresh or denied.args != (_UNKNOWN,):
                raise self._denied(url, denied) from None
        self._exchange(token)
        try:
            return self._attempt(url, cache, most)
        except _Denied as denied:
            raise self._denied(url, denied) from None

    def _exchange(self, token: Token) -> None:
        """Exchange the key for a token. Raises `SourceError`, whose message holds no part of the answer."""
        url = token.url
        self._check_limits(url)
        request = self._client.build_request("POST", url, headers=self._credentials.exchange)
        response = self._client.send(request, stream=True, follow_redirects=False)
        try:
            if response.status_code in _BUSY:
                raise _Busy(response.status_code, _retry_after(response.headers))
            if response.status_code in (_UNKNOWN, _FORBIDDEN):
                raise self._denied(url, _Denied(response.status_code))
            if not response.is_success:
                hint = "Correct `url` of `token` of this source: write the final address of the exchange."
                raise self.error(
                    url, f"no token for the key: the server answers {response.status_code}", hint
                )
            answer = b""
            for part in _unpacked(response, LARGEST_ANSWER):
                answer += part
                if len(answer) > LARGEST_ANSWER:
                    break
        finally:
            response.close()
        if not self._credentials.accept(answer, token.path):
            hint = "Set `path` of `token` to the dotted path of the token in the JSON answer."
            raise self.error(url, f"no token for the key: the answer has no text at {token.path!r}", hint)

    def _denied(self, url: str, denied: _Denied) -> Refused:
        """Return the error for a server that does not know us, or does not let us read."""
        (status,) = denied.args
        variables = self._credentials.variables
        if not variables:
            hint = "Check in a browser that the address is right and needs no login."
            return self._refused(url, f"the server answers {status}", hint, status)
        hint = f"Check that {variables} holds a valid key that may read this address, or ask for a new one."
        return self._refused(url, f"the server answers {status}: it refuses our key or token", hint, status)

    def _attempt(self, url: str, cache: HttpCache | None, most: int | None) -> Fetched | None:
        stored = cache.load(url) if cache else None
        with self._client.stream("GET", url, headers=stored.conditions if stored else None) as response:
            if response.status_code in _BUSY:
                raise _Busy(response.status_code, _retry_after(response.headers))
            if response.status_code == _MISSING:
                return None
            if response.status_code in (_UNKNOWN, _FORBIDDEN):
                raise _Denied(response.status_code)
            body = self._credentials.without(self._body(url, response, stored, most))
            if cache and response.status_code != _NOT_MODIFIED:
                cache.save(url, body, response.headers)
            headers: Mapping[str, str] = response.headers
            if stored and response.status_code == _NOT_MODIFIED:
                headers = {
                    **headers,
                    "content-type": stored.content_type,
                }  # "not modified" does not repeat it
            return Fetched(self._credentials.hidden(str(response.url)), headers, body)

    def _body(self, url: str, response: httpx2.Response, stored: Stored | None, most: int | None) -> bytes:
        if response.status_code == _NOT_MODIFIED and stored:
            return stored.body
        if not response.is_success:
            hint = "Check in a browser that the address is right and needs no login."
            status = response.status_code
            raise self._refused(url, f"the server answers {status}", hint, status)
        parts, size = [], 0
        limit = self._config.max_bytes if most is None else min(most, self._config.max_bytes)
        for part in _unpacked(response, limit):
            self._bytes += len(part)
            size += len(part)
            if most is not None and size > most:
                raise self._refused(url, f"larger than {most} bytes", "Tell the site's owner, or leave it.")
            self._check_limits(url)
            parts.append(part)
        return b"".join(parts)

    def _count_page(self, url: str) -> None:
        self._pages += 1
        if self._pages > self._config.max_pages:
            hint = "Raise `max_pages` of this source if it really has more pages."
            raise self.error(url, f"still more after {self._config.max_pages} pages", hint)
        self._check_limits(url)

    def _check_limits(self, url: str) -> None:
        if self._bytes > self._config.max_bytes:
            hint = "Raise `max_bytes` of this source if that size is expected."
            raise self.error(url, f"larger than {self._config.max_bytes} bytes", hint)
        if self._left() <= 0:
            hint = "Raise `max_seconds` of this source if its server is always slow."
            raise self.error(url, f"not read after {self._config.max_seconds:g} seconds", hint)

    def _left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.0)


def shown(url: str) -> str:
    """Return an address for a message, its secret parameters hidden: "?key=abc" -> "?key=..."."""
    try:
        address = httpx2.URL(url)
    except httpx2.InvalidURL:
        return url.partition("?")[0]
    hidden = list(filter(names_secret, address.params))
    return str(address.copy_merge_params(dict.fromkeys(hidden, "..."))) if hidden else url


def _unpacked(response: httpx2.Response, limit: int) -> Iterator[bytes]:
    """Yield the decompressed body in parts of at most `limit` + 1 bytes: a small response can be a bomb."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        yield from response.iter_raw()
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise httpx2.DecodingError(f"the answer is packed as {coding}", request=response.request)
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        for part in response.iter_raw():
            yield unpacker.decompress(part, limit + 1)
    except zlib.error as error:
        raise httpx2.DecodingError(f"the answer is damaged: {error}", request=response.request) from error
    if not unpacker.eof:
        raise httpx2.DecodingError("the answer is cut short", request=response.request)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the `Retry-After` of a response in seconds, if any."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max((moment - datetime.now(moment.tzinfo or UTC)).total_seconds(), 0.0) if moment.tzinfo else None
