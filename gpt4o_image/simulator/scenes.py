"""Full-bleed backdrops of the simulated pictures. Each scene fills an RGB image; none knows of lettering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .brushes import bar, disc, glow, gradient, jagged, layer, rolling, stamp
from .palettes import Palette, mix

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Dice = np.random.Generator


@dataclass(frozen=True)
class Scene:
    """A way to fill the picture, and the words of a prompt that ask for it."""

    draw: Callable[[Image, Palette, Dice], None]
    words: tuple[str, ...]


def _mountains(image: Image, palette: Palette, dice: Dice) -> None:
    width, height = image.size
    sun = (width * dice.uniform(0.2, 0.8), height * dice.uniform(0.2, 0.32))
    radius = min(width, height) * dice.uniform(0.08, 0.12)
    glow(image, sun, radius * 6, palette.light, 0.75)
    disc(image, sun, radius, mix(palette.light, palette.low, 0.12))
    for depth in range(5):
        share = depth / 4
        base = height * (0.6 + 0.36 * share)
        ridge = jagged(width, base, height * (0.2 - 0.05 * share), 3 + depth, dice)
        top = mix(palette.far, palette.near, share)
        layer(image, ridge, top, mix(top, palette.low, 0.5 * (1 - share)))
    _pines(image, palette, dice)


def _pines(image: Image, palette: Palette, dice: Dice) -> None:
    width, height = image.size
    tall = min(width, height) * 0.13
    top = int(height - tall * 1.3)
    left = np.arange(-0.2, width / tall + 0.2, 0.34) * tall
    sizes = dice.uniform(0.45, 1.1, len(left)) * tall
    leaning = dice.uniform(-0.1, 0.1, len(left)) * tall

    def draw_pines(draw: ImageDraw) -> None:
        for x, size in zip(2 * (left + leaning), 2 * sizes, strict=True):
            foot = 2 * (height - top)
            for tier in range(4):
                half, peak = size * (0.1 + 0.06 * tier), foot - size * (1 - 0.2 * tier)
                draw.polygon([(x, peak), (x - half, peak + size * 0.38), (x + half, peak + size * 0.38)], fill=255)

    stamp(image, mix(palette.near, (0, 0, 0), 0.25), (0, top, width, height), draw_pines)


def _sea(image: Image, palette: Palette, dice: Dice) -> None:
    width, height = image.size
    unit, horizon = min(width, height), height * 0.54
    sun, radius = (width * dice.uniform(0.3, 0.7), horizon - unit * 0.02), unit * 0.17
    glow(image, sun, radius * 4.5, palette.light, 0.8)
    disc(image, sun, radius, palette.light)
    _clouds(image, palette, dice)
    layer(image, rolling(width, horizon, 0, 1, dice), mix(palette.far, palette.low, 0.25), palette.far)
    _shimmer(image, palette, dice, sun[0], horizon)
    for depth in range(4):
        share = (depth + 1) / 4
        swell = rolling(width, height * (0.6 + 0.36 * share), unit * 0.025, 1.6 + depth * 0.4, dice)
        top = mix(palette.far, palette.near, share)
        layer(image, swell - unit * 0.006, mix(top, palette.light, 0.55), top)
        layer(image, swell, top, mix(top, palette.near, 0.5))
    _boat(image, palette, (width * (0.25 if sun[0] > width / 2 else 0.75), horizon + unit * 0.05), unit * 0.11)


def _clouds(image: Image, palette: Palette, dice: Dice) -> None:
    width, height = image.size
    for _ in range(4):
        long, thick = width * dice.uniform(0.2, 0.45), min(width, height) * 0.022
        left, top = dice.uniform(-0.1, 0.8) * width, dice.uniform(0.08, 0.5) * height

        def draw_bars(draw: ImageDraw, long: float = long, thick: float = thick) -> None:
            bar(draw, (0, 2 * thick, 1.5 * long, 4 * thick - 2), thick, 255)
            bar(draw, (0.5 * long, 0, 2 * long - 2, 2 * thick), thick, 255)

        box = (int(left), int(top), int(left + long), int(top + 2 * thick))
        stamp(image, palette.paper, box, draw_bars, 0.34)


def _shimmer(image: Image, palette: Palette, dice: Dice, x: float, horizon: float) -> None:
    width, height = image.size
    unit, top = min(width, height), int(horizon)
    rows = [(row, dice.uniform(0.04, 0.2) * unit, dice.uniform(-0.04, 0.04) * unit) for row in range(9)]

    def draw_bars(draw: ImageDraw) -> None:
        for row, half, shift in rows:
            y, thick = 2 * unit * (0.012 + 0.028 * row), 2 * unit * 0.009
            box = (2 * (x + shift - half), y, 2 * (x + shift + half), y + thick)
            bar(draw, box, thick / 2, 255)

    stamp(image, palette.light, (0, top, width, height), draw_bars, 0.7)


def _boat(image: Image, palette: Palette, foot: tuple[float, float], size: float) -> None:
    left, top, reach = int(foot[0] - size), int(foot[1] - 2 * size), int(2 * size) + 2
    box = (left, top, left + reach, top + reach)

    def draw_sails(draw: ImageDraw) -> None:
        middle, foot_y = reach, 2 * reach * 0.82
        draw.polygon([(middle, reach * 0.1), (middle, foot_y), (middle + size * 1.15, foot_y)], fill=255)
        draw.polygon([(middle - 4, reach * 0.5), (middle - 4, foot_y), (middle - size * 0.8, foot_y)], fill=255)

    def draw_hull(draw: ImageDraw) -> None:
        x, y = reach, 2 * reach * 0.85
        draw.polygon(
            [(x - size, y), (x + size * 1.3, y), (x + size, y + size / 3), (x - size * 0.7, y + size / 3)], fill=255
        )

    stamp(image, palette.paper, box, draw_sails)
    stamp(image, palette.accent, box, draw_hull)


def _city(image: Image, palette: Palette, dice: Dice) -> None:
    from PIL import ImageDraw

    width, height = image.size
    unit = min(width, height)
    moon = (width * dice.uniform(0.2, 0.8), height * 0.24)
    _stars(image, palette, dice, 60, 0.5)
    glow(image, moon, unit * 0.5, palette.light, 0.6)
    disc(image, moon, unit * 0.09, palette.light)
    draw = ImageDraw.Draw(image)
    for depth in range(3):
        wall = mix(palette.far, palette.near, 0.15 + 0.425 * depth)
        lit = mix(wall, palette.light, 0.35 + 0.3 * depth)
        x = -dice.uniform(0, 0.08) * unit
        while x < width:
            wide = dice.uniform(0.07, 0.13) * unit * (1 + 0.25 * depth)
            top = height * (0.52 + 0.14 * depth) - dice.uniform(-0.08, 0.16) * unit
            draw.rectangle((round(x), round(top), round(x + wide), height), fill=wall)
            _windows(draw, (x, top, wide, height - top), unit * 0.011 * (1 + 0.3 * depth), lit, dice)
            x += wide * dice.uniform(0.92, 1.12)
    ground = rolling(width, height * 0.955, unit * 0.01, 2, dice)
    layer(image, ground, palette.near, mix(palette.near, (0, 0, 0), 0.4))


def _windows(
    draw: ImageDraw, wall: tuple[float, float, float, float], pane: float, lit: tuple[int, int, int], dice: Dice
) -> None:
    left, top, wide, tall = wall
    columns, rows = int(wide / pane / 2.6), int(tall / pane / 3)
    if pane < 2 or columns < 1:
        return
    margin = (wide - (columns * 2.6 - 1.2) * pane) / 2
    for row, column in np.argwhere(dice.random((rows, columns)) < 0.42):
        x, y = left + margin + column * 2.6 * pane, top + (1.5 + row * 3) * pane
        draw.rectangle((round(x), round(y), round(x + 1.4 * pane), round(y + 1.7 * pane)), fill=lit)


def _stars(image: Image, palette: Palette, dice: Dice, count: int, deepest: float) -> None:
    width, height = image.size
    reach = int(height * deepest)
    count = round(count * max(0.1, min(1, min(width, height) / 1024)))
    points = dice.random((count, 3)) * (2 * width, 2 * reach, min(width, height) / 260)

    def draw_stars(draw: ImageDraw) -> None:
        for x, y, radius in points:
            draw.ellipse((x - radius - 0.6, y - radius - 0.6, x + radius + 0.6, y + radius + 0.6), fill=255)

    stamp(image, palette.light, (0, 0, width, reach), draw_stars, 0.8)


def _space(image: Image, palette: Palette, dice: Dice) -> None:
    width, height = image.size
    unit = min(width, height)
    image.paste(
        gradient(image.size, mix(palette.near, (0, 0, 0), 0.3), palette.near, mix(palette.high, palette.near, 0.5))
    )
    for color in (palette.accent, palette.middle, palette.high):
        glow(image, (dice.uniform(0, 1) * width, dice.uniform(0, 1) * height), unit * 0.9, color, 0.55)
    _stars(image, palette, dice, 240, 1)
    centre = (width * dice.uniform(0.3, 0.7), height * dice.uniform(0.24, 0.32))
    glow(image, centre, unit * 0.5, palette.light, 0.45)
    _planet(image, palette, centre, unit * 0.2)
    disc(image, (width * 0.88, height * 0.12), unit * 0.035, mix(palette.far, palette.light, 0.4))
    across = np.arange(width) / unit - dice.uniform(0.05, 0.4)
    horizon = (height - unit * (0.26 - across**2 * 0.42)).astype(np.float32)  # of a near, larger world
    layer(image, horizon - unit * 0.012, palette.light, palette.low)
    ground = mix(palette.far, palette.near, 0.3)
    layer(image, horizon, ground, mix(ground, palette.near, 0.7))


def _planet(image: Image, palette: Palette, centre: tuple[float, float], radius: float) -> None:
    from PIL import Image, ImageDraw

    side = int(radius * 2)
    ball = gradient((side, side), palette.low, palette.accent, mix(palette.accent, palette.near, 0.4))
    for at, share in ((0.22, 0.25), (0.42, 0.12), (0.52, 0.3), (0.7, 0.2)):
        band = (0, int(side * at), side, int(side * (at + 0.07)))
        ball.paste(mix(palette.low, palette.near, share), band, Image.new("L", (side, band[3] - band[1]), 90))
    mask = Image.new("L", (side * 2, side * 2))
    ImageDraw.Draw(mask).ellipse((0, 0, side * 2 - 1, side * 2 - 1), fill=255)
    corner = (int(centre[0] - radius), int(centre[1] - radius))
    _ring(image, palette, centre, radius, 180, 360)
    image.paste(ball, corner, mask.reduce(2))
    _ring(image, palette, centre, radius, 0, 180)


def _ring(image: Image, palette: Palette, centre: tuple[float, float], radius: float, start: float, end: float) -> None:
    reach = int(radius * 1.9)
    left, top = int(centre[0]) - reach, int(centre[1]) - reach

    def draw_arc(draw: ImageDraw) -> None:
        for scale, share in ((1.0, 0.12), (0.84, 0.05)):
            half = 2 * reach * scale
            box = (2 * reach - half, 2 * reach - half * 0.24, 2 * reach + half, 2 * reach + half * 0.24)
            draw.arc(box, start, end, fill=255, width=max(1, int(2 * radius * share)))

    stamp(image, palette.paper, (left, top, left + 2 * reach, top + 2 * reach), draw_arc, 0.9)


def _tiles(image: Image, palette: Palette, dice: Dice) -> None:
    width, height = image.size
    side = max(8, -(-min(width, height) // 6))
    colors = [palette.high, palette.middle, palette.low, palette.accent, palette.near, palette.light, palette.far]
    for top in range(0, height, side):
        for left in range(0, width, side):
            first = int(dice.integers(len(colors)))
            second = (first + 1 + int(dice.integers(len(colors) - 1))) % len(colors)
            image.paste(colors[first], (left, top, left + side, top + side))
            _tile(image, colors[second], (left, top, left + side, top + side), int(dice.integers(7)))


def _tile(image: Image, color: tuple[int, int, int], box: tuple[int, int, int, int], kind: int) -> None:
    full = 2 * (box[2] - box[0])

    def draw_motif(draw: ImageDraw) -> None:
        if kind < 4:  # a quarter disc in one of the corners
            x, y = full * (kind % 2), full * (kind // 2)
            draw.ellipse((x - full, y - full, x + full, y + full), fill=255)
        elif kind == 4:
            draw.ellipse((full * 0.2, full * 0.2, full * 0.8, full * 0.8), fill=255)
        elif kind == 5:
            draw.polygon([(0, full), (full, 0), (full, full)], fill=255)
        else:
            draw.pieslice((0, full * 0.5, full, full * 1.5), 180, 360, fill=255)
            draw.pieslice((0, 0, full, full), 180, 360, fill=255)

    stamp(image, color, box, draw_motif)


def _meadow(image: Image, palette: Palette, dice: Dice) -> None:
    width, height = image.size
    unit = min(width, height)
    sun = (width * dice.uniform(0.15, 0.85), height * dice.uniform(0.16, 0.26))
    glow(image, sun, unit * 0.7, palette.light, 0.85)
    disc(image, sun, unit * 0.1, palette.light)
    _clouds(image, palette, dice)
    for depth in range(4):
        share = depth / 3
        hill = rolling(width, height * (0.62 + 0.26 * share), unit * (0.06 - 0.01 * depth), 0.8 + 0.4 * depth, dice)
        top = mix(palette.far, palette.near, share)
        layer(image, hill, mix(top, palette.light, 0.12), mix(top, palette.near, 0.25))
    _flowers(image, palette, dice)


def _flowers(image: Image, palette: Palette, dice: Dice) -> None:
    width, height = image.size
    unit = min(width, height)
    top = int(height * 0.86)
    reach = 2 * (height - top)
    spots = [(x * 2 * unit, dice.uniform(0.15, 0.95) * reach) for x in np.arange(0.02, width / unit, 0.045)]
    sizes = dice.uniform(0.012, 0.024, len(spots)) * unit * 2

    def petals(draw: ImageDraw, start: int) -> None:
        for (x, y), size in list(zip(spots, sizes, strict=True))[start::2]:
            for angle in np.arange(5) * 2 * np.pi / 5:
                px, py = x + np.cos(angle) * size * 0.62, y + np.sin(angle) * size * 0.62
                draw.ellipse((px - size / 2, py - size / 2, px + size / 2, py + size / 2), fill=255)

    def hearts(draw: ImageDraw) -> None:
        for (x, y), size in zip(spots, sizes / 3, strict=True):
            draw.ellipse((x - size, y - size, x + size, y + size), fill=255)

    box = (0, top, width, height)
    stamp(image, palette.accent, box, lambda draw: petals(draw, 0))
    stamp(image, palette.paper, box, lambda draw: petals(draw, 1))
    stamp(image, palette.light, box, hearts)


# Words are matched in the lower-cased prompt; the escapes are the Japanese and Chinese ones.
SCENES: tuple[Scene, ...] = (
    Scene(_mountains, ("mountain", "forest", "alps", "\u5c71", "\u68ee")),
    Scene(_sea, ("sea", "ocean", "beach", "boat", "ship", "\u6d77", "\u8239")),
    Scene(_city, ("city", "town", "street", "building", "\u8857", "\u753a", "\u57ce")),
    Scene(_tiles, ("pattern", "abstract", "geometric", "geometry", "\u6a21\u69d8", "\u56fe\u6848", "\u62bd\u8c61")),
    Scene(_space, ("space", "planet", "galaxy", "star", "\u5b87\u5b99", "\u661f")),
    Scene(_meadow, ("meadow", "garden", "flower", "hill", "\u82b1", "\u8349\u539f", "\u5ead")),
)


def backdrop(scene: Scene, palette: Palette, size: tuple[int, int], dice: Dice) -> Image:
    """The scene in the palette's colours, RGB."""
    image = gradient(size, palette.high, palette.middle, palette.low)
    scene.draw(image, palette, dice)
    return image
