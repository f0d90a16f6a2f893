"""The list of nodes."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .generate import Generate
from .load_result import LoadResult


class Extension(ComfyExtension):
    """GPT-4o Image for ComfyUI."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [Generate, LoadResult]


async def comfy_entrypoint() -> Extension:
    """What ComfyUI calls once the pack is imported."""
    return Extension()
