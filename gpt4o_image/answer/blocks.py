"""Finds the end of a block of JSON, a fence or a model's thinking, line by line. Pure; does not interpret it.

`{"prompt": "x",`, `"n": 2} rest` -> the value {"prompt": "x", "n": 2}, and " rest". In these blocks the gateway echoes
the prompt, so nothing in them may count as a link, a number or a mark.
"""

from __future__ import annotations

import re
from typing import Any

from .json_text import JsonMarks, json_object, value_end
from .transcript import BLANKS, STATUS_MARKS

# Only lines that start with one of these can open a block; `[` only where `{` follows.
OPENERS = "`~{<"

MAX_CHARS = 64 * 1024 * 1024  # of a block, and of a line
_OPENING = re.compile(
    r"""(?P<fence>`{3,}|~{3,})[^`]*$
      | (?P<json>\{\s*(?:["'}]|$)|\[\s*\{)
      | <(?P<tag>think|thinking|thought|reasoning)\b[^>]*>""",
    re.VERBOSE | re.IGNORECASE,
)
_QUOTE_MARK = re.compile(rf"[{BLANKS}]*[{STATUS_MARKS}][ \t]?")
_STATUS_LINE = re.compile(rf"^[{BLANKS}]*[{STATUS_MARKS}]", re.MULTILINE)
_FENCE_WORD = re.compile(r"[`~]+[ \t]*\w*")
_JSON = re.compile(r"\{|\[\s*\{")


def open_block(line: str, *, quoted: bool = False) -> Block | None:
    """The block that `line`, which starts at its first character that is not blank, begins; None for plain text.

    `quoted`: it stands behind a `>`, and so do all its lines.
    """
    opening = _OPENING.match(line)
    return Block(opening["fence"] or "", opening["tag"] or "", quoted) if opening else None


class Block:
    """Takes whole lines, the opening one first, until it is over. JSON where neither `fence` nor `tag` opened it."""

    def __init__(self, fence: str, tag: str, quoted: bool) -> None:
        self._fence, self._tag, self._quoted = fence, tag, quoted
        self._lines: list[str] = []
        self._chars = 0
        self._closing = re.compile(
            rf"</{tag}\s*>" if tag else rf"\A[{BLANKS}]*(?:{fence[:1]}){{{len(fence)},}}[{BLANKS}]*\Z", re.IGNORECASE
        )
        self._is_json = None if fence else not tag
        self._json = JsonMarks()
        self._spilt = False  # its brackets closed within a line, but it is not JSON: the echo may go on

    def add(self, line: str) -> str | None:
        """None while the block goes on; else the part of `line` after it: the line, its rest, or nothing."""
        if self._quoted and self._lines:
            if (mark := _QUOTE_MARK.match(line)) is None:
                return line
            line = line[mark.end() :]
        rest = self._add_code(line) if self._fence or self._tag else self._add_json(line)
        self._chars += len(line)
        if rest != line and self._chars <= MAX_CHARS:
            self._lines.append(line[: len(line) - len(rest or "")])
        return rest

    def value(self) -> dict[str, Any] | None:
        """The block's JSON object, None where it holds none. Raw newlines in strings are allowed."""
        return json_object(self._body().rstrip("`~\n" + BLANKS)) if self._is_json else None

    def text(self) -> str:
        """What may count of it where nothing outside does: no thought, and no prompt that is echoed."""
        echo = self._tag or (self._is_json and '"prompt"' in self._body()[:200])
        return "" if echo else "\n".join(self._lines[1:] if self._fence else self._lines).rstrip("`~")

    def remainder(self) -> str:
        """What still counts of a block that never ended: what follows its JSON, or its first status line on.

        All of a fence that holds no JSON, as only the closing one is missing.
        """
        if self._fence and not self._is_json:
            return "\n".join(self._lines[1:])
        if self._is_json and (end := value_end(self._body())) is not None:
            return self._body()[end:]
        whole = "\n".join(self._lines)
        status = _STATUS_LINE.search(whole)
        return "" if self._quoted or status is None else whole[status.start() :]

    def _body(self) -> str:
        """From its first bracket on: the word behind the fence may share a line with it."""
        whole = "\n".join(self._lines)
        return whole[start.start() :] if (start := _JSON.search(whole)) else ""

    def _add_code(self, line: str) -> str | None:
        """A fence, or thoughts. Where it holds JSON, a fence inside an open string is the echoed prompt's."""
        closing = self._closing.search(line) if self._lines or self._tag else None
        if closing and (not self._json.in_string or self._json.after_brace):
            return line[closing.end() :]
        content = line if self._lines else _FENCE_WORD.sub("", line)
        if self._is_json is None and content.strip(BLANKS):
            self._is_json = _JSON.match(content.strip(BLANKS)) is not None
        if self._is_json:
            self._json.read(content)
        return None

    def _add_json(self, line: str) -> str | None:
        """To its own brackets. Raw newlines, status lines and fences inside a string are the echoed prompt's."""
        if self._lines and self._ended_before(line.strip(BLANKS)[:2]):
            return line
        end = None if self._spilt else self._json.read(line)
        if end is None:
            return None
        rest = line[end:]
        self._spilt = '"' in rest and json_object("\n".join([*self._lines, line[:end]])) is None
        return None if self._spilt else rest

    def _ended_before(self, start: str) -> bool:
        """An odd quote mark turns inside out what is a string: a `}` before a blank or a status line counts more."""
        status = start[:1] in tuple(STATUS_MARKS)
        if self._spilt:
            return not start or status
        if self._json.in_string:
            return self._json.after_brace and (status or start in ("", "![", "``"))
        return status or start == "!["
