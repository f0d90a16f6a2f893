"""Opens picture bytes with Pillow, within bounds; repairs them where only metadata or an end mark is damaged."""

from __future__ import annotations

import io
import struct
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import avif, jpeg, png, tiff
from .formats import Format, PictureError, PictureTooLarge

if TYPE_CHECKING:
    from PIL import Image, ImageFile

    Open = Callable[[bytes], ImageFile.ImageFile]

MAX_PIXELS = 64_000_000  # 256 MB as RGBA
MAX_SCANS = 100  # of a JPEG: 211 KiB with 500 of them take 68 s
_MAX_SCANNED_PIXELS = 20 * MAX_PIXELS  # in all scans: 3 s. Real files have about ten scans
# A JPEG of which few enough pixels are kept may have more, as a telephone's 200 megapixels are.
_MAX_PIXELS_READ = 4 * MAX_PIXELS
_MAX_BYTES = 7 * MAX_PIXELS  # of memory for one picture: 448 MB, so that the process stays below 600 MB
_DECODER_BYTES = {"image/webp": 12, "image/avif": 8}  # a pixel, beside the picture's own 4
_PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 3, "I;16B": 3, "I;16L": 3, "RGB": 0, "RGBA": 0}  # before the conversion
_LARGE_PIXELS = 1 << 24
_MAX_TILE_PIXELS = 1 << 24  # of a TIFF, whose tiles may be larger than itself
_TIFF_SUBFILE_TYPE, _TIFF_TILE_WIDTH, _TIFF_TILE_LENGTH = 254, 322, 323
_TIFF_SUB_DIRECTORIES, _TIFF_DNG_VERSION = 330, 50706
_BAND_ROWS = 64
_NO_END = "Its end mark is missing; all its pixels are there."
# What is tried in turn on a file that Pillow stumbles over, with the warning for each.
_REPAIRS: dict[str, tuple[tuple[Callable[[bytes], bytes | None], str], ...]] = {
    "image/png": (
        (png.without_metadata, "Its metadata is damaged or too large and was left out."),
        (png.without_animation, "Its animation is damaged; the first frame is used."),
    ),
    "image/jpeg": ((jpeg.without_metadata, "Its metadata is damaged and was left out."),),
    "image/avif": (
        (avif.with_one_association, "Its file structure breaks the AVIF standard and was repaired to decode it."),
    ),
}

# What Pillow's decoders raise on broken data, as 80,000 damaged files showed.
BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, MemoryError,
           RuntimeError, AssertionError, Warning, struct.error, zlib.error)  # fmt: skip
# warnings.catch_warnings changes the process: two threads inside it at once could leave the filters changed.
_quiet_lock = threading.Lock()
_QUIET_WAIT_S = 0.1


class Large(Exception):
    """A picture that takes so much memory that no other large one is to be decoded beside it."""


def open_mended(
    data: bytes, found: Format, enough_px: int, deadline: float, *, alone: bool
) -> tuple[ImageFile.ImageFile, list[str]]:
    """The first frame, loaded: as it is, else without what Pillow stumbles over. And warnings for what was repaired.

    `deadline` is on the monotonic clock. Raises PictureError, TimeoutError, Large (unless `alone`), or one of BROKEN.
    """
    open_ = partial(_opened, found=found, enough_px=enough_px, deadline=deadline, alone=alone)
    whole, remarks = _with_end(data, found, open_)
    try:
        return open_(whole), remarks
    except (PictureError, TimeoutError):
        raise
    except BROKEN:
        for repair, remark in _REPAIRS.get(found.mime, ()):
            mended = repair(whole)
            if mended is None or mended == whole:
                continue
            with suppress(*BROKEN):
                return open_(mended), [*remarks, remark]
        raise


def _with_end(data: bytes, found: Format, open_: Open) -> tuple[bytes, list[str]]:
    """`data` with its end mark, where only that is missing. Raises PictureError where pixels are missing as well.

    Pillow does not look once another node pack has set ImageFile.LOAD_TRUNCATED_IMAGES, as several do: then it paints
    the missing part black or grey.
    """
    if found.mime == "image/jpeg":
        if jpeg.has_end(data):
            return data, []
        data, noisy = jpeg.ended(data)
        if jpeg.is_covered(data):
            img = open_(data)
            if all(_are_equal(img, open_(each)) for each in noisy):
                return data, [_NO_END]
    elif found.mime == "image/png":
        if png.has_end(data):
            return data, []
        if png.is_complete(data):
            return data, [_NO_END]
    else:
        return data, []
    raise PictureError(f"The {found.name} data is cut off: its end mark and pixels before it are missing.")


def _are_equal(one: Image.Image, other: Image.Image) -> bool:
    from PIL import ImageChops

    bands = [(0, top, one.width, min(top + _BAND_ROWS, one.height)) for top in range(0, one.height, _BAND_ROWS)]
    return all(ImageChops.difference(one.crop(band), other.crop(band)).getbbox() is None for band in bands)


class _Source(io.BytesIO):
    """A file in memory. Reading it raises TimeoutError after `deadline`, which ends most decoders."""

    def __init__(self, data: bytes, deadline: float) -> None:
        super().__init__(data)
        self.ran_out = False
        self._deadline = deadline

    def read(self, size: int | None = -1, /) -> bytes:
        if time.monotonic() > self._deadline:
            raise TimeoutError
        data = super().read(size)
        self.ran_out = self.ran_out or not data
        return data


def _opened(data: bytes, *, found: Format, enough_px: int, deadline: float, alone: bool) -> ImageFile.ImageFile:
    """The loaded picture. Not by Image.open: that has a limit of pixels for the process, and looks at all formats."""
    from PIL import Image, ImageFile

    if found.mime == "image/tiff" and not tiff.is_bounded(data):
        raise PictureError("The TIFF file refers to more data than it contains.")
    try:
        module = import_module(f"PIL.{found.plugin}ImagePlugin")
    except ImportError as error:
        raise PictureError(f"The Pillow that is installed here does not read {found.name}.") from error
    source = _Source(data, deadline)
    try:
        with quiet():
            img: ImageFile.ImageFile = getattr(module, f"{found.plugin}ImageFile")(source)
        _check_work(img, data, found)
        _check_size(img, data, found, enough_px)
        if not alone and img.width * img.height > _LARGE_PIXELS:
            raise Large
        img.load()
    except Image.DecompressionBombError as error:  # some of Pillow's readers look themselves
        raise PictureTooLarge(f"The {found.name} picture has too many pixels. {error}") from error
    if source.ran_out and ImageFile.LOAD_TRUNCATED_IMAGES and found.mime not in ("image/png", "image/jpeg"):
        raise PictureError(f"The {found.name} data is cut off.")
    return img


def _check_size(img: ImageFile.ImageFile, data: bytes, found: Format, enough_px: int) -> None:
    """Raises PictureTooLarge by the header. A JPEG is set to be decoded smaller where that is enough."""
    size = img.size
    whole = size[0] * size[1]
    by_rows = found.mime != "image/jpeg" or jpeg.is_decoded_by_rows(data)
    if enough_px and found.mime == "image/jpeg" and (whole <= MAX_PIXELS or by_rows):
        share = min(1, enough_px / max(size))
        img.draft(None, (max(1, int(size[0] * share)), max(1, int(size[1] * share))))
    # A decoder that does not go by rows keeps all coefficients, 2 bytes for each.
    of_source = 0 if by_rows else 2 * len(img.getbands())
    of_picture = 4 + _PIXEL_BYTES.get(img.mode, 4) + _DECODER_BYTES.get(found.mime, 0)
    kept = img.width * img.height
    if whole > _MAX_PIXELS_READ or not 0 < kept <= MAX_PIXELS or whole * of_source + kept * of_picture > _MAX_BYTES:
        most = min(MAX_PIXELS, _MAX_BYTES // (of_source + of_picture)) // 10**6
        raise PictureTooLarge(
            f"The {found.name} picture has {size[0]} x {size[1]} pixels; at most {most} megapixels are decoded."
        )


def _check_work(img: ImageFile.ImageFile, data: bytes, found: Format) -> None:
    """Raises PictureError by the header for what takes long, however few bytes it has."""
    whole = img.width * img.height
    most_scans = max(1, min(MAX_SCANS, _MAX_SCANNED_PIXELS // max(1, whole)))
    if found.mime == "image/jpeg" and jpeg.has_more_scans(data, most_scans):
        raise PictureError(f"The JPEG has more than {most_scans} scans: at its size, decoding would take minutes.")
    tags: Any = getattr(img, "tag_v2", {})
    if _TIFF_DNG_VERSION in tags or (tags.get(_TIFF_SUBFILE_TYPE, 0) & 1 and _TIFF_SUB_DIRECTORIES in tags):
        raise PictureError("This is a camera's raw picture, which is not decoded here.")
    if tags.get(_TIFF_TILE_WIDTH, 1) * tags.get(_TIFF_TILE_LENGTH, 1) > max(whole, _MAX_TILE_PIXELS):
        raise PictureTooLarge("The TIFF picture has tiles that are larger than itself.")


@contextmanager
def quiet() -> Generator[None]:
    """No warnings from Pillow about metadata. Where another thread is slow in here, they are printed after all."""
    if not _quiet_lock.acquire(timeout=_QUIET_WAIT_S):
        yield
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        _quiet_lock.release()
