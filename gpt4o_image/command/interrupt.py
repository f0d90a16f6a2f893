"""Ctrl+C as a request to stop, so that connections are closed and the outcome is printed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager


class CtrlC:
    """How often it was pressed. `is_set` and `wait` are those of an event that the first time sets."""

    def __init__(self) -> None:
        self.presses = 0
        self._pressed = threading.Event()
        self.is_set = self._pressed.is_set
        self.wait = self._pressed.wait

    def press(self) -> None:
        self.presses += 1
        self._pressed.set()


@contextmanager
def stop_on_ctrl_c(most: int = 1) -> Generator[CtrlC]:
    """Counts `most` presses; one more raises KeyboardInterrupt. Main thread only, else it counts none.

    A terminal that is closed counts as one, unless that was to be ignored, as by nohup.
    """
    stop = CtrlC()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def on_signal(*_: object) -> None:
        if stop.presses >= most:
            raise KeyboardInterrupt
        stop.press()

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
    numbers = [each for each in numbers if each == signal.SIGINT or signal.getsignal(each) != signal.SIG_IGN]
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
