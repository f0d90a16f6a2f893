"""The reference sockets as the graph shows them; frames.py reads what comes in through them."""

from __future__ import annotations

from comfy_api.latest import io

from ..gpt4o_image.request import MAX_FRAMES

References = io.Custom("GPT4O_REFERENCES")


def picture_sockets(name: str, tooltip: str) -> io.Autogrow.Input:
    """Sockets `image_01`, `image_02`, ... that grow as they are used; the names are never shortened."""
    # min=1 with an optional template is the one form that every host from 0.10.0 on draws and accepts empty.
    # Names of one length keep their order in the browser.
    names = [f"image_{number:02}" for number in range(1, MAX_FRAMES + 1)]
    template = io.Autogrow.TemplateNames(io.Image.Input("image", optional=True, tooltip=tooltip), names=names, min=1)
    return io.Autogrow.Input(name, template=template, tooltip=tooltip)
