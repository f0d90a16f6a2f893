"""Any bytes as a picture, under atheris: a picture in the promised form or a PictureError, within the limits.

By hand: `uv run --group test python tests/fuzz/fuzz_picture.py CORPUS... -max_total_time=600`, where CORPUS are
folders; what is new goes into the first. Mutated PNGs get their checksums back, or none would be read any further.
"""

import sys
import warnings
import zlib
from random import Random

import atheris
import numpy as np

with atheris.instrument_imports(include=["gpt4o_image", "PIL"]):
    from PIL import (
        AvifImagePlugin,
        BmpImagePlugin,
        GifImagePlugin,
        Image,
        ImageCms,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    from gpt4o_image.pictures import batch, formats, opening
    from gpt4o_image.pictures import decode as decoding

PLUGINS = (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageCms,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
# The real limit is a thousand times as much: what is fuzzed is that there is one, and memory must stay small.
MOST_PIXELS = 64_000
PNG = b"\x89PNG\r\n\x1a\n"
UNPACKED = 1 << 18


def check(decoded, data):
    height, width, channels = decoded.pixels.shape
    assert decoded.pixels.dtype == np.uint8
    assert (width, height) == (decoded.width, decoded.height)
    assert 0 < width * height <= MOST_PIXELS
    assert {"RGB": 3, "RGBA": 4}[decoded.mode] == channels
    assert decoded.mode == "RGB" or decoded.pixels[..., 3].min() < 255
    assert decoded.mime == formats.sniff(data)
    assert formats.extension(decoded.mime)


def check_batch(decoded):
    shown = batch.preview(decoded.image, 32)
    assert shown.mode == "RGB"
    assert max(shown.size) <= 32
    filled = batch.canvas([decoded, decoding.decode(SMALL)])
    for array in (filled.image, filled.rgb, filled.mask):
        assert array.dtype == np.float32
        assert array.shape[:3] == filled.mask.shape
        assert array.min() >= 0
        assert array.max() <= 1
    assert filled.rgb.shape[3] == 3


def decode(data):
    try:
        decoded = decoding.decode(data)
    except formats.PictureError:
        return
    check(decoded, data)
    check_batch(decoded)


# Mutation


def chunks_of(png):
    """(type, data) of each chunk, as far as their lengths make sense."""
    position = len(PNG)
    while position + 8 <= len(png):
        size = int.from_bytes(png[position : position + 4], "big")
        yield png[position + 4 : position + 8], png[position + 8 : position + 8 + size]
        position += 12 + size


def joined(chunks):
    pieces = [
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in chunks
    ]
    return PNG + b"".join(pieces)


def mutate_chunk(chunks, dice, most):
    place = dice.randrange(len(chunks))
    kind, data = chunks[place]
    if kind == b"IDAT":
        try:
            rows = zlib.decompressobj().decompress(data, UNPACKED)
            data = zlib.compress(atheris.Mutate(rows, len(rows) + 64), 1)
        except zlib.error:
            data = atheris.Mutate(data, most)
    else:
        data = atheris.Mutate(data, max(len(data), 64))
    chunks[place] = (kind, data)


def mutate(data, max_size, seed):
    dice = Random(seed)
    chunks = list(chunks_of(data)) if data.startswith(PNG) else []
    if not chunks or dice.random() < 0.3:
        return atheris.Mutate(data, max_size)
    if dice.random() < 0.2:
        chunks.insert(dice.randrange(len(chunks)), dice.choice(chunks))
    mutate_chunk(chunks, dice, max_size)
    mutated = joined(chunks)
    return mutated if len(mutated) <= max_size else atheris.Mutate(data, max_size)


def small_picture():
    return joined([
        (b"IHDR", bytes([0, 0, 0, 3, 0, 0, 0, 2, 8, 6, 0, 0, 0])),
        (b"IDAT", zlib.compress((b"\0" + bytes(range(12))) * 2)),
        (b"IEND", b""),
    ])  # fmt: skip


SMALL = small_picture()

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    Image.preinit()
    opening.MAX_PIXELS = MOST_PIXELS
    atheris.Setup(sys.argv, decode, custom_mutator=mutate)
    atheris.Fuzz()
