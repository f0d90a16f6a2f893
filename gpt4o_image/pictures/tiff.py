"""The directories of TIFF files and EXIF data, and how much reading they ask for. Decodes no pixel (TIFF 6.0, 2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_BYTES = (1, 2, 6, 7)
_MOST_VALUES = 300_000  # strips of one row, or tiles of 16 x 16, in 64 megapixels
_SUB_DIRECTORIES = (34665, 34853, 40965)  # EXIF, GPS, interoperability
_MOST_READ = 4  # times what there is: several tags may share their bytes


class _Form(NamedTuple):
    """For struct: an offset, the number of entries in a directory, and an entry. And where the first offset stands."""

    offset: str
    entries: str
    entry: str
    start: int


def is_bounded(data: bytes) -> bool:
    """Whether reading all directories reads about as much as there is: entries may name the same bytes over and over.

    Raises struct.error where a directory is cut off. `data` begins with the byte order.
    """
    form = _form(data)
    left, seen, read = [*struct.unpack_from(form.offset, data, form.start)], set[int](), 0
    while left:
        offset = left.pop()
        if offset in seen:
            continue
        seen.add(offset)
        for tag, kind, count, value in _entries(data, form, offset):
            if kind not in _BYTES and count > _MOST_VALUES:
                return False
            read += count * _SIZES.get(kind, 0)
            if read > _MOST_READ * len(data):
                return False
            if tag in _SUB_DIRECTORIES:
                left.append(value)
    return True


def _form(data: bytes) -> _Form:
    order = "<" if data[:1] == b"I" else ">"
    if data[2:4].strip(b"\0") == b"+":  # BigTIFF
        return _Form(order + "Q", order + "Q", order + "HHQQ", 8)
    return _Form(order + "I", order + "H", order + "HHII", 4)


def _entries(data: bytes, form: _Form, offset: int) -> Iterator[tuple[int, int, int, int]]:
    """(tag, type, count, value or where it stands) of each entry."""
    (count,) = struct.unpack_from(form.entries, data, offset)
    start, size = offset + struct.calcsize(form.entries), struct.calcsize(form.entry)
    for number in range(min(count, (len(data) - start) // size)):
        yield struct.unpack_from(form.entry, data, start + number * size)
