"""The part of a soak that goes through a real ComfyUI: its own home, one prompt after the other, some interrupted."""

import json
import threading
import time
import uuid
from pathlib import Path
from random import Random

import plan
from worker import KEY

from gpt4o_image.command.comfyui import find_comfyui
from gpt4o_image.command.headless import HeadlessComfyUI, failure, missing_modules
from gpt4o_image.errors import GPT4oImageError

ROOT = Path(__file__).parents[2]
WARM_UP_RUNS = 5
MOST_THREADS = MOST_DESCRIPTORS = 4
SETTLE_S = 20.0


def find(environ):
    """The ComfyUI to use, None where there is none that can load the pack."""
    found = find_comfyui(ROOT, environ)
    return None if found is None or missing_modules(found) else found


class HostPart:
    def __init__(self, comfyui, seed, gateway, events, folder):
        self.folder = folder
        self.runs = []
        self._dice = Random(f"{seed} comfyui")
        self._plan = plan.Plan(f"{seed} comfyui")
        self._events = events
        env = {"GPT4O_IMAGE_HOME": str(folder), "GPT4O_IMAGE_BASE_URL": gateway.base_url, "AIHUBMIX_API_KEY": KEY}
        folder.mkdir()
        (folder / "config.toml").write_text("timeout_s = 12\n")
        (folder / "config.toml").chmod(0o600)
        self._server = HeadlessComfyUI(comfyui, {"gpt4o-image": ROOT}, env=env)
        self._server.__enter__()
        self._stop = threading.Event()
        self._levels = []
        self._broken = []
        self._thread = threading.Thread(target=self._go, daemon=True)

    @property
    def version(self):
        return self._server.comfyui.version

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()
        try:
            self._run(plan.Run(self._number(), f"soak the last one {uuid.uuid4().hex}", "", "host"))
            self._levels.append(self._measure())
            self._server.system_stats()
        except (OSError, GPT4oImageError, AssertionError) as error:
            self._broken.append(f"the server does not answer: {error!r}")
        self._server.stop()

    def _number(self):
        return f"comfyui {len(self.runs)}"

    def _go(self):
        try:
            while not self._stop.is_set():
                for run in self._plan.next_runs():
                    prompt = run.prompt.replace("soak", "soak comfyui", 1)
                    self._run(plan.Run(self._number(), prompt, run.scenario, "host", run.endpoint, run.cancel_after_s))
                if len(self.runs) >= WARM_UP_RUNS and not self._levels:
                    self._levels.append(self._measure())
        except Exception as error:
            self._broken.append(repr(error))

    def _run(self, run):
        self.runs.append(run)
        prompt_id = self._server.submit(graph_of(run))
        if run.cancel_after_s is not None:
            time.sleep(run.cancel_after_s)
            self._server.interrupt()
        entry = self._server.wait(prompt_id, 120)
        self._events.add({"what": "end", "run": run.id, **end_of(entry)})

    def _measure(self):
        """Once what was cancelled has ended: the least of some seconds."""
        process = Path("/proc", str(self._server._process.pid))
        end = time.monotonic() + SETTLE_S
        seen = []
        while time.monotonic() < end:
            seen.append([len(list((process / name).iterdir())) for name in ("task", "fd")])
            time.sleep(0.5)
        return [min(numbers) for numbers in zip(*seen, strict=True)]

    def judge(self, verdict):
        if len(self._levels) < 2:
            verdict.say("ComfyUI is as it was", [*self._broken, "never measured twice"], f"{len(self.runs)} runs")
            return
        (threads, descriptors), (threads_after, descriptors_after) = self._levels[0], self._levels[-1]
        broken = list(self._broken)
        if threads_after - threads > MOST_THREADS or descriptors_after - descriptors > MOST_DESCRIPTORS:
            broken.append("it holds on to more and more")
        levels = f"threads {threads} -> {threads_after}, descriptors {descriptors} -> {descriptors_after}"
        verdict.say(f"ComfyUI {self.version} answers and is as it was", broken, f"{len(self.runs)} runs, {levels}")


def graph_of(run):
    inputs = {"prompt": run.prompt, "model": "gpt-4o-image-vip", "background": "auto", "seed": 0}
    inputs |= {"gateway": "aihubmix", "artist_names": "stop"}
    if run.endpoint == "images":
        node = {"class_type": "GPT4oImage_ImagesAPI", "inputs": {**inputs, "size": "1024x1024", "n": 1}}
    else:
        node = {"class_type": "GPT4oImage_Generate", "inputs": {**inputs, "aspect_ratio": "1:1", "count": "auto"}}
    report = {"class_type": "PreviewAny", "inputs": {"source": ["1", 3]}}
    return {"1": node, "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}, "3": report}


def end_of(entry):
    """A finished prompt in the words of a worker. What failed says less here: an error dialog has no result id."""
    words, messages = failure(entry), entry["status"]["messages"]
    if words is None:
        report = json.loads("".join(entry["outputs"]["3"]["text"]))
        told = {name: report[name] for name in ("warnings", "reused", "result_id")}
        # ComfyUI itself may have kept the result, and then shows the first one's report again.
        told["reused"] |= any(name == "execution_cached" and "1" in data["nodes"] for name, data in messages)
        return {"status": "ok", "kind": None, "billed": "yes", "message": "", **told}
    kind = "cancelled" if words == "interrupted" else "failed"
    # Whether it was sent is not asked of the dialog's words: at most one POST, as for a killed one.
    return {
        "status": "error",
        "kind": kind,
        "billed": "unknown",
        "message": words,
        "warnings": [],
        "reused": False,
        "result_id": "?",
    }
