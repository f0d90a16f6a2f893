"""Pillow images of any mode to 8 bit sRGB. Knows no files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from .formats import PictureError

if TYPE_CHECKING:
    from PIL import Image

_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK"}
_LEFT_OUT = "Its colour profile {}, so it was left out; colours may be slightly off."


def spelled_out(img: Image.Image, depth: int) -> Image.Image:
    """`img` as L, LA, RGB, RGBA or CMYK: palette, bits, 16 bit and PNG's one transparent colour resolved.

    `depth` is the bits of a sample in the file. Raises PictureError for samples without a known range.
    """
    from PIL import Image

    key: Any = img.info.get("transparency")
    if img.mode in ("P", "PA"):
        return img.convert("RGB" if key is None and img.mode == "P" else "RGBA")
    if img.mode.startswith("I"):  # I;16, or I in an older Pillow, whose own conversion clips at 255
        if depth > 16:
            raise PictureError(f"The picture has samples of {depth} bits; at most 16 are decoded.")
        samples = np.asarray(img).clip(0, 65535).astype(np.uint32)
        grey = Image.fromarray(((samples + 128) // 257).astype(np.uint8))  # v * 255 / 65535, rounded
        return grey if key is None else _keyed(grey, samples == key)
    if img.mode == "F":
        raise PictureError("The picture has floats as samples, whose range is not known.")
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
        return _keyed(img, (np.asarray(img) == colour).all(axis=2))
    most = (1 << depth) - 1
    return _keyed(img, np.asarray(img) == (key & most) * 255 // most)  # Pillow widens 2 and 4 bit, not the key


def to_srgb(img: Image.Image, profile: bytes | None) -> tuple[Image.Image, str | None]:
    """`img` (L, LA, RGB, RGBA, CMYK) as RGB or RGBA, through `profile`; a warning where that is damaged or foreign."""
    mode = "RGBA" if img.mode.endswith("A") else "RGB"
    warning = None
    if profile:
        colours = img.convert(img.mode[:-1]) if mode == "RGBA" else img
        managed, warning = _managed(colours, profile)
        if managed is not None:
            if mode == "RGBA":
                managed.putalpha(img.getchannel("A"))
            return managed, None
    return (img if img.mode == mode else img.convert(mode)), warning


def _managed(colours: Image.Image, profile: bytes) -> tuple[Image.Image | None, str | None]:
    """`colours` (L, RGB, CMYK) in sRGB; None where the profile changes nothing, or cannot be used: with a warning."""
    from PIL import Image, ImageChops, ImageCms

    space = profile[16:20]  # ICC.1:2022, 7.2.6
    if space == b"RGB " and colours.mode == "L":
        colours = colours.convert("RGB")
    mode = colours.mode
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if space != _SPACES[mode]:
            return None, _LEFT_OUT.format(f"is not for {mode} pictures")
        srgb = cast("Any", ImageCms).createProfile("sRGB")  # Pillow does not type it
        transform = ImageCms.buildTransform(source, srgb, mode, "RGB")
        if mode == "RGB":
            # sRGB of another maker differs by rounding: such a picture keeps the values it has.
            codes = bytes(17 * (code >> shift & 15) for code in range(4096) for shift in (8, 4, 0))
            probe = Image.frombytes("RGB", (64, 64), codes)
            change = ImageChops.difference(probe, transform.apply(probe))
            if int(np.asarray(change).max()) <= 1:
                return None, None
        return transform.apply(colours), None
    except ImportError:
        return None, _LEFT_OUT.format("cannot be read by the Pillow that is installed here")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None, _LEFT_OUT.format("is damaged")


def _keyed(img: Image.Image, transparent: npt.NDArray[np.bool_]) -> Image.Image:
    from PIL import Image

    img.putalpha(Image.fromarray(np.where(transparent, np.uint8(0), np.uint8(255))))
    return img
