"""Small copies of stored pictures for lists, kept in memory. Writes nothing."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

from ..pictures.decode import decode
from ..pictures.lru import LruBytes
from ..vault.results import File

LONGEST_SIDE_PX = 256
MAX_BYTES = 16 << 20  # about 1,500 thumbnails
_QUALITY = 80


class Thumbnails:
    """Thumbnails by the pictures' sha256. Any thread may call."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._kept: LruBytes[bytes] = LruBytes(max_bytes, len)

    def of(self, file: File) -> bytes:
        """WebP. Raises OSError where the file is gone or damaged, PictureError where it is no picture."""
        made = self._kept.get(file.sha256)
        if made is None:
            made = thumbnail(file.read())
            self._kept.put(file.sha256, made)
        return made


def thumbnail(data: bytes) -> bytes:
    """A picture at most LONGEST_SIDE_PX wide and high, as WebP with its transparency. Raises PictureError."""
    small = decode(data, enough_px=2 * LONGEST_SIDE_PX).image.copy()
    small.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX))  # premultiplies by itself: no dark edges
    out = io.BytesIO()
    small.save(out, "WEBP", quality=_QUALITY)
    return out.getvalue()


def size_of(path: Path) -> tuple[int, int] | None:
    """(width, height) by the file's header; None where it is gone or broken."""
    from PIL import Image

    try:
        with closing(Image.open(path)) as img:
            return img.width, img.height
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
