"""How much reading the directories of a TIFF file or of EXIF data may ask for."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from gpt4o_image.pictures.decode import decode
from gpt4o_image.pictures.formats import PictureError
from gpt4o_image.pictures.tiff import is_bounded

UNDEFINED, LONG, DOUBLE = 7, 4, 12
EXIF = 34665


def directory(order: str, *entries: tuple[int, int, int, int], big: bool = False) -> bytes:
    """A file of one directory of (tag, type, count, value), with 400 bytes behind it."""
    mark = b"II" if order == "<" else b"MM"
    if big:
        head = mark + struct.pack(order + "HHHQQ", 43, 8, 0, 16, len(entries))
        body = b"".join(struct.pack(order + "HHQQ", *entry) for entry in entries)
    else:
        head = mark + struct.pack(order + "HIH", 42, 8, len(entries))
        body = b"".join(struct.pack(order + "HHII", *entry) for entry in entries)
    return head + body + bytes(400)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
class TestDirectory:
    def test_small(self, order, big):
        assert is_bounded(directory(order, (256, LONG, 1, 5), (700, UNDEFINED, 300, 30), big=big))

    def test_bytes_that_are_named_over_and_over(self, order, big):
        entries = [(tag, UNDEFINED, 300, 30) for tag in range(700, 800)]
        assert not is_bounded(directory(order, *entries, big=big))

    def test_more_than_there_is(self, order, big):
        assert not is_bounded(directory(order, (700, DOUBLE, 290_000, 30), big=big))

    def test_many_values(self, order, big):
        data = directory(order, (273, LONG, 300_001, 30), big=big)
        assert is_bounded(data.replace(struct.pack(order + "I", 300_001), struct.pack(order + "I", 60)))
        assert not is_bounded(data + bytes(4 * 300_001))

    def test_a_directory_in_it(self, order, big):
        inner = directory(order, (700, DOUBLE, 290_000, 30), big=big)[16 if big else 8 :]
        outer = directory(order, (EXIF, LONG, 1, 500), big=big)
        assert not is_bounded(outer.ljust(500, b"\0") + inner)

    def test_a_directory_that_names_itself(self, order, big):
        assert is_bounded(directory(order, (EXIF, LONG, 1, 16 if big else 8), big=big))


@pytest.mark.parametrize("data", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff"])
def test_a_cut_directory(data):
    with pytest.raises(struct.error):
        is_bounded(data)


def test_what_decode_makes_of_it():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "TIFF")
    data = bytearray(file.getvalue())
    first = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<I", data, first + 2 + 4, 400_000)  # the first entry's count
    with pytest.raises(PictureError, match="refers to more data"):
        decode(bytes(data))


def test_exif_that_is_not_bounded_is_left_out():
    entries = [(0x0112, 3, 1, 6), *((tag, UNDEFINED, 300, 30) for tag in range(700, 800))]
    file = io.BytesIO()
    Image.new("RGB", (20, 10)).save(file, "PNG", exif=b"Exif\0\0" + directory("<", *entries))
    got = decode(file.getvalue())
    assert (got.width, got.height) == (20, 10)
    assert "EXIF" in got.warnings[0]
