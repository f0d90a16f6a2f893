"""What the user sees on a node while it runs: the notices of a run as progress, text and preview."""

from __future__ import annotations

import time

from ..gpt4o_image.answer.events import Generating, Progress, Queued
from ..gpt4o_image.pictures.batch import preview
from ..gpt4o_image.run_events import Arrived, Downloading, Recorded, RunEvent, Waiting
from . import host


class NodeStatus:
    """The face of one running node. `tell` may be called from any thread."""

    def __init__(self, node_id: str) -> None:
        self._node_id = node_id
        self._started = time.monotonic()
        self._waiting_for: str | None = "sending"
        self._percent = 0
        self._previewed = False

    def tell(self, notice: RunEvent) -> None:
        """Shows one step of the run."""
        if isinstance(notice, Waiting):
            self._wait("waiting for an equal run")
        elif isinstance(notice, Recorded):
            self._wait("sending")
        elif isinstance(notice, Queued):
            self._wait("queued")
        elif isinstance(notice, Generating):
            self._wait("generating")
        elif isinstance(notice, Progress):
            self._waiting_for = None
            self._percent = notice.percent
            host.show_progress(self._node_id, notice.percent)
            host.show_text(self._node_id, f"{notice.percent} %")
        elif isinstance(notice, Downloading):
            self._waiting_for = None
            host.show_text(self._node_id, f"downloading {notice.done}/{notice.total}")
        elif isinstance(notice, Arrived) and not self._previewed:
            self._previewed = True
            host.show_progress(self._node_id, self._percent, preview(notice.picture.decoded.pixels))

    def tick(self) -> None:
        """Once a second: how long the wait has been."""
        if self._waiting_for:
            host.show_text(self._node_id, f"{self._waiting_for} ({int(time.monotonic() - self._started)} s)")

    def end(self, text: str) -> None:
        """The last line stays on the node."""
        self._waiting_for = None
        host.show_progress(self._node_id, 100)
        host.show_text(self._node_id, text)

    def _wait(self, word: str) -> None:
        self._waiting_for = word
        self.tick()
