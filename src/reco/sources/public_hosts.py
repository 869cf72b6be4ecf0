"""Connections to public addresses only: a source must not reach the network that reco runs in."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

import httpx2

Resolver = Callable[[str, int], list[str]]
"""Resolves a host and a port to addresses, as text. Raises OSError."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")


class PrivateAddress(Exception):
    """A host that resolves to an address that is not public."""


def system_resolver(host: str, port: int) -> list[str]:
    """Resolve with the system, which also accepts decimal, octal and hexadecimal addresses."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in answers))


def is_public(address: str) -> bool:
    """Return whether an address is public. An IPv4 address inside an IPv6 one is checked itself."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast
    if ip.ipv4_mapped is not None:
        return is_public(str(ip.ipv4_mapped))
    if ip in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    if ip.sixtofour is not None:
        return is_public(str(ip.sixtofour))
    return ip in _UNICAST and ip.is_global and ip.teredo is None


class GuardedTransport(httpx2.BaseTransport):
    """A transport that checks every request, so every redirect too, and connects to the checked address.

    A name is resolved once per connection: a second answer could differ from the checked one.
    """

    def __init__(self, resolve: Resolver, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._transports: dict[str, httpx2.HTTPTransport] = {}  # one per host: a pool knows addresses only

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. Raises `PrivateAddress`, or `httpx2.TransportError` when no address answers."""
        host = request.url.raw_host.decode("ascii")
        if (transport := self._transports.get(host)) is None:  # a transport loads every certificate: 40 ms
            transport = self._transports[host] = httpx2.HTTPTransport()
        addresses = self._addresses(host, request)
        for address in addresses[:-1]:
            try:
                return transport.handle_request(_to(address, host, request))
            except httpx2.ConnectError:
                continue
        return transport.handle_request(_to(addresses[-1], host, request))

    def close(self) -> None:
        """Close every connection."""
        for transport in self._transports.values():
            transport.close()

    def _addresses(self, host: str, request: httpx2.Request) -> list[str]:
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpx2.ConnectError(f"the name {host} is not known: {error}", request=request) from error
        if not addresses:
            raise httpx2.ConnectError(f"the name {host} has no address", request=request)
        private = [address for address in addresses if not is_public(address)]
        if private and not self._allow_private:
            raise PrivateAddress(f"{host} resolves to {private[0]}, which is not a public address")
        return addresses


def _to(address: str, host: str, request: httpx2.Request) -> httpx2.Request:
    """Return `request` sent to one address. The Host header and the certificate stay the host's."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
