"""Sends browsers the events of a run: the result's progress for every list of results, the end for its node."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..gpt4o_image.answer.events import Progress
from ..gpt4o_image.run_events import Kept, RunEvent, Sending
from ..gpt4o_image.vault.vault import Vault
from . import host


class LiveResult:
    """The result of one node's run, as lists of results follow it. Any thread may call, also after `end`."""

    def __init__(self, vault: Vault, graph: Callable[[], str | None]) -> None:
        self._vault = vault
        self._graph = graph
        self._id: str | None = None
        self._ended = False

    def notify(self, event: RunEvent) -> None:
        """Passes on what a list of results shows of a run."""
        if isinstance(event, Sending):
            self._id = event.result_id
            self._put(None)
            self._keep_graph(event.result_id)
        elif isinstance(event, Progress):
            self._put(event.percent)
        elif isinstance(event, Kept):
            self._id = event.result_id
            if self._ended:  # downloads go on after Cancel
                host.send_result_event(event.result_id, None, ended=True)

    def end(self) -> None:
        """The run is over, well or not."""
        self._ended = True
        if self._id:
            RUNNING.drop(self._id)
            host.send_result_event(self._id, None, ended=True)

    def _put(self, percent: int | None) -> None:
        if self._id:
            RUNNING.put(self._id, percent)
            host.send_result_event(self._id, percent, ended=False)

    def _keep_graph(self, result_id: str) -> None:
        graph = self._graph()
        if graph:
            try:
                self._vault.add_graph(result_id, graph)
            except OSError as error:
                logging.getLogger(__name__).warning("The graph of %s is not kept: %s", result_id, error)


class NodeOutcome:
    """How the runs of one node end, for the page that queued them: it keeps that on the node."""

    def __init__(self, node_id: str, extra_pnginfo: object) -> None:
        prompt_id, _, index = host.executing() or ("", "", 0)
        workflow = _workflow_of(extra_pnginfo)
        self._about: dict[str, Any] = {
            "node": node_id,
            "prompt": prompt_id,
            "item": index,
            "graph": str(workflow.get("id") or "") if workflow else "",
        }

    def begin(self) -> None:
        """A run begins: what the node shows of the run before is over."""
        host.send_outcome_event({**self._about, "outcome": None})

    def end(self, outcome: Mapping[str, Any]) -> None:
        """`outcome` as the node leaves it in the history, with more about a failure."""
        host.send_outcome_event({**self._about, "outcome": dict(outcome)})


def graph_of(extra_pnginfo: object) -> str | None:
    """The workflow that the browser sent along, as JSON; None where there is none, or where none may be kept."""
    workflow = _workflow_of(extra_pnginfo) if host.keeps_metadata() else None
    if workflow is None:
        return None
    try:
        return json.dumps(workflow, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError, RuntimeError):
        return None  # nothing that a browser could read back


def _workflow_of(extra_pnginfo: object) -> Mapping[str, Any] | None:
    workflow = extra_pnginfo.get("workflow") if isinstance(extra_pnginfo, Mapping) else None
    return workflow if isinstance(workflow, Mapping) else None


class Running:
    """Percentages of the running calls, by result id. Any thread may call."""

    def __init__(self) -> None:
        self._percents: dict[str, int | None] = {}
        self._lock = threading.Lock()

    def percent(self, result_id: str) -> int | None:
        """None for a call that has no percentage yet, or that another process makes."""
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
