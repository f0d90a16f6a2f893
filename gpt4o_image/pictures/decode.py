"""Picture bytes to pixels: upright, in sRGB, 8 bit. Knows neither torch nor the gateway."""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt

from .formats import Format, PictureError, format_of
from .pixels import Pixels
from .workers import workers

if TYPE_CHECKING:
    from PIL import Image

Mode = Literal["RGB", "RGBA"]

MAX_PIXELS = 64_000_000  # 256 MB as RGBA

# What Pillow's decoders raise on broken data, as 80,000 damaged files showed; `_open` adds the bomb error.
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, MemoryError,
           RuntimeError, AssertionError, struct.error, zlib.error)  # fmt: skip
_COLOUR_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK"}
# warnings.catch_warnings changes the process: two threads inside it at once could leave the filters changed.
_quiet_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Decoded:
    """One picture: `pixels` [H,W,3|4] uint8 sRGB, straight alpha, contiguous, possibly read-only.

    `mode` is RGBA only when some pixel is not opaque. `mime` is the type of the bytes it came from. `warnings` are for
    people: what was left out or repaired.
    """

    pixels: Pixels
    width: int
    height: int
    mode: Mode
    mime: str
    warnings: tuple[str, ...] = ()


def decode(data: bytes, enough_px: int = 0) -> Decoded:
    """The first frame of a picture, upright, in sRGB, 8 bit; colours under alpha 0 as they are in the file.

    With `enough_px` a JPEG may come at an eighth, a quarter or half of its size, as long as both sides keep as many
    pixels: several times faster. Raises PictureError, for more than MAX_PIXELS before anything is decoded.
    """
    found = format_of(data)
    if found is None:
        raise PictureError(f"This is no PNG, JPEG, WebP, GIF or AVIF picture. It begins with {data[:24]!r}.")
    if found.pillow is None:
        raise PictureError(f"This is a {found.name} picture, which cannot be decoded here.")
    return workers.submit(_decoded, data, found, enough_px).result()


def _decoded(data: bytes, found: Format, enough_px: int) -> Decoded:
    img = _open(data, found)
    try:
        if enough_px:
            img.draft(None, (enough_px, enough_px))
        img.load()
        _turn_upright(img)
        depth = data[24] if found.pillow == "PNG" else 8  # IHDR comes first in every PNG
        upright = _to_srgb(_spelled_out(img, depth), img.info.get("icc_profile"))
    except _BROKEN as error:
        raise PictureError(f"The {found.name} data is broken or cut off: {error}") from error
    if upright.mode == "RGBA" and upright.getchannel("A").getextrema()[0] == 255:
        upright = upright.convert("RGB")
    return Decoded(
        pixels=np.asarray(upright),
        width=upright.width,
        height=upright.height,
        mode="RGBA" if upright.mode == "RGBA" else "RGB",
        mime=found.mime,
    )


def _open(data: bytes, found: Format) -> Image.Image:
    """Reads the header only. Raises PictureError when that is broken, too large, or the data has no end."""
    from PIL import Image

    try:
        with _quiet():
            img = Image.open(io.BytesIO(data), formats=[str(found.pillow)])
    except Image.DecompressionBombError as error:
        raise PictureError(f"The picture is too large to be decoded: {error}") from error
    except KeyError as error:
        raise PictureError(f"The Pillow that is installed here cannot read {found.name}.") from error
    except _BROKEN as error:
        raise PictureError(f"The {found.name} data is broken or cut off: {error}") from error
    if not 0 < img.width * img.height <= MAX_PIXELS:
        raise PictureError(
            f"The picture has {img.width} x {img.height} pixels; at most {MAX_PIXELS // 10**6} megapixels are decoded."
        )
    if not _has_end(data, found.mime):
        raise PictureError(f"The {found.name} data is cut off: its end marker is missing.")
    return img


def _has_end(data: bytes, mime: str) -> bool:
    """Whether the end marker of a PNG or JPEG is there; other formats' decoders always look themselves.

    Pillow does not once another node pack has set ImageFile.LOAD_TRUNCATED_IMAGES, as several do: then it paints
    the missing part black or grey. A thumbnail in the metadata has its own end marker, so a JPEG is searched from
    its scan on.
    """
    if mime == "image/png":
        return data.rfind(b"IEND\xaeB`\x82") > 0
    if mime != "image/jpeg":
        return True
    position = 2
    while data[position : position + 1] == b"\xff" and data[position + 1 : position + 2] != b"\xda":
        if data[position + 1 : position + 2] == b"\xff":  # any number of these may stand before a marker
            position += 1
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return data.find(b"\xff\xd9", position) > 0


@contextmanager
def _quiet() -> Generator[None]:
    """No warnings from Pillow: its limits are replaced by ours, and broken metadata is of no interest."""
    with _quiet_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _spelled_out(img: Image.Image, depth: int) -> Image.Image:
    """`img` as L, LA, RGB, RGBA or CMYK: palette, bits, 16 bit and PNG's one transparent colour resolved.

    `depth` is the bits of a sample in the file.
    """
    from PIL import Image

    key: Any = img.info.get("transparency")
    if img.mode in ("P", "PA"):
        return img.convert("RGB" if key is None and img.mode == "P" else "RGBA")
    if img.mode.startswith("I"):  # I;16, or I in an older Pillow, whose own conversion clips at 255
        samples = np.asarray(img).astype(np.uint32)
        grey = Image.fromarray(((samples + 128) // 257).astype(np.uint8))  # v * 255 / 65535, rounded
        return grey if key is None else _keyed(grey, samples == key)
    if img.mode == "1":
        img, key = img.convert("L"), key and 255
        depth = 8
    if key is None:
        return img
    if img.mode == "RGB":  # of 16 bit Pillow reads the high byte, so the colour is compared by that too
        colour = np.array([level >> 8 if depth == 16 else level & 255 for level in key])
        return _keyed(img, (np.asarray(img) == colour).all(axis=2))
    most = (1 << depth) - 1
    return _keyed(img, np.asarray(img) == (key & most) * 255 // most)  # Pillow widens 2 and 4 bit, not the key


def _keyed(img: Image.Image, transparent: npt.NDArray[np.bool_]) -> Image.Image:
    from PIL import Image

    img.putalpha(Image.fromarray(np.where(transparent, np.uint8(0), np.uint8(255))))
    return img


def _to_srgb(img: Image.Image, profile: bytes | None) -> Image.Image:
    """`img` (L, LA, RGB, RGBA, CMYK) as RGB or RGBA, through `profile` when that is sound and fits."""
    mode = "RGBA" if img.mode.endswith("A") else "RGB"
    if profile:
        colours = img.convert(img.mode[:-1]) if mode == "RGBA" else img
        managed = _managed(colours, profile)
        if managed is not None:
            if mode == "RGBA":
                managed.putalpha(img.getchannel("A"))
            return managed
    return img if img.mode == mode else img.convert(mode)


def _managed(colours: Image.Image, profile: bytes) -> Image.Image | None:
    """`colours` (L, RGB, CMYK) in sRGB; None where the profile is broken, does not fit or changes nothing."""
    from PIL import Image, ImageChops, ImageCms

    space = profile[16:20]  # ICC.1:2022, 7.2.6
    if space == b"RGB " and colours.mode == "L":
        colours = colours.convert("RGB")
    mode = colours.mode
    if space != _COLOUR_SPACES[mode]:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = cast("Any", ImageCms).createProfile("sRGB")  # Pillow does not type it
        transform = ImageCms.buildTransform(source, srgb, mode, "RGB")
        if mode == "RGB":
            # sRGB of another maker differs by rounding: such a picture keeps the values it has.
            codes = bytes(17 * (code >> shift & 15) for code in range(4096) for shift in (8, 4, 0))
            probe = Image.frombytes("RGB", (64, 64), codes)
            change = ImageChops.difference(probe, transform.apply(probe))
            if int(np.asarray(change).max()) <= 1:
                return None
        return transform.apply(colours)
    except (ImageCms.PyCMSError, ImportError, *_BROKEN):
        return None


def _turn_upright(img: Image.Image) -> None:
    """Applies the EXIF orientation of the loaded `img` in place; broken EXIF data counts as none."""
    from PIL import ImageOps

    with _quiet(), suppress(*_BROKEN):
        ImageOps.exif_transpose(img, in_place=True)
