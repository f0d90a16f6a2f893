"""One picture: what the prompt names in a scene with its words, or on a sticker with true alpha."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from io import BytesIO

import numpy as np

from .palettes import PALETTES
from .posters import draw_poster
from .stickers import draw_sticker

_COMPRESS_LEVEL = 2  # these pictures are for loopback: time counts, size hardly
_SMALLEST_SIDE = 64  # px; what is smaller is drawn at this size and shrunk


def paint(
    words: str, size: tuple[int, int], *, transparent: bool, seed: int, references: Sequence[bytes] = ()
) -> bytes:
    """A PNG of `size` (width, height) that shows the words and thumbnails of the references; same in, same out.

    Transparent: RGBA, a sticker with soft edges and a soft shadow. Otherwise RGB, a full-bleed scene.
    """
    from PIL import Image

    scale = max(1, _SMALLEST_SIDE / min(size))
    canvas = round(size[0] * scale), round(size[1] * scale)
    dice = np.random.default_rng([zlib.crc32(words.encode("utf-8", "surrogatepass")), seed])
    palette = PALETTES[int(dice.integers(len(PALETTES)))]
    picture = (draw_sticker if transparent else draw_poster)(words, canvas, palette, dice, references)
    if scale > 1:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    stream = BytesIO()
    picture.save(stream, "PNG", compress_level=_COMPRESS_LEVEL)
    return stream.getvalue()
