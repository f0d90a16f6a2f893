"""For benchmarks only, inside ComfyUI: what its event loops and its loading of packs are like.

GET /gpt4o_image_benchmark/lags gives, and forgets, how late the server's loop woke up, and a prompt's where a Watch
runs in it; GET /gpt4o_image_benchmark/loads how long each pack of BENCHMARK_PACKS took to load.
"""

import asyncio
import os
import time
from pathlib import Path

import torch  # noqa: TID251 - these are nodes of the benchmarks, not of the pack
from aiohttp import web
from comfy_api.latest import ComfyExtension, io  # noqa: TID251
from server import PromptServer  # noqa: TID251

import nodes

SAMPLE_S = 0.005
LAGS: dict[str, list[tuple[float, float]]] = {"server": [], "prompt": []}
LOADS: dict[str, dict[str, float]] = {}
TASKS: list[asyncio.Task] = []


async def sample(loop: str, until: float = float("inf")) -> None:
    """(when on time.monotonic(), seconds too late) of sleeps that should take SAMPLE_S."""
    while (started := time.monotonic()) < until:
        await asyncio.sleep(SAMPLE_S)
        ended = time.monotonic()
        LAGS[loop].append((ended, ended - started - SAMPLE_S))


@PromptServer.instance.routes.get("/gpt4o_image_benchmark/lags")
async def lags(_: web.Request) -> web.Response:
    if not TASKS:
        TASKS.append(asyncio.create_task(sample("server")))
    answer = web.json_response({"cpu_s": time.process_time(), **{loop: list(found) for loop, found in LAGS.items()}})
    for found in LAGS.values():
        found.clear()
    return answer


@PromptServer.instance.routes.get("/gpt4o_image_benchmark/loads")
async def loads(_: web.Request) -> web.Response:
    return web.json_response({"pid": os.getpid(), "packs": LOADS})


def schema(name: str) -> io.Schema:
    return io.Schema(
        node_id=f"GPT4oImageBenchmark_{name}",
        category="GPT-4o Image/benchmarks",
        inputs=[io.Float.Input("seconds"), io.Int.Input("seed")],
        outputs=[io.Float.Output()],
    )


class Watch(io.ComfyNode):
    """Measures the loop of its prompt."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema("Watch")

    @classmethod
    async def execute(cls, seconds: float, seed: int) -> io.NodeOutput:  # noqa: ARG003 - a new seed runs it again
        await sample("prompt", time.monotonic() + seconds)
        return io.NodeOutput(seconds)


class Block(io.ComfyNode):
    """Holds its prompt's loop as a sampler on the CPU does: torch at work, Python between its steps."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema("Block")

    @classmethod
    def execute(cls, seconds: float, seed: int) -> io.NodeOutput:  # noqa: ARG003 - a new seed runs it again
        end = time.monotonic() + seconds
        matrix = torch.rand(512, 512)
        while time.monotonic() < end:
            matrix = torch.tanh(matrix @ matrix / 512)
            sum(number * number for number in range(20_000))
        return io.NodeOutput(seconds)


class Extension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        for path in filter(None, os.environ.get("BENCHMARK_PACKS", "").split(os.pathsep)):
            started, cpu_started = time.perf_counter(), time.process_time()
            if not await nodes.load_custom_node(path, module_parent="custom_nodes"):
                raise RuntimeError(f"{Path(path).name} does not load")
            seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
            LOADS[Path(path).name] = {"seconds": seconds, "cpu_seconds": cpu_seconds}
        return [Watch, Block]


async def comfy_entrypoint() -> Extension:
    return Extension()
