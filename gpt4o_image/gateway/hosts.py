"""Decides which host of a gateway is tried first. Knows nothing of requests; its owner outlives a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

_AGAIN_S = 600.0


class Hosts:
    """Remembers for ten minutes which hosts could not be connected to, so that a run begins with one that can.

    Safe in threads. `clock` is monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: dict[str, float] = {}

    def in_order(self, base_urls: Sequence[str]) -> list[str]:
        """All of them: as they were given, but those that failed within ten minutes last."""
        with self._lock:
            since = self._clock() - _AGAIN_S
            return sorted(base_urls, key=lambda url: self._failed.get(url, since) > since)

    def failed(self, base_url: str) -> None:
        """No connection came about."""
        with self._lock:
            self._failed[base_url] = self._clock()

    def answered(self, base_url: str) -> None:
        """It can be connected to."""
        with self._lock:
            self._failed.pop(base_url, None)
