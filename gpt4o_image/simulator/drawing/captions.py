"""Draws what both kinds of picture carry: the words, the strip of references below them, the "simulated" mark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .lettering import Block, draw_block, fit, legible, load
from .palettes import Color, Palette, mix
from .thumbnails import strip

if TYPE_CHECKING:
    from PIL.Image import Image

_MARK = "simulated"
_MAX_LINES = 9


class Caption(NamedTuple):
    """Words and thumbnails laid out one below the other; sizes in pixels, 0 when there is nothing to show."""

    block: Block
    thumbnails: Image | None
    width: int
    height: int

    def draw(self, image: Image, left: int, top: int, fill: Color, *, centred: bool) -> None:
        """Place both into the box of `width` x `height` at (left, top)."""
        from PIL import ImageDraw

        inset = (self.width - self.block.width) // 2 if centred else 0
        draw_block(ImageDraw.Draw(image), self.block, left + inset, top, fill, centred=centred)
        if self.thumbnails:
            inset = (self.width - self.thumbnails.width) // 2 if centred else 0
            image.paste(self.thumbnails, (left + inset, top + self.height - self.thumbnails.height), self.thumbnails)


def set_caption(
    words: str, references: Sequence[bytes], palette: Palette, room: tuple[int, int], largest: int
) -> Caption:
    """Lay out what is legible of the words, and the references, in at most `room` (width, height).

    The type is <= `largest` px and >= 6 px: in a tiny room the caption is higher than asked for.
    """
    thumbnails = strip(references, room[0], round(largest * 2), palette) if references else None
    below = thumbnails.height + round(largest * 0.6) if thumbnails else 0
    smallest = max(6, round(largest * 0.32))
    sizes = range(smallest, max(smallest, largest) + 1)
    block = fit(legible(words), room[0], max(1, room[1] - below), sizes, _MAX_LINES)
    height = block.height + below if block.lines or not thumbnails else thumbnails.height
    return Caption(block, thumbnails, max(block.width, thumbnails.width if thumbnails else 0), height)


def draw_mark(image: Image, middle: tuple[float, float], size_px: int, palette: Palette) -> None:
    """Write the mark around `middle`; every simulated picture bears it, so that none passes for a real one."""
    from PIL import ImageDraw

    grey, font = mix(palette.paper, palette.ink, 0.5), load(max(6, size_px))
    ImageDraw.Draw(image).text(middle, _MARK, grey, font, "mm", stroke_width=size_px // 6, stroke_fill=palette.paper)
