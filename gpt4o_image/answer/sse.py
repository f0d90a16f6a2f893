"""Bytes of an event stream -> JSON objects, and the text of all other events. Pure; knows no gateway's fields.

The SDK's own decoder ends at the first malformed event and hides error events; a paid stream needs neither
(https://html.spec.whatwg.org/multipage/server-sent-events.html, "Interpreting an event stream").
"""

from __future__ import annotations

import re
from typing import Any

from .json_text import json_objects

MAX_EVENT_BYTES = 64 * 1024 * 1024
_LINE_END = re.compile(rb"\r\n|\n|\r")
_AGAIN = re.compile(rb"\A(?:data:\s*)+(?=[{\[])")  # where a proxy wraps the lines of another stream
_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data", b"event", b"id", b"retry", b"")  # a line that starts with the colon is a comment
_MAX_TRIES = 8  # to read an event that goes over blank lines

# A JSON object, or the text of any other event.
Item = dict[str, Any] | str


class SseDecoder:
    """Feed it bytes, chunked anyhow. `closed` is True after `[DONE]`.

    Forgives what gateways leave out: blank lines between events, the one behind the last event, the escapes of
    newlines inside a JSON string. `data: {"a": 1}\\n\\ndata: {"b"\\n\\n` -> {"a": 1}, '{"b"'.
    """

    def __init__(self) -> None:
        self.closed = False
        self._pieces: list[bytes] = []  # of the line
        self._after_return = False
        self._size = 0  # of the line and the event
        self._data: list[bytes] = []
        self._objects: list[dict[str, Any]] | None = None  # of the data, where that is whole
        self._tries = 0
        self._event = b""
        self._begun = False  # else a text in which a line begins with a brace would be a stream

    def feed(self, chunk: bytes) -> list[Item]:
        """The events that `chunk` completes."""
        if not chunk:
            return []
        if self._after_return and chunk[:1] == b"\n":
            chunk = chunk[1:]
        self._after_return = chunk.endswith(b"\r")
        items: list[Item] = []
        start = 0
        for end in _LINE_END.finditer(chunk):
            self._keep(chunk[start : end.start()])
            items += self._end_line()
            start = end.end()
        if start < len(chunk):
            self._keep(chunk[start:])
        return items

    def finish(self) -> list[Item]:
        """The last event, which may lack its blank line or its end."""
        return [*self._end_line(), *self._flush()]

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= MAX_EVENT_BYTES:
            self._pieces.append(piece)

    def _end_line(self) -> list[Item]:
        line = b"".join(self._pieces)
        self._pieces.clear()
        if self._size > MAX_EVENT_BYTES:
            # What is too large is not read, but counted.
            self._data, self._objects = [b""], None
            return self._flush()
        if not line:
            return self._blank_line()
        name, colon, value = line.removeprefix(_BOM).partition(b":")
        if not (colon and name in _FIELDS):
            bare = self._bare_object(line, value)
            if not bare:
                self._keep_raw(line)
                return []
            name, value = b"data", bare
        value = _AGAIN.sub(b"", value.removeprefix(b" "), count=1) if name == b"data" else value.removeprefix(b" ")
        done = name == b"data" and value.strip() == b"[DONE]"
        # Some gateways leave out the blank lines: each whole object then is an event.
        ended = self._flush() if self._objects or self._tries or done else []
        self.closed = self.closed or done
        if name == b"event":
            self._event = value
        elif name == b"data" and not self.closed and (value or self._data):
            self._begun = True
            self._objects = None if self._data else json_objects(value)
            self._data.append(value)
        else:
            self._size -= len(line)
        return ended

    def _bare_object(self, line: bytes, value: bytes) -> bytes:
        """The JSON of a line whose `data:` is missing or broken; nothing where it may go on the event before."""
        if not self._begun or (self._data and not self._objects):
            return b""
        return next((text for text in (line.strip(), value.strip()) if text.startswith(b"{")), b"")

    def _keep_raw(self, line: bytes) -> None:
        """A line without a field may be of a JSON string with raw newlines in it."""
        if self._data and not self._objects:
            self._data.append(line)
        else:
            self._size -= len(line)

    def _blank_line(self) -> list[Item]:
        if self._data and not self._objects:
            self._objects = json_objects(b"\n".join(self._data))
            self._tries += 1
            each_is_one = all(json_objects(line) for line in self._data)
            if not self._objects and not each_is_one and self._tries <= _MAX_TRIES:
                self._data.append(b"")
                return []
        return self._flush()

    def _flush(self) -> list[Item]:
        """The event, as the next one begins."""
        data, objects, event = self._data, self._objects, self._event
        self._data, self._objects, self._event, self._size, self._tries = [], None, b"", 0, 0
        if not data or self.closed:
            return []
        # `event: error` carries the error flat, or in words; named so, it reads like any other error object.
        flat = event == b"error"
        objects = objects or json_objects(b"\n".join(data))
        if not objects:
            each = [json_objects(line) for line in data]
            if not all(each):
                text = b"\n".join(data).decode("utf-8", "replace").rstrip("\n")
                return [{"error": text} if flat and text else text]
            objects = [one for found in each for one in found or ()]
        return [{"error": one} if flat and "error" not in one else one for one in objects]
