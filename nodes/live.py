"""What browsers are told while a call is being made."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping

from ..gpt4o_image.events import Progress
from ..gpt4o_image.notices import Kept, Notice, Recorded
from ..gpt4o_image.record import Record
from ..gpt4o_image.vault import Vault
from . import host
from .running import RUNNING


class LiveResult:
    """The result of one node's run. `tell` may be called from any thread, also after `end`."""

    def __init__(self, vault: Vault, graph: Callable[[], str | None]) -> None:
        self._vault = vault
        self._graph = graph
        self._id: str | None = None
        self._changed = False
        self._ended = False

    def tell(self, notice: Notice) -> None:
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
            record = Record(self._vault, result_id)
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
