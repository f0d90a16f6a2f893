"""Bytes of an event stream -> JSON objects. Pure. A broken event is skipped, never fatal.

The SDK's own decoder ends at the first malformed event and hides error events; a paid stream needs neither
(https://html.spec.whatwg.org/multipage/server-sent-events.html, "Interpreting an event stream").
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

_LINE_END = re.compile(rb"\r\n|\n|\r")
_MAX_EVENT_BYTES = 96 * 1024 * 1024


class SseDecoder:
    """Feed it bytes in any cuts. `closed` is True after `[DONE]`; `broken` counts the skipped events."""

    def __init__(self) -> None:
        self.closed = False
        self.broken = 0
        self._pieces: list[bytes] = []
        self._after_return = False
        self._data: list[bytes] = []
        self._size = 0
        self._event = b""

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """The objects of the events that `chunk` completes. An event without its blank line never completes."""
        if self._after_return and chunk[:1] == b"\n":
            chunk = chunk[1:]
            self._after_return = False
        values: list[dict[str, Any]] = []
        start = 0
        for end in _LINE_END.finditer(chunk):
            line = b"".join([*self._pieces, chunk[start : end.start()]])
            self._pieces.clear()
            start = end.end()
            if (value := self._line(line)) is not None:
                values.append(value)
        if start < len(chunk):
            self._pieces.append(chunk[start:])
        if chunk:
            self._after_return = chunk.endswith(b"\r")
        return values

    def _line(self, line: bytes) -> dict[str, Any] | None:
        if not line:
            return self._dispatch()
        name, _, value = line.removeprefix(b"\xef\xbb\xbf").partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data" and self._size <= _MAX_EVENT_BYTES:
            self._data.append(value)
            self._size += len(value)
        elif name == b"event":
            self._event = value
        return None

    def _dispatch(self) -> dict[str, Any] | None:
        data, event = b"\n".join(self._data), self._event
        self._data, self._size, self._event = [], 0, b""
        if not data or self.closed:
            return None
        if data.strip() == b"[DONE]":
            self.closed = True
            return None
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            self.broken += 1
            return None
        if isinstance(value, dict):
            # `event: error` carries the error flat; named so, it reads like any other error object.
            table = cast("dict[str, Any]", value)
            return {"error": table} if event == b"error" and "error" not in table else table
        self.broken += 1
        return None
