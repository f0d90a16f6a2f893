"""The outputs that every node which gives pictures has; pictures.py fills them."""

from __future__ import annotations

from comfy_api.latest import io


def outputs() -> list[io.Output]:
    """The four outputs of every node that gives pictures, in their fixed order."""
    return [
        io.Image.Output("image", tooltip="RGBA where a picture has real transparency, else RGB."),
        io.Image.Output("rgb", tooltip="Always RGB; colours bled under the transparent part, for upscalers and VAE."),
        io.Mask.Output("mask", tooltip="1 = transparent, as LoadImage gives it; zeros for an opaque picture."),
        io.String.Output("report", tooltip="What came and what it cost, as JSON."),
    ]
