"""TOML bytes as a table, or what is wrong with them and where: the one reader of it. Pure."""

from __future__ import annotations

import importlib
import re
from contextlib import suppress
from typing import Any

_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
# The beginnings of UTF-16 and UTF-32, with and without a byte order mark.
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\0")


class NotToml(ValueError):
    """`line` and `column` count from 1; `str()` has both."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {problem}")
        self.line = line
        self.column = column


def read_toml(data: bytes) -> dict[str, Any]:
    """Raises NotToml, and ModuleNotFoundError on Python 3.10 without the package tomli."""
    text = _decoded(data)
    try:
        return _parser().loads(text)
    except ValueError as error:
        raise _placed(str(error), text) from None
    except RecursionError:
        raise NotToml("nested too deeply", 1, 1) from None


def _parser() -> Any:
    # Not by sys.version_info: tomli is tomllib before it was taken into Python, and reports the same places.
    with suppress(ModuleNotFoundError):
        return importlib.import_module("tomllib")
    return importlib.import_module("tomli")


def _decoded(data: bytes) -> str:
    if data.startswith(_WIDE) or b"\0" in data[:4]:
        raise NotToml("this is not UTF-8 (UTF-16, as Windows writes it?); save the file as UTF-8", 1, 1)
    try:
        return data.decode("utf-8-sig")  # Windows' Notepad may put a mark in front
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        line, column = before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1
        raise NotToml("this is not UTF-8; save the file as UTF-8", line, column) from None


def _placed(said: str, text: str) -> NotToml:
    """With the place out of what the parser said; the end of the text where it says none."""
    found = _PLACE.search(said)
    problem = said[: found.start()] if found else said.removesuffix(" (at end of document)")
    # What it quotes may be a key that stands where none belongs.
    problem = re.sub(r"(['\"]).{9,}\1", '"..."', problem)
    lines = text.split("\n")
    line, column = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
    return NotToml(problem, line, column)
