"""Makes the files that take the place of the painted PNG: other formats, and damaged files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

METADATA_BYTES = 2 << 20  # Pillow refuses a text chunk that unpacks to more than 1 MiB
_IHDR_END = 33


def _saved(png: bytes, kind: str, mode: str = "RGB") -> bytes:
    from PIL import Image

    file = BytesIO()
    Image.open(BytesIO(png)).convert(mode).save(file, kind)
    return file.getvalue()


def _with_metadata(png: bytes) -> bytes:
    """zTXt behind IHDR: keyword, compression method, text."""
    text = b"zTXtComment\0\0" + zlib.compress(b" " * METADATA_BYTES)
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    return png[:_IHDR_END] + chunk + png[_IHDR_END:]


def _animation(png: bytes) -> bytes:
    from PIL import Image, ImageOps

    frame = Image.open(BytesIO(png)).convert("RGB").reduce(4)
    file = BytesIO()
    frame.save(file, "GIF", save_all=True, append_images=[ImageOps.invert(frame)], duration=200)
    return file.getvalue()


def _thumbnail(png: bytes) -> bytes:
    from PIL import Image

    file = BytesIO()
    Image.open(BytesIO(png)).reduce(4).save(file, "PNG")
    return file.getvalue()


FILES: dict[str, Callable[[bytes], bytes]] = {
    "jpeg": lambda png: _saved(png, "JPEG"),
    "jpeg_no_end": lambda png: _saved(png, "JPEG")[:-2],
    "bmp": lambda png: _saved(png, "BMP"),
    "tiff": lambda png: _saved(png, "TIFF", "RGBA"),
    "heic": lambda png: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + png,  # its head; nothing here decodes it
    "metadata": _with_metadata,
    "animation": _animation,
    "thumbnail": _thumbnail,
}
