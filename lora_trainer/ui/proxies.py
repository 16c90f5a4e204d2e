"""Behind a proxy: who asks and how is what a trusted one tells, and the server may lie below a path."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Sequence
from typing import Any

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import ConfigError
from ..sentences import Sentence

PREFIX = b"x-forwarded-"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

log = logging.getLogger(__name__)


class Proxies:
    """The addresses and networks whose word is taken. Raises ConfigError for what is neither."""

    def __init__(self, named: Sequence[str] = ()) -> None:
        self.networks: list[Network] = []
        for name in named:
            try:
                self.networks.append(ipaddress.ip_network(name, strict=False))
            except ValueError:
                sentence = "'{name}' is no address of a proxy: name one like 127.0.0.1, or a network like 10.0.0.0/8."
                raise ConfigError([Sentence("proxy_address", sentence, name=name)]) from None

    def __contains__(self, address: object) -> bool:
        found = _address(str(address))
        return found is not None and any(found in network for network in self.networks)

    def __bool__(self) -> bool:
        return bool(self.networks)

    def client_of(self, peer: str, forwarded: str) -> str:
        """Whom the chain of trusted proxies, which ends at `peer`, asks for; what lies before them may be invented."""
        client = peer
        for named in reversed([one.strip() for one in forwarded.split(",") if one.strip()]):
            found = _address(_without_port(named))
            if client not in self or found is None:
                break
            client = str(found)
        return client


class Forwarded:
    """Puts what a trusted proxy tells into the request; what others tell is taken out. Cuts `root_path` from paths.

    So all behind it knows of one client, one scheme and one host, and of no path that it may lie below. A proxy may
    leave that path in the addresses that it hands on, or take it out.
    """

    def __init__(self, app: ASGIApp, proxies: Proxies, root_path: str = "") -> None:
        self.app, self.proxies, self.root_path = app, proxies, root_path
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = {**scope, **self._told(scope)}
            if self.root_path and scope["path"] == self.root_path and scope["type"] == "http":
                await RedirectResponse(f"{self.root_path}/", 308)(scope, receive, send)
                return
            if scope["path"].startswith(f"{self.root_path}/"):
                cut = len(self.root_path)
                raw = scope.get("raw_path") or scope["path"].encode()
                scope = {**scope, "path": scope["path"][cut:], "raw_path": raw[len(self.root_path.encode()) :]}
        await self.app(scope, receive, send)

    def _told(self, scope: Scope) -> dict[str, Any]:
        """What changes of the scope."""
        told = {name: value.decode("latin-1") for name, value in scope["headers"] if name.startswith(PREFIX)}
        several = [value.decode("latin-1") for name, value in scope["headers"] if name == PREFIX + b"for"]
        headers = [(name, value) for name, value in scope["headers"] if not _is_forwarding(name)]
        peer, port = scope.get("client") or ("", 0)
        if peer not in self.proxies:
            self._warn(peer, bool(told))
            return {"headers": headers}
        changes: dict[str, Any] = {"client": (self.proxies.client_of(peer, ",".join(several)), port)}
        if host := _last(told.get(PREFIX + b"host", "")):
            headers = [(name, value) for name, value in headers if name != b"host"]
            headers.append((b"host", host.encode("latin-1")))
        if (proto := _last(told.get(PREFIX + b"proto", "")).lower()) in ("http", "https", "ws", "wss"):
            secure = proto in ("https", "wss")
            plain = "ws" if scope["type"] == "websocket" else "http"
            changes["scheme"] = plain + "s" * secure
        return {**changes, "headers": headers}

    def _warn(self, peer: str, forwards: bool) -> None:
        if forwards and not self._warned:
            self._warned = True
            log.warning("A proxy at %s is not trusted: --behind-proxy names those that are.", peer)


def checked_root_path(path: str) -> str:
    """The path that everything lies below: empty, or as '/trainer'. Raises ConfigError."""
    plain = path.strip().rstrip("/")
    good = not plain or (plain.startswith("/") and all(part and part.isascii() for part in plain[1:].split("/")))
    if not good or any(sign in "?#%\\\"'<>{}; " or not sign.isprintable() for sign in plain) or ".." in plain:
        sentence = "'{path}' is no path that the page could lie below: name one like /trainer."
        raise ConfigError([Sentence("root_path", sentence, path=path)])
    return plain


def _is_forwarding(name: bytes) -> bool:
    return name == b"forwarded" or name.startswith(PREFIX)


def _last(values: str) -> str:
    """What the nearest proxy has put in; an earlier one may have told something else."""
    return values.rpartition(",")[2].strip()


def _without_port(named: str) -> str:
    if named.startswith("["):
        return named[1:].partition("]")[0]
    return named.partition(":")[0] if named.count(":") == 1 else named


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
