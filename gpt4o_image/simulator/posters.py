"""A scene with the prompt's words on it: on a frosted card, or set freely over the shaded foot of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .brushes import Box
from .captions import Caption, draw_mark, mark_width, set_caption
from .palettes import Color, Palette, mix
from .scenes import Scene, backdrop

if TYPE_CHECKING:
    from PIL.Image import Image

STYLES = 3
_LIGHT_CARD, _HEADLINE, _DARK_CARD = range(STYLES)


def draw_poster(
    text: str,
    size: tuple[int, int],
    palette: Palette,
    scene: Scene,
    style: int,
    dice: np.random.Generator,
    references: Sequence[bytes],
) -> Image:
    """The whole picture, RGB. `style` 0..2 chooses the composition."""
    image = backdrop(scene, palette, size, dice)
    room = (round(size[0] * 0.82), round(size[1] * 0.42))
    caption = set_caption(text, references, palette, room, round(min(size) * 0.068))
    if caption.height and style == _HEADLINE:
        _headline(image, caption, palette)
    elif caption.height:
        _card(image, caption, palette, dark=style == _DARK_CARD)
    _mark(image, palette)
    return image


def _card(image: Image, caption: Caption, palette: Palette, *, dark: bool) -> None:
    width, height = image.size
    unit = min(image.size)
    pad, edge = round(unit * 0.05), round(unit * 0.06)
    wide, tall = caption.width + 2 * pad, caption.height + 2 * pad
    left = edge if dark else (width - wide) // 2
    top = height - tall - edge
    _frost(image, (left, top, left + wide, top + tall), palette.near if dark else palette.paper)
    caption.draw(image, left + pad, top + pad, palette.paper if dark else palette.ink, centred=not dark)


def _headline(image: Image, caption: Caption, palette: Palette) -> None:
    margin = round(min(image.size) * 0.07)
    top = image.height - margin - caption.height
    _shade_foot(image, top, palette)
    caption.draw(image, margin, top, palette.paper, centred=False)


def _frost(image: Image, box: Box, tint: Color) -> None:
    """A pane of frosted glass with a soft shadow."""
    from PIL import Image, ImageDraw, ImageFilter

    wide, tall = box[2] - box[0], box[3] - box[1]
    unit = min(image.size)
    step = max(1, unit // 128)
    small = image.crop(box).reduce(step).filter(ImageFilter.GaussianBlur(4))
    pane = small.resize((wide, tall), Image.Resampling.BICUBIC)
    pane = Image.blend(pane, Image.new("RGB", pane.size, tint), 0.8)
    _drop_shadow(image, box, round(unit * 0.05))
    mask = Image.new("L", (wide * 2, tall * 2))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, wide * 2 - 1, tall * 2 - 1), unit * 0.09, fill=255)
    image.paste(pane, box, mask.reduce(2))


def _drop_shadow(image: Image, box: Box, reach: int) -> None:
    from PIL import Image, ImageDraw, ImageFilter

    step = max(1, reach // 8)
    size = (box[2] - box[0] + 2 * reach, box[3] - box[1] + 2 * reach)
    shadow = Image.new("L", (size[0] // step + 1, size[1] // step + 1))
    inset = (reach / step, reach / step, shadow.width - 1 - reach / step, shadow.height - 1 - reach / step)
    ImageDraw.Draw(shadow).rectangle(inset, fill=100)
    shadow = shadow.filter(ImageFilter.GaussianBlur(reach / step / 3)).resize(size, Image.Resampling.BICUBIC)
    left, top = box[0] - reach, box[1] - reach + reach // 3
    image.paste((0, 0, 0), (left, top, left + size[0], top + size[1]), shadow)


def _shade_foot(image: Image, top: int, palette: Palette) -> None:
    """Darken the picture towards its foot, so that light lettering from row `top` on reads well."""
    from PIL import Image

    width, height = image.size
    fade = min(image.size) * 0.3
    rows = np.arange(height)
    strength = np.interp(rows, [top - fade, top + fade * 0.1, height], [0.0, 0.74, 0.9])
    mask = Image.fromarray((strength * 255).astype(np.uint8)[:, None]).resize((width, height))
    image.paste(mix(palette.near, (0, 0, 0), 0.25), (0, 0, width, height), mask)


def _mark(image: Image, palette: Palette) -> None:
    from PIL import Image, ImageDraw

    unit = min(image.size)
    size_px = max(6, round(unit * 0.02))
    wide, tall = mark_width(size_px) + round(size_px * 1.2), round(size_px * 1.8)
    pill = Image.new("L", (wide * 4, tall * 4))
    ImageDraw.Draw(pill).rounded_rectangle((0, 0, wide * 4 - 1, tall * 4 - 1), tall * 2, fill=105)
    edge = round(unit * 0.025)
    left, top = image.width - wide - edge, edge
    image.paste(palette.ink, (left, top, left + wide, top + tall), pill.reduce(4))
    draw_mark(ImageDraw.Draw(image), (left + wide / 2, top + tall / 2), size_px, palette.paper)
