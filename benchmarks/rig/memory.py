"""The most memory that a process has held. On its own: other interpreters use it too."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_bytes(pid: int | str = "self", *, reset: bool = False) -> int:
    """The most that this process or, on Linux, another of this user has held; after a reset what it holds now."""
    if Path(f"/proc/{pid}/status").exists():
        if reset:
            Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    if pid != "self":
        raise OSError("only Linux tells the memory of another process")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
