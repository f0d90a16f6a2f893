"""The strip of numbered thumbnails that shows which references arrived, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from .brushes import rounded
from .lettering import load
from .palettes import Palette

if TYPE_CHECKING:
    from PIL.Image import Image

_SHOWN = 16
_GAP = 0.12  # of a tile


def strip(images: Sequence[bytes], width: int, tallest: int, palette: Palette) -> Image:
    """Thumbnails in the order given, RGBA, at most `width` wide and each at most `tallest` high.

    At most 16 are shown, in two rows when one would make them small. What Pillow cannot read becomes a
    crossed-out tile.
    """
    from PIL import Image

    shown = images[:_SHOWN]
    rows = 1 if _side(len(shown), width) >= tallest * 0.6 else 2
    columns = -(-len(shown) // rows)
    side = max(4, min(round(tallest / (1 + 0.33 * (rows - 1))), _side(columns, width)))
    pitch = side + round(side * _GAP)
    sheet = Image.new("RGBA", (columns * pitch - (pitch - side), rows * pitch - (pitch - side)))
    for index, content in enumerate(shown):
        tile = _tile(content, side, index + 1, palette)
        sheet.paste(tile, (index % columns * pitch, index // columns * pitch))
    return sheet


def _side(columns: int, width: int) -> int:
    return int(width / (columns + _GAP * (columns - 1)))


def _tile(content: bytes, side: int, number: int, palette: Palette) -> Image:
    from PIL import Image, ImageDraw

    border = max(1, side // 40)
    inner = side - 2 * border
    tile = Image.new("RGBA", (side, side), (*palette.paper, 255))
    tile.paste(_thumbnail(content, inner, palette), (border, border), rounded((inner, inner), side * 0.09))
    if side >= 20:
        corner, font = (round(side * 0.08), round(side * 0.05)), load(max(8, round(side * 0.2)))
        stroke = max(1, side // 40)
        ImageDraw.Draw(tile).text(
            corner, str(number), palette.paper, font, stroke_width=stroke, stroke_fill=palette.ink
        )
    tile.putalpha(rounded((side, side), side * 0.11))
    return tile


def _thumbnail(content: bytes, side: int, palette: Palette) -> Image:
    """The picture over a checkerboard, RGB; a cross for what cannot be read."""
    from PIL import Image, ImageDraw, ImageOps

    check = np.kron([[255, 204], [204, 255]], np.ones((max(2, side // 8),) * 2)).astype(np.uint8)
    ground = Image.fromarray(np.tile(check, (5, 5))[:side, :side]).convert("RGB")
    try:
        source = Image.open(BytesIO(content))
        source.draft("RGB", (side * 2, side * 2))  # JPEG: decodes at a fraction of the size
        picture = ImageOps.fit(source.convert("RGBA"), (side, side))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        for line in ((0.25, 0.25, 0.75, 0.75), (0.25, 0.75, 0.75, 0.25)):
            ImageDraw.Draw(ground).line([side * at for at in line], palette.ink, max(1, side // 14))
        return ground
    ground.paste(picture, (0, 0), picture)
    return ground
