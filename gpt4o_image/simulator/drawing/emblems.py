"""Coloured emblems of what a prompt names, out of a font, and a rosette where it names nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .brushes import Dice
from .palettes import Palette, mix
from .words import lexicon

if TYPE_CHECKING:
    from PIL.Image import Image

FONT = Path(__file__).with_name("fonts") / "FluentEmblems.ttf"
FIRST_GLYPH = 0xE000  # fonts/README.md: a glyph for each subject of words.json, in its order
_TILT = 6.0  # degrees to either side
_CLEAR = (255, 255, 255, 0)  # white bleeds into the edges where a picture is reduced or turned


def emblem(subject: str, side: int) -> Image:
    """One subject of words.json, named by its emoji; RGBA, cropped to its ink, at most `side` pixels each way."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(FONT), max(2, round(side * 1.6)), layout_engine=ImageFont.Layout.BASIC)
    character = chr(FIRST_GLYPH + list(lexicon()["subjects"]).index(subject))
    art = Image.new("RGBA", (side * 2, side * 2), _CLEAR)
    ImageDraw.Draw(art).text((side, side), character, font=font, anchor="mm", embedded_color=True)
    return art.crop(art.getbbox()).reduce(2)


def row(subjects: Sequence[str], room: tuple[int, int], palette: Palette, dice: Dice) -> Image:
    """Emblems side by side in about `room` (width, height), each a little tilted; a rosette for none. RGBA."""
    from PIL import Image

    side = max(8, min(room[1], room[0] // max(1, len(subjects))))
    drawn = [emblem(subject, side) for subject in subjects] or [rosette(side, palette, dice)]
    tilts = dice.uniform(-_TILT, _TILT, len(drawn))
    drawn = [art.rotate(tilt, Image.Resampling.BICUBIC, True) for art, tilt in zip(drawn, tilts, strict=True)]
    sheet = Image.new("RGBA", (sum(art.width for art in drawn), max(art.height for art in drawn)), _CLEAR)
    left = 0
    for art in drawn:
        sheet.paste(art, (left, sheet.height - art.height))
        left += art.width
    return sheet


def rosette(side: int, palette: Palette, dice: Dice) -> Image:
    """A neutral emblem: rings of petals around a disc, another one for each throw of the dice. RGBA."""
    from PIL import Image, ImageDraw

    art = Image.new("RGBA", (side * 2, side * 2), (*palette.paper, 0))
    draw = ImageDraw.Draw(art)

    def dot(x: float, y: float, radius: float, color: tuple[int, int, int]) -> None:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)

    petals, turn = int(dice.integers(6, 13)), dice.uniform(0, math.tau)
    colors = (palette.accent, palette.light, mix(palette.middle, palette.accent, 0.35), palette.near)
    for ring, color in enumerate(colors):
        reach = side * (0.72 - 0.17 * ring)
        radius = reach * dice.uniform(0.9, 1.1) * math.sin(math.pi / petals) * 1.15
        for petal in range(petals):
            angle = turn + (petal + ring / 2) * math.tau / petals
            dot(side + reach * math.cos(angle), side + reach * math.sin(angle), radius, color)
        dot(side, side, reach, color)
    dot(side, side, side * 0.14, palette.light)
    return art.reduce(2)
