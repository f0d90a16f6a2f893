"""Picture bytes to pixels, and pixels to what the nodes give out. Knows neither torch nor the gateway."""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt

from .bleed import bleed

if TYPE_CHECKING:
    from PIL import Image

Mode = Literal["RGB", "RGBA"]
Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

MAX_PIXELS = 64_000_000  # 256 MB as RGBA

# mime type: Pillow's name of the format, file extension
_FORMATS = {
    "image/png": ("PNG", ".png"),
    "image/jpeg": ("JPEG", ".jpg"),
    "image/webp": ("WEBP", ".webp"),
    "image/gif": ("GIF", ".gif"),
    "image/avif": ("AVIF", ".avif"),
}
# What Pillow's decoders raise on broken data, as 80,000 damaged files showed; `_open` adds the bomb error.
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, MemoryError,
           RuntimeError, AssertionError, struct.error, zlib.error)  # fmt: skip
_COLOUR_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK"}
_CHECKER = (0xCC, 0x99)  # light and dark squares of a preview
_CHECKER_PX = 16

# Of the whole process: more threads than cores would finish no sooner, but keep the host's loop from its turn. And
# always the same ones: each thread has a heap, and 16 pictures in 16 of them cost more in fresh memory than in work.
_workers = ThreadPoolExecutor(os.cpu_count() or 1, "gpt4o-image-pixels")
# warnings.catch_warnings changes the process: two threads inside it at once could leave the filters changed.
_quiet_lock = threading.Lock()


class PictureError(ValueError):
    """Bytes that are no picture, a broken or cut off picture, or one that is too large."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """One picture: `pixels` [H,W,3|4] uint8 sRGB, straight alpha, contiguous, possibly read-only.

    `mode` is RGBA only when some pixel is not opaque. `mime` is the type of the bytes it came from.
    """

    pixels: Pixels
    width: int
    height: int
    mode: Mode
    mime: str


@dataclass(frozen=True, eq=False)
class Batch:
    """What a node gives out, float32, 0..1, of equal B, H and W.

    `image` [B,H,W,3|4], `rgb` [B,H,W,3] with colours bled under the transparent part, `mask` [B,H,W] = 1 - alpha
    (as LoadImage: ComfyUI v0.33.0 nodes.py:1785). An opaque batch has `rgb is image`. `mixed` says that sizes
    differed, so that some pictures have empty space around them.
    """

    image: Floats
    rgb: Floats
    mask: Floats
    mixed: bool


def sniff(data: bytes) -> str | None:
    """The mime type by the first bytes: PNG, JPEG, WebP, GIF or AVIF; None for all else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[4:8] == b"ftyp":
        brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
        if b"avif" in brands or b"avis" in brands:
            return "image/avif"
    return None


def extension(mime: str) -> str:
    """The file extension, dot included, for a mime type that `sniff` gave."""
    return _FORMATS[mime][1]


def decode(data: bytes, enough_px: int = 0) -> Decoded:
    """The first frame of a picture, upright, in sRGB, 8 bit; colours under alpha 0 as they are in the file.

    With `enough_px` a JPEG may come at an eighth, a quarter or half of its size, as long as both sides keep as many
    pixels: several times faster. Raises PictureError, for more than MAX_PIXELS before anything is decoded.
    """
    mime = sniff(data)
    if mime is None:
        raise PictureError(f"This is no PNG, JPEG, WebP, GIF or AVIF picture. It begins with {data[:24]!r}.")
    return _workers.submit(_decoded, data, mime, enough_px).result()


def _decoded(data: bytes, mime: str, enough_px: int) -> Decoded:
    img = _open(data, mime)
    try:
        if enough_px:
            img.draft(None, (enough_px, enough_px))
        img.load()
        depth = data[24] if mime == "image/png" else 8  # IHDR comes first in every PNG
        eight_bit = _spelled_out(img, depth)
        upright = _turned(_to_srgb(eight_bit, img.info.get("icc_profile")), _orientation(img))
    except _BROKEN as error:
        raise PictureError(f"The {_FORMATS[mime][0]} data is broken or cut off: {error}") from error
    if upright.mode == "RGBA" and upright.getchannel("A").getextrema()[0] == 255:
        upright = upright.convert("RGB")
    return Decoded(
        pixels=np.asarray(upright),
        width=upright.width,
        height=upright.height,
        mode="RGBA" if upright.mode == "RGBA" else "RGB",
        mime=mime,
    )


def canvas(pictures: Sequence[Decoded]) -> Batch:
    """The pictures as one batch, in order.

    Different sizes are centred, unresampled, on the largest width by the largest height, transparent around;
    an opaque picture beside a transparent one gets alpha 1. Values are `byte / 255`, to the bit as LoadImage's.
    Raises ValueError when there is no picture.
    """
    if not pictures:
        raise ValueError("a batch needs at least one picture")
    count = len(pictures)
    width = max(picture.width for picture in pictures)
    height = max(picture.height for picture in pictures)
    mixed = any((picture.width, picture.height) != (width, height) for picture in pictures)
    if not mixed and all(picture.mode == "RGB" for picture in pictures):
        image = np.empty((count, height, width, 3), np.float32)
        for picture, frame in zip(pictures, image, strict=True):
            _to_floats(picture.pixels, frame)
        return Batch(image, image, np.zeros((count, height, width), np.float32), mixed)

    image = np.empty((count, height, width, 4), np.float32)
    rgb = np.empty((count, height, width, 3), np.float32)
    mask = np.empty((count, height, width), np.float32)

    def fill(index: int) -> None:
        rgba = _centred(pictures[index].pixels, width, height)
        _to_floats(bleed(rgba), rgb[index])  # first: what it needs for itself is gone before the rest is filled
        _to_floats(rgba, image[index])
        np.subtract(1, image[index, ..., 3], out=mask[index])

    list(_workers.map(fill, range(count)))  # numpy and Pillow free the GIL
    return Batch(image, rgb, mask, mixed)


def flatten(pixels: Pixels, colour: tuple[int, int, int] | None = None) -> Pixels:
    """[H,W,3|4] uint8 laid over `colour`, or over a light and dark checker: [H,W,3] uint8."""
    if pixels.shape[2] == 3:
        return pixels
    rows, columns = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
    squares = (rows // _CHECKER_PX + columns // _CHECKER_PX) % 2
    ground = np.array(_CHECKER, np.int32)[squares][..., None] if colour is None else np.array(colour, np.int32)
    alpha = pixels[..., 3:].astype(np.int32)
    return ((pixels[..., :3] * alpha + ground * (255 - alpha) + 127) // 255).astype(np.uint8)


def preview(pixels: Pixels, longest_side_px: int = 512) -> Image.Image:
    """A small RGB Pillow image of `pixels` [H,W,3|4] uint8; what is transparent shows a checker."""
    return _workers.submit(_previewed, pixels, longest_side_px).result()


def _previewed(pixels: Pixels, longest_side_px: int) -> Image.Image:
    from PIL import Image

    small = Image.fromarray(pixels)
    # The gap lets it average whole squares of pixels first, which is half the work.
    small.thumbnail((longest_side_px, longest_side_px), reducing_gap=1.0)
    return Image.fromarray(flatten(np.asarray(small)))


def _open(data: bytes, mime: str) -> Image.Image:
    """Reads the header only. Raises PictureError when that is broken, too large, or the data has no end."""
    from PIL import Image

    name = _FORMATS[mime][0]
    try:
        with _quiet():
            img = Image.open(io.BytesIO(data), formats=[name])
    except Image.DecompressionBombError as error:
        raise PictureError(f"The picture is too large to be decoded: {error}") from error
    except KeyError as error:
        raise PictureError(f"The Pillow that is installed here cannot read {name}.") from error
    except _BROKEN as error:
        raise PictureError(f"The {name} data is broken or cut off: {error}") from error
    if not 0 < img.width * img.height <= MAX_PIXELS:
        raise PictureError(
            f"The picture has {img.width} x {img.height} pixels; at most {MAX_PIXELS // 10**6} megapixels are decoded."
        )
    if not _has_end(data, mime):
        raise PictureError(f"The {name} data is cut off: its end marker is missing.")
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


def _orientation(img: Image.Image) -> int:
    """EXIF orientation 1..8; 1 where there is none or its data is broken."""
    try:
        with _quiet():
            value: object = img.getexif().get(0x0112)
    except _BROKEN:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _turned(img: Image.Image, orientation: int) -> Image.Image:
    from PIL.Image import Transpose

    moves = (
        Transpose.FLIP_LEFT_RIGHT,
        Transpose.ROTATE_180,
        Transpose.FLIP_TOP_BOTTOM,
        Transpose.TRANSPOSE,
        Transpose.ROTATE_270,
        Transpose.TRANSVERSE,
        Transpose.ROTATE_90,
    )  # for orientations 2..8 (EXIF 2.32, 4.6.4)
    return img if orientation == 1 else img.transpose(moves[orientation - 2])


def _centred(pixels: Pixels, width: int, height: int) -> Pixels:
    """`pixels` [h,w,3|4] as [height,width,4], transparent black around."""
    if pixels.shape == (height, width, 4):
        return pixels
    top, left = (height - pixels.shape[0]) // 2, (width - pixels.shape[1]) // 2
    placed = np.zeros((height, width, 4), np.uint8)
    middle = placed[top : top + pixels.shape[0], left : left + pixels.shape[1]]
    middle[..., 3] = 255
    middle[..., : pixels.shape[2]] = pixels
    return placed


def _to_floats(pixels: Pixels, out: Floats) -> None:
    # Divided, not multiplied by 1/255: that is as fast and gives LoadImage's values to the last bit.
    np.divide(pixels, np.float32(255), out=out)
