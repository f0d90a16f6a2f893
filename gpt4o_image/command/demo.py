"""The main job in one command: an example workflow in a real ComfyUI, or the same picture without one."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..gateway.config import HOME_VARIABLE, Config
from ..request import MAX_SEED, Request
from ..vault.files import save_new
from .comfyui import HOW_TO_ADD, ComfyUI, find_comfyui

PACK_ROOT = Path(__file__).parents[2]
# What the workflow asks for too.
PROMPT = "A die-cut sticker of a friendly red fox holding a paper lantern, bold shapes, soft shadow"
WORKFLOW = PACK_ROOT / "example_workflows" / "transparent_sticker.json"


class DemoFailed(Exception):
    """The workflow failed, in the words of the node that did: they say whether anything was billed."""


def demo(gateway: str, folder: Path, config: Config, environ: Mapping[str, str], *, say: Callable[[str], None]) -> Path:
    """The path of the picture that was made. Raises GPT4oImageError, DemoFailed."""
    comfyui = find_comfyui(PACK_ROOT, environ) if WORKFLOW.exists() else None
    if comfyui is None:
        say(f"No ComfyUI was found, so this picture is made without one. To see it in ComfyUI: {HOW_TO_ADD}.")
        return _without_host(gateway, folder, config, environ)
    try:
        from .headless import how_to_install, missing_modules
    except ModuleNotFoundError:
        say(
            "The registry's package cannot start a ComfyUI, a git checkout of the pack can: this picture is made alone."
        )
        return _without_host(gateway, folder, config, environ)
    if missing := missing_modules(comfyui):
        say(f"The ComfyUI in {comfyui.path} lacks {', '.join(missing)}, so this picture is made without it. "
            f"To add them: {how_to_install(comfyui)}.")  # fmt: skip
        return _without_host(gateway, folder, config, environ)
    return _with_host(comfyui, gateway, folder, config, say)


def _with_host(comfyui: ComfyUI, gateway: str, folder: Path, config: Config, say: Callable[[str], None]) -> Path:
    from .headless import HeadlessComfyUI, failure
    from .workflow import to_prompt

    workflow = json.loads(WORKFLOW.read_text("utf-8"))
    say(f"Starting ComfyUI {comfyui.version} in {comfyui.path} ...")
    env = {HOME_VARIABLE: str(config.path.parent)}
    with HeadlessComfyUI(comfyui, {"gpt4o-image": PACK_ROOT}, env=env) as server:
        graph = to_prompt(workflow, server.object_info())
        for node in graph.values():
            if node["class_type"] == "GPT4oImage_Generate":
                # A seed of its own: a picture out of the vault would show nothing of the way here.
                node["inputs"] |= {"gateway": gateway, "seed": secrets.randbelow(MAX_SEED)}
        say(f"Running {WORKFLOW.stem} with the gateway {gateway} ...")
        entry = server.wait(server.submit(graph), timeout_s=config.timeout_s + 60)
        if problem := failure(entry):
            raise DemoFailed(problem)
        return save_new(folder, ".png", server.view(**_first_saved(entry)))


def _first_saved(entry: Mapping[str, Any]) -> dict[str, str]:
    """The file of the first SaveImage; previews are of type `temp`."""
    for output in entry["outputs"].values():
        for image in output.get("images", ()):
            if image["type"] == "output":
                return {"filename": image["filename"], "subfolder": image["subfolder"], "folder_type": "output"}
    raise DemoFailed("The workflow ended without a saved picture.")


def _without_host(gateway: str, folder: Path, config: Config, environ: Mapping[str, str]) -> Path:
    from ..generation import generate
    from ..pictures.formats import extension

    request = Request(PROMPT, aspect_ratio="1:1", background="transparent", count="1")
    outcome = generate(
        request,
        gateway,
        config,
        environ,
        notify=lambda _: None,
        cancelled=lambda: False,
        reuse=False,
    )
    if outcome.error:
        raise outcome.error
    picture = outcome.pictures[0]
    return save_new(folder, extension(picture.decoded.mime), picture.data)
