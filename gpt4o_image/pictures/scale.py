"""Pixels scaled to the size they are sent with, in strips on worker threads. Knows no files."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from .bleed import Planes
from .pixels import Pixels, Samples

if TYPE_CHECKING:
    from PIL import Image

_Result = TypeVar("_Result")

_AHEAD = 4  # strips that are made while the first of them is put in its place
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_STRIP_SAMPLES = 1 << 21  # of the source, for each task of a worker
_REACH = 4  # rows that resampling looks beyond those it covers: 3 for Lanczos, and one for rounding
# Smaller blocks let the threads wait for the GIL, larger ones leave the cache: 25 ms for 4096 x 4096, else up to 40.
_BLOCK_SAMPLES = 1 << 19
# Boxes of whole pixels are averaged first as long as this much is left to do, then bicubic is enough: at 4096 to 1536
# that lies 46 dB from Lanczos alone, where JPEG q92 lies 39 dB, and takes a third of its time.
_LEFT_TO_DO = 1.3  # a change makes other keys, so that what is in the vault is paid again
# A sample of a picture: so many bands of so many rows.
_BANDS = 8
_BAND_ROWS = 16


class Unusable(ValueError):
    """Pixels that are not a picture; the message continues the picture's name."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """A picture at the size it is sent with: RGB or RGBA with straight alpha, and no metadata.

    `source` is (width, height) before; `key` is the digest of the source's pixels, for one longest side to send:
    the same whatever Pillow's version makes of them.
    """

    image: Image.Image
    source: tuple[int, int]
    key: bytes

    @property
    def resized(self) -> bool:
        return self.image.size != self.source


def scale(pixels: Samples, longest_side_px: int, pool: Executor, *, most_px: int | None = None) -> Scaled:
    """`pixels` [H,W,1|3|4], float (0..1, clamped and rounded, never guessed) or uint8, at most `longest_side_px` long.

    By Lanczos; from 2.6 times that side on by boxes, then bicubic. Never enlarged. Colours are weighed by alpha,
    so that no edge turns dark. The key is for `most_px`, at least `longest_side_px`, which it is without. Memory: at
    most a third of `pixels` as float32 RGB, and the result. Call it from outside `pool`. Raises Unusable for NaN,
    infinity, a wrong shape or type.
    """
    from PIL import Image

    _check(pixels)
    height, width, channels = pixels.shape
    plan = _plan(pixels, fitted((width, height), longest_side_px), fitted((width, height), most_px or longest_side_px))
    strips = 2 * math.ceil(pixels.size / 2 / _STRIP_SAMPLES)  # an even number: two workers end together
    step = math.ceil(plan.size[1] / strips)
    tops = range(0, plan.size[1], step)
    image = Image.new(_MODES[channels], plan.size)
    digest = hashlib.blake2b(repr((width, height, channels, plan.sums)).encode(), digest_size=32)
    work = partial(_strip, pixels, plan, step)
    for top, (part, levels) in zip(tops, _in_order(pool, work, tops), strict=True):
        image.paste(part, (0, top))
        digest.update(levels.data)
    if image.mode == "L" or (image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255):
        image = image.convert("RGB")
    return Scaled(image, (width, height), digest.digest())


def fitted(size: tuple[int, int], longest_side_px: int) -> tuple[int, int]:
    """(width, height) no longer than `longest_side_px`, of the same shape, at least 1 and never larger."""
    factor = min(1, longest_side_px / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def sample(pixels: Samples) -> Samples:
    """Bands from all over `pixels`, at most a quarter of its rows; nothing where it is too small for that."""
    _check(pixels)
    height = len(pixels)
    if height < 4 * _BANDS * _BAND_ROWS:
        return pixels[:0]
    tops = (height * (2 * band + 1) // (2 * _BANDS) - _BAND_ROWS // 2 for band in range(_BANDS))
    return np.concatenate([pixels[top : top + _BAND_ROWS] for top in tops])


def _check(pixels: Samples) -> None:
    if pixels.ndim != 3 or not pixels.size:
        raise Unusable(f"has the shape {pixels.shape}; a picture is [height, width, channels] and not empty.")
    if pixels.shape[2] not in _MODES:
        raise Unusable(f"has {pixels.shape[2]} channels; a picture has 1 (grey), 3 (RGB) or 4 (RGBA).")
    if pixels.dtype != np.uint8 and pixels.dtype.kind != "f":
        raise Unusable(f"is of type {pixels.dtype}; pixels are floats from 0 to 1, or uint8.")


@dataclass(frozen=True)
class _Plan:
    """How pixels become `size`: boxes `across` wide and `sums` x `rest` high are averaged, the rows first as floats and
    then as bytes; what that gives is resampled.
    """

    size: tuple[int, int]
    across: int
    sums: int
    rest: int
    resized: bool

    @property
    def down(self) -> int:
        return self.sums * self.rest


def _plan(pixels: Samples, size: tuple[int, int], largest: tuple[int, int]) -> _Plan:
    """`largest` is the size without a guess."""
    height, width, channels = pixels.shape
    # Rows of floats are added up before they become bytes, which halves the work. Straight alpha forbids it. How many
    # must not depend on what an encoder made of a sample: the key is taken of the sums.
    sums = 1 if channels == 4 or pixels.dtype == np.uint8 else _boxes(height, largest[1])
    return _Plan(size, _boxes(width, size[0]), sums, _boxes(height / sums, size[1]), size != (width, height))


def _boxes(old: float, new: int) -> int:
    """How many pixels along one side are averaged to one before it is resampled."""
    return max(1, int(old / new / _LEFT_TO_DO))


def _strip(pixels: Samples, plan: _Plan, step: int, top: int) -> tuple[Image.Image, Pixels]:
    """The `step` rows of the result from `top` on as L, RGB or RGBA, and the bytes of the source's rows for the key."""
    from PIL import Image
    from PIL.Image import Resampling

    height, width, channels = pixels.shape
    across, down, rows = plan.across, plan.down, plan.size[1]
    bottom = min(top + step, rows)
    # In rows of boxes: what the strip covers, what is read for it, and which of that belongs to it alone.
    begin, end = height / down * top / rows, height / down * bottom / rows
    margin = math.ceil(_REACH * max(1, height / down / rows)) if plan.resized else 0
    first, last = max(0, int(begin) - margin), math.ceil(end) + margin
    levels = _to_bytes(pixels[first * down : last * down], plan.sums)
    own = slice((int(begin) - first) * plan.rest, None if bottom == rows else (int(end) - first) * plan.rest)
    mode = _MODES[channels]
    image = Image.frombuffer(mode, (width, len(levels)), levels, "raw", mode, 0, 1)
    if plan.resized:
        if channels == 4:
            image = image.convert("RGBa")
        if max(across, plan.rest) > 1:
            image = image.reduce((across, plan.rest))
        resample = Resampling.LANCZOS if across * down == 1 else Resampling.BICUBIC
        image = image.resize((plan.size[0], bottom - top), resample, (0, begin - first, width / across, end - first))
    return (image.convert(mode) if image.mode != mode else image), levels[own]


def _in_order(pool: Executor, work: Callable[[int], _Result], items: Iterable[int]) -> Iterator[_Result]:
    """As `pool.map`, but only a few results wait for their turn: each holds a strip."""
    waiting: deque[Future[_Result]] = deque()
    for item in items:
        if len(waiting) == _AHEAD:
            yield waiting.popleft().result()
        waiting.append(pool.submit(work, item))
    while waiting:
        yield waiting.popleft().result()


def _to_bytes(rows: Samples, down: int = 1) -> Pixels:
    """`rows` [h,W,C] as contiguous uint8; of floats the mean of each `down` rows, of the rest at the end its own."""
    if rows.dtype == np.uint8:
        return np.ascontiguousarray(rows)
    width, channels = rows.shape[1:]
    out = np.empty((math.ceil(len(rows) / down), width, channels), np.uint8)
    block = max(1, _BLOCK_SAMPLES // (width * channels * down))
    buffer = np.empty((min(block, len(out)), width, channels), np.float32)
    top = 0
    while top < len(out):
        given = rows[top * down : (top + block) * down]
        together = min(down, len(given))
        count = len(given) // together
        _average(given[: count * together], together, buffer[:count])
        np.copyto(out[top : top + count], buffer[:count], casting="unsafe")
        top += count
    return out


def _average(rows: Samples, down: int, levels: Planes) -> None:
    """Writes the mean of each `down` rows to `levels`, as 0.5 to 255.5: what a cast to integers rounds."""
    if rows.dtype.itemsize < 4:
        rows = rows.astype(np.float32)  # once: numpy is slow with halves
    # NaN makes both false, so one look finds it as well as what lies outside.
    if not (rows.min() >= 0 and rows.max() <= 1):
        if not np.isfinite(rows).all():
            raise Unusable("contains NaN or infinity.")
        rows = np.minimum(np.maximum(rows, 0), 1)
    factor = np.float32(255 / down)
    if down == 1:
        np.multiply(rows, factor, out=levels, dtype=np.float32, casting="same_kind")
    else:
        np.add(rows[0::down], rows[1::down], out=levels, dtype=np.float32, casting="same_kind")
        for row in range(2, down):
            np.add(levels, rows[row::down], out=levels, dtype=np.float32, casting="same_kind")
        np.multiply(levels, factor, out=levels)
    np.add(levels, np.float32(0.5), out=levels)
