"""Records what the simulator was sent, kept small and without the key."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from time import monotonic, time
from typing import Any, cast

MAX_RECORDS = 1000
SECRET_HEADERS = ("authorization", "proxy-authorization", "x-api-key", "api-key", "cookie")


@dataclass
class Record:
    """One request and how it ended; times are seconds since the epoch or since the request came."""

    number: int
    method: str
    path: str
    query: str
    time: float
    headers: dict[str, str]
    body: Any = None
    references: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    status: int | None = None
    finished: bool = False
    closed_by_client: bool = False
    closed_after_s: float | None = None
    started: float = field(default_factory=monotonic, repr=False)

    def close(self) -> None:
        """Notes that the client left before its answer was complete."""
        if not self.finished:
            self.closed_by_client = True
            self.closed_after_s = round(monotonic() - self.started, 3)


class Log:
    """The newest records, in the order in which requests came. Safe for threads."""

    def __init__(self) -> None:
        self._records: deque[Record] = deque(maxlen=MAX_RECORDS)
        self._lock = threading.Lock()
        self._count = 0
        self._posts = 0
        self._prompts = Counter[str]()

    def open(self, method: str, target: str, headers: Mapping[str, str]) -> Record:
        """A new record, listed from now on."""
        path, _, query = target.partition("?")
        with self._lock:
            self._count += 1
            self._posts += method == "POST"
            record = Record(self._count, method, path, query, time(), _public(headers))
            self._records.append(record)
            return record

    def count(self, prompt: str) -> int:
        """How often this prompt has come, now included."""
        with self._lock:
            self._prompts[prompt] += 1
            return self._prompts[prompt]

    def posts(self) -> int:
        """How many POSTs came, whatever their path."""
        with self._lock:
            return self._posts

    def listed(self) -> list[dict[str, Any]]:
        """Copies that the caller may keep."""
        with self._lock:
            records = list(self._records)
        copies = [asdict(record) for record in records]
        for copy in copies:
            del copy["started"]
        return copies


def without_base64(value: Any) -> Any:
    """The JSON value with data URLs cut to their type and length."""
    if isinstance(value, str):
        head, comma, data = value.partition(",")
        cut = comma and head.startswith("data:") and head.endswith(";base64")
        return f"{head},<{len(data)} characters>" if cut else value
    if isinstance(value, list):
        return [without_base64(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: without_base64(item) for key, item in cast("dict[str, Any]", value).items()}
    return value


def _public(headers: Mapping[str, str]) -> dict[str, str]:
    key = headers.get("Authorization", "").rpartition(" ")[2]
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in SECRET_HEADERS and not (key and key in value)
    }
