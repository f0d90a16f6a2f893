"""Twelve runs in ComfyUI's queue, each with ten seconds of generation and one transparent 1024x1536 picture.

Their wall time against that of one run, with none, four and twelve calls sent ahead of their turn: from the first that
is queued to the end of the last. With twelve the two take turns, and the ratio is the median of theirs. `posts` is how
many calls the gateway counted for each run.
"""

from __future__ import annotations

from itertools import count
from statistics import median

from .rig.figures import Report
from .rig.gateway import Gateway
from .rig.host import Host, NoComfyUI, generate, host, shown

RUNS = 12
FEWER = (4, 0)  # calls ahead, measured once each
PAIRS = 3
# The documented answer takes 9.2 s at speed 1.
SPEED = 0.92
GOALS = {"ahead_12_to_one": (1.3, True)} | {f"ahead_{limit}_posts": (1.0, True) for limit in (*FEWER, RUNS)}


def measure(*, quick: bool = False) -> Report:
    speed, runs, pairs = (10.0, 4, 1) if quick else (SPEED, RUNS, PAIRS)
    try:
        with Gateway(speed) as gateway, host(gateway.base_url) as running:
            return _measured(gateway, running, runs, pairs)
    except NoComfyUI as why:
        return {"comfyui": str(why)}


def _measured(gateway: Gateway, running: Host, runs: int, pairs: int) -> Report:
    seeds = count()

    def queue(number: int, ahead: int) -> tuple[float, float]:
        running.server.request("/gpt4o_image/queue/run_ahead", {"calls": ahead})
        graphs = [{"1": generate(next(seeds), count="1"), "2": shown("1")} for _ in range(number)]
        before = gateway.posts()
        return running.queue(graphs), (gateway.posts() - before) / number

    fewer = {limit: queue(runs, limit) for limit in FEWER}  # with imports, and the first tensors
    turns = [(queue(1, 0)[0], queue(runs, RUNS)) for _ in range(pairs)]
    one_s = median(alone_s for alone_s, _ in turns)
    report: Report = {"comfyui": running.version, "one_s": one_s}
    for limit, (all_s, posts) in fewer.items():
        report |= {f"ahead_{limit}_s": all_s, f"ahead_{limit}_to_one": all_s / one_s, f"ahead_{limit}_posts": posts}
    return report | {
        f"ahead_{RUNS}_s": median(all_s for _, (all_s, _) in turns),
        f"ahead_{RUNS}_to_one": median(all_s / alone_s for alone_s, (all_s, _) in turns),
        f"ahead_{RUNS}_posts": max(posts for _, (_, posts) in turns),
    }
