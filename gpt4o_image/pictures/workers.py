"""Runs decoding and drawing in threads that cannot delay the end of the process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from queue import SimpleQueue
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Call:
    """`work()` once, on some thread; `began` is on the monotonic clock."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.future: Future[Any] = Future()
        self.began: float | None = None
        self.given_up = False

    def run(self) -> None:
        self.began = time.monotonic()
        try:
            self.future.set_result(self.work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is asked for
            self.future.set_exception(error)


class DaemonPool:
    """Calls on a few threads. Unlike those of ThreadPoolExecutor they are daemons, and a call can be given up.

    Only `threads` of them: more than there are cores would finish no sooner, but keep the host's loop from its turn.
    And always the same ones: each has a heap, and 16 pictures in 16 of them cost more in fresh memory than in work.
    """

    def __init__(self, threads: int) -> None:
        self._free = threads  # threads to be started yet
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._lock = threading.Lock()

    def run(self, work: Callable[[], Result], timeout_s: float) -> Result:
        """`work()`. Raises TimeoutError once it has run for `timeout_s`; its thread is replaced, and ends with it."""
        call = self._put(work)
        while True:
            ran_s = 0.0 if call.began is None else time.monotonic() - call.began
            try:
                return call.future.result(timeout_s - ran_s)
            except NotYet:
                if call.future.done():
                    return call.future.result()
                if call.began is not None and time.monotonic() - call.began >= timeout_s:
                    self._give_up(call)
                    raise TimeoutError(f"not done within {timeout_s:g} s") from None

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """`work` of each item, side by side, in order."""
        futures = [self.submit(lambda item=item: work(item)) for item in items]
        return [future.result() for future in futures]

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """`work()` as soon as a thread is free."""
        return self._put(work).future

    def _put(self, work: Callable[[], Any]) -> _Call:
        call = _Call(work)
        with self._lock:
            if self._free:
                self._free -= 1
                self._start()
        self._calls.put(call)
        return call

    def _give_up(self, call: _Call) -> None:
        with self._lock:
            if not call.future.done():
                call.given_up = True
                self._start()

    def _start(self) -> None:
        threading.Thread(target=self._work, name="pixels of gpt4o-image", daemon=True).start()

    def _work(self) -> None:
        while True:
            call = self._calls.get()
            call.run()
            with self._lock:
                if call.given_up:
                    return
            del call  # or its result would be kept until the next call


workers = DaemonPool(os.cpu_count() or 1)  # of the whole process
