"""Runs the nodes that give pictures: work in a thread, its progress on the node, the four outputs.

Loaded, with most of the pack, when a node runs: ComfyUI's start need not wait for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from comfy_api.latest import io

from ..gpt4o_image.errors import GPT4oImageError, shorten
from ..gpt4o_image.gateway.config import Config, load_config
from ..gpt4o_image.gateway.profiles import has_key
from ..gpt4o_image.generation import generate
from ..gpt4o_image.outcome import Outcome
from ..gpt4o_image.pictures.batch import Batch, canvas
from ..gpt4o_image.pictures.formats import PictureError
from ..gpt4o_image.request import Request
from ..gpt4o_image.run_events import RunEvent
from ..gpt4o_image.vault.opening import open_vault
from ..gpt4o_image.vault.vault import Vault
from . import host
from .browser_events import LiveResult, NodeOutcome, graph_of
from .known_hosts import HOSTS
from .list_items import LISTS, SKIPPED, Item
from .node_status import NodeStatus
from .previews import shown_files
from .run_ahead import AHEAD
from .schema import check_names
from .tensors import to_tensors

Notify = Callable[[RunEvent], None]
Work = Callable[[Config, Vault, Notify, host.Cancelled], Outcome]


@dataclass(frozen=True, eq=False)
class _End:
    """How the work ended: an outcome with its pictures as arrays, and as files that browsers show; else its error."""

    outcome: Outcome
    batch: Batch | None = None
    report: str = ""
    files: Sequence[Mapping[str, str]] = ()


async def pay(
    node: type[io.ComfyNode], make: Callable[[host.Cancelled], Request], gateway: str, on_failure: str
) -> io.NodeOutput:
    """The outputs of one paid call, or of the vault where the same was paid for before.

    The call may have been sent ahead, while the prompt waited in the queue: then it is that one, whatever came of it.
    `make` is called in the node's thread: compressing references takes a while. The workflow is kept with the result.
    """
    place = host.executing()

    def work(config: Config, _: Vault, notify: Notify, cancelled: host.Cancelled) -> Outcome:
        request = make(cancelled)
        with AHEAD.turn(place, request, gateway, config) as turn:
            turn.outcome = turn.ahead.follow(notify, cancelled) if turn.ahead else None
            if turn.outcome is None:
                with host.SLOTS.one_of(config.max_parallel, cancelled):
                    turn.outcome = generate(
                        request, gateway, config, os.environ, notify=notify, cancelled=cancelled, hosts=HOSTS
                    )
        return _with_way_to_key(turn.outcome, gateway, config)

    return await give(node, work, on_failure)


def _with_way_to_key(outcome: Outcome, gateway: str, config: Config) -> Outcome:
    """A missing key is set most quickly by what the sidebar shows."""
    error = outcome.error
    if error is None or error.kind != "config" or has_key(config, os.environ, gateway):
        return outcome
    return replace(outcome, error=error.plus("In ComfyUI: open the tab GPT-4o Image in the sidebar; it shows how."))


async def give(node: type[io.ComfyNode], work: Work, on_failure: str = "stop", *, shows: bool = True) -> io.NodeOutput:
    """Runs `work` in a thread and gives its pictures, or what stands for them with `on_failure` skip.

    `shows` them on the node as well; false for a node that does so before it runs.
    Raises GPT4oImageError, or the host's interrupt on Cancel.
    """
    hidden = node.hidden
    status, told = NodeStatus(hidden.unique_id), NodeOutcome(hidden.unique_id, hidden.extra_pnginfo)
    told.begin()
    with LISTS.item() as item:
        end = await host.run_in_thread(
            lambda cancelled: _end(node, work, status, cancelled, shows=shows), tick=status.tick
        )
        outcome = end.outcome
        item.ended(kept=bool(outcome.pictures))
        shown = _in_short(outcome, status.seconds)
        status.end(_in_words(outcome))
        told.end(shown)
        if outcome.error or end.batch is None:
            return await _failed(outcome, status, item, on_failure, shown)
    return io.NodeOutput(*to_tensors(end.batch), end.report, ui={"images": end.files, "gpt4o_image": [shown]})


def _end(node: type[io.ComfyNode], work: Work, status: NodeStatus, cancelled: host.Cancelled, *, shows: bool) -> _End:
    """All that takes time. A failure is an outcome too."""
    try:
        check_names(node)
        config = load_config(host.home())
        vault = open_vault(config, os.environ)
        live = LiveResult(vault, lambda: graph_of(node.hidden.extra_pnginfo))

        def notify(event: RunEvent) -> None:
            live.notify(event)
            status.notify(event)

        try:
            outcome = work(config, vault, notify, cancelled)
        finally:
            live.end()
    except GPT4oImageError as error:
        return _End(Outcome("", error=error))
    if outcome.error:
        return _End(outcome)
    try:
        batch = canvas([picture.decoded for picture in outcome.pictures])
    except PictureError as error:
        files = f"`gpt4o-image results export {outcome.result_id} DIR` copies the files."
        billed = "no" if outcome.reused else "yes"
        return _End(Outcome("", error=GPT4oImageError("download_failed", f"{error} {files}", billed=billed)))
    return _End(outcome, batch, _report(outcome, batch), _files(outcome) if shows else ())


async def _failed(
    outcome: Outcome, status: NodeStatus, item: Item, on_failure: str, shown: dict[str, Any]
) -> io.NodeOutput:
    error = outcome.error or GPT4oImageError("no_image", "The result holds no picture.", billed="unknown")
    if error.kind == "cancelled":
        host.raise_interrupt()
    if on_failure != "skip":
        raise await item.after_the_others(error)
    SKIPPED[status.node_id] += 1
    none, report = host.blocker(), json.dumps(outcome.report(), ensure_ascii=False, indent=1)
    return io.NodeOutput(none, none, none, report, ui={"images": [], "gpt4o_image": [shown]})


def _in_words(outcome: Outcome) -> str:
    if error := outcome.error:
        return f"{shorten(error.message, 200)} ({error.kind}, billed: {error.billed})"
    return "from the vault, not billed" if outcome.reused else f"saved as {outcome.result_id}"


def _in_short(outcome: Outcome, seconds: int) -> dict[str, Any]:
    """A run as callers of ComfyUI's API find it in the history, and as the page shows it on the node.

    `id` may be None where nothing was sent. `billed`: a result out of the vault costs nothing again.
    """
    error = outcome.error
    free = outcome.reused or outcome.cost_usd == 0.0
    return {
        "id": outcome.result_id,
        "status": "error" if error else "ok",
        "cost_usd": outcome.cost_usd,
        "billed": error.billed if error else "no" if free else "yes",
        "reused": outcome.reused,
        "pictures": len(outcome.pictures),
        "expected": outcome.expected,
        "warnings": list(outcome.warnings),
        "seconds": seconds,
        "error": error.as_json() if error else None,
    }


def _files(outcome: Outcome) -> Sequence[Mapping[str, str]]:
    """None where they cannot be written: the pictures themselves are in the vault."""
    try:
        return shown_files(outcome.pictures)
    except OSError:
        return ()


def _report(outcome: Outcome, batch: Batch) -> str:
    if batch.mixed:
        height, width = batch.mask.shape[1:]
        note = f"The pictures differ in size: each is centred, unresampled, on a canvas of {width}x{height}."
        outcome = replace(outcome, warnings=(*outcome.warnings, note))
    return json.dumps(outcome.report(), ensure_ascii=False, indent=1)
