"""The list of nodes."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .generate import Generate
from .images_api import ImagesAPI
from .load_result import LoadResult
from .references import PrepareReferences


class Extension(ComfyExtension):
    """GPT-4o Image for ComfyUI."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [Generate, ImagesAPI, PrepareReferences, LoadResult]


async def comfy_entrypoint() -> Extension:
    """What ComfyUI calls once the pack is imported."""
    return Extension()
