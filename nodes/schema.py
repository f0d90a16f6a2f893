"""The inputs, sockets and outputs that several nodes share, each declared once, and which inputs a node knows."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from comfy_api.latest import io

from ..gpt4o_image.errors import GPT4oImageError
from ..gpt4o_image.gateway.config import Config, load_config
from ..gpt4o_image.request import ARTIST_NAMES, BACKGROUNDS, MAX_FRAMES, MAX_SEED, MIN_SEED
from . import host

ON_FAILURE = ("stop", "skip")
# Names of one length keep their order in the browser.
SOCKETS = tuple(f"image_{number:02}" for number in range(1, MAX_FRAMES + 1))
# Growing inputs: in a prompt their sockets are named `references.image_01`.
GROUPS = ("references", "images")

_ALIASES = [
    "openai", "chatgpt", "dall-e", "text to image", "image to image", "edit", "transparent", "sticker", "aihubmix",
    "gpt-image",
]  # fmt: skip


def found_by(*more: str) -> dict[str, Any]:
    """Other words for a node in the search, as a field of io.Schema where this ComfyUI has it (0.11.0 and later)."""
    known = {field.name for field in dataclasses.fields(io.Schema)}
    return {"search_aliases": [*_ALIASES, *more]} if "search_aliases" in known else {}


def config_for_choices() -> Config:
    """The config behind the combos. A broken file must not take the pack away: it is reported when a node runs."""
    return load_config(host.home())


def prompt() -> io.String.Input:
    return io.String.Input("prompt", multiline=True, tooltip="What to draw, in any language.")


def prompt_problem(value: str | None) -> str | None:
    """What is wrong with a prompt before it is queued; None for a linked one, which is not known yet."""
    if value is not None and not value.strip():
        return "The prompt is empty. Write what the picture should show."
    return None


def model(config: Config) -> io.Combo.Input:
    return io.Combo.Input(
        "model",
        options=config.models(),
        default="gpt-4o-image-vip",
        tooltip="vip: 0.009 US dollars a call, faster and steadier; plain: 0.005.",
    )


def background() -> io.Combo.Input:
    return io.Combo.Input(
        "background",
        options=list(BACKGROUNDS),
        default="auto",
        tooltip="Written into the prompt. transparent gives a picture with an alpha channel.",
    )


def seed() -> io.Int.Input:
    return io.Int.Input(
        "seed",
        default=0,
        min=MIN_SEED,
        max=MAX_SEED,
        control_after_generate=True,
        tooltip="Not sent: the models have no seed. A new value buys a new picture.",
    )


def gateway(config: Config) -> io.Combo.Input:
    return io.Combo.Input(
        "gateway",
        options=config.gateway_names(),
        default="default",
        tooltip="Where the call goes. simulator is free and draws test pictures.",
        advanced=True,
    )


def artist_names() -> io.Combo.Input:
    return io.Combo.Input(
        "artist_names",
        options=list(ARTIST_NAMES),
        default="stop",
        tooltip="The gateway bills and refuses living artists' names: stop before sending, "
        "send with a warning, or do not check.",
        advanced=True,
    )


def on_failure() -> io.Combo.Input:
    return io.Combo.Input(
        "on_failure",
        options=list(ON_FAILURE),
        default="stop",
        optional=True,  # a prompt that was written without it still runs
        tooltip="stop: a failure is an error. skip: the node gives no picture and the workflow goes on without it, "
        "so that the other prompts of a list are not held up; the report has the failure.",
        advanced=True,
    )


References = io.Custom("GPT4O_REFERENCES")


def picture_sockets(name: str, tooltip: str, *, optional: bool = False) -> io.Autogrow.Input:
    """Sockets `image_01`, `image_02`, ... that grow as they are used; the names are never shortened.

    None of them must be connected either way: `optional` only places them after the optional inputs before them.
    """
    # min=1 with an optional template is the one form that every host from 0.10.0 on draws and accepts empty.
    image = io.Image.Input("image", optional=True, tooltip=tooltip)
    return io.Autogrow.Input(
        name,
        template=io.Autogrow.TemplateNames(image, names=list(SOCKETS), min=1),
        optional=optional,
        tooltip=tooltip,
    )


def outputs() -> list[io.Output]:
    """The four outputs of every node that gives pictures, in their fixed order."""
    return [
        io.Image.Output("image", tooltip="RGBA where a picture has real transparency, else RGB."),
        io.Image.Output("rgb", tooltip="Always RGB; colours bled under the transparent part, for upscalers and VAE."),
        io.Mask.Output("mask", tooltip="1 = transparent, as LoadImage gives it; zeros for an opaque picture."),
        io.String.Output("report", tooltip="What came and what it cost, as JSON."),
    ]


def hidden() -> list[io.Hidden]:
    """What a node is given besides its inputs: its id, the prompt that it is in, and the browser's workflow."""
    return [io.Hidden.unique_id, io.Hidden.dynprompt, io.Hidden.extra_pnginfo]


def check_names(node: type[io.ComfyNode]) -> None:
    """Raises `bad_request` for an input in the running prompt that `node` does not have.

    ComfyUI drops such an input silently, nested sockets (`references: {"image_01": ..}`) too, and the call would be
    paid for without it. The node's inputs are the parameters of its `execute`.
    """
    known = _names_of(node)
    for name in host.input_names(node.hidden):
        if name not in known:
            raise GPT4oImageError("bad_request", f'The node has no input "{name}". {_advice(name, known)}')


def _names_of(node: type[io.ComfyNode]) -> list[str]:
    parameters = inspect.signature(node.execute).parameters.values()
    names = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
    sockets = [f"{name}.{socket}" for name in names if name in GROUPS for socket in SOCKETS]
    return [name for name in names if name not in GROUPS] + sockets


def _advice(name: str, known: Iterable[str]) -> str:
    group = next((each.partition(".")[0] for each in known if "." in each), None)
    if group and (name.partition(".")[0] in GROUPS or name.startswith("image")):
        return f"Connect pictures to {group}.{SOCKETS[0]} up to {group}.{SOCKETS[-1]}. Nothing was sent."
    close = get_close_matches(name, known, n=1)
    return (f'Did you mean "{close[0]}"? ' if close else "Remove it. ") + "Nothing was sent."
