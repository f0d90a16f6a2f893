"""The creatures of the stickers, in units of their own head: centre (0, 0), reach 1 to the side, y downwards."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .brushes import bar
from .palettes import Color, Palette, mix

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_DARK: Color = (52, 42, 48)
_PALE: Color = (255, 255, 255)
_BLUSH: Color = (246, 150, 150)


@dataclass(frozen=True)
class Pen:
    """Draws in head units onto a canvas; y grows downwards."""

    draw: ImageDraw
    origin: tuple[float, float]
    scale: float

    def disc(self, x: float, y: float, wide: float, tall: float, color: Color) -> None:
        """An ellipse by its centre and half axes."""
        self.draw.ellipse(self._box(x, y, wide, tall), fill=color)

    def slab(self, x: float, y: float, wide: float, tall: float, corner: float, color: Color) -> None:
        """A rounded rectangle by its centre and half sides."""
        bar(self.draw, self._box(x, y, wide, tall), corner * self.scale, color)

    def shape(self, points: list[tuple[float, float]], color: Color, rounding: float = 0) -> None:
        """A polygon whose corners are rounded by a thick outline."""
        placed = [(self.origin[0] + x * self.scale, self.origin[1] + y * self.scale) for x, y in points]
        self.draw.polygon(placed, fill=color)
        if rounding:
            self.draw.line([*placed, placed[0], placed[1]], color, round(2 * rounding * self.scale), "curve")

    def bow(self, x: float, y: float, wide: float, tall: float, start: float, end: float, color: Color) -> None:
        """A stroke along an ellipse with round ends, degrees clockwise from three o'clock."""
        half = 0.022
        box = self._box(x, y, wide + half, tall + half)
        self.draw.arc(box, start, end, fill=color, width=max(1, round(2 * half * self.scale)))
        for angle in (math.radians(start), math.radians(end)):
            self.disc(x + wide * math.cos(angle), y + tall * math.sin(angle), half, half, color)

    def _box(self, x: float, y: float, wide: float, tall: float) -> tuple[float, float, float, float]:
        left, top = self.origin[0] + (x - wide) * self.scale, self.origin[1] + (y - tall) * self.scale
        return left, top, left + 2 * wide * self.scale, top + 2 * tall * self.scale


@dataclass(frozen=True)
class Creature:
    """How to draw one, the colour of its coat, and the words of a prompt that ask for it."""

    sketch: Callable[[Pen, Color, Palette], None]
    coat: Color
    words: tuple[str, ...]
    reach: float = 1.0  # how far the ears stand up
    limbs: Color | None = None

    def draw(self, pen: Pen, edge: float, palette: Palette) -> None:
        """Head and shoulders behind a sign whose upper edge is at height `edge`."""
        pen.slab(0, edge, 0.8, 0.3, 0.28, self.limbs or self.coat)
        self.sketch(pen, self.coat, palette)

    def draw_paws(self, pen: Pen, edge: float) -> None:
        """Paws over the sign's upper edge."""
        color = self.limbs or self.coat
        shade = mix(color, _PALE if color == _DARK else _DARK, 0.3)
        for x in (-0.84, 0.84):
            pen.disc(x, edge + 0.02, 0.2, 0.17, color)
            for toe in (x - 0.07, x + 0.07):
                pen.slab(toe, edge + 0.11, 0.012, 0.05, 0.01, shade)


def _eyes(pen: Pen, y: float = 0.0, apart: float = 0.42, size: float = 0.1) -> None:
    for side in (-1, 1):
        pen.disc(side * apart, y, size, size * 1.15, _DARK)
        pen.disc(side * apart + size * 0.3, y - size * 0.42, size * 0.36, size * 0.36, _PALE)
        pen.disc(side * (apart + 0.2), y + 0.24, 0.13, 0.075, _BLUSH)


def _smile(pen: Pen, y: float = 0.16) -> None:
    for side in (-1, 1):
        pen.bow(side * 0.08, y, 0.08, 0.075, 0, 180, _DARK)


def _cat(pen: Pen, coat: Color, _palette: Palette) -> None:
    for side in (-1, 1):
        pen.shape([(side * 0.82, -0.2), (side * 0.76, -0.98), (side * 0.22, -0.66)], coat, 0.06)
        pen.shape([(side * 0.74, -0.45), (side * 0.7, -0.84), (side * 0.42, -0.66)], mix(coat, _BLUSH, 0.7), 0.03)
    pen.disc(0, 0, 1, 0.82, coat)
    for x in (-0.2, 0, 0.2):
        pen.slab(x, -0.66 + abs(x) * 0.3, 0.045, 0.13, 0.04, mix(coat, _DARK, 0.3))
    pen.disc(0, 0.26, 0.32, 0.22, mix(coat, _PALE, 0.7))
    _eyes(pen)
    pen.disc(0, 0.12, 0.065, 0.045, (226, 112, 112))
    _smile(pen, 0.2)


def _bear(pen: Pen, coat: Color, _palette: Palette) -> None:
    for side in (-1, 1):
        pen.disc(side * 0.68, -0.64, 0.3, 0.3, coat)
        pen.disc(side * 0.68, -0.62, 0.17, 0.17, mix(coat, (255, 235, 215), 0.5))
    pen.disc(0, 0, 1, 0.86, coat)
    pen.disc(0, 0.24, 0.36, 0.28, mix(coat, (255, 245, 232), 0.75))
    _eyes(pen, -0.02)
    pen.disc(0, 0.11, 0.11, 0.075, _DARK)
    _smile(pen, 0.25)


def _rabbit(pen: Pen, coat: Color, _palette: Palette) -> None:
    for side in (-1, 1):
        pen.disc(side * 0.42, -1.0, 0.2, 0.56, coat)
        pen.disc(side * 0.42, -0.98, 0.1, 0.42, mix(coat, _BLUSH, 0.6))
    pen.disc(0, 0, 0.96, 0.8, coat)
    _eyes(pen)
    pen.disc(0, 0.12, 0.07, 0.05, (240, 128, 140))
    _smile(pen, 0.19)


def _fox(pen: Pen, coat: Color, _palette: Palette) -> None:
    cream = mix(coat, (255, 250, 240), 0.85)
    for side in (-1, 1):
        pen.shape([(side * 0.9, -0.1), (side * 0.84, -1.04), (side * 0.18, -0.6)], coat, 0.05)
        pen.shape([(side * 0.8, -0.4), (side * 0.77, -0.86), (side * 0.42, -0.62)], mix(coat, _DARK, 0.6), 0.02)
    pen.disc(0, 0, 1, 0.8, coat)
    for side in (-1, 1):
        pen.disc(side * 0.5, 0.34, 0.44, 0.4, cream)
    pen.shape([(-0.3, -0.1), (0.3, -0.1), (0, 0.5)], coat, 0.1)
    _eyes(pen)
    pen.disc(0, 0.3, 0.1, 0.075, _DARK)
    _smile(pen, 0.4)


def _dog(pen: Pen, coat: Color, _palette: Palette) -> None:
    cream = mix(coat, (255, 250, 240), 0.85)
    for side in (-1, 1):
        pen.shape([(side * 0.86, -0.2), (side * 0.74, -0.84), (side * 0.34, -0.64)], coat, 0.11)
        pen.shape([(side * 0.74, -0.42), (side * 0.68, -0.72), (side * 0.46, -0.62)], mix(coat, _DARK, 0.3), 0.04)
    pen.disc(0, 0, 1, 0.82, coat)
    for side in (-1, 1):
        pen.disc(side * 0.48, 0.36, 0.46, 0.4, cream)
        pen.disc(side * 0.36, -0.3, 0.12, 0.075, cream)
    pen.disc(0, 0.3, 0.34, 0.34, cream)
    _eyes(pen)
    pen.disc(0, 0.14, 0.12, 0.085, _DARK)
    _smile(pen, 0.28)


def _panda(pen: Pen, coat: Color, _palette: Palette) -> None:
    for side in (-1, 1):
        pen.disc(side * 0.7, -0.64, 0.29, 0.28, _DARK)
    pen.disc(0, 0, 1, 0.85, coat)
    for side in (-1, 1):
        slant = side * 0.12
        pen.shape([(side * 0.34, -0.06), (side * 0.46 + slant, 0.12)], mix(_DARK, _PALE, 0.14), 0.17)
    _eyes(pen, 0.0, 0.4)
    pen.disc(0, 0.2, 0.1, 0.07, _DARK)
    _smile(pen, 0.3)


def _frog(pen: Pen, coat: Color, _palette: Palette) -> None:
    for side in (-1, 1):
        pen.disc(side * 0.56, -0.56, 0.34, 0.34, coat)
    pen.disc(0, 0, 1.04, 0.74, coat)
    pen.disc(0, 0.36, 0.7, 0.34, mix(coat, (255, 255, 235), 0.45))
    for side in (-1, 1):
        pen.disc(side * 0.56, -0.54, 0.23, 0.23, _PALE)
        pen.disc(side * 0.54, -0.52, 0.14, 0.15, _DARK)
        pen.disc(side * 0.54 + 0.05, -0.58, 0.05, 0.05, _PALE)
        pen.disc(side * 0.74, 0.1, 0.13, 0.08, _BLUSH)
    pen.bow(0, 0.0, 0.42, 0.24, 20, 160, _DARK)


def _robot(pen: Pen, coat: Color, palette: Palette) -> None:
    steel = mix(coat, _DARK, 0.35)
    pen.slab(0, -0.95, 0.035, 0.2, 0.02, steel)
    pen.disc(0, -1.14, 0.12, 0.12, palette.accent)
    for side in (-1, 1):
        pen.slab(side * 0.98, -0.05, 0.12, 0.26, 0.08, steel)
    pen.slab(0, -0.02, 0.94, 0.76, 0.32, coat)
    pen.slab(0, 0.0, 0.72, 0.52, 0.24, mix(palette.near, _DARK, 0.4))
    for side in (-1, 1):
        pen.disc(side * 0.34, -0.06, 0.13, 0.16, palette.light)
    pen.bow(0, 0.12, 0.17, 0.14, 10, 170, palette.light)


def _penguin(pen: Pen, coat: Color, _palette: Palette) -> None:
    pen.disc(0, -0.02, 0.98, 0.9, coat)
    for side in (-1, 1):
        pen.disc(side * 0.36, 0.08, 0.46, 0.52, _PALE)
    pen.disc(0, 0.4, 0.6, 0.42, _PALE)
    _eyes(pen, 0.04, 0.36)
    pen.shape([(-0.13, 0.14), (0.13, 0.14), (0, 0.3)], (247, 168, 62), 0.05)


# Words are matched in the lower-cased prompt; the escapes are the Japanese and Chinese ones.
CREATURES: tuple[Creature, ...] = (
    Creature(_cat, (244, 178, 102), ("cat", "kitten", "\u732b", "\u30cd\u30b3"), 1.05),
    Creature(_panda, (245, 241, 234), ("panda", "\u30d1\u30f3\u30c0", "\u718a\u732b"), 0.95, _DARK),
    Creature(_rabbit, (247, 226, 220), ("rabbit", "bunny", "\u5154", "\u30a6\u30b5\u30ae"), 1.58),
    Creature(_fox, (233, 124, 64), ("fox", "\u72d0", "\u30ad\u30c4\u30cd"), 1.1),
    Creature(_dog, (226, 158, 92), ("dog", "puppy", "shiba", "\u72ac", "\u72d7"), 1.0),
    Creature(_frog, (126, 192, 98), ("frog", "\u86d9", "\u30ab\u30a8\u30eb"), 0.92),
    Creature(_bear, (176, 122, 84), ("bear", "\u718a"), 0.95),
    Creature(_penguin, (58, 72, 104), ("penguin", "bird", "\u9ce5", "\u4f01\u9e45"), 0.94),
    Creature(_robot, (160, 196, 214), ("robot", "android", "\u30ed\u30dc", "\u673a\u5668\u4eba"), 1.28),
)
