"""The chunks of a PNG file: its end and its metadata. Decodes no pixel (PNG specification, 5)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

_END = b"IEND\xaeB`\x82"
_STILL = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_PIXELS = _STILL | {b"acTL", b"fcTL", b"fdAT"}
_BLOCK = 1 << 20


def has_end(data: bytes) -> bool:
    return _END in data[-1024:] or data.rfind(_END) > 0


def is_complete(data: bytes) -> bool:
    """Whether the compressed pixels are there to their end."""
    inflate = zlib.decompressobj()
    try:
        for kind, start, end in _chunks(data):
            compressed = data[start + 8 : end - 4] if kind == b"IDAT" else b""
            while compressed and not inflate.eof:
                inflate.decompress(compressed, _BLOCK)
                compressed = inflate.unconsumed_tail
    except zlib.error:
        return False
    return inflate.eof


def without_metadata(data: bytes) -> bytes:
    """`data` without text, colour profile and the like; sound EXIF data stays: it holds the orientation."""
    return _only(data, _PIXELS)


def without_animation(data: bytes) -> bytes:
    """The same without further frames, and without what announces them."""
    return _only(data, _STILL)


def _only(data: bytes, kinds: set[bytes]) -> bytes:
    kept = [data[start:end] for kind, start, end in _chunks(data) if kind in kinds or _is_exif(data[start:end])]
    return data[:8] + b"".join(kept)


def _is_exif(chunk: bytes) -> bool:
    return chunk[4:8] == b"eXIf" and zlib.crc32(chunk[4:-4]).to_bytes(4, "big") == chunk[-4:]


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end) of each chunk, length and checksum included."""
    at = 8
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], at, end
        at = end
