"""How long bytes wait: a link from its closing bracket on the wire to its download's request, the pictures' last byte
to the result. Both ends of the first are read off in the gateway, the result's time in the process that has it.

One transparent picture of 1024x1536 a call; the decoding of that picture, which nothing can do without, is given beside
it. The answer takes half a second: `burst` is the same where all of it comes at once, so that a link has to wait until
the hundred pieces before it are read. `disk_ms` is how long this machine's disk takes to keep a few bytes for good
(fsync): a link is on disk before it is fetched, a picture before it is decoded.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from .rig.figures import Report, percentile
from .rig.gateway import Gateway, Note
from .rig.host import NoComfyUI, generate, host, shown
from .rig.worker import Worker

ROUNDS = 25
SPEED = 20.0  # the documented answer takes 9.2 s at speed 1
GOALS = {
    "core.link_to_request_ms": (10.0, True),
    "node.link_to_request_ms": (10.0, True),
}


def measure(*, quick: bool = False) -> Report:
    rounds = 3 if quick else ROUNDS
    report: Report = {"disk_ms": disk_s(rounds) * 1e3}
    with Gateway() as gateway:
        report |= core("burst", gateway, rounds)
    with Gateway(SPEED) as gateway:
        report |= core("core", gateway, rounds)
        try:
            return report | node(gateway, rounds)
        except NoComfyUI as why:
            return report | {"node": str(why)}


def core(name: str, gateway: Gateway, rounds: int) -> Report:
    with tempfile.TemporaryDirectory() as home, Worker(sys.executable, "core", home, gateway.base_url, "one") as worker:
        worker.round()
        gateway.notes()
        told = [(worker.round()["ended"], gateway.notes()) for _ in range(rounds)]
    return waits(name, told)


def node(gateway: Gateway, rounds: int) -> Report:
    told: list[tuple[float, list[Note]]] = []
    with host(gateway.base_url) as running:
        for seed in range(rounds + 1):
            steps = running.run({"1": generate(seed, count="1"), "2": shown("1")})
            told.append((next(step.at for step in steps if step.node == "2"), gateway.notes()))
        version = running.version
    return {"comfyui": version, **waits("node", told[1:])}


def waits(name: str, told: list[tuple[float, list[Note]]]) -> Report:
    """Medians, and for the link the slowest of twenty too. `told`: when a result was there, what the gateway noted."""
    links: list[float] = []
    results: list[float] = []
    for ended, notes in told:
        at = {note.what: note.at for note in notes}
        links.append((at["get"] - at["link"]) * 1e3)
        results.append((ended - at["sent"]) * 1e3)
    return {
        f"{name}.link_to_request_ms": median(links),
        f"{name}.link_to_request_p95_ms": percentile(links, 95),
        f"{name}.last_byte_to_result_ms": median(results),
    }


def disk_s(rounds: int) -> float:
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "file").open("wb") as file:
        taken: list[float] = []
        for _ in range(rounds):
            file.write(b"a few bytes")
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - started)
    return median(taken)
