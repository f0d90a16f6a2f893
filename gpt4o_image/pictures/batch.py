"""Decoded pictures as what the nodes give out: batches of floats, previews. Knows neither torch nor files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .bleed import bleed
from .decode import Decoded
from .pixels import Floats, Pixels
from .workers import workers

if TYPE_CHECKING:
    from PIL import Image

_CHECKER = (0xCC, 0x99)  # light and dark squares of a preview
_CHECKER_PX = 16


@dataclass(frozen=True, eq=False)
class Batch:
    """What a node gives out, float32, 0..1, of equal B, H and W.

    `image` [B,H,W,3|4], `rgb` [B,H,W,3] with colours bled under the transparent part, `mask` [B,H,W] = 1 - alpha
    (as LoadImage: ComfyUI v0.33.0 nodes.py:1785). An opaque batch has `rgb is image`. `mixed` says that sizes
    differed, so that some pictures have empty space around them.
    """

    image: Floats
    rgb: Floats
    mask: Floats
    mixed: bool


def canvas(pictures: Sequence[Decoded]) -> Batch:
    """The pictures as one batch, in order.

    Different sizes are centred, unresampled, on the largest width by the largest height, transparent around;
    an opaque picture beside a transparent one gets alpha 1. Values are `byte / 255`, to the bit as LoadImage's.
    Raises ValueError when there is no picture.
    """
    if not pictures:
        raise ValueError("a batch needs at least one picture")
    count = len(pictures)
    width = max(picture.width for picture in pictures)
    height = max(picture.height for picture in pictures)
    mixed = any((picture.width, picture.height) != (width, height) for picture in pictures)
    if not mixed and all(picture.mode == "RGB" for picture in pictures):
        image = np.empty((count, height, width, 3), np.float32)
        for picture, frame in zip(pictures, image, strict=True):
            _to_floats(picture.pixels, frame)
        return Batch(image, image, np.zeros((count, height, width), np.float32), mixed)

    image = np.empty((count, height, width, 4), np.float32)
    rgb = np.empty((count, height, width, 3), np.float32)
    mask = np.empty((count, height, width), np.float32)

    def fill(index: int) -> None:
        rgba = _centred(pictures[index].pixels, width, height)
        _to_floats(bleed(rgba), rgb[index])  # first: what it needs for itself is gone before the rest is filled
        _to_floats(rgba, image[index])
        np.subtract(1, image[index, ..., 3], out=mask[index])

    workers.map(fill, range(count))  # numpy and Pillow free the GIL
    return Batch(image, rgb, mask, mixed)


def flatten(pixels: Pixels, colour: tuple[int, int, int] | None = None) -> Pixels:
    """[H,W,3|4] uint8 laid over `colour`, or over a light and dark checker: [H,W,3] uint8."""
    if pixels.shape[2] == 3:
        return pixels
    rows, columns = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
    squares = (rows // _CHECKER_PX + columns // _CHECKER_PX) % 2
    ground = np.array(_CHECKER, np.int32)[squares][..., None] if colour is None else np.array(colour, np.int32)
    alpha = pixels[..., 3:].astype(np.int32)
    return ((pixels[..., :3] * alpha + ground * (255 - alpha) + 127) // 255).astype(np.uint8)


def preview(pixels: Pixels, longest_side_px: int = 512) -> Image.Image:
    """A small RGB Pillow image of `pixels` [H,W,3|4] uint8; what is transparent shows a checker."""
    return workers.map(lambda each: _previewed(each, longest_side_px), [pixels])[0]


def _previewed(pixels: Pixels, longest_side_px: int) -> Image.Image:
    from PIL import Image

    small = Image.fromarray(pixels)
    # The gap lets it average whole squares of pixels first, which is half the work.
    small.thumbnail((longest_side_px, longest_side_px), reducing_gap=1.0)
    return Image.fromarray(flatten(np.asarray(small)))


def _centred(pixels: Pixels, width: int, height: int) -> Pixels:
    """`pixels` [h,w,3|4] as [height,width,4], transparent black around."""
    if pixels.shape == (height, width, 4):
        return pixels
    top, left = (height - pixels.shape[0]) // 2, (width - pixels.shape[1]) // 2
    placed = np.zeros((height, width, 4), np.uint8)
    middle = placed[top : top + pixels.shape[0], left : left + pixels.shape[1]]
    middle[..., 3] = 255
    middle[..., : pixels.shape[2]] = pixels
    return placed


def _to_floats(pixels: Pixels, out: Floats) -> None:
    # Divided, not multiplied by 1/255: that is as fast and gives LoadImage's values to the last bit.
    np.divide(pixels, np.float32(255), out=out)
