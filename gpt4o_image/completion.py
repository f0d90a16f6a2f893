"""The gateway's answer to a chat request, in bytes -> the model's text. Pure.

Told apart by shape, not by content type: an event stream, a whole completion as JSON, an error object, a page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from .errors import GPT4oImageError
from .failures import from_body, from_object, is_error
from .sse import SseDecoder

_MAX_BODY_BYTES = 96 * 1024 * 1024


class CompletionReader:
    """Feed it the answer's bytes; it gives text. `error` and `complete` say how the answer ended."""

    def __init__(self) -> None:
        self.error: GPT4oImageError | None = None
        self.finish_reason: str | None = None
        self._sse = SseDecoder()
        self._is_stream: bool | None = None
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._text: list[str] = []
        self._high_surrogate = ""

    @property
    def complete(self) -> bool:
        """Whether the gateway itself ended the answer."""
        return self._sse.closed or self.finish_reason is not None

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
            start = b"".join([*self._body, chunk]).lstrip(b"\xef\xbb\xbf \t\r\n")
            if start:
                self._is_stream = start[:1] not in (b"{", b"[", b"<")
                chunk, self._body = (start if self._is_stream else b"".join([*self._body, chunk])), []
        if self._is_stream:
            return "".join(self._value(value) for value in self._sse.feed(chunk))
        if self._body_bytes <= _MAX_BODY_BYTES:
            self._body.append(chunk)
            self._body_bytes += len(chunk)
        return ""

    def finish(self, *, broke_off: bool) -> str:
        """The text that only the end of the answer gives: that of an answer which is no stream."""
        if self._is_stream:
            return self._high_surrogate and "\ufffd"
        body = b"".join(self._body).decode("utf-8", "replace")
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        table = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        if table.get("choices") and not is_error(table):
            self.finish_reason = "stop"
            return self._value(table)
        if not broke_off:
            self.error = from_body(body)
        return ""

    def _value(self, value: Mapping[str, Any]) -> str:
        if is_error(value):
            self.error = self.error or from_object(value)
            return ""
        choices = value.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return ""
        choice = cast("dict[str, Any]", choices[0])
        if choice.get("index", 0) not in (0, None):
            return ""
        added = _said(choice.get("delta"))
        if not added:
            added = self._unsaid(_said(choice.get("message")))
        if isinstance(reason := choice.get("finish_reason"), str):
            self.finish_reason = reason
        added = self._join_surrogates(added)
        self._text.append(added)
        return added

    def _unsaid(self, message: str) -> str:
        """Some gateways repeat the whole message at the end: only what is new of it counts."""
        if not message:
            return ""
        known = "".join(self._text)
        return message[len(known) :] if message.startswith(known) else "" if known else message

    def _join_surrogates(self, text: str) -> str:
        """A JSON escape may split a character above U+FFFF over two events."""
        text = self._high_surrogate + text
        self._high_surrogate = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._high_surrogate = text[:-1], text[-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not text.isascii() else text


def _said(message: Any) -> str:
    """The text of a delta or message: a string or a list of parts; pictures beside it become markdown."""
    if not isinstance(message, dict):
        return ""
    table = cast("dict[str, Any]", message)
    content: Any = table.get("content")
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
    image: Any = table.get("image_url") or table.get("url")
    url: Any = cast("dict[str, Any]", image).get("url") if isinstance(image, dict) else image
    return f"\n![image]({url})\n" if isinstance(url, str) and url else ""
