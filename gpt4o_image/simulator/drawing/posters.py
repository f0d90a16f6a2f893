"""A scene with emblems in it, and the prompt's words on a card at its foot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .brushes import Dice, rounded, shadow_of
from .captions import draw_mark, set_caption
from .emblems import row
from .palettes import Color, Palette
from .scenes import backdrop
from .words import named

if TYPE_CHECKING:
    from PIL.Image import Image


def draw_poster(words: str, size: tuple[int, int], palette: Palette, dice: Dice, references: Sequence[bytes]) -> Image:
    """The whole picture, RGB. A scene that the words name stands alone where they name no subject."""
    subjects, scenes = named("subjects", words), named("scenes", words)
    image = backdrop(next(iter(scenes), None), palette, size, dice)
    width, height = size
    unit = min(size)
    room = (round(width * 0.82), round(height * 0.42))
    caption = set_caption(words, references, palette, room, round(unit * 0.068))
    if subjects or not scenes:
        art = row(subjects, (round(width * 0.84), round(unit * 0.56)), palette, dice)
        left = round((width - art.width) / 2 + dice.uniform(-0.04, 0.04) * unit)
        _place(image, art, (left, round(((height - caption.height) * 0.9 - art.height) / 2)))
    if caption.height:
        ground, ink = (palette.paper, palette.ink) if dice.random() < 0.5 else (palette.near, palette.paper)
        pad, left, top = round(unit * 0.05), (width - caption.width) // 2, height - caption.height - round(unit * 0.11)
        box = (left - pad, top - pad, left + caption.width + pad, top + caption.height + pad)
        _place(image, _pane(image, box, ground), box[:2])
        caption.draw(image, left, top, ink, centred=True)
    draw_mark(image, (width - unit * 0.09, unit * 0.045), round(unit * 0.022), palette)
    return image


def _place(image: Image, art: Image, corner: tuple[int, int]) -> None:
    """Paste RGBA art with a soft shadow."""
    from PIL import Image

    unit = min(image.size)
    alpha = Image.new("L", image.size)
    alpha.paste(art.getchannel("A"), (corner[0], corner[1] + unit // 60))
    image.paste((0, 0, 0), (0, 0, *image.size), shadow_of(alpha, unit * 0.02, 0.4))
    image.paste(art, corner, art)


def _pane(image: Image, box: tuple[int, int, int, int], color: Color) -> Image:
    """Frosted glass over this box of the picture, RGBA."""
    from PIL import Image, ImageFilter

    unit = min(image.size)
    pane = image.crop(box).filter(ImageFilter.GaussianBlur(unit * 0.03))
    pane = Image.blend(pane, Image.new("RGB", pane.size, color), 0.8)
    pane.putalpha(rounded(pane.size, unit * 0.045))
    return pane
