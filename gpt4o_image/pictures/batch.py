"""Decoded pictures as what the nodes give out: batches of floats, previews. Knows neither torch nor files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .bleed import Planes, bled, spread, strips_of, weigh
from .decode import Decoded
from .formats import PictureTooLarge
from .opening import MAX_PIXELS
from .pixels import Floats, Pixels
from .scale import fitted
from .workers import workers

if TYPE_CHECKING:
    from PIL import Image

MAX_BATCH_PIXELS = 2 * MAX_PIXELS  # 4 GB as floats

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
    Raises ValueError when there is no picture, PictureTooLarge for more than MAX_BATCH_PIXELS.
    """
    if not pictures:
        raise ValueError("a batch needs at least one picture")
    width = max(picture.width for picture in pictures)
    height = max(picture.height for picture in pictures)
    shape = (len(pictures), height, width)
    if len(pictures) * width * height > MAX_BATCH_PIXELS:
        most = f"a batch may have {MAX_BATCH_PIXELS // 10**6} megapixels"
        raise PictureTooLarge(f"{len(pictures)} pictures on a canvas of {width} x {height} are too large; {most}.")
    mixed = any((picture.width, picture.height) != (width, height) for picture in pictures)
    transparent = mixed or any(picture.mode == "RGBA" for picture in pictures)
    images = [_placed(picture.image, width, height) if transparent else picture.image for picture in pictures]
    if transparent:
        return Batch(*_split(images, shape), mixed)
    image = np.empty((*shape, 3), np.float32)
    workers.map(lambda strip: _to_floats(strip.rows(), image[strip.place]), _strips(images))
    return Batch(image, image, np.zeros(shape, np.float32), mixed)


def flatten(pixels: Pixels, colour: tuple[int, int, int]) -> Pixels:
    """[H,W,3|4] uint8 laid over `colour`: [H,W,3] uint8."""
    if pixels.shape[2] == 3:
        return pixels
    ground = np.array(colour, np.int32)
    alpha = pixels[..., 3:].astype(np.int32)
    return ((pixels[..., :3] * alpha + ground * (255 - alpha) + 127) // 255).astype(np.uint8)


def preview(image: Image.Image, longest_side_px: int = 512) -> Image.Image:
    """A small copy of `image` (RGB or RGBA) in RGB; what is transparent shows a checker."""
    return workers.map(lambda each: _previewed(each, longest_side_px), [image])[0]


def _previewed(image: Image.Image, longest_side_px: int) -> Image.Image:
    from PIL.Image import Resampling

    width, height = size = fitted(image.size, longest_side_px)
    small = image
    if min(image.width / width, image.height / height) >= 2:  # every pixel would be a third more work than decoding
        small = image.resize((2 * width, 2 * height), Resampling.NEAREST).reduce(2)
    elif size != image.size:
        small = image.resize(size, Resampling.BICUBIC)
    if small.mode == "RGB":
        return small
    flat = _checker(size)
    flat.paste(small, mask=small)
    return flat


def _checker(size: tuple[int, int]) -> Image.Image:
    """Light and dark squares, RGB."""
    from PIL import Image

    rows, columns = np.ogrid[: size[1], : size[0]]
    squares = (rows // _CHECKER_PX + columns // _CHECKER_PX) % 2
    return Image.fromarray(np.array(_CHECKER, np.uint8)[squares]).convert("RGB")


def _split(images: Sequence[Image.Image], shape: tuple[int, int, int]) -> tuple[Floats, Floats, Floats]:
    """RGBA images of one size as image, rgb and mask."""
    image, rgb, mask = (np.empty((*shape, *rest), np.float32) for rest in ((4,), (3,), ()))
    strips = _strips(images)
    count = len(strips) // len(images)

    def look(strip: _Strip) -> tuple[Pixels, Planes]:
        rows = strip.rows()
        return rows, weigh(rows)

    looked = workers.map(look, strips)
    rows = [each for each, _ in looked]

    def spread_in(index: int) -> Image.Image:
        own = slice(index * count, (index + 1) * count)
        return spread([sums for _, sums in looked[own]], lambda: [weigh(each, faint=True) for each in rows[own]])

    def separate(number: int) -> None:
        part = strips[number].place
        _to_floats(rows[number], image[part])
        _to_floats(rows[number][..., 3], mask[part])  # sooner than from `image`, which is four times the bytes
        np.subtract(1, mask[part], out=mask[part])

    def colour(number: int) -> None:
        strip = strips[number]
        _to_floats(bled(rows[number], strip.part.start, colours[strip.index].result()), rgb[strip.place])

    colours = [workers.submit(partial(spread_in, index)) for index in range(len(images))]
    workers.map(separate, range(len(strips)))
    workers.map(colour, range(len(strips)))
    return image, rgb, mask


@dataclass(frozen=True)
class _Strip:
    """Some rows of one of several images."""

    image: Image.Image
    index: int
    part: slice  # of the rows

    @property
    def place(self) -> tuple[int, slice]:
        """Where it belongs in arrays [B,H,...]."""
        return self.index, self.part

    def rows(self) -> Pixels:
        """[h,W,3|4]"""
        return np.asarray(self.image.crop((0, self.part.start, self.image.width, self.part.stop)))


def _strips(images: Sequence[Image.Image]) -> list[_Strip]:
    """The strips of all `images`, of the first one first."""
    return [
        _Strip(image, index, part)
        for index, image in enumerate(images)
        for part in strips_of(image.height, image.width)
    ]


def _placed(image: Image.Image, width: int, height: int) -> Image.Image:
    """`image` as RGBA in the middle of `width` x `height`, transparent black around."""
    from PIL import Image

    if image.size == (width, height):
        return image if image.mode == "RGBA" else image.convert("RGBA")
    placed = Image.new("RGBA", (width, height))
    placed.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
    return placed


def _to_floats(rows: Pixels, out: Floats) -> None:
    # Divided, not multiplied by 1/255: that is as fast and gives LoadImage's values to the last bit.
    np.divide(rows, np.float32(255), out=out)
