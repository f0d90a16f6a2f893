"""The calls that are being made in this server, and how far they are."""

from __future__ import annotations

import threading


class Running:
    """Percentages of the running calls, by result id. Any thread may call."""

    def __init__(self) -> None:
        self._percents: dict[str, int | None] = {}
        self._lock = threading.Lock()

    def percent(self, result_id: str) -> int | None:
        """None for a call that has said none yet, or that another process makes."""
        with self._lock:
            return self._percents.get(result_id)

    def put(self, result_id: str, percent: int | None) -> None:
        with self._lock:
            self._percents[result_id] = percent

    def drop(self, result_id: str) -> None:
        with self._lock:
            self._percents.pop(result_id, None)


# One for the whole server: the nodes write it, the list of results reads it.
RUNNING = Running()
