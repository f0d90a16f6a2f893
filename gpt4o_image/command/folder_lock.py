"""One batch at a time in a folder: two would write the same manifest, and each pay for the rows of both."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import GPT4oImageError
from ..vault.leases import lock

_LOCK = ".gpt4o-image-batch.lock"


@contextmanager
def only_batch_in(folder: Path) -> Generator[None]:
    """Keeps `folder` to this process; the system frees it when the process ends, however it does.

    Raises `config` where another batch runs in it, and OSError where nothing can be written.
    """
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        locked = True
        with suppress(OSError):  # a file system without locks: its user must see to it
            locked = lock(handle)
        if not locked:
            problem = f"Another batch is running in the folder {folder}."
            advice = "Wait until it has ended, or name another folder with --out. Nothing was sent."
            raise GPT4oImageError("config", problem, advice=advice)
        yield
    finally:
        os.close(handle)
