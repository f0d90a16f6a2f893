"""Die-cut stickers with true alpha: emblems behind a sign that bears the prompt's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .brushes import Dice, rounded, shadow_of
from .captions import draw_mark, set_caption
from .emblems import emblem, row
from .palettes import Palette, mix
from .words import named

if TYPE_CHECKING:
    from PIL.Image import Image

_BEHIND = 0.12  # of the emblems' height: how much of them the sign hides
_STAR = "\u2b50"


def draw_sticker(words: str, size: tuple[int, int], palette: Palette, dice: Dice, references: Sequence[bytes]) -> Image:
    """The whole picture, RGBA, with straight alpha."""
    from PIL import Image

    width, height = size
    unit = min(size)
    pad, mark_px = round(unit * 0.05), max(6, round(unit * 0.018))
    room = (round(width * 0.84) - 2 * pad, round(height * 0.5) - 2 * pad - mark_px)
    caption = set_caption(words, references, palette, room, round(unit * 0.078))
    wide, tall = max(caption.width + 2 * pad, round(unit * 0.4)), caption.height + 2 * pad + mark_px
    above = min(round(unit * 0.46), round((height * 0.86 - tall) / (1 - _BEHIND)))
    emblems = row(named("subjects", words), (round(width * 0.66), above), palette, dice)
    above = round(emblems.height * (1 - _BEHIND))
    top = (height - tall - above) // 2 + above
    art = Image.new("RGBA", size, (*palette.paper, 0))
    for x in (-1, 1):
        for y in (0.1, 0.4, 0.7):
            star = emblem(_STAR, max(4, round(unit * dice.uniform(0.04, 0.09))))
            middle = width / 2 + x * (emblems.width / 2 + unit * dice.uniform(0.06, 0.1))
            art.alpha_composite(star, (round(middle - star.width / 2), max(0, round(top - above * (1 - y)))))
    art.alpha_composite(emblems, ((width - emblems.width) // 2, max(0, top - above)))
    for edge, color in ((0, palette.accent), (max(1, round(unit * 0.011)), palette.paper)):
        inner = (wide - 2 * edge, tall - 2 * edge)
        art.paste(color, ((width - wide) // 2 + edge, top + edge), rounded(inner, unit * 0.04 - edge))
    caption.draw(art, (width - caption.width) // 2, top + pad, palette.ink, centred=True)
    draw_mark(art, (width / 2, top + tall - pad * 0.45 - mark_px / 2), mark_px, palette)
    return _die_cut(art, unit, palette)


def _die_cut(art: Image, unit: int, palette: Palette) -> Image:
    """White border and soft shadow round the art's own alpha."""
    from PIL import Image

    border = shadow_of(art.getchannel("A"), unit * 0.016, 1).point([max(0, min(255, (a - 16) * 6)) for a in range(256)])
    alpha = Image.new("L", art.size)
    alpha.paste(shadow_of(border, unit * 0.018, 0.42), (0, round(unit * 0.014)))
    picture = Image.new("RGBA", art.size, mix(palette.ink, (0, 0, 0), 0.4))
    picture.putalpha(alpha)
    white = Image.new("RGBA", art.size, (255, 255, 255))
    white.putalpha(border)
    picture.alpha_composite(white)
    picture.alpha_composite(art)
    return picture
