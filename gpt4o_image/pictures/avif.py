"""The boxes of an AVIF file, repaired where libavif is strict and browsers are not. Decodes no pixel."""

from __future__ import annotations

from collections.abc import Iterator


def with_one_association(data: bytes) -> bytes | None:
    """`data` with the boxes that tie properties to items (`ipma`) made one; None where there is nothing to repair.

    Some encoders write one for the colours and one for the alpha, as link-u's samples have it. The standard wants one
    (ISO/IEC 23008-12, 9.3.1), and libavif refuses two. What is saved becomes a `free` box: all offsets stay right.
    """
    meta = _box(data, b"meta", 0, len(data))
    properties = meta and _box(data, b"iprp", meta[0] + 12, meta[1])
    if not properties:
        return None
    start, end = properties
    found = [box for kind, *box in _boxes(data, start + 8, end) if kind == b"ipma"]
    heads = {data[first + 8 : first + 12] for first, _ in found}  # version and flags
    first = min(begin for begin, _ in found) if found else end
    if len(found) < 2 or len(heads) > 1 or sum(last - begin for begin, last in found) != end - first:
        return None
    count = sum(int.from_bytes(data[begin + 12 : begin + 16], "big") for begin, _ in found)
    entries = b"".join(data[begin + 16 : last] for begin, last in found)
    merged = _made(b"ipma", heads.pop() + count.to_bytes(4, "big") + entries)
    inner = data[start + 8 : first] + merged
    free = _made(b"free", bytes(16 * (len(found) - 1) - 8))
    return data[:start] + _made(b"iprp", inner) + free + data[end:]


def _made(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def _box(data: bytes, kind: bytes, start: int, end: int) -> tuple[int, int] | None:
    return next(((first, last) for found, first, last in _boxes(data, start, end) if found == kind), None)


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end) of each box between `start` and `end`, as far as their lengths make sense."""
    while start + 8 <= end:
        size = int.from_bytes(data[start : start + 4], "big")
        if not 8 <= size <= end - start:
            return
        yield data[start + 4 : start + 8], start, start + size
        start += size
