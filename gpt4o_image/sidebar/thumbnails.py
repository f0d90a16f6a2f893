"""Small copies of stored pictures for lists, kept in memory. Writes nothing."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from contextlib import closing
from pathlib import Path

from ..pictures.decode import decode
from ..vault.results import File

LONGEST_SIDE_PX = 256
MAX_BYTES = 16 << 20  # about 1,500 thumbnails
_QUALITY = 80


class Thumbnails:
    """Thumbnails by the pictures' sha256; the ones that were not asked for longest make room. Any thread may call."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, file: File) -> bytes:
        """WebP. Raises OSError where the file is gone, PictureError where it is no picture."""
        with self._lock:
            if file.sha256 in self._kept:
                self._kept.move_to_end(file.sha256)
                return self._kept[file.sha256]
        made = thumbnail(file.path.read_bytes())
        with self._lock:
            if file.sha256 not in self._kept:
                self._kept[file.sha256] = made
                self._bytes += len(made)
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return made


def thumbnail(data: bytes) -> bytes:
    """A picture at most LONGEST_SIDE_PX wide and high, as WebP with its transparency. Raises PictureError."""
    from PIL import Image

    small = Image.fromarray(decode(data, enough_px=2 * LONGEST_SIDE_PX).pixels)
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
