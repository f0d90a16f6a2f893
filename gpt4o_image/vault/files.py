"""Bytes as files, so that neither a kill nor a power cut leaves half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from pathlib import Path

# A virus scanner or an indexer may hold a new file for a moment: Windows then refuses to rename it.
_RENAME_PAUSES_S = (0.02, 0.1, 0.3, 0.6, 1.0)


def replace_durably(path: Path, data: bytes) -> None:
    """`path` holds all of `data`, or what it held before: also after a kill or a power cut. Makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        move(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises OSError; FileNotFoundError also for a folder, and a pipe, which could block."""
    if path.exists() and not path.is_file():
        raise FileNotFoundError(errno.ENOENT, "This is not a file", str(path))
    return path.read_bytes()


def move(source: Path, target: Path) -> None:
    """Renames, over whatever is there; retries a few times where that is refused."""
    for pause_s in _RENAME_PAUSES_S:
        with contextlib.suppress(PermissionError):
            source.replace(target)
            return
        time.sleep(pause_s)
    source.replace(target)


def sync_folder(folder: Path) -> None:
    """Brings a rename in `folder` to the disk. Windows cannot open a folder, and some shares cannot sync one."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
