"""JSON text -> values, also where it is badly written or breaks off. Pure; knows no gateway's fields."""

from __future__ import annotations

import json
import re
from typing import Any, cast

_LENIENT = json.JSONDecoder(strict=False)  # some gateways leave raw newlines in their strings
_BLANKS = " \t\r\n\ufeff"
_TOKEN = re.compile(
    r'[\s\ufeff]*(?:(?P<open>[{\[])|(?P<close>[}\]])|(?P<comma>,)|:|(?P<quote>")|(?P<word>[^\s{}\[\],:"]+))'
)
_MARK = re.compile(r'["{}\[\]]|\\.?')
_STRING_MARK = re.compile(r'["\\]')
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|u[0-9a-fA-F]{0,3}\Z|.|\Z)", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_DEPTH = 64
_MAX_TOKENS = 200_000
_NAMED_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "": ""}


class CutText(str):
    """A string of a JSON text that broke off inside it: its end is missing."""

    __slots__ = ()


def as_dict(value: Any) -> dict[str, Any]:
    """`value` where it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """`value` where it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def json_object(text: str | bytes) -> dict[str, Any] | None:
    """The JSON object of `text`, or the first of an array of them, as some upstreams send their errors; else None."""
    objects = json_objects(text)
    return objects[0] if objects else None


def json_objects(text: str | bytes) -> list[dict[str, Any]] | None:
    """The JSON objects that a text is made of: one, an array of them, or one behind the other; None for other text.

    Bytes are read as UTF-8, invalid ones as U+FFFD. Raw newlines in strings are allowed.
    """
    values = json_values(text if isinstance(text, str) else text.decode("utf-8", "replace"))
    flat = [item for value in values or () for item in (as_list(value) if isinstance(value, list) else [value])]
    return [as_dict(item) for item in flat] if flat and all(isinstance(item, dict) for item in flat) else None


def json_values(text: str) -> list[Any] | None:
    """The values of a text that is one JSON value, or several one behind the other; None for any other text."""
    values: list[Any] = []
    position = _after_blanks(text, 0)
    while position < len(text):
        try:
            value, position = _LENIENT.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
        values.append(value)
        position = _after_blanks(text, position)
    return values or None


def value_end(text: str) -> int | None:
    """Where the JSON value ends that `text` begins with; None where it begins with none that is whole."""
    try:
        return _LENIENT.raw_decode(text)[1]
    except (ValueError, RecursionError):
        return None


def repaired(text: str) -> Any:
    """All of a JSON value that is complete before its text breaks off; None where not even its beginning is JSON.

    `{"data": [{"url": "a"}, {"url": "b` -> `{"data": [{"url": "a"}, {"url": CutText("b")}]}`. Each string is whole but
    the last one, and a number or a word at the very end is left out, since its end is not known.
    """
    build = _Builder()
    position = 0
    for _ in range(_MAX_TOKENS):
        token = _TOKEN.match(text, position)
        if token is None or build.done:
            break
        position = token.end()
        match token.lastgroup:
            case "open":
                build.open(token["open"])
            case "close":
                build.close()
            case "comma":
                build.key = None
            case "quote":
                value, position = _string(text, position)
                build.put(value)
            case "word" if position < len(text):
                build.put(_word(token["word"]))
            case _:
                pass
    return build.root[0] if build.root else None


class _Builder:
    """A JSON value as its tokens come. `key`: of the object that is open, where its value is still to come."""

    def __init__(self) -> None:
        self.root: list[Any] = []
        self.key: str | None = None
        self._open: list[dict[str, Any] | list[Any]] = [self.root]

    @property
    def done(self) -> bool:
        return (bool(self.root) and len(self._open) == 1) or len(self._open) > _MAX_DEPTH

    def put(self, value: Any) -> None:
        inner = self._open[-1]
        if isinstance(inner, list):
            inner.append(value)
        elif self.key is not None:
            inner[self.key], self.key = value, None
        elif type(value) is str:
            self.key = value

    def open(self, bracket: str) -> None:
        value: dict[str, Any] | list[Any] = {} if bracket == "{" else []
        self.put(value)
        self._open.append(value)
        self.key = None

    def close(self) -> None:
        if len(self._open) > 1:
            self._open.pop()
        self.key = None


class JsonMarks:
    """Follows the quotes and brackets of a JSON text over its lines: `{"a": "x` leaves a string open."""

    def __init__(self) -> None:
        self.after_brace = False  # the last line that is not blank ended in `}`
        self.in_string = False
        self._depth = 0

    def read(self, line: str) -> int | None:
        """The position after the bracket that closes the value, or None."""
        if bare := line.strip(_BLANKS).strip():
            self.after_brace = bare.endswith("}")
        for mark in _MARK.finditer(line):
            if mark[0] == '"' and self._depth:
                self.in_string = not self.in_string
            elif not self.in_string and mark[0] in "{[":
                self._depth += 1
            elif not self.in_string and mark[0] in "}]":
                self._depth = max(0, self._depth - 1)
                if not self._depth:
                    return mark.end()
        return None


def without_surrogates(text: str) -> str:
    """`text` as UTF-8 can hold it: halves of a character that belong together joined, others as U+FFFD."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _after_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANKS:
        position += 1
    return position


def _word(word: str) -> Any:
    try:
        return json.loads(word)
    except ValueError:
        return None


def _string(text: str, start: int) -> tuple[str, int]:
    """The string behind a quote mark, and where it ends."""
    try:
        return _LENIENT.raw_decode(text, start - 1)
    except ValueError:
        pass
    position = start
    while mark := _STRING_MARK.search(text, position):
        if mark[0] == '"':
            return _ESCAPE.sub(_plain, text[start : mark.start()]), mark.end()
        position = mark.end() + 1
    return CutText(_ESCAPE.sub(_plain, text[start:])), len(text)


def _plain(escape: re.Match[str]) -> str:
    code = escape[1]
    if code[:1] == "u" and code != "u":
        return chr(int(code[1:], 16)) if len(code) == 5 else ""
    return _NAMED_ESCAPES.get(code, code)
