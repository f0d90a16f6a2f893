"""What is known of a picture by its first bytes."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from gpt4o_image.pictures.formats import extension, format_of, sniff

Image.init()


def saved(name: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, name)
    return file.getvalue()


def boxes(brand: bytes, *compatible: bytes) -> bytes:
    body = brand + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 8 + len(body)) + b"ftyp" + body + bytes(40)


@pytest.mark.parametrize(
    ("name", "mime", "suffix"),
    [
        ("PNG", "image/png", ".png"),
        ("JPEG", "image/jpeg", ".jpg"),
        ("WEBP", "image/webp", ".webp"),
        ("GIF", "image/gif", ".gif"),
        ("BMP", "image/bmp", ".bmp"),
        ("TIFF", "image/tiff", ".tiff"),
        ("ICO", "image/x-icon", ".ico"),
        ("AVIF", "image/avif", ".avif"),
        ("JPEG2000", "image/jp2", ".jp2"),
    ],
)
def test_what_pillow_writes(name, mime, suffix):
    if name not in Image.SAVE:
        pytest.skip(f"this Pillow has no {name}")
    assert sniff(saved(name)) == mime
    assert extension(mime) == suffix


@pytest.mark.parametrize(
    ("data", "name", "suffix"),
    [
        (boxes(b"heic", b"mif1", b"heic"), "HEIC", ".heic"),
        (boxes(b"mif1", b"heix"), "HEIC", ".heic"),
        (boxes(b"mif1", b"miaf"), "HEIF", ".heif"),
        (boxes(b"mif1", b"avif", b"miaf"), "AVIF", ".avif"),
        (boxes(b"avis", b"msf1"), "AVIF", ".avif"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL", ".jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), "JPEG XL", ".jxl"),
        (b"MM\0*\0\0\0\x08", "TIFF", ".tiff"),
        (b"II+\0\x08\0\0\0", "TIFF", ".tiff"),
        (b"8BPS\0\1", "PSD", ".psd"),
        (b"<svg xmlns=''>", "SVG", ".svg"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg>", "SVG", ".svg"),
    ],
)
def test_other_formats(data, name, suffix):
    found = format_of(data)
    assert (found.name, found.extension) == (name, suffix)
    assert sniff(data) == found.mime


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF\0\0\0\0WAVE", boxes(b"isom", b"mp41"), b"GIF88a", b"BM25 is no picture", b"BM" + bytes(60),
     b"<!DOCTYPE html><svg></svg>", b"<html><body><svg>", b'{"error": 1}'],
)  # fmt: skip
def test_unknown(data):
    assert sniff(data) is None
    assert format_of(data) is None


@pytest.mark.parametrize("mime", [None, "", "text/html"])
def test_the_extension_of_what_is_unknown(mime):
    assert extension(mime) == ".bin"
