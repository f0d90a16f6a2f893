"""Picture bytes to pixels: upright, in sRGB, 8 bit. Knows neither torch nor the gateway."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from . import tiff
from .colours import spelled_out, to_srgb
from .formats import DECODED_NAMES, Format, PictureError, format_of
from .opening import BROKEN, MAX_PIXELS, Large, open_mended, quiet
from .pixels import Pixels
from .workers import workers

if TYPE_CHECKING:
    from PIL import Image, ImageFile

Mode = Literal["RGB", "RGBA"]

KEPT_PIXELS = 1 << 22  # of each result: 32 of them in one answer then take 0.5 GB at most, and no real one is larger
TIMEOUT_S = 10.0  # 64 megapixels take 1 to 3 s
_TIFF_BITS_PER_SAMPLE = 258
_one_large = threading.Lock()


@dataclass(frozen=True, eq=False)
class Decoded:
    """One picture. `mode` is RGBA only when some pixel is not opaque. `mime` is the type of the bytes it came from.

    `load` gives the picture, as `image` does. `warnings` are sentences for people: what was repaired or left out.
    """

    load: Callable[[], Image.Image]
    width: int
    height: int
    mode: Mode
    mime: str
    warnings: tuple[str, ...] = ()

    @property
    def image(self) -> Image.Image:
        """A Pillow image of `mode`, loaded, in sRGB, with straight alpha. Not to be changed."""
        return self.load()

    @property
    def pixels(self) -> Pixels:
        """[H,W,3|4] uint8, contiguous, possibly read-only."""
        return np.asarray(self.image)


def decode(data: bytes, enough_px: int = 0, *, kept_pixels: int = MAX_PIXELS, timeout_s: float = TIMEOUT_S) -> Decoded:
    """The first frame of a picture, upright, in sRGB, 8 bit; colours under alpha 0 as they are in the file.

    With `enough_px` a JPEG may come at an eighth, a quarter or half of its size, as long as its longest side keeps as
    many pixels: several times faster, and of pictures too large to be decoded whole. A picture of more than
    `kept_pixels` is not kept in memory, but decoded anew each time it is asked for. Damaged metadata and a missing end
    mark are repaired, with a warning. Raises PictureError for what is no picture, broken or cut off, for more than
    MAX_PIXELS or MAX_SCANS, and after `timeout_s`; of these PictureTooLarge is raised where there are too many pixels.
    """
    found = format_of(data)
    if found is None:
        raise PictureError(f"This is not a {DECODED_NAMES} picture. It begins with {data[:24]!r}.")
    if found.plugin is None:
        raise PictureError(f"This is a picture in {found.name} format, which cannot be decoded here.")

    def load(*, alone: bool = False) -> tuple[Image.Image, list[str]]:
        try:
            return workers.run(lambda: _loaded(data, found, enough_px, timeout_s, alone=alone), timeout_s)
        except Large:
            with _one_large:
                return load(alone=True)
        except TimeoutError as error:
            raise PictureError(f"The {found.name} picture takes longer than {timeout_s:g} s to decode.") from error

    image, remarks = load()
    width, height, mode = image.width, image.height, cast("Mode", image.mode)
    again = (lambda: image) if width * height <= kept_pixels else (lambda: load()[0])
    return Decoded(again, width, height, mode, found.mime, tuple(remarks))


def _loaded(
    data: bytes, found: Format, enough_px: int, timeout_s: float, *, alone: bool
) -> tuple[Image.Image, list[str]]:
    """The picture as RGB or RGBA, and warnings."""
    try:
        img, remarks = open_mended(data, found, enough_px, time.monotonic() + timeout_s, alone=alone)
        remarks += _remarks(img)
        remarks += _turn_upright(img)
        upright, remark = to_srgb(spelled_out(img, _depth(data, img)), img.info.get("icc_profile"))
    except (PictureError, TimeoutError):
        raise
    except BROKEN as error:
        raise PictureError(f"The {found.name} data is broken or cut off: {error}") from error
    if upright.mode == "RGBA" and upright.getchannel("A").getextrema()[0] == 255:
        upright = upright.convert("RGB")
    if upright is img and hasattr(img, "_decoder"):
        upright = upright.copy()  # WebP and AVIF: without the decoder, which holds more than the picture
    return upright, remarks if remark is None else [*remarks, remark]


def _remarks(img: ImageFile.ImageFile) -> list[str]:
    """What the loaded picture leaves out of its file."""
    remarks: list[str] = []
    if getattr(img, "is_animated", False):
        several, one = ("pages", "page") if img.format == "TIFF" else ("frames", "frame")
        remarks.append(f"It has several {several}; the first {one} is used.")
    if "icc_profile" in img.info and img.info["icc_profile"] is None:
        remarks.append("Its colour profile is damaged, so it was left out; colours may be slightly off.")
    return remarks


def _depth(data: bytes, img: ImageFile.ImageFile) -> int:
    """The bits of a sample in the file."""
    if img.format == "PNG":
        return data[24]  # IHDR comes first in every PNG
    tags: Any = getattr(img, "tag_v2", {})
    return max(tags.get(_TIFF_BITS_PER_SAMPLE, (8,)))


def _turn_upright(img: ImageFile.ImageFile) -> list[str]:
    """Applies the EXIF orientation in place. Returns a warning where the EXIF data is broken."""
    from PIL import ImageOps

    try:
        exif = _exif(img)
        if not exif or tiff.is_bounded(exif):
            with quiet():
                ImageOps.exif_transpose(img, in_place=True)
            return []
    except TimeoutError:
        raise
    except BROKEN:
        pass
    return ["Its EXIF data is damaged and was left out; it may lie on its side."]


def _exif(img: ImageFile.ImageFile) -> bytes:
    """EXIF data as Pillow finds it, from the byte order on; that of a TIFF was looked at when it was opened."""
    exif: bytes | None = img.info.get("exif")
    if exif is None:  # ImageMagick writes it into PNGs as text, behind three lines
        exif = bytes.fromhex("".join(img.info.get("Raw profile type exif", "").split("\n")[3:]))
    return exif.removeprefix(b"Exif\0\0")
