"""One paid call that begins before its prompt's turn, and how its node takes it over. Knows nothing of the queue."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..gpt4o_image.gateway.config import Config
from ..gpt4o_image.gateway.profiles import own_origins
from ..gpt4o_image.run_events import Arrived, Departing, Limited, RunEvent
from ..gpt4o_image.vault.opening import open_vault
from .browser_events import LiveResult
from .known_hosts import HOSTS
from .pending_calls import PendingCall

if TYPE_CHECKING:
    from ..gpt4o_image.outcome import Outcome

Notify = Callable[[RunEvent], None]
_POLL_S = 0.1


class AheadCall:
    """`start` once; then its node's `follow`, or `leave` where no node will come. Any thread may call."""

    def __init__(self, call: PendingCall, config: Config, graph: Callable[[], str | None]) -> None:
        self.call = call
        self.result_id: str | None = None  # once the call was sent
        self._at_gateway = False  # not while it waits for the end of the gateway's limit
        self.held_bytes = 0  # of pictures that wait in memory
        self._config = config
        self._vault = open_vault(config, os.environ)
        self._live = LiveResult(self._vault, graph)
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._latest: dict[type[RunEvent], RunEvent] = {}
        self._watcher: Notify | None = None
        self._outcome: Outcome | None = None

    def start(self, sent: Callable[[], None], ended: Callable[[], None], fits: Callable[[int], bool]) -> None:
        """Runs the call in a thread of its own; all three are called there, `ended` always.

        `fits` answers whether so many bytes of pictures may wait in memory for their node.
        """
        threading.Thread(target=self._run, args=(sent, ended, fits), name="gpt4o-image-ahead", daemon=True).start()

    def follow(self, notify: Notify, cancelled: Callable[[], bool]) -> Outcome | None:
        """Waits for the end, passing on what was and is going on, which from now on `notify` alone is told; `cancelled`
        closes the connection.

        None where nothing was sent: the node then makes its call itself.
        """
        with self._lock:
            self._watcher = notify
            for event in self._latest.values():
                notify(event)
        while not self._ended.wait(_POLL_S):
            if cancelled():
                self._stop.set()
        if self.result_id is None:
            return None
        if self._outcome is None:
            raise RuntimeError(f"the call of the result {self.result_id} ended without an outcome")
        return self._with_pictures(self._outcome, notify, cancelled)

    def leave(self) -> str | None:
        """No node will take it over: stops a call that was not sent yet. The result's id where it was."""
        with self._lock:
            if self._at_gateway:
                return self.result_id
            self._stop.set()
            return None

    def _run(self, sent: Callable[[], None], ended: Callable[[], None], fits: Callable[[int], bool]) -> None:
        from ..gpt4o_image.generation import generate

        def notify(event: RunEvent) -> None:
            self._notify(event)
            if isinstance(event, Departing):
                sent()

        call = self.call
        try:
            self._outcome = generate(
                call.request,
                call.gateway,
                self._config,
                os.environ,
                notify=notify,
                cancelled=self._stop.is_set,
                hosts=HOSTS,
            )
        finally:
            self._end(fits)
            self._ended.set()
            ended()

    def _notify(self, event: RunEvent) -> None:
        with self._lock:
            if isinstance(event, Departing):
                self.result_id = event.result_id
            if isinstance(event, (Departing, Limited)):
                self._at_gateway = isinstance(event, Departing)
            if not (isinstance(event, Arrived) and Arrived in self._latest):  # the first picture is the preview
                self._latest.pop(type(event), None)
                self._latest[type(event)] = event
            (self._watcher or self._live.notify)(event)

    def _end(self, fits: Callable[[int], bool]) -> None:
        """A node may come for its pictures hours later: what memory has no room for is left to the vault."""
        with self._lock:
            self._latest.pop(Arrived, None)
            if self._watcher:
                return
            self._live.end()
            if self._outcome is None:
                return
            pictures = self._outcome.pictures
            size = sum(len(each.data) + each.decoded.pixels.nbytes for each in pictures)
            if fits(size):
                self.held_bytes = size
            elif all(each.path and each.path.is_file() for each in pictures):
                self._outcome = replace(self._outcome, pictures=())

    def _with_pictures(self, outcome: Outcome, notify: Notify, cancelled: Callable[[], bool]) -> Outcome:
        if not outcome.error and not outcome.pictures:
            from ..gpt4o_image.reload import reload

            result = self._vault.result(self.result_id or "")
            origins = own_origins(result.gateway, self._config, os.environ)
            again = reload(self._vault, result, origins, notify=lambda _: None, cancelled=cancelled)
            outcome = replace(outcome, pictures=again.pictures, error=again.error)
        for picture in outcome.pictures[:1]:
            notify(Arrived(picture))  # a node that heard of it as it arrived shows no second preview
        return outcome
