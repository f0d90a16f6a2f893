"""What browsers are told while a call is being made."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping

from ..gpt4o_image.answer.events import Progress
from ..gpt4o_image.run_events import Kept, Recorded, RunEvent
from ..gpt4o_image.vault.recorder import Recorder
from ..gpt4o_image.vault.vault import Vault
from . import host


class LiveResult:
    """The result of one node's run. `tell` may be called from any thread, also after `end`."""

    def __init__(self, vault: Vault, graph: Callable[[], str | None]) -> None:
        self._vault = vault
        self._graph = graph
        self._id: str | None = None
        self._changed = False
        self._ended = False

    def tell(self, notice: RunEvent) -> None:
        """Passes on what a list of results shows."""
        if isinstance(notice, Recorded):
            self._id = notice.result_id
            self._put(None)
            self._keep_graph(notice.result_id)
        elif isinstance(notice, Progress):
            self._put(notice.percent)
        elif isinstance(notice, Kept):
            self._id = notice.result_id
            if self._ended:  # downloads go on after Cancel
                host.tell_browsers(notice.result_id, None, ended=True)

    def end(self) -> None:
        """The run is over, well or not."""
        self._ended = True
        if self._id:
            RUNNING.drop(self._id)
            host.tell_browsers(self._id, None, ended=True)

    def _put(self, percent: int | None) -> None:
        if self._id:
            RUNNING.put(self._id, percent)
            host.tell_browsers(self._id, percent, ended=False)

    def _keep_graph(self, result_id: str) -> None:
        graph = self._graph()
        if graph:
            record = Recorder(self._vault, result_id)
            record.graph(graph)
            if record.trouble:
                logging.getLogger(__name__).warning("The graph of %s is not kept: %s", result_id, record.trouble)


def graph_of(extra_pnginfo: object) -> str | None:
    """The workflow that the browser sent along, as JSON; None where there is none, or where none may be kept."""
    if not isinstance(extra_pnginfo, Mapping) or not host.keeps_metadata():
        return None
    workflow = extra_pnginfo.get("workflow")
    if not isinstance(workflow, Mapping):
        return None
    try:
        return json.dumps(workflow, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError, RuntimeError):
        return None  # nothing that a browser could read back


class Running:
    """Percentages of the running calls, by result id. Any thread may call."""

    def __init__(self) -> None:
        self._percents: dict[str, int | None] = {}
        self._lock = threading.Lock()

    def percent(self, result_id: str) -> int | None:
        """None for a call that has said none yet, or that another process makes."""
        with self._lock:
            return self._percents.get(result_id)

    def put(self, result_id: str, percent: int | None) -> None:
        with self._lock:
            self._percents[result_id] = percent

    def drop(self, result_id: str) -> None:
        with self._lock:
            self._percents.pop(result_id, None)


# One for the whole server: the nodes write it, the list of results reads it.
RUNNING = Running()
