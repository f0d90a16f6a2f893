"""What every paid node does: one request in a thread, its face on the node, its pictures as tensors."""

from __future__ import annotations

import json
import os

from comfy_api.latest import io

from ..gpt4o_image.errors import GPT4oImageError
from ..gpt4o_image.gateways import CONFIG_FILE, Config, load_config
from ..gpt4o_image.generate import generate
from ..gpt4o_image.outcome import Outcome
from ..gpt4o_image.pixels import canvas
from ..gpt4o_image.request import Request
from . import host
from .screen import NodeScreen
from .tensors import to_tensors


def config_for_choices() -> Config:
    """The config behind the combos. A broken file must not take the pack away: it is reported when a node runs."""
    try:
        return load_config(host.home())
    except GPT4oImageError:
        return Config(host.home() / CONFIG_FILE)


def outputs() -> list[io.Output]:
    """The four outputs of every node that gives pictures, in their fixed order."""
    return [
        io.Image.Output("image", tooltip="RGBA where a picture has real transparency, else RGB."),
        io.Image.Output("rgb", tooltip="Always RGB; colours bled under the transparent part, for upscalers and VAE."),
        io.Mask.Output("mask", tooltip="1 = transparent, as LoadImage gives it; zeros for an opaque picture."),
        io.String.Output("report", tooltip="What came and what it cost, as JSON."),
    ]


async def run_paid(request: Request, gateway: str, node_id: str) -> io.NodeOutput:
    """Runs the request and gives the four outputs. Raises GPT4oImageError, or the host's interrupt on Cancel."""
    config = load_config(host.home())
    screen = NodeScreen(node_id)

    def work(cancelled: host.Cancelled) -> tuple[Outcome, tuple]:
        with host.SLOTS.one_of(config.max_parallel, cancelled):
            outcome = generate(request, gateway, config, os.environ, notify=screen.tell, cancelled=cancelled)
        return outcome, () if outcome.error else to_tensors(canvas([p.decoded for p in outcome.pictures]))

    outcome, tensors = await host.run_in_thread(work, tick=screen.tick)
    if outcome.error:
        screen.end(f"{outcome.error.kind} (billed: {outcome.error.billed})")
        if outcome.error.kind == "cancelled":
            host.raise_interrupt()
        raise outcome.error
    screen.end(f"{len(outcome.pictures)} saved")
    return io.NodeOutput(*tensors, json.dumps(outcome.report(), ensure_ascii=False, indent=1))
