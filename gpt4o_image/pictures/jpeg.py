"""The markers of a JPEG file: its end, its scans, its metadata. Decodes no pixel (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

END = b"\xff\xd9"

_SOS, _EOI = 0xDA, 0xD9
# Baseline and extended sequential, then progressive, each with Huffman or arithmetic codes.
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1, 0xC9), (0xC2, 0xCA)
_METADATA = {0xE0, *range(0xE2, 0xEE), 0xEF, 0xFE}  # APPn and COM, without EXIF (APP1) and Adobe's colours (APP14)
_ADOBE, _ADOBE_BYTES = 0xEE, 16
# A marker begins a segment, unless it is a stuffed byte, a restart marker or a fill byte.
_MARKER = re.compile(rb"\xff[^\0\x01\xd0-\xd7\xff]")
_MOST_SEGMENTS = 10_000  # of real files, even one with 50 MB of metadata has fewer
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_NOISE = bytes((165 + 167 * number) % 254 + 1 for number in range(254))  # neither 0 nor 255: it holds no marker


class Segment(NamedTuple):
    """`data[start:end]`; a scan ends with its header."""

    marker: int
    start: int
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """The segments behind the first marker, to the end marker or the end of `data`."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, at)
        if not found:
            return
        marker = data[found.end() - 1]
        at = found.end() + (0 if marker == _EOI else int.from_bytes(data[found.end() : found.end() + 2], "big"))
        yield Segment(marker, found.start(), at)
        if marker == _EOI:
            return


def has_end(data: bytes) -> bool:
    """Whether the end marker stands behind a scan: a thumbnail in the metadata has its own."""
    return any(data.find(END, each.end) > 0 for each in islice(_scans(data), 1))


def has_more_scans(data: bytes, than: int) -> bool:
    """Whether there are more scans `than` that: each costs the time of a whole picture, however few bytes it has."""
    return data.count(b"\xff\xda") > than and len(list(islice(_scans(data), than + 1))) > than


def is_decoded_by_rows(data: bytes) -> bool:
    """Whether a decoder keeps some rows only: one scan holds all components. Else it keeps all coefficients."""
    for each in segments(data):
        if each.marker in _SEQUENTIAL:
            return data[each.start + 9] == next((data[scan.start + 4] for scan in _scans(data)), 0)
        if each.marker in _PROGRESSIVE:
            return False
    return False


def ended(data: bytes) -> tuple[bytes, list[bytes]]:
    """`data` with an end marker; and twice with noise before it, one of which changes the picture where a scan is cut.

    Where data lacks, a decoder puts zeros; each bit is set in one noise or the other. Behind it come the restart
    markers that a decoder waits for, and more noise.
    """
    data = data.rstrip(b"\xff")
    last = max((each.end for each in _scans(data)), default=0)
    restarts = _RESTART.findall(data, last)
    number = restarts[-1][1] + 1 if restarts else 0
    markers = [bytes((0xFF, 0xD0 + (number + i) % 8)) for i in range(16)]
    noisy = [
        data + b"".join(noise + marker for marker in markers) + END
        for noise in (_NOISE, bytes(255 - level for level in _NOISE))
    ]
    return data + END, noisy


def is_covered(data: bytes) -> bool:
    """Whether each coefficient of each component was sent in full precision by some scan, cut off or not."""
    left: dict[int, set[int]] = {}
    for each in segments(data):
        if each.marker in (*_SEQUENTIAL, *_PROGRESSIVE):
            left = {component: set(range(64)) for component in data[each.start + 10 : each.end : 3]}
        elif each.marker == _SOS:
            components = data[each.start + 5 : each.end - 3 : 2]
            first, last, precision = data[each.end - 3 : each.end]
            for component in components if precision & 15 == 0 else b"":
                left.get(component, set()).difference_update(range(first, last + 1))
    return bool(left) and not any(left.values())


def without_metadata(data: bytes) -> bytes:
    """`data` without colour profile, comments and the like; EXIF data, which holds the orientation, stays."""
    kept, at = bytearray(), 0
    for each in segments(data):
        if each.marker == _SOS:
            break
        if each.marker in _METADATA or (each.marker == _ADOBE and each.end - each.start < _ADOBE_BYTES):
            kept += data[at : each.start]
            at = each.end
    return bytes(kept + data[at:])


def _scans(data: bytes) -> Iterator[Segment]:
    return (each for each in segments(data) if each.marker == _SOS)
