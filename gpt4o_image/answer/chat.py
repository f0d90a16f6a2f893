"""The gateway's answer to a chat request, in bytes -> the model's text. Pure.

Told apart by shape, not by content type: an event stream, a whole completion as JSON, an error object, a page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from ..errors import GPT4oImageError
from .failures import from_body, from_object, is_error
from .sse import SseDecoder

_MAX_BODY_BYTES = 96 * 1024 * 1024
_BEFORE_ALL = b"\xef\xbb\xbf \t\r\n"
_FIRST_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_SURROGATE = re.compile("[\ud800-\udfff]")


class CompletionReader:
    """Feed it the answer's bytes; it gives text. `error` and `complete` say how the answer ended."""

    def __init__(self) -> None:
        self.error: GPT4oImageError | None = None
        self.finish_reason: str | None = None
        self.images: list[Any] = []  # the items of an Images object, until they are taken
        self._sse = SseDecoder()
        self._is_stream: bool | None = None
        self._body: list[bytes] = []  # of an answer that is no stream, or has not shown yet that it is one
        self._body_bytes = 0
        self._message = _Message()

    @property
    def complete(self) -> bool:
        """Whether the gateway itself ended the answer."""
        return self._sse.closed or self.finish_reason is not None

    @property
    def broken(self) -> int:
        """How many events could not be read."""
        return self._sse.broken

    @property
    def closed(self) -> bool:
        """Whether the gateway said that nothing follows."""
        return self._sse.closed

    @property
    def ending(self) -> bool:
        """Whether nothing more is owed: what still comes is a formality."""
        return self.complete or self.error is not None

    def feed(self, chunk: bytes) -> str:
        """The text that `chunk` adds."""
        if self._is_stream is None:
            chunk = chunk.lstrip(_BEFORE_ALL)
            if not chunk:
                return ""
            self._is_stream = chunk[:1] not in (b"{", b"[", b"<")
        values = self._sse.feed(chunk) if self._is_stream else []
        if self._sse.begun:
            self._body.clear()
        elif self._body_bytes <= _MAX_BODY_BYTES:
            self._body.append(chunk)
            self._body_bytes += len(chunk)
        return "".join([self._value(value) for value in values])

    def finish(self, *, broke_off: bool) -> str:
        """The text that only the end of the answer gives: that of an answer which is no stream."""
        data = b"".join(self._body)
        if self._sse.begun or data.startswith(_FIRST_FIELDS):
            return self._message.finish()
        body = data.decode("utf-8", "replace")
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        table = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        if (table.get("choices") or "data" in table) and not is_error(table):
            self.finish_reason = "stop"
            return self._value(table) + self._message.finish()
        if table or not broke_off:
            self.error = from_body(body)
        return ""

    def _value(self, value: Mapping[str, Any]) -> str:
        if is_error(value):
            self.error = self.error or from_object(value)
            return ""
        if isinstance(data := value.get("data"), list):
            self.images += cast("list[Any]", data)
        choices = value.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return ""
        choice = cast("dict[str, Any]", choices[0])
        if choice.get("index", 0) not in (0, None):
            return ""
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            self.finish_reason = reason
        return self._message.add(_said(choice.get("delta")), _said(choice.get("message")))


class _Message:
    """The model's message, put together from deltas, or from messages that repeat what they came to."""

    def __init__(self) -> None:
        self._known: list[str] = []
        self._chars = 0
        self._by_deltas = False
        self._high_surrogate = ""

    def add(self, delta: str, message: str) -> str:
        """What is new."""
        self._by_deltas = self._by_deltas or bool(delta)
        new = self._joined(delta or self._unsaid(message))
        self._known.append(new)
        self._chars += len(new)
        return new

    def finish(self) -> str:
        """Half a character that was never completed."""
        return self._high_surrogate and "\ufffd"

    def _unsaid(self, message: str) -> str:
        """Some gateways repeat the whole message, at the end or all along: only what is new of it counts.

        What is neither a repetition nor a continuation is kept on lines of its own, since a picture may be in it.
        """
        if not message or not self._chars:
            return message
        # A part is not compared with the whole: many of them would make that quadratic.
        known = "".join(self._known) if len(message) > self._chars // 2 else ""
        if known and message.startswith(known):
            return message[len(known) :]
        if not self._by_deltas:
            return message
        return "" if known and message.strip() in known else f"\n{message}"

    def _joined(self, text: str) -> str:
        """A JSON escape may split a character above U+FFFF over two events."""
        text = self._high_surrogate + text
        self._high_surrogate = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._high_surrogate = text[:-1], text[-1]
        if text.isascii() or not _SURROGATE.search(text):
            return text
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _said(message: Any) -> str:
    """The text of a delta or message: a string or a list of parts; pictures beside it become markdown."""
    if not isinstance(message, dict):
        return ""
    table = cast("dict[str, Any]", message)
    content: Any = table.get("content")
    if isinstance(content, str) and not table.get("images"):
        return content
    parts: list[Any] = cast("list[Any]", content) if isinstance(content, list) else [content]
    images: Any = table.get("images")
    if isinstance(images, list):
        parts = [*parts, *cast("list[Any]", images)]
    return "".join(_part(part) for part in parts)


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    table = cast("dict[str, Any]", part)
    if isinstance(text := table.get("text"), str):
        return text
    if isinstance(data := table.get("b64_json"), str) and data:
        return f"\n![image](data:image/png;base64,{data})\n"
    image: Any = table.get("image_url") or table.get("url")
    url: Any = cast("dict[str, Any]", image).get("url") if isinstance(image, dict) else image
    return f"\n![image]({url})\n" if isinstance(url, str) and url else ""
