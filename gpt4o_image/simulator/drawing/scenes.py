"""Full-bleed backdrops of the simulated pictures. Each scene fills an RGB image; none knows of lettering."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from .brushes import Dice, Profile, glow, gradient, jagged, layer, rolling, rounded
from .emblems import emblem
from .palettes import Palette, mix

if TYPE_CHECKING:
    from PIL.Image import Image

Scene = Callable[["Image", Palette, Dice], None]


def backdrop(scene: str | None, palette: Palette, size: tuple[int, int], dice: Dice) -> Image:
    """The scene in the palette's colours, RGB; None leaves the choice to the dice."""
    image = gradient(size, palette.high, palette.middle, palette.low)
    SCENES[scene or str(dice.choice(_UNNAMED))](image, palette, dice)
    return image


def _mountains(image: Image, palette: Palette, dice: Dice) -> None:
    def ridge(share: float) -> Profile:
        base, relief = image.height * (0.6 + 0.36 * share), image.height * (0.2 - 0.05 * share)
        return jagged(image.width, base, relief, round(3 + 4 * share), dice)

    _land(image, palette, dice, ridge)
    _strew(image, "\U0001f332", dice, at=0.98, size=0.13)


def _meadow(image: Image, palette: Palette, dice: Dice) -> None:
    def hill(share: float) -> Profile:
        base, relief = image.height * (0.62 + 0.26 * share), min(image.size) * (0.06 - 0.03 * share)
        return rolling(image.width, base, relief, 0.8 + 1.2 * share, dice)

    _land(image, palette, dice, hill)
    _strew(image, str(dice.choice(["\U0001f33c", "\U0001f337", "\U0001f338"])), dice, at=0.96, size=0.06)


def _land(image: Image, palette: Palette, dice: Dice, profile: Callable[[float], Profile]) -> None:
    """Five layers under a sun; `profile` gives the edge of each, 0 for the farthest and 1 for the nearest."""
    _sun(image, palette, dice, (0.18, 0.3), 0.1)
    for share in (0, 0.25, 0.5, 0.75, 1):
        top = mix(palette.far, palette.near, share)
        layer(image, profile(share), mix(top, palette.light, 0.1), mix(top, palette.low, 0.4 * (1 - share)))


def _sea(image: Image, palette: Palette, dice: Dice) -> None:
    width, height = image.size
    unit = min(width, height)
    _sun(image, palette, dice, (0.5, 0.52), 0.17)
    layer(image, rolling(width, height * 0.54, 0, 1, dice), mix(palette.far, palette.low, 0.25), palette.far)
    for share in (0.15, 0.35, 0.55, 0.75, 1):
        swell = rolling(width, height * (0.56 + 0.4 * share), unit * 0.025, 1.6 + 1.6 * share, dice)
        top = mix(palette.far, palette.near, share)
        layer(image, swell - unit * 0.006, mix(top, palette.light, 0.55), top)
        layer(image, swell, top, mix(top, palette.near, 0.5))


def _city(image: Image, palette: Palette, dice: Dice) -> None:
    from PIL import ImageDraw

    width, height = image.size
    unit = min(width, height)
    _stars(image, palette, dice, 60)
    _sun(image, palette, dice, (0.22, 0.26), 0.09)
    draw = ImageDraw.Draw(image)
    for depth in range(3):
        wall = mix(palette.far, palette.near, 0.15 + 0.425 * depth)
        lit = mix(wall, palette.light, 0.35 + 0.3 * depth)
        pane = max(2, round(unit * (0.012 + 0.004 * depth)))
        x = -round(dice.uniform(0, 0.08) * unit)
        while x < width:
            columns, rows = int(dice.integers(3, 7)), round(height * dice.uniform(0.1, 0.18) * (4 - depth) / pane / 3)
            top = height - 3 * pane * rows
            draw.rectangle((x, top, x + pane * (3 * columns + 1), height), fill=wall)
            for column, floor in product(range(columns), range(rows)):
                if dice.random() < 0.42:
                    left, y = x + pane * (3 * column + 1), top + pane * (3 * floor + 1)
                    draw.rectangle((left, y, left + pane, y + pane), fill=lit)
            x += pane * (3 * columns + int(dice.integers(0, 4)))


def _space(image: Image, palette: Palette, dice: Dice) -> None:
    width, height = image.size
    unit = min(width, height)
    deep = mix(palette.near, (0, 0, 0), 0.3)
    image.paste(gradient(image.size, deep, palette.near, mix(palette.high, palette.near, 0.5)))
    for color in (palette.accent, palette.middle, palette.high):
        glow(image, (dice.uniform(0, 1) * width, dice.uniform(0, 1) * height), unit * 0.9, color, 0.55)
    _stars(image, palette, dice, 240)
    planet = emblem("\U0001fa90", round(unit * dice.uniform(0.12, 0.2)))
    image.paste(planet, (round(width * dice.uniform(0.05, 0.8)), round(height * dice.uniform(0.04, 0.16))), planet)
    horizon = rolling(width, height * 0.87, unit * 0.05, 0.5, dice)  # of a near, larger world
    layer(image, horizon - unit * 0.012, palette.light, palette.low)
    layer(image, horizon, mix(palette.far, palette.near, 0.3), palette.near)


def _rays(image: Image, palette: Palette, dice: Dice) -> None:
    from PIL import ImageDraw

    draw, far = ImageDraw.Draw(image, "RGBA"), 3 * max(image.size)
    centre = (image.width // 2, round(image.height * 0.38))
    box = (centre[0] - far, centre[1] - far, centre[0] + far, centre[1] + far)
    rays, turn = int(dice.integers(10, 21)), dice.uniform(0, 360)
    for ray in range(rays):
        start = turn + 360 * ray / rays
        draw.pieslice(box, start, start + 180 / rays, fill=(*palette.light, 56))
    glow(image, centre, min(image.size) * 0.75, palette.light, 0.7)


def _sun(image: Image, palette: Palette, dice: Dice, between: tuple[float, float], size: float) -> None:
    """Sun or moon; `between`: heights as shares of the picture, `size` of its shorter side."""
    x, y = image.width * dice.uniform(0.2, 0.8), image.height * dice.uniform(*between)
    radius = max(2, round(min(image.size) * size))
    glow(image, (x, y), radius * 5, palette.light, 0.75)
    disc = rounded((2 * radius, 2 * radius), radius)
    image.paste(mix(palette.light, palette.low, 0.1), (round(x) - radius, round(y) - radius), disc)


def _stars(image: Image, palette: Palette, dice: Dice, count: int) -> None:
    from PIL import ImageDraw

    draw, unit = ImageDraw.Draw(image, "RGBA"), min(image.size)
    for x, y, size in dice.random((round(count * min(1, unit / 1024)), 3)):
        left, top = x * image.width, y * image.height
        draw.ellipse((left, top, left + size * unit / 250, top + size * unit / 250), fill=(*palette.light, 190))


def _strew(image: Image, subject: str, dice: Dice, *, at: float, size: float) -> None:
    """Emblems along the foot of the picture; lengths as shares of its shorter side, `at` of its height."""
    unit = min(image.size)
    for x in np.arange(-size, image.width / unit, size):
        art = emblem(subject, max(2, round(unit * size * dice.uniform(0.6, 1.1))))
        foot = round(image.height * at + unit * dice.uniform(-0.02, 0.02))
        image.paste(art, (round(unit * (x + dice.uniform(0, size))), foot - art.height), art)


SCENES: dict[str, Scene] = {
    "space": _space, "city": _city, "sea": _sea, "mountains": _mountains, "meadow": _meadow, "rays": _rays,
}  # fmt: skip
_UNNAMED = ("rays", "rays", "meadow", "mountains")
