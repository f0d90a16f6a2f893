"""A scaled picture as a file: JPEG, WebP or PNG, in at most so many bytes. Knows nothing of other pictures."""

from __future__ import annotations

import io
import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .batch import flatten
from .bleed import NOISY_BELOW, bleed_under
from .lru import LruBytes
from .scale import Scaled, Unusable, fitted

if TYPE_CHECKING:
    from PIL import Image

Colour = tuple[int, int, int]

JPEG, WEBP, PNG = "image/jpeg", "image/webp", "image/png"

_SIDE_STEP = 0.85
_SMALLEST_SIDE_PX = 64
_GOOD_QUALITY = 90
_SMALL_PIXELS = 512 * 512  # art of this size is sent without loss where the bytes allow it
_BANDS, _BAND_ROWS = 8, 8  # of larger pictures, to see whether they are smaller without loss
_LOSSLESS_EFFORT = 0  # of 100: 75 takes up to three times as long and saves next to nothing
_WEBP_METHOD = 0  # a third of the time of Pillow's default (4), a quarter more bytes, PSNR the same


@dataclass(frozen=True, eq=False)
class Fit:
    """A picture that was made to fit. `wish` is the bytes that it would take without the shared budget."""

    data: bytes
    mime: str
    size: tuple[int, int]
    quality: int | None
    flattened: Colour | None
    steps: tuple[str, ...]
    wish: int


@dataclass(frozen=True)
class Form:
    """How a picture is to be sent: `qualities` to try at full size, None for PNG; the colour under what is transparent.

    With `exact`, a picture with alpha goes without loss where that is smaller, or where it is small and fits.
    """

    mime: str
    qualities: tuple[int | None, ...]
    flattened: Colour | None
    budget_bytes: int
    exact: bool


@dataclass(frozen=True)
class Guess:
    """How many steps down the side is to begin with and, where there are any, what the picture would take at none."""

    steps: int = 0
    wish: int = 0

    def side_px(self, size: tuple[int, int], longest_side_px: int) -> int:
        return max(_SMALLEST_SIDE_PX, round(min(longest_side_px, max(size)) * _SIDE_STEP**self.steps))


class PartCache:
    """Encoded pictures by source, size, policy and cap of bytes. Safe between threads; the caller keeps it."""

    def __init__(self, max_bytes: int = 64 << 20) -> None:
        self._fits: LruBytes[Fit] = LruBytes(max_bytes, lambda fit: len(fit.data))

    def get(self, scaled: Scaled, policy: Hashable, cap: int) -> Fit | None:
        """What `cap` bytes allow for these pixels, when it is known."""
        for most in (None, cap):
            fit = self._fits.get((scaled.key, scaled.image.size, policy, most))
            if fit and len(fit.data) <= cap:
                return fit
        return None

    def put(self, scaled: Scaled, policy: Hashable, cap: int, fit: Fit) -> None:
        most = cap if len(fit.data) < fit.wish else None  # a picture that was not cut is right for any cap
        self._fits.put((scaled.key, scaled.image.size, policy, most), fit)


def encode(image: Image.Image, mime: str, quality: int | None, *, resized: bool) -> bytes:
    """`image` (RGB, RGBA where the format has alpha) as a file; WebP without loss where `quality` is None.

    JPEG is 4:4:4, alpha is always exact. Colours under alpha 0 are sent only by a PNG of the original size. Not to be
    called on one image from two threads: Pillow keeps the options on it while it saves.
    """
    file = io.BytesIO()
    if mime == WEBP and quality is None:
        image.save(file, "WEBP", lossless=True, quality=_LOSSLESS_EFFORT, method=_WEBP_METHOD)
        return file.getvalue()
    if image.mode == "RGBA" and (mime == WEBP or resized):
        image = _without_hidden_colours(image, resized=resized)
    if mime == JPEG:
        image.save(file, "JPEG", quality=quality, subsampling=0)
    elif mime == WEBP:
        image.save(file, "WEBP", quality=quality, method=_WEBP_METHOD, alpha_quality=100, exact=True)
    else:
        image.save(file, "PNG")
    return file.getvalue()


def shrink(scaled: Scaled, form: Form, cap: int, first: Guess) -> Fit:
    """`scaled`, to which `first` led, in at most `cap` bytes: without loss, then at less quality, then smaller.

    Raises Unusable when even the smallest is too large.
    """
    from PIL import Image

    image = _laid_over(scaled.image, form.flattened)
    steps = [f"flattened on #{bytes(form.flattened).hex()}"] if form.flattened else []
    exact = encode(image, WEBP, None, resized=scaled.resized) if not first.steps and _try_exact(image, form) else b""
    if exact and len(exact) <= cap:
        return Fit(exact, WEBP, image.size, None, form.flattened, (*steps, "without loss"), len(exact))
    mime, qualities = form.mime, form.qualities
    size, quality, taken = image.size, qualities[-1 if first.steps else 0], first.steps
    data = encode(image, mime, quality, resized=scaled.resized)
    wish = len(exact) if cap < len(exact) <= form.budget_bytes else first.wish or len(data)
    if len(data) > cap and quality != qualities[-1]:
        quality = qualities[-1]
        data = encode(image, mime, quality, resized=scaled.resized)
    if quality != qualities[0]:
        steps.append(f"quality {qualities[0]} to {quality} for {in_words(cap)}")
    while len(data) > cap:
        taken += max(1, _side_steps(len(data), cap))
        before, factor = size, _SIDE_STEP ** (taken - first.steps)
        size = fitted(image.size, max(_SMALLEST_SIDE_PX, round(max(image.size) * factor)))
        if size == before:
            raise Unusable(f"takes {in_words(len(data))} even at {size[0]} x {size[1]}; it may take {in_words(cap)}.")
        data = encode(image.resize(size, Image.Resampling.BICUBIC), mime, quality, resized=True)
    if taken:
        steps.append(f"side x {_SIDE_STEP}, {taken} times, for {in_words(cap)}")
    return Fit(data, mime, size, quality, form.flattened, tuple(steps), wish)


def guess(of_sample: Scaled, share: float, form: Form, cap: int) -> Guess:
    """From a `share` of a picture what `shrink` would find, so that what would be too large is not even scaled."""
    image = _laid_over(of_sample.image, form.flattened)
    wish, low = (
        int(len(encode(image, form.mime, quality, resized=of_sample.resized)) / share)
        for quality in (form.qualities[0], form.qualities[-1])
    )
    steps = _side_steps(low, cap)
    return Guess(steps, wish) if steps > 0 else Guess()


def in_words(count: int) -> str:
    """A number of bytes for people, never less than it is."""
    return f"{count / (1 << 20):.1f} MiB" if count >= 1 << 20 else f"{math.ceil(count / 1024)} KiB"


def _laid_over(image: Image.Image, colour: Colour | None) -> Image.Image:
    from PIL import Image

    return Image.fromarray(flatten(np.asarray(image), colour)) if colour and image.mode == "RGBA" else image


def _try_exact(image: Image.Image, form: Form) -> bool:
    """Whether `image` may go without loss: small art does if it fits, other pictures if that seems to be smaller.

    A user who lowers the quality wants fewer bytes.
    """
    if not form.exact or image.mode != "RGBA":
        return False
    quality = form.qualities[0] or 0
    if image.width * image.height <= _SMALL_PIXELS and quality >= _GOOD_QUALITY:
        return True
    rows = _sample_rows(image)
    return len(encode(rows, WEBP, None, resized=True)) <= len(encode(rows, WEBP, quality, resized=True))


def _sample_rows(image: Image.Image) -> Image.Image:
    """Some rows from all over `image`; all of them where it is low."""
    from PIL import Image

    if image.height <= _BANDS * _BAND_ROWS:
        return image
    rows = Image.new(image.mode, (image.width, _BANDS * _BAND_ROWS))
    for band in range(_BANDS):
        top = (image.height - _BAND_ROWS) * band // (_BANDS - 1)
        rows.paste(image.crop((0, top, image.width, top + _BAND_ROWS)), (0, band * _BAND_ROWS))
    return rows


def _side_steps(count: int, cap: int) -> int:
    """How often the side goes down until `count` bytes are about `cap`, which they are as the pixels are."""
    return round(math.log(cap / count) / math.log(_SIDE_STEP**2))


def _without_hidden_colours(image: Image.Image, *, resized: bool) -> Image.Image:
    """`image` RGBA with the colours of what is visible under alpha 0, so that lossy compression has no edge there.

    Resampled colours under very low alpha are rough as well and are smoothed; others stay as they are.
    """
    from PIL import Image

    rgba = np.asarray(image)
    if rgba[..., 3].min() > 0:
        return image
    return Image.fromarray(bleed_under(rgba, NOISY_BELOW if resized else 1))
