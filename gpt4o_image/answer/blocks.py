"""Where a block of JSON, a fence or a model's thinking ends, line by line. Pure; knows nothing of what it says.

In these blocks the gateway echoes the prompt, so nothing in them may count as a link, a number or a mark.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

from .transcript import BLANKS, STATUS_MARKS

# Only lines that start with one of these can open a block; `[` only where `{` follows.
OPENERS = "`~{<"

_OPENING = re.compile(
    r"""(?P<fence>`{3,}|~{3,})[^`]*$
      | (?P<json>\{\s*(?:["'}]|$)|\[\s*\{)
      | <(?P<tag>think|thinking|thought|reasoning)\b[^>]*>""",
    re.VERBOSE | re.IGNORECASE,
)
_CLOSING_TAG = re.compile(r"</(\w+)\s*>")
_QUOTE_MARK = re.compile(rf"[{BLANKS}]*[{STATUS_MARKS}][ \t]?")
_STATUS = tuple(STATUS_MARKS)
_STATUS_LINE = re.compile(rf"^[{BLANKS}]*[{STATUS_MARKS}]", re.MULTILINE)
_JSON_MARK = re.compile(r'["{}\[\]]|\\.?')
_FENCE_WORD = re.compile(r"[`~]+[ \t]*\w*")
_LENIENT = json.JSONDecoder(strict=False)


def open_block(line: str, *, quoted: bool = False) -> Block | None:
    """The block that `line`, which starts at its first character that is not blank, begins; None for plain text.

    `quoted`: it stands behind a `>`, and so do all its lines.
    """
    opening = _OPENING.match(line)
    if opening is None:
        return None
    if opening["fence"]:
        return FencedBlock(opening["fence"], quoted)
    return TaggedBlock(opening["tag"]) if opening["tag"] else JsonBlock(quoted)


class Block:
    """Takes whole lines, the opening one first, until it is over."""

    def __init__(self, quoted: bool = False) -> None:
        self._quoted = quoted
        self._lines: list[str] = []

    def add(self, line: str) -> str | None:
        """None while the block goes on; else what of `line` is no part of it: the line, its rest, or nothing."""
        if self._quoted and self._lines:
            mark = _QUOTE_MARK.match(line)
            if mark is None:
                return line
            line = line[mark.end() :]
        rest = self._add(line)
        if rest != line:
            self._lines.append(line[: len(line) - len(rest or "")])
        return rest

    def value(self) -> dict[str, Any] | None:
        """The block's JSON object, None where it holds none. Raw newlines in strings are allowed."""
        return None

    def remainder(self) -> str:
        """What still counts of a block that never ended: from the first status line on, as that is no JSON."""
        status = _STATUS_LINE.search(self._text())
        return "" if self._quoted or status is None else self._text()[status.start() :]

    def _add(self, line: str) -> str | None:
        raise NotImplementedError

    def _text(self) -> str:
        return "\n".join(self._lines)


class JsonBlock(Block):
    """An unfenced JSON value, ended by its own brackets.

    The echoed prompt may break it: raw newlines, raw status lines and fences inside a string are the string's,
    but an odd quote mark turns inside out what is a string. A line that ends in `}` and is followed by a blank
    or a status line is therefore believed more than the quotes.
    """

    def __init__(self, quoted: bool = False) -> None:
        super().__init__(quoted)
        self._marks = JsonMarks()
        self._spilt = False  # its brackets closed amid a line, but it is no JSON: the echo may go on

    def value(self) -> dict[str, Any] | None:
        return _object(self._text())

    def _add(self, line: str) -> str | None:
        start = _bare(line)[:2]
        if self._lines and self._ended_before(start):
            return line
        if self._spilt:
            return None
        end = self._marks.read(line)
        if end is None:
            return None
        rest = line[end:]
        self._spilt = '"' in rest and _object("\n".join([*self._lines, line[:end]])) is None
        return None if self._spilt else rest

    def _ended_before(self, start: str) -> bool:
        if self._spilt:
            return not start or start[0] in _STATUS
        if self._marks.in_string:
            return self._marks.after_brace and (start in ("", "![", "``") or start[0] in _STATUS)
        return start == "![" or start[:1] in _STATUS


class FencedBlock(Block):
    """From ``` to ```. Where it holds JSON, a fence inside an open string is the echoed prompt's."""

    def __init__(self, fence: str, quoted: bool = False) -> None:
        super().__init__(quoted)
        self._fence = fence
        self._is_json: bool | None = None
        self._marks = JsonMarks()

    def value(self) -> dict[str, Any] | None:
        return _object(self._body()) if self._is_json else None

    def remainder(self) -> str:
        """What follows its JSON, where only the closing fence is missing; all of it, where it holds no JSON."""
        if not self._is_json:
            return "\n".join(self._lines[1:])
        try:
            _, end = _LENIENT.raw_decode(self._body())
        except (ValueError, RecursionError):
            return super().remainder()
        return self._body()[end:]

    def _body(self) -> str:
        """From its first brace on: the word behind the fence may share a line with it."""
        return "".join(self._text().partition("{")[1:])

    def _add(self, line: str) -> str | None:
        bare = _bare(line)
        if self._lines and bare.startswith(self._fence) and not bare.strip(self._fence[0]):
            return "" if not self._marks.in_string or self._marks.after_brace else None
        content = line if self._lines else _FENCE_WORD.sub("", line)
        if self._is_json is None and content.strip():
            self._is_json = content.lstrip()[0] == "{"
        if self._is_json:
            self._marks.read(content)
        return None


class TaggedBlock(Block):
    """A model's thinking, `<think>` to `</think>`."""

    def __init__(self, tag: str) -> None:
        super().__init__()
        self._tag = tag.lower()

    def _add(self, line: str) -> str | None:
        closings = (tag for tag in _CLOSING_TAG.finditer(line) if tag[1].lower() == self._tag)
        closing = next(closings, None)
        return line[closing.end() :] if closing else None


class JsonMarks:
    """Follows the quotes and brackets of a JSON text over its lines."""

    def __init__(self) -> None:
        self.after_brace = False  # the last line that is not blank ended in `}`
        self._quoted = False
        self._depth = 0

    @property
    def in_string(self) -> bool:
        return self._quoted

    def read(self, line: str) -> int | None:
        """The position after the bracket that closes the value, or None."""
        bare = _bare(line)
        if bare:
            self.after_brace = bare.endswith("}")
        for mark in _JSON_MARK.finditer(line):
            if mark[0] == '"' and self._depth:
                self._quoted = not self._quoted
            elif not self._quoted and mark[0] in "{[":
                self._depth += 1
            elif not self._quoted and mark[0] in "}]":
                self._depth -= 1
                if self._depth <= 0:
                    self._depth = 0
                    return mark.end()
        return None


def _bare(text: str) -> str:
    """Without the blanks around it; a byte order mark is one, though Python's own `strip` leaves it."""
    return text.strip(BLANKS).strip()


def _object(text: str) -> dict[str, Any] | None:
    """The JSON object, or the first of an array of them."""
    try:
        bare = _bare(text).rstrip("`~").rstrip(BLANKS + "\n")
        loaded: Any = json.loads(bare, strict=False)
    except (ValueError, RecursionError):
        return None
    if isinstance(loaded, list):
        loaded = next(iter(cast("list[Any]", loaded)), None)
    return cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else None
