"""The strip of numbered thumbnails that shows which references arrived, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from .lettering import load
from .palettes import Palette, mix

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
    side = max(4, min(tallest if rows == 1 else round(tallest * 0.75), _side(columns, width)))
    pitch = side + round(side * _GAP)
    sheet = Image.new("RGBA", (columns * pitch - (pitch - side), rows * pitch - (pitch - side)))
    for index, content in enumerate(shown):
        tile = _tile(content, side, index + 1, palette)
        sheet.paste(tile, (index % columns * pitch, index // columns * pitch))
    return sheet


def _side(columns: int, width: int) -> int:
    return int(width / (columns + _GAP * (columns - 1)))


def _tile(content: bytes, side: int, number: int, palette: Palette) -> Image:
    from PIL import Image

    border = max(1, side // 40)
    inner = side - 2 * border
    tile = Image.new("RGBA", (side, side), (*palette.paper, 255))
    picture = _thumbnail(content, inner) or _crossed(inner, palette)
    tile.paste(picture, (border, border), _rounded(inner, side * 0.09))
    if side >= 20:
        _number(tile, number, palette)
    tile.putalpha(_rounded(side, side * 0.11))
    return tile


def _rounded(side: int, radius: float) -> Image:
    from PIL import Image, ImageDraw

    mask = Image.new("L", (side * 4, side * 4))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, side * 4 - 1, side * 4 - 1), radius * 4, fill=255)
    return mask.reduce(4)


def _thumbnail(content: bytes, side: int) -> Image | None:
    from PIL import Image, ImageOps

    try:
        source = Image.open(BytesIO(content))
        source.draft("RGB", (side * 2, side * 2))  # JPEG: decodes at a fraction of the size
        picture = source.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    picture = ImageOps.fit(picture, (side, side))
    ground = _checker(side)
    ground.paste(picture, (0, 0), picture)
    return ground


def _checker(side: int) -> Image:
    from PIL import Image

    field = max(2, side // 8)
    small = Image.new("L", (2, 2), 255)
    small.putpixel((0, 0), 204)
    small.putpixel((1, 1), 204)
    ground = Image.new("RGB", (side, side))
    block = small.resize((2 * field, 2 * field), Image.Resampling.NEAREST).convert("RGB")
    for top in range(0, side, 2 * field):
        for left in range(0, side, 2 * field):
            ground.paste(block, (left, top))
    return ground


def _crossed(side: int, palette: Palette) -> Image:
    from PIL import Image, ImageDraw

    big = side * 4
    tile = Image.new("RGB", (big, big), mix(palette.paper, palette.ink, 0.15))
    draw = ImageDraw.Draw(tile)
    near, far, thick = big * 0.25, big * 0.75, max(1, big // 14)
    color = mix(palette.ink, palette.paper, 0.35)
    draw.line((near, near, far, far), fill=color, width=thick)
    draw.line((near, far, far, near), fill=color, width=thick)
    return tile.reduce(4)


def _number(tile: Image, number: int, palette: Palette) -> None:
    from PIL import Image, ImageDraw

    inset = round(tile.width * 0.07)
    tall = max(11, round(tile.width * 0.22))
    font = load(round(tall * 0.72))
    wide = max(tall, round(font.getlength(str(number)) + tall * 0.5))
    pill = Image.new("L", (wide * 4, tall * 4))
    ImageDraw.Draw(pill).rounded_rectangle((0, 0, wide * 4 - 1, tall * 4 - 1), tall * 2, fill=225)
    tile.paste((*palette.ink, 255), (inset, inset, inset + wide, inset + tall), pill.reduce(4))
    middle = (inset + wide / 2, inset + tall / 2)
    ImageDraw.Draw(tile).text(middle, str(number), font=font, fill=(*palette.paper, 255), anchor="mm")
