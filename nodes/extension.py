"""The list of nodes, and the routes of the browser side."""

from __future__ import annotations

import logging

from comfy_api.latest import ComfyExtension, io

from ..gpt4o_image.home import PACK_ROOT
from . import host
from .generate import Generate
from .images_api import ImagesAPI
from .installation import folder_problem, twin_problem
from .load_result import LoadResult
from .prompts import Prompts
from .references import PrepareReferences
from .routes import add_routes


class NothingMore(ComfyExtension):
    """Of a second copy of the pack: the nodes of the first stay as they are."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return []


class Extension(ComfyExtension):
    """GPT-4o Image for ComfyUI."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [Generate, ImagesAPI, PrepareReferences, LoadResult, Prompts]


async def comfy_entrypoint() -> ComfyExtension:
    """Called by ComfyUI once the pack is imported."""
    logger = logging.getLogger(__name__)
    if problem := twin_problem(PACK_ROOT, host.pack_of("GPT4oImage_Generate")):
        logger.error("GPT-4o Image: %s", problem)
        return NothingMore()
    if problem := folder_problem(PACK_ROOT.name):
        logger.warning("GPT-4o Image: %s", problem)
    if server := host.server():
        _add_routes(server)
    return Extension()


def _add_routes(server: object) -> None:
    """Without them only the sidebar is missing; the nodes and ComfyUI go on."""
    try:
        add_routes(server)
    except Exception as error:  # noqa: BLE001 - a fork's server may be built in any way
        logging.getLogger(__name__).warning("GPT-4o Image: no routes for the browser side: %r", error)
