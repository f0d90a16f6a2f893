"""The files with a fault: each has the fault that it is there for, and no other."""

from __future__ import annotations

import io
import zlib

import pytest
from PIL import Image

from gpt4o_image.simulator.files import FILES, METADATA_BYTES


@pytest.fixture(scope="module")
def png() -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGBA").save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(("name", "kind"), [("jpeg", "JPEG"), ("bmp", "BMP"), ("tiff", "TIFF"), ("animation", "GIF")])
def test_other_formats(png: bytes, name: str, kind: str):
    image = Image.open(io.BytesIO(FILES[name](png)))
    assert image.format == kind
    assert getattr(image, "n_frames", 1) == (2 if name == "animation" else 1)


def test_a_jpeg_without_its_end_lacks_nothing_else(png: bytes):
    assert FILES["jpeg_no_end"](png) + b"\xff\xd9" == FILES["jpeg"](png)


def test_metadata_is_more_than_pillow_takes_and_the_rest_is_whole(png: bytes):
    data = FILES["metadata"](png)
    start = data.index(b"zTXt") - 4
    length = int.from_bytes(data[start : start + 4], "big")
    assert len(zlib.decompress(data[start + 8 + len(b"Comment\0\0") : start + 8 + length])) == METADATA_BYTES
    assert data[:start] + data[start + 12 + length :] == png
    with pytest.raises(ValueError, match=r"(?i)decompressed data too large"):
        Image.open(io.BytesIO(data)).load()


def test_nothing_decodes_the_heic(png: bytes):
    assert FILES["heic"](png)[4:12] == b"ftypheic"
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(FILES["heic"](png)))


def test_a_thumbnail_is_a_quarter(png: bytes):
    assert Image.open(io.BytesIO(FILES["thumbnail"](png))).size == (64, 64)
