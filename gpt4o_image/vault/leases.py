"""Finds runs that have died: each holds a locked file, which the system unlocks with its process. Knows no results.

Where locks mean nothing (another machine, a file system without them) only the heartbeat counts.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from pathlib import Path


class Lease:
    """A file that this process keeps locked from now on, until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            os.write(handle, platform.node().encode())
            if _is_locked(handle):
                self._handle = handle
            else:
                os.close(handle)
                path.unlink()

    def release(self, *, ended: bool) -> None:
        """Unlocks. A run whose end could not be written leaves its file: another process then knows that it is over."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        if ended:
            forget(self._path)


def is_abandoned(path: Path) -> bool:
    """Whether the process that made this file has surely ended. False where that cannot be known."""
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return _is_locked(handle) and os.read(handle, 1024) == platform.node().encode()
    except OSError:
        return False
    finally:
        os.close(handle)


def forget(path: Path) -> None:
    """Removes the file of a run that is over."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _is_locked(handle: int) -> bool:
    with contextlib.suppress(OSError):
        return lock(handle)
    return False


def lock(handle: int) -> bool:
    """Locks an open file until it is closed. False where another has it, also another thread of this process.

    Raises OSError where there are no locks.
    """
    try:
        if os.name == "nt":
            import msvcrt

            # Behind the end of what is written, so that it can be read meanwhile.
            os.lseek(handle, 1 << 20, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


class Watch:
    """How long each silent run has been watched, on the monotonic clock."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, float], float] = {}

    def observe(self, result_id: str, heartbeat: float) -> float:
        """Seconds since this heartbeat was first seen here; 0 the first time."""
        seen = time.monotonic()
        return seen - self._since.setdefault((result_id, heartbeat), seen)
