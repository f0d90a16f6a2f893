"""A process that makes calls of `generate` in threads, as a server full of nodes does, and may be killed.

Commands come as JSON lines on stdin, what happened goes as JSON lines to stdout. It ends when stdin does: what still
runs is cancelled, and what still downloads is waited for.
"""

import argparse
import ctypes
import gc
import hashlib
import importlib
import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path

from gpt4o_image.gateway.config import Config
from gpt4o_image.generation import generate
from gpt4o_image.request import Request
from gpt4o_image.run_events import Waiting

KEY = "sk-soak-0123456789abcdef"
DRAIN_S = 90.0
# Longer than any deadline. Who waits for the run of a process that was killed would wait for more than a minute.
PATIENCE_S = 25.0
REAL_TIME = time.time


def say(what, **facts):
    os.write(1, json.dumps({"what": what, **facts}).encode() + b"\n")


class Worker:
    def __init__(self, base_url, timeout_s):
        self._environ = {"AIHUBMIX_API_KEY": KEY, "GPT4O_IMAGE_BASE_URL": base_url}
        self._timeout_s = timeout_s
        self._closing = threading.Event()

    def command(self, do, **facts):
        if do == "run":
            # A daemon, as a node's thread is.
            threading.Thread(target=self._run, args=(facts["run"],), name="soak-run", daemon=True).start()
        elif do == "clock":
            set_clock(facts["offset_s"])
        elif do == "measure":
            say("measured", drained=drained(), **measure())

    def close(self):
        self._closing.set()
        say("closed", drained=drained())

    def _run(self, run):
        try:
            outcome = self._outcome(run)
        except BaseException:
            say("raised", run=run["id"], trace=traceback.format_exc())
            return
        error = outcome.error
        say(
            "end",
            run=run["id"],
            status="error" if error else "ok",
            kind=error.kind if error else None,
            billed=error.billed if error else "yes",
            message=str(error) if error else "",
            warnings=outcome.warnings,
            reused=outcome.reused,
            result_id=outcome.result_id,
            waited=run.get("waited", False),
            pictures=[hashlib.sha256(picture.data).hexdigest() for picture in outcome.pictures],
        )

    def _outcome(self, run):
        patience = PATIENCE_S if run["cancel_after_s"] is None else run["cancel_after_s"]
        cancel_at = time.monotonic() + patience
        shape = {"size": "1024x1024"} if run["endpoint"] == "images" else {"aspect_ratio": "1:1"}
        return generate(
            Request(run["prompt"], endpoint=run["endpoint"], **shape),
            "aihubmix",
            Config(Path(run["folder"]) / "config.toml", timeout_s=self._timeout_s),
            self._environ,
            notify=lambda event: run.update(waited=True) if isinstance(event, Waiting) else None,
            cancelled=lambda: self._closing.is_set() or time.monotonic() > cancel_at,
        )


def set_clock(offset_s):
    """Every wall clock that the package reads; the monotonic clock is the system's own."""
    time.time = lambda: REAL_TIME() + offset_s


def ours():
    """All but those that decode, which wait for work as long as the process lives."""
    running = [thread for thread in threading.enumerate() if thread.name.startswith(("soak-", "gpt4o-image"))]
    return [thread for thread in running if not thread.name.startswith("gpt4o-image-pixels")]


def drained():
    """Waits for every run and download to end; the names of those that do not."""
    end = time.monotonic() + DRAIN_S
    while ours() and time.monotonic() < end:
        time.sleep(0.05)
    return [thread.name for thread in ours()]


def measure():
    gc.collect()
    # What glibc keeps of freed pictures is no leak.
    getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)(0)
    status = Path("/proc/self/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return {
        "memory_mib": int(resident.split()[1]) / 1024,
        "threads": len(list(Path("/proc/self/task").iterdir())),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
    }


def limit_files(limit_bytes):
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))


def warm_up():
    """What the first run would import: it takes as long as a run, and would be most of what is killed."""
    for name in ("openai", "requests", "PIL.Image"):
        importlib.import_module(name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("--timeout-s", type=float, required=True)
    parser.add_argument("--largest-file", type=int)
    parser.add_argument("--clock", type=float, default=0.0)
    arguments = parser.parse_args()
    if arguments.largest_file:
        limit_files(arguments.largest_file)
    set_clock(arguments.clock)
    worker = Worker(arguments.base_url, arguments.timeout_s)
    warm_up()
    say("ready")
    for line in sys.stdin:
        worker.command(**json.loads(line))
    worker.close()


if __name__ == "__main__":
    main()
