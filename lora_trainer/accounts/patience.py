"""Wrong tries are slowed down: for the account that is tried, and for the address that they come from."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable

FREE = 5
"""Wrong tries that cost nothing: people mistype."""
MOST_SECONDS = {"account": 60.0, "address": 900.0}
"""The longest wait. An account's is short, or anybody could lock its owner out."""
FORGOTTEN_AFTER = 3600.0
MOST_KNOWN = 10_000


class Patience:
    """Remembers wrong tries of the last hour. Unknown accounts count like known ones, so that waits tell nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: dict[tuple[str, str], tuple[int, float]] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, address: str) -> float:
        """Seconds that a try must wait; 0 when it may be made, and then it counts as wrong until `succeeded`."""
        now = self._clock()
        with self._lock:
            keys = _keys(name, address)
            wait = max(self._wait(key, now) for key in keys)
            if wait <= 0:
                self._make_room(now)
                for key in keys:
                    self._tries[key] = (self._known(key, now)[0] + 1, now)
        return max(0.0, wait)

    def succeeded(self, name: str, address: str) -> None:
        """It was right after all. The address keeps the tries that it made at other accounts."""
        with self._lock:
            account, place = _keys(name, address)
            self._tries.pop(account, None)
            tries, when = self._tries.get(place, (1, 0.0))
            self._tries[place] = (tries - 1, when)

    def _wait(self, key: tuple[str, str], now: float) -> float:
        tries, when = self._known(key, now)
        if tries < FREE:
            return 0.0
        return when + min(2.0 ** min(tries - FREE, 30), MOST_SECONDS[key[0]]) - now

    def _known(self, key: tuple[str, str], now: float) -> tuple[int, float]:
        tries, when = self._tries.get(key, (0, now))
        return (tries, when) if now - when < FORGOTTEN_AFTER else (0, now)

    def _make_room(self, now: float) -> None:
        if len(self._tries) >= MOST_KNOWN:
            newest = sorted(self._tries.items(), key=lambda one: one[1][1])[MOST_KNOWN // 2 :]
            self._tries = {key: one for key, one in newest if now - one[1] < FORGOTTEN_AFTER}


def one_person(address: str) -> str:
    """What counts as one: of an IPv6 address its network, for one person has billions of addresses."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("account", name.casefold()[:80]), ("address", one_person(address))
