"""A process that does one thing again and again when asked, and tells how long it took and what memory it held.

On its own, as bare.py is: ComfyUI's interpreter runs it too.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from .memory import peak_bytes

ROOT = Path(__file__).parents[2]


class Worker:
    """Context manager round `python -m benchmarks.rig.<module> <arguments>`, which calls `serve`."""

    def __init__(self, python: str | Path, module: str, *arguments: str) -> None:
        command = [str(python), "-m", f"benchmarks.rig.{module}", *arguments]
        pipe = subprocess.PIPE
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # as on a user's machine: compiled once, then read
        self._process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=pipe, stdout=pipe, text=True)  # noqa: S603

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def round(self) -> dict[str, float]:
        """One go: `seconds`, `cpu_seconds`, when it `ended` on time.monotonic(); how many MB the process held at most
        above before (`grown_mb`) and in all its life (`peak_mb`)."""
        assert self._process.stdin is not None  # noqa: S101 - pipes, as above
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def serve(action: Callable[[], object]) -> None:
    """One `action` for each line on stdin. What it gives lives until it is timed, as a result that is used."""
    peak = 0
    for _ in sys.stdin:
        gc.collect()
        peak = max(peak, peak_bytes())
        before = peak_bytes(reset=True)
        started, cpu_started = time.monotonic(), time.process_time()
        result = action()
        ended, cpu = time.monotonic(), time.process_time() - cpu_started
        own = peak_bytes()
        peak = max(peak, own)
        told = {"seconds": ended - started, "cpu_seconds": cpu, "ended": ended}
        told |= {"grown_mb": (own - before) / 1e6, "peak_mb": peak / 1e6}
        del result
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
