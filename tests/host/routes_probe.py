"""Run by the host's interpreter: what the pack's entrypoint does with servers of several kinds, as one JSON line.

usage: routes_probe.py COMFYUI_FOLDER PACK_FOLDER
"""

import asyncio
import importlib.util
import json
import logging
import sys
import types
from pathlib import Path

comfyui, pack = sys.argv[1:]
sys.argv = sys.argv[:1]
sys.path.insert(0, comfyui)

from aiohttp import web  # noqa: E402

warnings = []
logging.getLogger().addHandler(
    type("Keep", (logging.Handler,), {"emit": lambda _, r: warnings.append(r.getMessage())})()
)


def load(name):
    """nodes.py: load_custom_node. Each name is a copy of its own."""
    spec = importlib.util.spec_from_file_location(name, Path(pack) / "__init__.py", submodule_search_locations=[pack])
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


async def enter(*modules):
    return [[node.__name__ for node in await (await module.comfy_entrypoint()).get_node_list()] for module in modules]


def with_server(server, *modules):
    """(nodes, warnings) of each entrypoint while `server` is ComfyUI's."""
    warnings.clear()
    sys.modules["server"] = types.SimpleNamespace(PromptServer=server)
    nodes = asyncio.run(enter(*modules))
    return {"nodes": nodes, "warnings": list(warnings)}


first, second = load("first_copy"), load("second_copy")
table = web.RouteTableDef()
twice = with_server(types.SimpleNamespace(instance=types.SimpleNamespace(routes=table)), first, first, second)
web.Application().add_routes(table)  # refuses a route that is there twice
print(
    json.dumps(
        {
            "twice": twice | {"routes": [f"{route.method} {route.path}" for route in table]},
            "no_instance": with_server(types.SimpleNamespace(), first),
            "no_routes": with_server(types.SimpleNamespace(instance=types.SimpleNamespace()), first),
        }
    )
)
