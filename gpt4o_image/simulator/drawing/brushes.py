"""Strokes with soft or clean edges for scenes and stickers: gradients, glows, layers of land, shapes, shadows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .palettes import Color

if TYPE_CHECKING:
    from PIL.Image import Image

Dice = np.random.Generator
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


def jagged(width: int, base: float, relief: float, knots: int, dice: Dice) -> Profile:
    """A mountain ridge: straight slopes between random heights, finer at each octave."""
    profile: Profile = np.full(width, base, np.float32)
    for count in (knots, knots * 2, knots * 4, knots * 8, knots * 16):
        heights = dice.uniform(0, relief * knots / count, count + 1)
        profile -= np.interp(np.linspace(0, count, width), np.arange(count + 1), heights).astype(np.float32)
    return profile


def rolling(width: int, base: float, relief: float, periods: float, dice: Dice) -> Profile:
    """A soft hill line or swell."""
    at = np.linspace(0, 2 * np.pi, width)
    shift = dice.random(3) * 2 * np.pi
    wave = np.sin(at * periods + shift[0]) + 0.5 * np.sin(at * periods * 1.7 + shift[1])
    return (base - relief * (wave + 0.2 * np.sin(at * periods * 3.1 + shift[2])) / 1.7).astype(np.float32)


def shadow_of(alpha: Image, blur: float, strength: float) -> Image:
    """A soft shadow of a mask, of the same size."""
    from PIL import Image, ImageFilter

    step = max(1, round(blur / 4))
    small = alpha.reduce(step).filter(ImageFilter.GaussianBlur(blur / step))
    small = small.point([round(level * strength) for level in range(256)])
    return small.resize(alpha.size, Image.Resampling.BICUBIC)


def rounded(size: tuple[int, int], radius: float, level: int = 255) -> Image:
    """The mask of a rounded rectangle, with clean edges."""
    from PIL import Image, ImageDraw

    mask = Image.new("L", (size[0] * 2, size[1] * 2))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] * 2 - 1, size[1] * 2 - 1), radius * 2, fill=level)
    return mask.reduce(2)
