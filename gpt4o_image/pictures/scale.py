"""Pixels scaled to the size they are sent with, in strips on worker threads. Knows no files."""

from __future__ import annotations

import hashlib
import math
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .bleed import Planes
from .pixels import Pixels, Samples

if TYPE_CHECKING:
    from PIL import Image

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
# For each task of a worker: samples of the source; for each two tasks: pixels of the result.
_STRIP_SAMPLES = 1 << 20
_PAIR_PIXELS = 1 << 19
# Smaller blocks let the threads wait for the GIL, larger ones leave the cache: 25 ms for 4096 x 4096, else up to 40.
_BLOCK_SAMPLES = 1 << 19
# Boxes of whole pixels are averaged first as long as this much is left to do, then bicubic is enough: at 4096 to 1536
# that lies 46 dB from Lanczos alone, where JPEG q92 lies 39 dB, and takes a third of its time.
_LEFT_TO_DO = 1.3  # a change makes other keys, so that what is in the vault is paid again
# A sample of a picture: so many bands of so many rows.
_BANDS = 8
_BAND_ROWS = 16


class Unusable(ValueError):
    """Pixels that are no picture; the message goes on from the picture's name."""


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
    from PIL.Image import Resampling

    _check(pixels)
    height, width, channels = pixels.shape
    size = fitted((width, height), longest_side_px)
    weighed = channels == 4 and size != (width, height)
    # Rows of floats are added up before they become bytes, which halves the work. Straight alpha forbids it. How many
    # must not depend on what an encoder made of a sample: the key is taken of the sums.
    in_floats = channels < 4 and pixels.dtype != np.uint8
    sums = 1 if not in_floats else _boxes(height, fitted((width, height), most_px or longest_side_px)[1])
    across, down = _boxes(width, size[0]), sums * _boxes(height / sums, size[1])
    image, key = _reduced(pixels, across, (sums, down // sums), pool, weighed=weighed)
    if size != (width, height):
        resample = Resampling.LANCZOS if across * down == 1 else Resampling.BICUBIC
        image = _resized(image, (width / across, height / down), size, resample, pool)
    if image.mode == "L" or (image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255):
        image = image.convert("RGB")
    return Scaled(image, (width, height), key)


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


def _boxes(old: float, new: int) -> int:
    """How many pixels along one side are averaged to one before it is resampled."""
    return max(1, int(old / new / _LEFT_TO_DO))


def _reduced(
    pixels: Samples, across: int, downs: tuple[int, int], pool: Executor, *, weighed: bool
) -> tuple[Image.Image, bytes]:
    """`pixels` as L, RGB, RGBA, or RGBa when `weighed`: the mean of each box of `across` pixels by the product of
    `downs` (rows summed as floats, then rows averaged as bytes). And the digest of the bytes between these two.
    """
    from PIL import Image

    height, width, channels = pixels.shape
    sums, rest = downs
    down = sums * rest
    mode = "RGBa" if weighed else _MODES[channels]
    whole = Image.new(mode, (math.ceil(width / across), math.ceil(height / down)))
    step = max(1, _STRIP_SAMPLES // (width * channels * down))
    tops = range(0, whole.height, step)

    def strip(top: int) -> tuple[Image.Image, Pixels]:
        levels = _to_bytes(pixels[top * down : (top + step) * down], sums)
        raw = _MODES[channels]
        image = Image.frombuffer(raw, (width, len(levels)), levels, "raw", raw, 0, 1)
        if weighed:
            image = image.convert(mode)
        return (image.reduce((across, rest)) if max(across, rest) > 1 else image), levels

    digest = hashlib.blake2b(repr((width, height, channels, sums)).encode(), digest_size=32)
    for top, (part, levels) in zip(tops, pool.map(strip, tops), strict=True):
        whole.paste(part, (0, top))
        digest.update(levels.data)
    return whole, digest.digest()


def _resized(
    image: Image.Image, box: tuple[float, float], size: tuple[int, int], resample: int, pool: Executor
) -> Image.Image:
    """`image` from 0, 0 to `box` as L, RGB or RGBA of `size`. For its edges each strip looks into its neighbours."""
    from PIL import Image

    mode = image.mode.replace("a", "A")
    whole = Image.new(mode, size)
    step = math.ceil(size[1] / 2 / math.ceil(size[0] * size[1] / _PAIR_PIXELS))  # pairs: two workers end together
    tops = range(0, size[1], step)

    def strip(top: int) -> Image.Image:
        bottom = min(top + step, size[1])
        rows = (0, box[1] * top / size[1], box[0], box[1] * bottom / size[1])
        part = image.resize((size[0], bottom - top), resample, rows)
        return part.convert(mode) if part.mode != mode else part

    for top, part in zip(tops, pool.map(strip, tops), strict=True):
        whole.paste(part, (0, top))
    return whole


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
            raise Unusable("holds values that are no numbers (NaN or infinity).")
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
