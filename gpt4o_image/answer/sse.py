"""Bytes of an event stream -> JSON objects. Pure. A broken event is skipped, never fatal.

The SDK's own decoder ends at the first malformed event and hides error events; a paid stream needs neither
(https://html.spec.whatwg.org/multipage/server-sent-events.html, "Interpreting an event stream").
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data", b"event", b"id", b"retry", b"")  # a line that starts with the colon is a comment
_MAX_EVENT_BYTES = 96 * 1024 * 1024


class SseDecoder:
    """Feed it bytes in any cuts. `closed` is True after `[DONE]`; `broken` counts the skipped events.

    `begun` is True once a line was one of an event stream: a plain error message never is.
    """

    def __init__(self) -> None:
        self.begun = False
        self.closed = False
        self.broken = 0
        self._pieces: list[bytes] = []
        self._after_return = False
        self._data: list[bytes] = []
        self._size = 0
        self._event = b""

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """The objects of the events that `chunk` completes. An event without its blank line never completes."""
        if not chunk:
            return []
        if self._after_return and chunk[:1] == b"\n":
            chunk = chunk[1:]
        self._after_return = chunk.endswith(b"\r")
        values: list[dict[str, Any]] = []
        start = 0
        for end in _LINE_END.finditer(chunk):
            line = chunk[start : end.start()]
            if self._pieces:
                line = b"".join([*self._pieces, line])
                self._pieces.clear()
            start = end.end()
            if line:
                self._field(line)
            else:
                values += self._dispatch()
        if start < len(chunk):
            self._pieces.append(chunk[start:])
        return values

    def _field(self, line: bytes) -> None:
        name, colon, value = line.removeprefix(_BOM).partition(b":")
        self.begun = self.begun or (bool(colon) and name in _FIELDS)
        value = value.removeprefix(b" ")
        if name == b"data" and self._size <= _MAX_EVENT_BYTES:
            self._data.append(value)
            self._size += len(value)
        elif name == b"event":
            self._event = value

    def _dispatch(self) -> list[dict[str, Any]]:
        lines, event = self._data, self._event
        self._data, self._size, self._event = [], 0, b""
        data = b"\n".join(lines)
        if not data or self.closed:
            return []
        if data.strip() == b"[DONE]":
            self.closed = True
            return []
        value = _object(data)
        # Some gateways leave out the blank lines: each line then is an event.
        values = [value] if value is not None or len(lines) == 1 else [_object(line) for line in lines]
        self.broken += values.count(None)
        # `event: error` carries the error flat; named so, it reads like any other error object.
        flat = event == b"error"
        return [{"error": one} if flat and "error" not in one else one for one in values if one is not None]


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
