"""What both kinds of picture carry: the words, the strip of references below them, the "simulated" mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .lettering import Block, draw_block, fit, load
from .palettes import Color, Palette
from .thumbnails import strip

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

_MARK = "simulated"
_MAX_LINES = 9


@dataclass(frozen=True)
class Caption:
    """Words and thumbnails laid out one below the other; sizes in pixels, 0 when there is nothing to show."""

    block: Block
    thumbnails: Image | None
    gap: int

    @property
    def width(self) -> int:
        """Of the wider of the two."""
        return max(self.block.width, self.thumbnails.width if self.thumbnails else 0)

    @property
    def height(self) -> int:
        """Of both and the gap between them."""
        below = self.thumbnails.height if self.thumbnails else 0
        return self.block.height + below + (self.gap if below and self.block.lines else 0)

    def draw(self, image: Image, left: int, top: int, fill: Color, *, centred: bool) -> None:
        """Place both into the box of `width` x `height` at (left, top)."""
        from PIL import ImageDraw

        inset = (self.width - self.block.width) // 2 if centred else 0
        draw_block(ImageDraw.Draw(image), self.block, left + inset, top, fill, centred=centred)
        if self.thumbnails:
            inset = (self.width - self.thumbnails.width) // 2 if centred else 0
            foot = top + self.height - self.thumbnails.height
            image.paste(self.thumbnails, (left + inset, foot), self.thumbnails)


def set_caption(
    text: str, references: Sequence[bytes], palette: Palette, room: tuple[int, int], largest: int
) -> Caption:
    """Lay out legible text and the references in at most `room` (width, height); the type is <= `largest` px.

    Never smaller than 6 px: in a tiny room the caption is higher than asked for.
    """
    width, height = room
    gap = round(largest * 0.6)
    thumbnails = strip(references, width, round(largest * 2), palette) if references else None
    left_over = height - (thumbnails.height + gap if thumbnails else 0)
    smallest = max(6, round(largest * 0.32))
    block = fit(text, width, max(1, left_over), largest=largest, smallest=smallest, max_lines=_MAX_LINES)
    return Caption(block, thumbnails, gap)


def draw_mark(draw: ImageDraw, middle: tuple[float, float], size_px: int, fill: Color) -> None:
    """Write the mark around `middle`; every simulated picture bears it, so that none passes for a real one."""
    draw.text(middle, _MARK, font=load(size_px), fill=fill, anchor="mm")


def mark_width(size_px: int) -> int:
    """The width of the mark in pixels."""
    return round(load(size_px).getlength(_MARK))
