"""Prompts, seeds and names out of a text, or of a file in ComfyUI's input folder. Knows no node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..gpt4o_image.errors import GPT4oImageError
from . import host

if TYPE_CHECKING:
    from ..gpt4o_image.sheet import Row

# In place of a file: the prompts are those of `text`.
TEXT = "text"
_SUFFIXES = (".csv", ".txt")


def lists_of(text: str = "", file: str = TEXT) -> tuple[list[str], list[int], list[str]]:
    """Prompts, seeds (0 where there is none) and names (else 001, 002, ..), as many of each. Raises `bad_request`."""
    rows = _rows(text, file)
    return (
        [row.prompt for row in rows],
        [row.seed or 0 for row in rows],
        [row.name or f"{row.number:03}" for row in rows],
    )


def _rows(text: str, file: str) -> list[Row]:
    from ..gpt4o_image.sheet import read_lines, read_sheet  # as in generate.py

    if file != TEXT:
        if file not in file_names():
            raise GPT4oImageError("bad_request", f'There is no "{file}" in ComfyUI\'s input folder.')
        return read_sheet(read_file(file), file)
    rows = read_lines(text)
    if not rows:
        raise GPT4oImageError("bad_request", "There is no prompt. Write one a line, or choose a file.")
    return rows


def file_names() -> list[str]:
    """The CSV and TXT files of ComfyUI's input folder, by name."""
    try:
        found = [path.name for path in _folder().iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file()]
    except OSError:
        return []
    return sorted(found)


def read_file(name: str) -> bytes:
    """At most a byte more than a sheet may have. Raises `bad_request`."""
    from ..gpt4o_image.sheet import MAX_BYTES

    try:
        with (_folder() / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise GPT4oImageError("bad_request", f"{name} cannot be read: {error.strerror}.") from error


def _folder() -> Path:
    return host.input_folder()
