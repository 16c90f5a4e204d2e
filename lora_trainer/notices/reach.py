"""How far notices may reach: who can make this machine talk to whom.

A page that others can open must not make the machine ask addresses of its own network for it. So without `inner`, a
name is looked up once, every address that it has must be a public one, the connection is made to the address that was
looked at, and it must not lead back to this machine.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..errors import ConfigError
from ..sentences import Sentence

PATIENCE = 10.0
"""Seconds that the other side may be silent."""
WEB_PORTS, MAIL_PORTS = (443, 8443), (25, 465, 587, 2525)
"""The ports that may be named without `inner`: others tell what else runs at an address."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")
HOST = re.compile(r"[A-Za-z0-9._:%-]+")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(OSError):
    """Nobody answers at that place, or it may not be asked."""


@dataclass(frozen=True)
class Reach:
    """`inner`: addresses of the machine's own network, any port, and connections that anybody can read."""

    inner: bool = False

    def require_host(self, host: str, port: int, ports: tuple[int, ...]) -> None:
        """Raise ConfigError for a host and port that this does not go to, as far as their spelling tells."""
        if not HOST.fullmatch(host) or not 0 < port < 65536:
            raise ConfigError([Sentence("channel_host", "'{host}' is no name of a server.", host=host[:100])])
        literal = _address(host)
        outside = "." in host and (literal is None or is_public(literal)) and port in ports
        if not self.inner and not outside:
            raise ConfigError([_not_allowed(ports)])

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to the host. Raises Unreachable, or another OSError."""
        for family, kind, protocol, _, place in self._places(host, port):
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(PATIENCE)
                connection.connect(place)
                if not self.inner and connection.getpeername()[0] == connection.getsockname()[0]:
                    raise Unreachable
            except OSError:
                connection.close()
                continue
            return connection
        raise Unreachable

    def through_proxy(self, host: str, port: int) -> str:
        """What a proxy is asked to connect to: a name, or without `inner` one of its addresses that were looked at.

        Raises Unreachable.
        """
        return host if self.inner else str(self._places(host, port, socket.AF_INET)[0][4][0])

    def _places(self, host: str, port: int, family: int = 0) -> list[Any]:
        """All addresses of a host, none of which is out of reach. Raises Unreachable."""
        try:
            found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unreachable from error
        if not found or not (self.inner or all(_public(place[4][0]) for place in found)):
            raise Unreachable
        return found


def web_address(text: str, reach: Reach) -> SplitResult:
    """The parts of a web address. Raises ConfigError for one that is none, or leads where `reach` does not go."""
    try:
        parts = urlsplit(text)
        port = port_of(parts)
    except ValueError:
        parts, port = urlsplit(""), 0
    schemes = ("https", "http") if reach.inner else ("https",)
    if parts.scheme not in schemes or not parts.hostname or not text.isascii() or "@" in parts.netloc:
        raise ConfigError([Sentence("channel_url", "'url' must be a whole web address that begins with https://.")])
    reach.require_host(parts.hostname, port, WEB_PORTS)
    return parts


def port_of(parts: SplitResult) -> int:
    """Raises ValueError for a port that is none."""
    usual = 80 if parts.scheme == "http" else 443
    return usual if parts.port is None else parts.port


def trusted() -> ssl.SSLContext:
    """Whose certificates are believed: those whom the system believes, else those that come with certifi."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        with suppress(ImportError):
            import certifi

            context.load_verify_locations(certifi.where())
    return context


def is_public(address: Address) -> bool:
    """Whether an address is one of the open network, also where it is wrapped into one of another kind."""
    return all(one.is_global and not one.is_multicast for one in (address, *_wrapped(address)))


def _wrapped(address: Address) -> Iterator[Address]:
    """The addresses that packets to this one may end up at."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in NAT64:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _public(text: object) -> bool:
    address = _address(str(text))
    return address is not None and is_public(address)


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _not_allowed(ports: tuple[int, ...]) -> Sentence:
    return Sentence(
        "channel_not_allowed",
        "A page that others can reach may name only servers of the open network, at port {ports}. Add this channel on "
        "the machine itself: `notify add`.",
        ports=", ".join(map(str, ports)),
    )
