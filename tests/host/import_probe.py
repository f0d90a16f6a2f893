"""Run by the host's interpreter: loads the pack as ComfyUI does and prints what that did, as one JSON line.

usage: import_probe.py COMFYUI_FOLDER PACK_FOLDER
"""

import asyncio
import importlib.util
import inspect
import json
import os
import sys
import threading
from pathlib import Path

comfyui, pack = sys.argv[1:]
sys.argv = sys.argv[:1]
sys.path.insert(0, comfyui)

# What ComfyUI's nodes.py has loaded long before any pack.
import comfy_api.latest  # noqa: E402, F401, TID251
import numpy  # noqa: E402, F401
import torch  # noqa: E402, F401, TID251

loop = asyncio.new_event_loop()  # has its sockets before anything is watched
phase = None
seen = {"import": [], "entrypoint": []}


WATCHED_FAMILIES = {"socket", "urllib", "subprocess", "_thread", "shutil", "sqlite3", "tempfile"}
WATCHED = {"os.mkdir", "os.remove", "os.rename", "os.system", "os.putenv", "os.exec", "os.posix_spawn"}


def watch(event, args):
    if phase is None:
        return
    if event == "open":
        if not str(args[0]).endswith((".py", ".pyc")):
            seen[phase].append(f"open {args[0]} {args[1]}")
    elif event in WATCHED or event.split(".")[0] in WATCHED_FAMILIES:
        seen[phase].append(event)


def load():
    """nodes.py: load_custom_node."""
    name = pack.replace(".", "_x_")
    path = Path(pack) / "__init__.py"
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=[pack])
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


async def nodes(module):
    extension = module.comfy_entrypoint()
    if asyncio.iscoroutine(extension):
        extension = await extension
    return await extension.get_node_list()


sys.addaudithook(watch)
before = set(sys.modules)
surroundings = (list(sys.path), dict(os.environ), Path.cwd())

phase = "import"
module = load()
phase = None

ours = pack.replace(".", "_x_")
had = {name.split(".")[0] for name in before} | sys.stdlib_module_names
rooms = {name.removeprefix(f"{ours}.gpt4o_image.") for name in sys.modules if name.startswith(f"{ours}.gpt4o_image.")}
loaded = {name.split(".")[0] for name in set(sys.modules) - before if not name.startswith(ours)} - had

phase = "entrypoint"
classes = loop.run_until_complete(nodes(module))
phase = None
loop.close()


VAR_KEYWORD = inspect.Parameter.VAR_KEYWORD  # what no input is called


def parameters(cls):
    return inspect.signature(cls.execute).parameters.values()


def defaults(cls):
    """(of the schema, of execute): what each declares for the widgets, by input."""
    declared = {i.id: i.default for i in cls.define_schema().inputs if getattr(i, "default", None) is not None}
    coded = {p.name: p.default for p in parameters(cls) if p.default not in (p.empty, None)}
    return declared, coded


print(
    json.dumps(
        {
            "loaded": sorted(loaded),
            "rooms": sorted(name for name in rooms if "." in name),
            "seen": seen,
            "threads": [t.name for t in threading.enumerate() if t is not threading.main_thread()],
            "surroundings_kept": surroundings == (list(sys.path), dict(os.environ), Path.cwd()),
            "exports": sorted(name for name in vars(module) if not name.startswith("__")),
            "node_ids": [cls.define_schema().node_id for cls in classes],
            "defaults": [defaults(cls) for cls in classes],
            "inputs": [
                (
                    [i.id for i in cls.define_schema().inputs],
                    [p.name for p in parameters(cls) if p.kind is not VAR_KEYWORD],
                )
                for cls in classes
            ],
        }
    )
)
