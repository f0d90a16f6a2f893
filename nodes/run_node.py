"""What every node that gives pictures does: work in a thread, its face on the node, the four outputs.

Loaded, with most of the pack, when a node runs: ComfyUI's start need not wait for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace

from comfy_api.latest import io

from ..gpt4o_image.errors import GPT4oImageError, shorten
from ..gpt4o_image.gateway.config import Config, load_config
from ..gpt4o_image.generation import generate
from ..gpt4o_image.outcome import Outcome
from ..gpt4o_image.pictures.batch import Batch, canvas
from ..gpt4o_image.request import Request
from ..gpt4o_image.run_events import RunEvent
from ..gpt4o_image.vault.vault import Vault
from . import host
from .browser_events import LiveResult, graph_of
from .node_status import NodeStatus
from .run_ahead import AHEAD
from .tensors import to_tensors

Tell = Callable[[RunEvent], None]
Work = Callable[[Config, Vault, Tell, host.Cancelled], Outcome]


async def pay(make: Callable[[host.Cancelled], Request], gateway: str, hidden: io.HiddenHolder) -> io.NodeOutput:
    """The outputs of one paid call, or of the vault where the same was paid for before.

    The call may have been sent ahead, while the prompt waited in the queue: then it is that one, whatever came of it.
    `make` is called in the node's thread: compressing references takes a while. `hidden` holds the node's id and
    the graph, which the vault keeps with the result.
    """
    place = host.executing()

    def work(config: Config, _: Vault, tell: Tell, cancelled: host.Cancelled) -> Outcome:
        request = make(cancelled)
        with AHEAD.turn(place, request, gateway, config) as ahead:
            outcome = ahead.follow(tell, cancelled) if ahead else None
            if outcome:
                return outcome
            with host.SLOTS.one_of(config.max_parallel, cancelled):
                return generate(request, gateway, config, os.environ, notify=tell, cancelled=cancelled)

    return await give(work, hidden.unique_id, hidden.extra_pnginfo)


async def give(work: Work, node_id: str, extra_pnginfo: object = None) -> io.NodeOutput:
    """Runs `work` in a thread and gives its pictures. Raises GPT4oImageError, or the host's interrupt on Cancel."""
    config = load_config(host.home())
    vault = Vault(config.vault)
    screen = NodeStatus(node_id)
    live = LiveResult(vault, lambda: graph_of(extra_pnginfo))

    def tell(notice: RunEvent) -> None:
        live.tell(notice)
        screen.tell(notice)

    def decoded(cancelled: host.Cancelled) -> tuple[Outcome, Batch | None]:
        try:
            outcome = work(config, vault, tell, cancelled)
        except GPT4oImageError as error:
            return Outcome("", error=error), None
        finally:
            live.end()
        return outcome, None if outcome.error else canvas([picture.decoded for picture in outcome.pictures])

    outcome, batch = await host.run_in_thread(decoded, tick=screen.tick)
    if outcome.error or batch is None:
        error = outcome.error or GPT4oImageError("no_image", "The result holds no picture.", billed="unknown")
        screen.end(f"{shorten(error.message, 200)} ({error.kind}, billed: {error.billed})")
        if error.kind == "cancelled":
            host.raise_interrupt()
        raise error
    screen.end("from the vault, not billed" if outcome.reused else f"saved as {outcome.result_id}")
    return io.NodeOutput(*to_tensors(batch), _report(outcome, batch, vault))


def _report(outcome: Outcome, batch: Batch, vault: Vault) -> str:
    if batch.mixed:
        height, width = batch.mask.shape[1:]
        note = f"The pictures differ in size: each is centred, unresampled, on a canvas of {width}x{height}."
        outcome = replace(outcome, warnings=(*outcome.warnings, note))
    paths = tuple(str(vault.path_of(picture.sha256, picture.decoded.mime)) for picture in outcome.pictures)
    return json.dumps(outcome.report(paths), ensure_ascii=False, indent=1)
