"""Twelve runs in ComfyUI's queue, each with ten seconds of generation and one transparent 1024x1536 picture.

Their wall time against that of one run, with none, four and twelve calls sent ahead of their turn: from the first that
is queued to the end of the last. `posts` is how many calls the gateway counted for each run.
"""

from __future__ import annotations

from itertools import count

from .rig.figures import Report
from .rig.gateway import Gateway
from .rig.host import Host, NoComfyUI, generate, host, shown

RUNS = 12
LIMITS = (0, 4, 12)
# The documented answer takes 9.2 s at speed 1.
SPEED = 0.92
GOALS = {"ahead_12_to_one": (1.3, True)} | {f"ahead_{limit}_posts": (1.0, True) for limit in LIMITS}


def measure(*, quick: bool = False) -> Report:
    speed, runs = (10.0, 4) if quick else (SPEED, RUNS)
    try:
        with Gateway(speed) as gateway, host(gateway.base_url) as running:
            return _measured(gateway, running, runs)
    except NoComfyUI as why:
        return {"comfyui": str(why)}


def _measured(gateway: Gateway, running: Host, runs: int) -> Report:
    seeds = count()

    def queue(number: int, ahead: int) -> float:
        running.server.request("/gpt4o_image/queue/run_ahead", {"calls": ahead})
        graphs = [{"1": generate(next(seeds), count="1"), "2": shown("1")} for _ in range(number)]
        return running.queue(graphs)

    queue(1, 0)  # imports, and the first tensors
    one_s = queue(1, 0)
    report: Report = {"comfyui": running.version, "one_s": one_s}
    for limit in LIMITS:
        before = gateway.posts()
        report[f"ahead_{limit}_s"] = all_s = queue(runs, limit)
        report[f"ahead_{limit}_to_one"] = all_s / one_s
        report[f"ahead_{limit}_posts"] = (gateway.posts() - before) / runs
    return report
