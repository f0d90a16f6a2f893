"""A gateway's answer in bytes -> events and a transcript, for each of its two endpoints. Pure.

An answer is fed as it comes and finished once; `error`, `complete` and `finish_reason` then say how it ended.
"""

from __future__ import annotations

import json
from typing import Any, Protocol, cast

from ..errors import GPT4oImageError
from ..urls import Picture
from .chat import CompletionReader
from .events import Event
from .failures import from_body, is_error
from .parser import StreamParser, Transcript

_MAX_BODY_BYTES = 256 * 1024 * 1024  # ten pictures of ten MB as base64, and room


class Answer(Protocol):
    """What a conversation asks of an answer."""

    @property
    def transcript(self) -> Transcript: ...
    @property
    def error(self) -> GPT4oImageError | None: ...
    @property
    def complete(self) -> bool: ...
    @property
    def ending(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    @property
    def finish_reason(self) -> str | None: ...
    def feed(self, chunk: bytes) -> list[Event]: ...
    def finish(self, *, broke_off: bool) -> list[Event]: ...


class ChatAnswer:
    """POST /chat/completions: a stream of text, or whatever came in its place."""

    def __init__(self) -> None:
        self._reader = CompletionReader()
        self._parser = StreamParser()

    @property
    def transcript(self) -> Transcript:
        return self._parser.transcript

    @property
    def error(self) -> GPT4oImageError | None:
        return self._reader.error

    @property
    def complete(self) -> bool:
        return self._reader.complete

    @property
    def ending(self) -> bool:
        return self._reader.ending

    @property
    def closed(self) -> bool:
        return self._reader.closed

    @property
    def finish_reason(self) -> str | None:
        return self._reader.finish_reason

    def feed(self, chunk: bytes) -> list[Event]:
        text = self._reader.feed(chunk)
        return self._parser.feed(text) if text else []

    def finish(self, *, broke_off: bool) -> list[Event]:
        rest = self._reader.finish(broke_off=broke_off)
        return [*self._parser.feed(rest), *self._parser.finish()]


class ImagesAnswer:
    """POST /images/generations: one JSON object whose `data` has `b64_json` or `url` for each picture."""

    closed = False
    ending = False
    finish_reason: str | None = None

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.error: GPT4oImageError | None = None
        self.complete = False
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[Event]:
        if self._size <= _MAX_BODY_BYTES:
            self._pieces.append(chunk)
            self._size += len(chunk)
        return []

    def finish(self, *, broke_off: bool) -> list[Event]:
        body = b"".join(self._pieces).decode("utf-8", "replace")
        self._pieces.clear()
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        table = cast("dict[str, Any]", value) if isinstance(value, dict) else None
        if table is not None and "data" in table and not is_error(table):
            self.complete = True
            return self._pictures(table["data"])
        if not broke_off:
            self.error = from_body(body)
        return []

    def _pictures(self, data: Any) -> list[Event]:
        said = self.transcript
        for item in cast("list[Any]", data) if isinstance(data, list) else []:
            entry = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
            if isinstance(prompt := entry.get("revised_prompt"), str):
                said.revised_prompt = said.revised_prompt or prompt
            if isinstance(base64 := entry.get("b64_json"), str) and base64:
                address = base64 if base64.startswith("data:") else f"data:image/png;base64,{base64}"
            elif isinstance(url := entry.get("url"), str) and url:
                address = url
            else:
                continue
            said.pictures.append(Picture(len(said.pictures), address, ""))
        return list(said.pictures)
