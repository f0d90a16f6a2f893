"""One generation of two transparent 1024x1536 pictures, against a bare script, the gateway answering at once.

The bare script (bare.py) takes one picture after the other; `at_once` is the same with a thread for each. `core` is
what the command runs (core.py), `arrays` adds what only the node makes of it: image, bled rgb and mask as float32.
Each is a process of its own, they take turns. The node runs in a real ComfyUI, timed from its `executing` message to
the next, and is held against the bare script in ComfyUI's own Python. `first` is the first generation of a process,
with all its imports. Peaks are of whole processes; the node's is what ComfyUI's memory grows by.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from .rig.figures import Report
from .rig.gateway import Gateway
from .rig.host import Host, NoComfyUI, comfyui, generate, host, ran_s, shown
from .rig.memory import peak_bytes
from .rig.worker import Worker

ROUNDS = 15
GOALS = {
    "core.time_to_bare": (1.15, True),
    "core.peak_to_bare": (1.15, True),
    "node.time_to_bare": (1.15, True),
    "node.peak_to_bare": (1.15, True),
}


def measure(*, quick: bool = False) -> Report:
    rounds = 2 if quick else ROUNDS
    with Gateway() as gateway:
        report = core(gateway.base_url, rounds)
        try:
            return report | node(gateway.base_url, rounds)
        except NoComfyUI as why:
            return report | {"node": str(why)}


def core(base_url: str, rounds: int) -> Report:
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        workers = {
            "bare": Worker(sys.executable, "bare", base_url, "one_by_one"),
            "at_once": Worker(sys.executable, "bare", base_url, "at_once"),
            "core": Worker(sys.executable, "core", home, base_url, "pictures"),
            "arrays": Worker(sys.executable, "core", home, base_url, "arrays"),
        }
        for worker in workers.values():
            stack.enter_context(worker)
        report, medians, peaks = in_turns(workers, rounds)
    return report | {
        "core.time_to_bare": medians["core"] / medians["bare"],
        "core.peak_to_bare": peaks["core"] / peaks["bare"],
        "arrays.time_to_bare": medians["arrays"] / medians["bare"],
        "arrays.time_to_at_once": medians["arrays"] / medians["at_once"],
        "arrays.peak_to_bare": peaks["arrays"] / peaks["bare"],
    }


def in_turns(workers: Mapping[str, Worker], rounds: int) -> tuple[Report, dict[str, float], dict[str, float]]:
    """(what is told, median seconds, peak in MB); the first go of each is not among the medians."""
    firsts = {name: worker.round()["seconds"] for name, worker in workers.items()}
    goes = [{name: worker.round() for name, worker in workers.items()} for _ in range(rounds)]
    medians = {name: median(go[name]["seconds"] for go in goes) for name in workers}
    peaks = {name: goes[-1][name]["peak_mb"] for name in workers}
    report: Report = {}
    for name in workers:
        report |= {
            f"{name}.first_ms": firsts[name] * 1e3,
            f"{name}.time_ms": medians[name] * 1e3,
            f"{name}.cpu_ms": median(go[name]["cpu_seconds"] for go in goes) * 1e3,
            f"{name}.peak_mb": peaks[name],
        }
    return report, medians, peaks


def node(base_url: str, rounds: int) -> Report:
    with (
        Worker(comfyui().python, "bare", base_url, "one_by_one") as bare,
        host(base_url) as running,
    ):
        first = one(running, 0)
        bare.round()
        times: list[float] = []
        bares: list[float] = []
        for number in range(1, rounds + 1):
            times.append(one(running, number))
            bares.append(bare.round()["seconds"])
        took, bare_took = median(times), median(bares)
        report: Report = {
            "comfyui": running.version,
            "node.bare_ms": bare_took * 1e3,
            "node.first_ms": first * 1e3,
            "node.time_ms": took * 1e3,
            "node.time_to_bare": took / bare_took,
        }
        if Path("/proc/self/clear_refs").exists():
            report |= grown(running, bare, rounds + 1)
    return report


def grown(running: Host, bare: Worker, number: int) -> Report:
    """How far above what it held before a process goes in one more generation. None keeps an earlier result."""
    running.forget()
    before = peak_bytes(running.pid, reset=True)
    one(running, number)
    peak = (peak_bytes(running.pid) - before) / 1e6
    bare_peak = bare.round()["grown_mb"]
    return {"node.bare_grown_mb": bare_peak, "node.grown_mb": peak, "node.peak_to_bare": peak / bare_peak}


def one(running: Host, seed: int) -> float:
    return ran_s(running.run({"1": generate(seed), "2": shown("1")}), "1")
