"""A process that does one thing again and again when asked, and reports how long it took and what memory it held.

On its own, as bare.py is: ComfyUI's interpreter runs it too.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from .child import Child, asked, tell
from .memory import peak_bytes


class Worker(Child):
    """A module that calls `serve`."""

    def round(self) -> dict[str, float]:
        """One go: `seconds`, `cpu_seconds`, when it `ended` on time.monotonic(); how many MB the process held at most
        above before (`grown_mb`) and in all its life (`peak_mb`)."""
        return self.ask("go")


def serve(action: Callable[[], object]) -> None:
    """One `action` each time it is asked. What it gives lives until it is timed, as a result that is used."""
    peak = 0
    for _ in asked():
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
        tell(told)
