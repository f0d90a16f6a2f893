"""The run of a node as the node shows it while it lasts: run events become progress, a line of text, a preview."""

from __future__ import annotations

import math
import time

from ..gpt4o_image.answer.events import Generating, Progress, Queued
from ..gpt4o_image.pictures.batch import preview
from ..gpt4o_image.run_events import Arrived, Downloading, Limited, RunEvent, Sending, Waiting
from . import host


class NodeStatus:
    """The bar, text and preview of one running node. `notify` may be called from any thread."""

    def __init__(self, node_id: str) -> None:
        self.node_id = node_id
        self._started = time.monotonic()
        self._waiting_for: str | None = "sending"
        self._asks_again = 0.0  # by the monotonic clock
        self._percent = 0
        self._previewed = False

    def notify(self, event: RunEvent) -> None:
        """Shows one step of the run."""
        if isinstance(event, Waiting):
            self._wait("waiting for an equal run" if event.for_equal else "waiting for a free slot")
        elif isinstance(event, Limited):
            self._asks_again = time.monotonic() + event.seconds
            self._wait("sending")
        elif isinstance(event, Sending):
            self._wait("sending")
        elif isinstance(event, Queued):
            self._wait("queued")
        elif isinstance(event, Generating):
            self._wait("generating")
        elif isinstance(event, Progress):
            self._waiting_for = None
            self._percent = event.percent
            host.show_progress(self.node_id, event.percent)
            host.show_text(self.node_id, f"{event.percent} %")
        elif isinstance(event, Downloading):
            self._waiting_for = None
            host.show_text(self.node_id, f"downloading {event.done}/{event.total}")
        elif isinstance(event, Arrived) and not self._previewed:
            self._previewed = True
            host.show_progress(self.node_id, self._percent, preview(event.picture.decoded.image))

    def tick(self) -> None:
        """Once a second: how long the wait has been; at a limit how long it will be."""
        left = math.ceil(self._asks_again - time.monotonic())
        if self._waiting_for and left > 0:
            host.show_text(self.node_id, f"limited: retries in {left} s")
        elif self._waiting_for:
            host.show_text(self.node_id, f"{self._waiting_for} ({self.seconds} s)")

    @property
    def seconds(self) -> int:
        """Since the node began to run."""
        return int(time.monotonic() - self._started)

    def end(self, text: str) -> None:
        """The last line."""
        self._waiting_for = None
        host.show_progress(self.node_id, 100)
        host.show_text(self.node_id, text)

    def _wait(self, word: str) -> None:
        self._waiting_for = word
        self.tick()
