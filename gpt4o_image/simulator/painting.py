"""The simulator's pictures: the prompt's words over a drawn scene, or on a sticker with true alpha."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from .creatures import CREATURES
from .lettering import legible
from .palettes import PALETTES
from .posters import STYLES, draw_poster
from .scenes import SCENES
from .stickers import draw_sticker

if TYPE_CHECKING:
    from PIL.Image import Image as ImageType

_COMPRESS_LEVEL = 2  # these pictures are for loopback: time counts, size hardly
_SMALLEST_SIDE = 64  # px; what is smaller is drawn at this size and shrunk


def paint(
    words: str, size: tuple[int, int], *, transparent: bool, variant: int, references: Sequence[bytes] = ()
) -> bytes:
    """A PNG of `size` (width, height) that shows the words and thumbnails of the references; same in, same out.

    Transparent: RGBA, a sticker with soft edges and a soft shadow. Otherwise RGB, a full-bleed scene.
    """
    from PIL import Image

    scale = max(1, _SMALLEST_SIDE / min(size))
    picture = _draw(words, (round(size[0] * scale), round(size[1] * scale)), transparent, variant, references)
    if scale > 1:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    stream = BytesIO()
    picture.save(stream, "PNG", compress_level=_COMPRESS_LEVEL)
    return stream.getvalue()


def _draw(words: str, size: tuple[int, int], transparent: bool, variant: int, references: Sequence[bytes]) -> ImageType:
    text = legible(words)
    chance = zlib.crc32(words.encode("utf-8", "surrogatepass"))
    turn = chance % 97 + variant
    dice = np.random.default_rng([chance, variant % 2**32])
    palette = PALETTES[turn % len(PALETTES)]
    if transparent:
        creature = CREATURES[_subject(words, [entry.words for entry in CREATURES], turn)]
        return draw_sticker(text, size, palette, creature, dice, references)
    style = int(dice.integers(STYLES))
    scene = SCENES[_subject(words, [entry.words for entry in SCENES], turn)]
    return draw_poster(text, size, palette, scene, style, dice, references)


def _subject(words: str, vocabulary: Sequence[Sequence[str]], turn: int) -> int:
    """The first entry that the words ask for, else the one whose turn it is."""
    lowered = words.lower()
    latin = set(re.findall("[a-z]+", lowered))
    asked = (index for index, names in enumerate(vocabulary) if any(_names(name, lowered, latin) for name in names))
    return next(asked, turn % len(vocabulary))


def _names(name: str, words: str, latin: set[str]) -> bool:
    """Whole words for Latin ("cat" is not in "delicate"), anywhere for Japanese and Chinese."""
    return name in latin or name + "s" in latin if name.isascii() else name in words
