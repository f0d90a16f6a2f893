"""The command without a shell: `generate`, then its pictures as arrays. Run as a module by worker.py."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from gpt4o_image.gateway.config import load_config
from gpt4o_image.generation import generate
from gpt4o_image.outcome import Outcome
from gpt4o_image.pictures.batch import Batch, canvas
from gpt4o_image.request import Request

from .worker import serve


def run(home: Path, base_url: str, seed: int, count: str) -> Outcome:
    """One paid call; a new seed, so that nothing comes from the vault."""
    environ = {"GPT4O_IMAGE_BASE_URL": base_url, "AIHUBMIX_API_KEY": "sk-benchmark"}
    request = Request("a red fox", aspect_ratio="2:3", background="transparent", count=count, seed=seed)
    config = load_config(home)
    outcome = generate(request, "aihubmix", config, environ, notify=lambda _: None, cancelled=lambda: False)
    if outcome.error:
        raise outcome.error
    return outcome


def batch_of(outcome: Outcome) -> Batch:
    """Image, rgb and mask, as the node gives them."""
    return canvas([picture.decoded for picture in outcome.pictures])


if __name__ == "__main__":
    folder, url, how = sys.argv[1:]
    its_home, seeds = Path(folder), count()
    actions: dict[str, Callable[[], object]] = {
        "one": lambda: run(its_home, url, next(seeds), "1"),
        "pictures": lambda: run(its_home, url, next(seeds), "2"),
        "arrays": lambda: batch_of(run(its_home, url, next(seeds), "2")),
    }
    serve(actions[how])
