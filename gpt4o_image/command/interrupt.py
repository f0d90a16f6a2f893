"""Ctrl+C as a request to stop, so that connections are closed and the outcome is printed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def stop_on_ctrl_c() -> Generator[threading.Event]:
    """The event is set by the first Ctrl+C; a second one raises KeyboardInterrupt. Main thread only, else inert."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def on_signal(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
