"""A cache bounded by bytes; the least recently used value is dropped first. Knows nothing of pictures."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class LruBytes(Generic[Value]):
    """Values by key, at most `max_bytes` of them by `size`. Any thread may call."""

    def __init__(self, max_bytes: int, size: Callable[[Value], int]) -> None:
        self._max_bytes = max_bytes
        self._size = size
        self._bytes = 0
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        """Keeps `value`, unless it alone is larger than all that may be kept."""
        with self._lock:
            if key in self._values:
                self._bytes -= self._size(self._values.pop(key))
            if self._size(value) > self._max_bytes:
                return
            self._values[key] = value
            self._bytes += self._size(value)
            while self._bytes > self._max_bytes:
                _, dropped = self._values.popitem(last=False)
                self._bytes -= self._size(dropped)
