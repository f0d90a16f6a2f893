"""The inputs, sockets and outputs that several nodes share, each declared once."""

from __future__ import annotations

from comfy_api.latest import io

from ..gpt4o_image.gateway.config import Config, config_or_default
from ..gpt4o_image.request import ARTIST_NAMES, BACKGROUNDS, MAX_FRAMES, MAX_SEED
from . import host


def config_for_choices() -> Config:
    """The config behind the combos. A broken file must not take the pack away: it is reported when a node runs."""
    return config_or_default(host.home())[0]


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
        tooltip="Said in the prompt. transparent gives a picture with an alpha channel.",
    )


def seed() -> io.Int.Input:
    return io.Int.Input(
        "seed",
        default=0,
        min=0,
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
    )


def artist_names() -> io.Combo.Input:
    return io.Combo.Input(
        "artist_names",
        options=list(ARTIST_NAMES),
        default="stop",
        tooltip="The gateway bills and refuses living artists' names: stop before sending, "
        "send with a warning, or do not look.",
    )


References = io.Custom("GPT4O_REFERENCES")


def picture_sockets(name: str, tooltip: str) -> io.Autogrow.Input:
    """Sockets `image_01`, `image_02`, ... that grow as they are used; the names are never shortened."""
    # min=1 with an optional template is the one form that every host from 0.10.0 on draws and accepts empty.
    # Names of one length keep their order in the browser.
    names = [f"image_{number:02}" for number in range(1, MAX_FRAMES + 1)]
    template = io.Autogrow.TemplateNames(io.Image.Input("image", optional=True, tooltip=tooltip), names=names, min=1)
    return io.Autogrow.Input(name, template=template, tooltip=tooltip)


def outputs() -> list[io.Output]:
    """The four outputs of every node that gives pictures, in their fixed order."""
    return [
        io.Image.Output("image", tooltip="RGBA where a picture has real transparency, else RGB."),
        io.Image.Output("rgb", tooltip="Always RGB; colours bled under the transparent part, for upscalers and VAE."),
        io.Mask.Output("mask", tooltip="1 = transparent, as LoadImage gives it; zeros for an opaque picture."),
        io.String.Output("report", tooltip="What came and what it cost, as JSON."),
    ]
