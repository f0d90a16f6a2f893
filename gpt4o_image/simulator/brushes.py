"""Smooth strokes for the scenes: gradients, glows, layers of land, shapes with clean edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .palettes import Color

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Box = tuple[int, int, int, int]
Profile = NDArray[np.float32]  # W: height of an edge over each column, pixels from the top


def gradient(size: tuple[int, int], *stops: Color) -> Image:
    """Stops evenly spread from top to bottom, RGB."""
    from PIL import Image

    at = np.linspace(0, len(stops) - 1, max(size[1], 1))
    column = np.stack([np.interp(at, range(len(stops)), [stop[band] for stop in stops]) for band in range(3)], 1)
    return Image.fromarray((column + 0.5).astype(np.uint8)[:, None, :]).resize(size)


def glow(image: Image, centre: tuple[float, float], radius: float, color: Color, strength: float) -> None:
    """Light that fades to nothing at `radius`."""
    from PIL import Image

    step = 8  # soft enough to be computed small
    width, height = image.width // step + 1, image.height // step + 1
    x = (np.arange(width) * step - centre[0]) / radius
    y = (np.arange(height) * step - centre[1]) / radius
    falloff = (1 - np.hypot(x[None, :], y[:, None])).clip(0, 1) ** 2
    mask = Image.fromarray((falloff * 255 * strength).astype(np.uint8))
    mask = mask.resize((width * step, height * step), Image.Resampling.BICUBIC)
    image.paste(color, (0, 0, *image.size), mask.crop((0, 0, *image.size)))


def layer(image: Image, profile: Profile, top: Color, bottom: Color) -> None:
    """Fill everything below the profile, shaded from top to bottom, with an antialiased edge."""
    from PIL import Image

    first = max(0, int(profile.min()) - 1)
    if first >= image.height:
        return
    rows = np.arange(first, image.height, dtype=np.float32)
    coverage = ((rows[:, None] - profile[None, :]) * 255 + 128).clip(0, 255).astype(np.uint8)
    shade = gradient((image.width, image.height - first), top, bottom)
    image.paste(shade, (0, first), Image.fromarray(coverage))


def jagged(width: int, base: float, relief: float, knots: int, rng: np.random.Generator) -> Profile:
    """A mountain ridge: straight slopes between random heights, finer at each octave."""
    at = np.linspace(0, 1, width)
    profile: NDArray[np.float64] = np.full(width, base, np.float64)
    count = knots
    for _ in range(5):
        profile -= np.interp(at, np.linspace(0, 1, count + 1), rng.uniform(0, relief, count + 1))
        count, relief = count * 2, relief / 2.1
    return profile.astype(np.float32)


def rolling(width: int, base: float, relief: float, periods: float, rng: np.random.Generator) -> Profile:
    """A soft hill line or swell."""
    at = np.linspace(0, 2 * np.pi, width)
    shift = rng.random(3) * 2 * np.pi
    wave = np.sin(at * periods + shift[0]) + 0.5 * np.sin(at * periods * 1.7 + shift[1])
    return (base - relief * (wave + 0.2 * np.sin(at * periods * 3.1 + shift[2])) / 1.7).astype(np.float32)


def stamp(image: Image, color: Color, box: Box, draw_shapes: Callable[[ImageDraw], None], opacity: float = 1) -> None:
    """Shapes in one colour, antialiased. They are drawn in the box's own coordinates, twice as large."""
    from PIL import Image, ImageDraw

    width, height = box[2] - box[0], box[3] - box[1]
    if width <= 0 or height <= 0:
        return
    mask = Image.new("L", (width * 2, height * 2))
    draw_shapes(ImageDraw.Draw(mask))
    mask = mask.reduce(2)
    if opacity < 1:
        mask = mask.point([round(level * opacity) for level in range(256)])
    image.paste(color, box, mask)


def disc(image: Image, centre: tuple[float, float], radius: float, color: Color, opacity: float = 1) -> None:
    """A filled circle with a clean edge."""
    left, top, reach = int(centre[0] - radius) - 1, int(centre[1] - radius) - 1, int(2 * radius) + 4
    x, y, r = 2 * (centre[0] - left), 2 * (centre[1] - top), 2 * radius

    def draw_disc(draw: ImageDraw) -> None:
        draw.ellipse((x - r, y - r, x + r, y + r), fill=255)

    stamp(image, color, (left, top, left + reach, top + reach), draw_disc, opacity)


def bar(draw: ImageDraw, box: tuple[float, float, float, float], radius: float, fill: Color | int) -> None:
    """A rounded rectangle at whole pixels: Pillow 10 raises on some fractions."""
    left, top, right, bottom = (round(edge) for edge in box)
    draw.rounded_rectangle((left, top, max(left, right), max(top, bottom)), round(radius), fill=fill)
