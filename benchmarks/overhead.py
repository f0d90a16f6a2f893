"""One generation of two transparent 1024x1536 pictures, against a bare script, the gateway answering at once.

The bare script (bare.py) takes one picture after the other; `at_once` is the same with a thread for each. `core` is
what the command runs (core.py), `arrays` adds what only the node makes of it: image, bled rgb and mask as float32.
Each is a process of its own, they take turns. The node runs in a real ComfyUI, timed from its `executing` message to
the next, and is held against the bare script in ComfyUI's own Python; `busy` is the same while another process keeps
one core busy. `first` is the first generation of a process, with the imports that it needs. Peaks are of whole
processes; the node's is what ComfyUI's memory grows by.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from .rig.figures import Report
from .rig.gateway import Gateway
from .rig.host import Host, NoComfyUI, comfyui, generate, host, ran_s, shown
from .rig.memory import peak_bytes
from .rig.worker import Worker

ROUNDS = 15
FIRSTS = 3  # servers and scripts, each of them new
GOALS = {
    "core.time_to_bare": (1.15, True),
    "core.peak_to_bare": (1.15, True),
    "node.time_to_bare": (1.15, True),
    "node.busy_time_to_bare": (1.15, True),
    "node.first_to_bare": (1.5, True),
    "node.peak_to_bare": (1.15, True),
}


def measure(*, quick: bool = False) -> Report:
    rounds = 2 if quick else ROUNDS
    with Gateway() as gateway:
        report = core(gateway.base_url, rounds)
        try:
            return report | node(gateway.base_url, rounds) | first(gateway.base_url, 1 if quick else FIRSTS)
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
        one(running, 0)
        bare.round()
        took, bare_took = against_bare(running, bare, range(1, rounds + 1))
        with one_core_busy():
            busy, bare_busy = against_bare(running, bare, range(rounds + 1, 2 * rounds + 1))
        report: Report = {
            "comfyui": running.version,
            "node.bare_ms": bare_took * 1e3,
            "node.time_ms": took * 1e3,
            "node.time_to_bare": took / bare_took,
            "node.busy_bare_ms": bare_busy * 1e3,
            "node.busy_time_ms": busy * 1e3,
            "node.busy_time_to_bare": busy / bare_busy,
        }
        if Path("/proc/self/clear_refs").exists():
            report |= grown(running, bare, 2 * rounds + 1)
    return report


def against_bare(running: Host, bare: Worker, seeds: range) -> tuple[float, float]:
    """Median seconds of the node and of the bare script, which take turns."""
    turns = [(one(running, seed), bare.round()["seconds"]) for seed in seeds]
    return median(took for took, _ in turns), median(took for _, took in turns)


@contextmanager
def one_core_busy() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


def first(base_url: str, times: int) -> Report:
    """The first generation of new servers, against that of new scripts."""
    turns: list[tuple[float, float]] = []
    for _ in range(times):
        with Worker(comfyui().python, "bare", base_url, "one_by_one") as bare, host(base_url) as running:
            turns.append((one(running, 0), bare.round()["seconds"]))
    return {
        "node.bare_first_ms": median(took for _, took in turns) * 1e3,
        "node.first_ms": median(took for took, _ in turns) * 1e3,
        "node.first_to_bare": median(took / bare_took for took, bare_took in turns),
    }


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
