"""Die-cut stickers with true alpha: a creature behind a sign that bears the prompt's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .captions import Caption, draw_mark, set_caption
from .creatures import Creature, Pen
from .palettes import Color, Palette, mix

if TYPE_CHECKING:
    from PIL.Image import Image

_PEEK = 0.5  # of the head's radius: how far its centre is above the sign's edge


@dataclass(frozen=True)
class _Sign:
    """The sign's box on the canvas and the radius of the head above it, pixels."""

    left: int
    top: int
    right: int
    bottom: int
    radius: float

    @property
    def head(self) -> tuple[float, float]:
        """The centre of the head."""
        return (self.left + self.right) / 2, self.top - _PEEK * self.radius


def draw_sticker(
    text: str,
    size: tuple[int, int],
    palette: Palette,
    creature: Creature,
    dice: np.random.Generator,
    references: Sequence[bytes],
) -> Image:
    """The whole picture, RGBA, with straight alpha."""
    from PIL import Image, ImageDraw

    width, height = size
    unit = min(size)
    pad, mark_px = round(unit * 0.055), max(6, round(unit * 0.018))
    radius = min(width * 0.28, height * 0.225)
    above = radius * (_PEEK + creature.reach)
    room = (round(width * 0.86) - 2 * pad, round(height * 0.88 - above) - 2 * pad - mark_px)
    caption = set_caption(text, references, palette, room, round(unit * 0.078))
    sign = _sign(size, caption, pad, mark_px, radius, creature.reach)
    art = Image.new("RGBA", (width * 2, height * 2), (*palette.paper, 0))
    _draw_art(art, sign, palette, creature, dice)
    art = art.reduce(2)
    caption.draw(art, (width - caption.width) // 2, sign.top + pad, palette.ink, centred=True)
    faint = mix(palette.paper, palette.ink, 0.5)
    draw_mark(ImageDraw.Draw(art), (width / 2, sign.bottom - pad * 0.45 - mark_px / 2), mark_px, faint)
    return _die_cut(art, unit, palette)


def _sign(size: tuple[int, int], caption: Caption, pad: int, mark_px: int, radius: float, reach: float) -> _Sign:
    """Sign and creature in the middle of the canvas; the creature gives way when the caption needs the room."""
    tall = max(caption.height, round(radius * 0.5)) + 2 * pad + mark_px
    radius = max(1, min(radius, (size[1] * 0.88 - tall) / (_PEEK + reach)))
    wide = max(caption.width + 2 * pad, round(radius * 2.4))
    left = (size[0] - wide) // 2
    top = round((size[1] - tall + radius * (_PEEK + reach)) / 2)
    return _Sign(left, top, left + wide, top + tall, radius)


def _draw_art(art: Image, sign: _Sign, palette: Palette, creature: Creature, dice: np.random.Generator) -> None:
    """Everything without lettering, on a canvas twice as large as the picture."""
    from PIL import ImageDraw

    draw, radius = ImageDraw.Draw(art), 2 * sign.radius
    pen = Pen(draw, (2 * sign.head[0], 2 * sign.head[1]), radius)
    margin = 0.06 * min(art.size)
    bounds = ((art.width / 2 - margin) / radius, (margin - pen.origin[1]) / radius)
    _sparkles(pen, palette, bounds, -creature.reach, dice)
    creature.draw(pen, _PEEK, palette)
    box = (2 * sign.left, 2 * sign.top, 2 * sign.right, 2 * sign.bottom)
    edge = max(1, round(radius * 0.055))
    draw.rounded_rectangle(box, radius * 0.17, fill=palette.paper, outline=palette.accent, width=edge)
    creature.draw_paws(pen, _PEEK)


def _sparkles(pen: Pen, palette: Palette, bounds: tuple[float, float], peak: float, dice: np.random.Generator) -> None:
    """Stars and dots on both sides of the head, up to its peak, within the bounds (widest, highest)."""
    colors = (palette.accent, mix(palette.accent, palette.light, 0.5), palette.middle)
    for side in (-1, 1):
        for index, color in enumerate(colors):
            size = dice.uniform(0.08, 0.17)
            x = side * min(dice.uniform(1.18, 1.42), bounds[0] - size)
            y = max(0.1 + (peak - 0.1) * index / 2 + dice.uniform(-0.1, 0.1), bounds[1] + size)
            if dice.random() < 0.35:
                pen.disc(x, y, size * 0.45, size * 0.45, color)
            else:
                _star(pen, x, y, size, color)


def _star(pen: Pen, x: float, y: float, size: float, color: Color) -> None:
    ring = [(0, -1), (0.3, -0.3), (1, 0), (0.3, 0.3), (0, 1), (-0.3, 0.3), (-1, 0), (-0.3, -0.3)]
    pen.shape([(x + size * dx, y + size * dy) for dx, dy in ring], color, size * 0.12)


def _die_cut(art: Image, unit: int, palette: Palette) -> Image:
    """White border and soft shadow round the art's own alpha."""
    from PIL import Image, ImageFilter

    step = 2 if unit >= 256 else 1
    border = art.getchannel("A").reduce(step).filter(ImageFilter.GaussianBlur(unit * 0.016 / step))
    border = border.point([max(0, min(255, (level - 16) * 6)) for level in range(256)])
    border = border.resize(art.size, Image.Resampling.BICUBIC)
    step = max(1, unit // 256)
    shadow = border.reduce(step).filter(ImageFilter.GaussianBlur(unit * 0.018 / step))
    shadow = shadow.point([round(level * 0.42) for level in range(256)])
    shadow = shadow.resize((art.width, art.height), Image.Resampling.BICUBIC)
    alpha = Image.new("L", art.size)
    alpha.paste(shadow, (0, round(unit * 0.014)))
    picture = Image.new("RGBA", art.size, mix(palette.ink, (0, 0, 0), 0.4))
    picture.putalpha(alpha)
    white = Image.new("RGBA", art.size, (255, 255, 255))
    white.putalpha(border)
    picture.alpha_composite(white)
    picture.alpha_composite(art)
    return picture
