"""Bytes as files, so that a crash leaves no half."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


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
