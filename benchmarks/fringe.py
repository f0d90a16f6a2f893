"""Edges of transparent pictures after upscaling, with the colours that `rgb` gives and with those that were stored.

A shape is drawn at 128 px, its colours are bled, scaled by Lanczos or by the smooth doubling that the tests' ESRGAN
computes, and joined with the alpha, which Join Image with Alpha scales bilinearly. All figures are deterministic.

edge   pixels whose alpha in the shape drawn at the larger size lies between 0 and 1, and those within one source pixel
error  mean over the edge, black, white and magenta behind it: how far the composite is from the shape drawn larger
floor  the same with the true colours under all of the picture: what is left for the scaled alpha to answer for
colour mean over the edge: how far the scaled colours are from the scaled true ones, weighed with the drawn alpha
unbled the same without bleeding: the mean for black, white, noise and the opposite colour under alpha 0

`error_to_unbled` has no goal: where `error_to_floor` is 1, true colours everywhere would not make it smaller. The
rest of the error is the scaled alpha's own, and `colour_to_unbled` is what bleeding can do something about.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gpt4o_image.pictures.bleed import bleed

from .rig.figures import Report

Plane = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]

SIDE = 128
SAMPLES = 4  # per axis of a pixel
BACKGROUNDS = ((0, 0, 0), (255, 255, 255), (255, 0, 255))


def hard(x: Plane, y: Plane) -> Plane:
    """A flower with a sharp edge. x and y are -1..1."""
    return (np.hypot(x, y) < 0.6 + 0.15 * np.cos(5 * np.arctan2(y, x))).astype(float)


def soft(x: Plane, y: Plane) -> Plane:
    """A disc that fades out over four pixels."""
    return np.clip((0.8 - np.hypot(x, y)) * SIDE / 8, 0, 1)


def hair(x: Plane, y: Plane) -> Plane:
    """Nine waving lines, 1.2 to 2.4 pixels wide."""
    lines = np.zeros_like(x)
    for number in range(9):
        root = 0.2 * number - 0.8
        middle = root * (0.7 + 0.2 * y) + 0.08 * np.sin(4 * y + number)
        lines[(np.abs(x - middle) * SIDE / 2 < 0.6 + 0.075 * number) & (np.abs(y) < 0.8)] = 1
    return lines


def lanczos(plane: Plane, factor: int) -> Plane:
    return _resized(plane, factor, "LANCZOS").clip(0, 255)


def bilinear(plane: Plane, factor: int) -> Plane:
    return _resized(plane, factor, "BILINEAR")


def doubling(plane: Plane, factor: int) -> Plane:
    """Each pixel twice, then (1 2 1) / 4 both ways, with nothing around: what tests/host/make_upscaler.py builds."""
    while factor > 1:
        twice = np.pad(plane.repeat(2, 0).repeat(2, 1), 1)
        rows = (twice[:-2] + 2 * twice[1:-1] + twice[2:]) / 4
        plane = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
        factor //= 2
    return plane


SHAPES = {"hard": hard, "soft": soft, "hair": hair}
SCALERS = {"lanczos": lanczos, "esrgan": doubling}
FACTORS = (2, 4)
EACH = [f"{shape}.{scaler}_x{factor}" for shape in SHAPES for scaler in SCALERS for factor in FACTORS]
GOALS = {
    **{f"{name}.colour_to_unbled": (0.5, True) for name in EACH},
    **{f"{name}.error_to_floor": (1.01, True) for name in EACH},
}


def measure(*, quick: bool = False) -> Report:  # noqa: ARG001 - it takes a second or two
    report: Report = {}
    for name, shape in SHAPES.items():
        for factor in FACTORS:
            for scaler, scale in SCALERS.items():
                figures = fringe(shape, scale, factor)
                report |= {f"{name}.{scaler}_x{factor}.{figure}": value for figure, value in figures.items()}
    return report


def fringe(shape: Callable[[Plane, Plane], Plane], scale: Callable[[Plane, int], Plane], factor: int) -> Report:
    """The figures of one shape, one way to scale it, two or four times larger."""
    true, alpha = np.rint(colours(SIDE)).astype(np.uint8), np.rint(255 * drawn(shape, SIDE)).astype(np.uint8)
    wanted, wanted_alpha = colours(SIDE * factor), drawn(shape, SIDE * factor)
    scaled_alpha = np.rint(bilinear(alpha.astype(float), factor)) / 255
    edge = _widened((wanted_alpha > 0) & (wanted_alpha < 1), factor)

    def scaled(rgb: Pixels) -> Plane:
        return np.rint(np.dstack([scale(rgb[..., channel].astype(float), factor) for channel in range(3)]))

    def error(rgb: Plane) -> float:
        pairs = ((composite(rgb, scaled_alpha, b), composite(wanted, wanted_alpha, b)) for b in BACKGROUNDS)
        return float(np.mean([np.abs(got - drawn_larger)[edge].mean() for got, drawn_larger in pairs]))

    def colour(rgb: Plane) -> float:
        return float((np.abs(rgb - ideal) * wanted_alpha[..., None])[edge].mean())

    ideal = scaled(true)
    bled = scaled(bleed(np.dstack([true, alpha])))
    unbled = [scaled(rgb) for rgb in stored(true, alpha)]
    return {
        "colour_to_unbled": colour(bled) / float(np.mean([colour(each) for each in unbled])),
        "error_to_unbled": error(bled) / float(np.mean([error(each) for each in unbled])),
        "error_to_floor": error(bled) / error(ideal),
    }


@lru_cache
def drawn(shape: Callable[[Plane, Plane], Plane], side: int) -> Plane:
    """Alpha 0..1 [side,side]: how much of each pixel the shape covers."""
    along = (np.arange(side * SAMPLES) + 0.5) / (side * SAMPLES) * 2 - 1
    x, y = np.meshgrid(along, along)
    return shape(x, y).reshape(side, SAMPLES, side, SAMPLES).mean((1, 3))


def colours(side: int) -> Plane:
    """The true colours [side,side,3], 0..255, inside the shape and out."""
    x, y = np.meshgrid((np.arange(side) + 0.5) / side, (np.arange(side) + 0.5) / side)
    return np.dstack([230 - 60 * x, 120 + 60 * y, 40 + 50 * x * y])


def stored(true: Pixels, alpha: Pixels) -> list[Pixels]:
    """What straight-alpha files may hold under alpha 0: black, white, noise, the opposite colour."""
    noise = np.random.default_rng(20261122).integers(0, 256, true.shape, np.uint8)
    opposite = np.where(true > 127, 0, 255)
    return [np.where(alpha[..., None] == 0, hidden, true).astype(np.uint8) for hidden in (0, 255, noise, opposite)]


def composite(rgb: Plane, alpha: Plane, background: tuple[int, int, int]) -> Plane:
    return rgb * alpha[..., None] + np.array(background) * (1 - alpha[..., None])


def _resized(plane: Plane, factor: int, resampling: str) -> Plane:
    from PIL import Image

    size = (plane.shape[1] * factor, plane.shape[0] * factor)
    return np.asarray(Image.fromarray(plane.astype(np.float32)).resize(size, Image.Resampling[resampling]), float)


def _widened(mask: npt.NDArray[np.bool_], by: int) -> npt.NDArray[np.bool_]:
    from PIL import Image, ImageFilter

    return np.asarray(Image.fromarray(mask).convert("L").filter(ImageFilter.MaxFilter(2 * by + 1))) > 0
