"""Finds the end of the JSON or fenced block in a stream, in any cuts. Pure; knows nothing of what it says."""

from __future__ import annotations

import json
import re
from typing import Any, cast

_JSON_STOPS = re.compile(r'["\\{}\[\]\n`]')


class BlockScanner:
    """Eats text until a block is over: an unfenced JSON value, or all up to its closing fence.

    JSON is read by its quotes and braces, not by lines: prompts hold raw newlines, fences and quote marks.
    """

    def __init__(self, fence: str = "") -> None:
        self._fence = fence
        self._pieces: list[str] = []
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._opened = False
        self._line: str | None = "" if not fence else None  # None: this line cannot close the fence

    def feed(self, text: str, start: int) -> int | None:
        """Reads `text` from `start`; the position after the block, or None when it goes on."""
        end = self._scan_fence(text, start) if self._fence else self._scan_json(text, start)
        self._pieces.append(text[start:end])
        return end

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def value(self) -> dict[str, Any] | None:
        """The block as a JSON object, None when it is none. Raw newlines in strings are allowed."""
        body = self.text
        if self._fence:
            body = body.partition("\n")[2].rstrip().rstrip("`")
        try:
            loaded = json.loads(body, strict=False)
        except (ValueError, RecursionError):
            return None
        return cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else None

    def _scan_json(self, text: str, start: int) -> int | None:
        position = start
        while match := self._next_stop(text, position):
            position = match.end()
            self._step(match[0])
            if self._opened and self._depth <= 0 and not self._in_string:
                return position
        return None

    def _scan_fence(self, text: str, start: int) -> int | None:
        """A fence closes on a line of its own, outside any JSON string that is still open."""
        position = start
        while position < len(text):
            newline = text.find("\n", position)
            stop = len(text) if newline < 0 else newline
            self._track(text[position:stop])
            if self._line is not None and len(self._line) <= len(self._fence) + 80:
                self._line += text[position:stop]
            if newline < 0:
                return None
            if self._closes():
                return newline
            self._step("\n")
            self._line = ""
            position = newline + 1
        return None

    def finish_fence(self) -> bool:
        """Whether the text so far ends with a closing fence that lacks only its newline."""
        return bool(self._fence) and self._closes()

    def _closes(self) -> bool:
        line = (self._line or "").strip()
        return line.startswith(self._fence) and not line.strip("`") and not (self._in_string and self._depth)

    def _track(self, text: str) -> None:
        position = 0
        while match := self._next_stop(text, position):
            position = match.end()
            self._step(match[0])

    def _next_stop(self, text: str, position: int) -> re.Match[str] | None:
        if self._escaped and position < len(text):
            self._escaped = False
            position += 1
        return _JSON_STOPS.search(text, position)

    def _step(self, mark: str) -> None:
        if mark == "\\":
            self._escaped = self._in_string
        elif mark == '"':
            self._in_string = not self._in_string
        elif not self._in_string and mark in "{[":
            self._depth += 1
            self._opened = True
        elif not self._in_string and mark in "}]":
            self._depth -= 1
