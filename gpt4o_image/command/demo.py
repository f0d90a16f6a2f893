"""`gpt4o-image demo`: the main job in one command, in a real ComfyUI, or the same picture without one."""

from __future__ import annotations

import argparse
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..gateway.config import HOME_VARIABLE, SIMULATOR, Config, load_config
from ..home import PACK_ROOT, home, user_path
from ..picture_files import check_folder, save_new
from ..request import MAX_SEED, Request
from ..vault.opening import open_vault
from . import output
from .comfyui import HOW_TO_ADD, ComfyUI, find_comfyui
from .interrupt import stop_on_ctrl_c
from .progress_bar import ProgressBar

if TYPE_CHECKING:
    from .headless import ComfyUIServer

# What the workflow asks for too.
PROMPT = "A die-cut sticker of a friendly red fox holding a paper lantern, bold shapes, soft shadow"
WORKFLOW = PACK_ROOT / "example_workflows" / "01 Sticker with a transparent background.json"


class DemoFailed(Exception):
    """The workflow failed, in the words of its node, with whether anything was billed."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options, each with its default."""
    parser.add_argument(
        "--gateway",
        default=SIMULATOR,
        metavar="NAME",
        help=f"{SIMULATOR} (free), aihubmix (paid) or a profile of config.toml; default: %(default)s",
    )
    parser.add_argument(
        "--out", type=user_path, default=Path(), metavar="DIR", help="the folder for the picture; default: this one"
    )


def run(options: argparse.Namespace) -> int:
    """Prints the picture's path. Raises GPT4oImageError; a workflow's failure is printed."""
    check_folder(options.out)
    config = load_config(home(os.environ))
    if config.problem:
        output.log(f"warning: {config.problem.message}")
    with stop_on_ctrl_c() as stop, ProgressBar("preparing") as bar:
        try:
            path = _picture(options, config, bar, stop.is_set)
        except DemoFailed as error:
            output.log(f"error: {error}{_last_call(config) if stop.is_set() else ''}")
            return 130 if stop.is_set() else 1
    output.show(str(path))
    return 0


def _last_call(config: Config) -> str:
    """What the vault knows of the call that was interrupted."""
    newest = open_vault(config, os.environ).results(1)
    return f". Result {newest[0].id}, billed: {newest[0].billed}." if newest else ""


def _picture(options: argparse.Namespace, config: Config, bar: ProgressBar, cancelled: Callable[[], bool]) -> Path:
    comfyui = find_comfyui(PACK_ROOT, os.environ) if WORKFLOW.exists() else None
    if problem := _why_without(comfyui):
        output.log(problem)
    if comfyui is None or problem:
        return _without_host(options, config, bar, cancelled)
    return _with_host(comfyui, options, config, bar, cancelled)


def _why_without(comfyui: ComfyUI | None) -> str | None:
    if comfyui is None:
        return f"No ComfyUI was found, so this picture is made without one. To see it in ComfyUI: {HOW_TO_ADD}."
    try:
        from .headless import how_to_install, missing_modules
    except ModuleNotFoundError:
        return "The registry's package cannot start a ComfyUI, so this picture is made without one. A git checkout can."
    if missing := missing_modules(comfyui):
        return (
            f"The ComfyUI in {comfyui.path} lacks {', '.join(missing)}, so this picture is made without it. "
            f"To add them: {how_to_install(comfyui)}."
        )
    return None


def _with_host(
    comfyui: ComfyUI,
    options: argparse.Namespace,
    config: Config,
    bar: ProgressBar,
    cancelled: Callable[[], bool],
) -> Path:
    from .headless import HeadlessComfyUI, failure
    from .workflow import to_prompt

    workflow = json.loads(WORKFLOW.read_text("utf-8"))
    bar.step("starting ComfyUI")
    output.log(f"Starting ComfyUI {comfyui.version} in {comfyui.path} ...")
    env = {HOME_VARIABLE: str(config.path.parent)}
    with HeadlessComfyUI(comfyui, {"gpt4o-image": PACK_ROOT}, env=env, cancelled=cancelled) as server:
        graph = to_prompt(workflow, server.object_info())
        for node in graph.values():
            if node["class_type"] == "GPT4oImage_Generate":
                # A seed of its own: a picture from the vault would not show how it is made.
                node["inputs"] |= {"gateway": options.gateway, "seed": secrets.randbelow(MAX_SEED)}
        output.log(f"Running {WORKFLOW.stem} with the gateway {options.gateway} ...")
        finished = _watched(server, server.submit(graph), config.timeout_s + 60, bar, cancelled)
        if problem := failure(finished):
            raise DemoFailed(problem)
        return save_new(options.out, ".png", server.view(**_first_saved(finished)))


def _watched(
    server: ComfyUIServer, prompt_id: str, timeout_s: float, bar: ProgressBar, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """The finished prompt. Cancel is passed on to ComfyUI, whose node then ends with what was paid."""
    interrupted = False

    def look() -> None:
        nonlocal interrupted
        if cancelled() and not interrupted:
            server.interrupt()
            interrupted = True
        bar.percent(_percent(server))

    return server.wait(prompt_id, timeout_s, meanwhile=look)


def _percent(server: ComfyUIServer) -> int | None:
    """How far the call of the pack's node is, as the sidebar shows it; None where no call is running."""
    newest = json.loads(server.request("/gpt4o_image/results?limit=1"))["results"]
    return newest[0].get("percent") if newest else None


def _first_saved(finished: Mapping[str, Any]) -> dict[str, str]:
    """The file of the first SaveImage; previews are of type `temp`."""
    for node_output in finished["outputs"].values():
        for image in node_output.get("images", ()):
            if image["type"] == "output":
                return {"filename": image["filename"], "subfolder": image["subfolder"], "folder_type": "output"}
    raise DemoFailed("The workflow ended without a saved picture.")


def _without_host(options: argparse.Namespace, config: Config, bar: ProgressBar, cancelled: Callable[[], bool]) -> Path:
    from ..generation import generate
    from ..pictures.formats import extension

    request = Request(PROMPT, aspect_ratio="1:1", background="transparent", count="1")
    outcome = generate(request, options.gateway, config, os.environ, notify=bar.show, cancelled=cancelled, reuse=False)
    if outcome.error:
        raise outcome.error
    picture = outcome.pictures[0]
    return save_new(options.out, extension(picture.decoded.mime), picture.data)
