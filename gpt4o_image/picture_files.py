"""Picture files in the user's own folders: new names, never one that is taken. Must not know the vault."""

from __future__ import annotations

import secrets
from contextlib import suppress
from itertools import count
from pathlib import Path

from .errors import GPT4oImageError


def check_folder(folder: Path) -> None:
    """Makes `folder` and writes a file in it for a moment, before money is spent. Raises `config`."""
    probe = folder / f".gpt4o-image-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise GPT4oImageError(
            "config", f"No file can be written to the folder {folder}: {reason(error)}. Name another folder."
        ) from error


def reason(error: OSError) -> str:
    """Why a file could not be written, in words."""
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return "it is a file, or is inside one"
    return error.strerror or str(error)


def save_new(folder: Path, suffix: str, data: bytes) -> Path:
    """Writes `data` to the next free name like `gpt4o-image-0001.png` in `folder`, which is made if need be.

    Gives the absolute path. Raises OSError, and then leaves no half of a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = [path.stem.rpartition("-")[2] for path in folder.glob("gpt4o-image-*")]
    number = max((int(end) for end in taken if end.isdecimal() and end.isascii()), default=0) + 1
    while True:
        path = folder.absolute() / f"gpt4o-image-{number:04d}{suffix}"
        with suppress(FileExistsError):
            write_new(path, data)
            return path
        number += 1


def save_named(folder: Path, stem: str, suffix: str, data: bytes) -> Path:
    """Writes `data` to stem.png, or to the next free one of stem-2.png, stem-3.png, ... in `folder`.

    A file of that name which holds the same bytes already is taken as it is. Gives the absolute path. Raises OSError,
    and then leaves no half of a file.
    """
    for number in count(1):
        path = folder.absolute() / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            write_new(path, data)
        except FileExistsError:
            if not path.is_file() or path.stat().st_size != len(data) or path.read_bytes() != data:
                continue
        return path
    raise AssertionError("there is always a next number")


def write_new(path: Path, data: bytes) -> None:
    """Raises FileExistsError where the name is taken, and another OSError without leaving half of a file."""
    file = path.open("xb")
    try:
        with file:
            file.write(data)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
