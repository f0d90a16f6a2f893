"""A real ComfyUI for benchmarks: with the probe, and with a client that hears when which node runs."""

from __future__ import annotations

import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import websocket

from gpt4o_image.command.comfyui import HOW_TO_ADD, ComfyUI, find_comfyui
from gpt4o_image.command.headless import HeadlessComfyUI, failure, how_to_install, missing_modules

from .memory import peak_bytes

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).parent / "probe"
ROUTE = "/gpt4o_image_benchmark"
ASKED = {
    "prompt": "a red fox",
    "model": "gpt-4o-image-vip",
    "aspect_ratio": "2:3",
    "background": "transparent",
    "count": "2",
    "gateway": "aihubmix",
    "artist_names": "stop",
}


class NoComfyUI(Exception):
    """There is none, or it lacks what the pack needs: says so."""


class Step(NamedTuple):
    """A node begins, or with node None the prompt is over."""

    at: float
    node: str | None


@dataclass
class Host:
    """A running server and its process id."""

    server: HeadlessComfyUI
    pid: int

    @property
    def version(self) -> str:
        return self.server.comfyui.version

    def probe(self, what: str) -> Any:
        """What the probe tells: `lags` or `loads`."""
        return json.loads(self.server.request(f"{ROUTE}/{what}"))

    def forget(self) -> None:
        """Frees the results of earlier prompts, which ComfyUI keeps; waits until its memory has settled."""
        self.server.request("/free", {"free_memory": True, "unload_models": True})
        held, before = peak_bytes(self.pid, reset=True), 0
        while held != before:
            time.sleep(1)
            held, before = peak_bytes(self.pid, reset=True), held

    def run(self, graph: Mapping[str, Any]) -> list[Step]:
        """A prompt to its end; when its nodes began, on time.monotonic()."""
        (steps,) = self._run([graph])
        return steps

    def queue(self, graphs: Sequence[Mapping[str, Any]]) -> float:
        """Prompts that wait for each other: the seconds from the first that is queued to the end of the last."""
        started = time.monotonic()
        return self._run(graphs)[-1][-1].at - started

    def _run(self, graphs: Sequence[Mapping[str, Any]]) -> list[list[Step]]:
        client = uuid.uuid4().hex
        address = f"{self.server.origin.replace('http', 'ws', 1)}/ws?clientId={client}"
        with closing(websocket.create_connection(address, timeout=120)) as socket:
            prompts = [self.server.submit(dict(graph), client) for graph in graphs]
            steps = [list(_steps(socket, prompt_id)) for prompt_id in prompts]
        for prompt_id in prompts:
            if trouble := failure(self.server.wait(prompt_id)):
                raise RuntimeError(trouble)
        return steps


def _steps(socket: websocket.WebSocket, prompt_id: str) -> Iterator[Step]:
    while True:
        message = socket.recv()
        at = time.monotonic()
        if not isinstance(message, str):
            continue
        said = json.loads(message)
        if said["type"] == "execution_start":
            yield Step(at, "start")
        if said["type"] == "executing" and said["data"].get("prompt_id") == prompt_id:
            yield Step(at, said["data"]["node"])
            if said["data"]["node"] is None:
                return


def comfyui() -> ComfyUI:
    """The one of this machine, fit for the pack. Raises NoComfyUI."""
    found = find_comfyui(ROOT, os.environ)
    if found is None:
        raise NoComfyUI(f"no ComfyUI here: {HOW_TO_ADD}")
    if missing := missing_modules(found):
        raise NoComfyUI(f"its Python lacks {', '.join(missing)}: {how_to_install(found)}")
    return found


@contextmanager
def host(base_url: str = "", packs: Mapping[str, Path] | None = None, **environ: str) -> Iterator[Host]:
    """A ComfyUI with the probe and `packs`, by default this one, whose gateway is `base_url`."""
    packs = {"gpt4o-image": ROOT} if packs is None else packs
    with tempfile.TemporaryDirectory() as home:
        env = {"GPT4O_IMAGE_HOME": home, "GPT4O_IMAGE_BASE_URL": base_url, "AIHUBMIX_API_KEY": "sk-benchmark"}
        env["PYTHONDONTWRITEBYTECODE"] = ""  # as on a user's machine: compiled once, then read
        with HeadlessComfyUI(comfyui(), {**packs, "benchmark_probe": PROBE}, env={**env, **environ}) as server:
            started = Host(server, 0)
            started.pid = started.probe("loads")["pid"]
            yield started


def generate(seed: int, **inputs: str) -> dict[str, Any]:
    """A Generate node; a new seed, so that nothing comes from the vault."""
    return {"class_type": "GPT4oImage_Generate", "inputs": {"seed": seed, **ASKED, **inputs}}


def shown(node: str, output: int = 3) -> dict[str, Any]:
    """An output node for one output of another."""
    return {"class_type": "PreviewAny", "inputs": {"source": [node, output]}}


def ran_s(steps: list[Step], node: str) -> float:
    """Seconds from the beginning of `node` to whatever came next."""
    index = next(place for place, step in enumerate(steps) if step.node == node)
    return steps[index + 1].at - steps[index].at
