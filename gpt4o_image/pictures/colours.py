"""Pillow images of any mode to 8 bit sRGB. Knows no files."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .formats import PictureError
from .pixels import Samples

if TYPE_CHECKING:
    from PIL import Image

_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK"}
_ROWS = 64
_LEFT_OUT = "Its colour profile {}, so it was left out; colours may be slightly off."


def spelled_out(img: Image.Image, depth: int) -> Image.Image:
    """`img` as L, LA, RGB, RGBA or CMYK: palette, bits, 16 bit and PNG's one transparent colour resolved.

    `depth` is the bits of a sample in the file. Raises PictureError for samples without a known range.
    """
    key: Any = img.info.get("transparency")
    if img.mode in ("P", "PA"):
        return img.convert("RGB" if key is None and img.mode == "P" else "RGBA")
    if img.mode.startswith("I"):  # I;16, or I in an older Pillow, whose own conversion clips at 255
        if depth > 16:
            raise PictureError(f"The picture has samples of {depth} bits; at most 16 are decoded.")
        grey = _mapped(img, lambda rows: (rows.clip(0, 65535).astype(np.uint32) + 128) // 257)  # v * 255 / 65535
        return grey if key is None else _keyed(grey, img, lambda rows: rows == key)
    if img.mode == "F":
        raise PictureError("The picture has floating-point samples, whose range is not known.")
    if img.mode in ("RGBa", "La"):
        return img.convert(img.mode.upper())
    if img.mode not in ("1", "L", "LA", "RGB", "RGBA", "CMYK"):
        return img.convert("RGB")
    if img.mode == "1":
        img, key = img.convert("L"), key and 255
        depth = 8
    if key is None:
        return img
    if img.mode == "RGB":  # of 16 bit Pillow reads the high byte, so the colour is compared by that too
        colour = np.array([level >> 8 if depth == 16 else level & 255 for level in key])
        return _keyed(img, img, lambda rows: (rows == colour).all(axis=2))
    most = (1 << depth) - 1
    level = (key & most) * 255 // most  # Pillow widens 2 and 4 bit, not the key
    return _keyed(img, img, lambda rows: rows == level)


def to_srgb(img: Image.Image, profile: bytes | None) -> tuple[Image.Image, str | None]:
    """`img` (L, LA, RGB, RGBA, CMYK) as RGB or RGBA, through `profile`; a warning where that is damaged or foreign.

    `img` may be changed.
    """
    mode = "RGBA" if img.mode.endswith("A") else "RGB"
    warning = None
    if profile:
        managed, warning = _managed(img, profile)
        if managed is not None:
            return managed, None
    return (img if img.mode == mode else img.convert(mode)), warning


def _managed(img: Image.Image, profile: bytes) -> tuple[Image.Image | None, str | None]:
    """`img` in sRGB; None where the profile changes nothing, or cannot be used: with a warning."""
    from PIL import ImageCms

    space = profile[16:20]  # ICC.1:2022, 7.2.6
    if space == b"RGB " and img.mode in ("L", "LA"):
        img = img.convert(img.mode.replace("L", "RGB"))
    colours = img.mode.removesuffix("A")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if space != _SPACES[colours]:
            return None, _LEFT_OUT.format(f"is not for {colours} pictures")
        srgb = cast("Any", ImageCms).createProfile("sRGB")  # Pillow does not type it
        if colours == "RGB":
            return _in_place(img, ImageCms.buildTransform(source, srgb, img.mode, img.mode)), None
        transform = ImageCms.buildTransform(source, srgb, colours, "RGB")
    except ImportError:
        return None, _LEFT_OUT.format("cannot be read by the Pillow that is installed here")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None, _LEFT_OUT.format("is damaged")
    managed = transform.apply(img if img.mode == colours else img.convert(colours))
    if img.mode != colours:
        managed.putalpha(img.getchannel("A"))
    return managed, None


def _in_place(img: Image.Image, transform: Any) -> Image.Image | None:
    """`img` (RGB, RGBA) transformed itself: a second one would take as much memory. Alpha stays."""
    from PIL import Image, ImageChops

    # sRGB of another maker differs by rounding: such a picture keeps the values it has.
    codes = bytes(17 * (code >> shift & 15) for code in range(4096) for shift in (8, 4, 0))
    probe = Image.frombytes("RGB", (64, 64), codes).convert(img.mode)
    change = ImageChops.difference(probe.convert("RGB"), transform.apply(probe).convert("RGB"))
    if int(np.asarray(change).max()) <= 1:
        return None
    transform.apply_in_place(img)
    return img


def _mapped(img: Image.Image, work: Callable[[Samples], Samples]) -> Image.Image:
    """An image L of `work`'s levels for the samples of `img`, some rows at a time: copies of all of it are large."""
    from PIL import Image

    levels = Image.new("L", img.size)
    for top in range(0, img.height, _ROWS):
        rows = np.asarray(img.crop((0, top, img.width, min(top + _ROWS, img.height))))
        levels.paste(Image.fromarray(work(rows).astype(np.uint8)), (0, top))
    return levels


def _keyed(img: Image.Image, samples: Image.Image, is_key: Callable[[Samples], Samples]) -> Image.Image:
    """`img`, transparent where `is_key` holds for `samples`."""
    img.putalpha(_mapped(samples, lambda rows: np.where(is_key(rows), 0, 255)))
    return img
