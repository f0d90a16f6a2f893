"""Bytes as files: the user's pictures under names that count up, the vault's so that a crash leaves no half."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def save_new(folder: Path, suffix: str, data: bytes) -> Path:
    """Writes `data` to the next free `gpt4o-image-0001` in `folder`, which is made if need be. Absolute path."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = [path.stem.rpartition("-")[2] for path in folder.glob("gpt4o-image-*")]
    number = max((int(stem) for stem in taken if stem.isdigit()), default=0) + 1
    while True:
        path = (folder / f"gpt4o-image-{number:04d}{suffix}").absolute()
        with suppress(FileExistsError), path.open("xb") as file:
            file.write(data)
            return path
        number += 1


def replace_durably(path: Path, data: bytes) -> None:
    """`path` holds all of `data`, or what it held before: also after a kill or a power cut."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    if os.name == "posix":  # the rename itself must reach the disk; Windows cannot open a folder for that
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
