"""A list of sixteen prompts through one node: ten seconds of generation and one transparent 1024x1536 picture each.

Its wall time against that of a list of one. `work_s` is what this machine needs for the pictures alone, on all its
cores; the three take turns, and each ratio is the median of theirs. `failing`: four of the sixteen fail, and
on_failure is skip. `posts` is how many calls the gateway counted for each prompt.
"""

from __future__ import annotations

from itertools import count
from statistics import median
from typing import Any

from .parallel import work_s
from .rig.figures import Report
from .rig.gateway import Gateway
from .rig.host import Host, NoComfyUI, generate, host, shown

PROMPTS, FAILING, ROUNDS = 16, 4, 3
# The documented answer takes 9.2 s at speed 1.
SPEED = 0.92
GOALS = {"all_to_one_and_work": (1.1, True), "all_posts": (1.0, True), "failing_posts": (1.0, True)}


def measure(*, quick: bool = False) -> Report:
    speed, prompts, failing, rounds = (10.0, 4, 1, 1) if quick else (SPEED, PROMPTS, FAILING, ROUNDS)
    try:
        with Gateway(speed) as gateway, host(gateway.base_url) as running:
            return _measured(gateway, running, prompts, failing, rounds)
    except NoComfyUI as why:
        return {"comfyui": str(why)}


def _measured(gateway: Gateway, running: Host, prompts: int, failing: int, rounds: int) -> Report:
    seeds = count()

    def run(good: int, bad: int = 0) -> tuple[float, float]:
        before = gateway.posts()
        seconds = running.queue([_listed(next(seeds), ["a red fox"] * good + ["a red fox [[fail_en]]"] * bad)])
        return seconds, (gateway.posts() - before) / (good + bad)

    failing_s, failing_posts = run(prompts - failing, failing)  # with imports, and the first tensors
    turns = [(run(1)[0], run(prompts), work_s(prompts)) for _ in range(rounds)]
    one_s = median(one for one, _, _ in turns)
    return {
        "comfyui": running.version,
        "one_s": one_s,
        "work_s": median(work for _, _, work in turns),
        "all_s": median(all_s for _, (all_s, _), _ in turns),
        "all_to_one": median(all_s / one for one, (all_s, _), _ in turns),
        "all_to_one_and_work": median(all_s / (one + work) for one, (all_s, _), work in turns),
        "all_posts": max(posts for _, (_, posts), _ in turns),
        "failing_s": failing_s,
        "failing_to_one": failing_s / one_s,
        "failing_posts": failing_posts,
    }


def _listed(seed: int, prompts: list[str]) -> dict[str, Any]:
    """Lines that differ, so that each of them is paid for."""
    text = "\n".join(f"{prompt} {number}" for number, prompt in enumerate(prompts))
    node = generate(seed, count="1", on_failure="skip")
    node["inputs"]["prompt"] = ["list", 0]
    return {
        "list": {"class_type": "GPT4oImage_Prompts", "inputs": {"text": text, "file": "text"}},
        "1": node,
        "2": shown("1"),
    }
