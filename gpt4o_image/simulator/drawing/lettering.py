"""Words to lines of type: drops what the font lacks, breaks, fits and draws. Knows nothing of the picture behind."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .palettes import Color

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

FONT = Path(__file__).with_name("fonts") / "NotoSansCJKjp-Bold-subset.otf"
LEADING = 1.36

_MAX_CHARACTERS = 600
_CUT_MARK = "..."
# Simple kinsoku (JIS X 4051): what must not begin a line, what must not end one.
_NEVER_FIRST = (
    ",.;:!?)\\]}%\u2019\u201d\u2026\u2025\u00bb\u3001\u3002\uff0c\uff0e\u30fb\uff1a\uff1b\uff1f\uff01\u30fc\u3005\u309d\u309e"
    "\u300d\u300f\u3011\u3015\uff09\u300b\u3009\uff3d\uff5d\uff5e\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u308e"
)
_NEVER_LAST = "(\\[{\u2018\u201c\u00ab\u300c\u300e\u3010\u3014\uff08\u300a\u3008\uff3b\uff5b"
_CJK = "\u2e80-\ua4cf\uf900-\ufaff\uff00-\uffef"
# What is never broken, with the blank before it: a word, a loan word in katakana, a character, and their marks.
_ATOM = re.compile(
    rf" ?[{_NEVER_LAST}]*(?:[\u30a1-\u30fa\u30fc]+|[{_CJK}]|[^ {_CJK}{_NEVER_LAST}]+)[{_NEVER_FIRST}]*|\\S"
)


class Block(NamedTuple):
    """Lines of type set at one size; width and height are in pixels."""

    lines: list[str]
    size_px: int
    width: int
    height: int


def load(size_px: int) -> FreeTypeFont:
    """The bundled face. Basic layout everywhere: Raqm is not in every Pillow, and a picture must not depend on it."""
    from PIL import ImageFont

    return ImageFont.truetype(str(FONT), size_px, layout_engine=ImageFont.Layout.BASIC)


def legible(words: str) -> str:
    """The words in one line, without the characters that the font cannot show.

    The subset's .notdef glyph is empty, so a missing character is one that leaves no ink.
    """
    font = load(16)
    text = " ".join(unicodedata.normalize("NFC", words[: 2 * _MAX_CHARACTERS]).split())
    shown = {" ", *(character for character in set(text) if font.getmask(character).getbbox() is not None)}
    kept = " ".join("".join(character for character in text if character in shown).split())
    return kept if len(kept) <= _MAX_CHARACTERS else kept[:_MAX_CHARACTERS].rstrip() + _CUT_MARK


def fit(text: str, width: int, height: int, sizes: range, max_lines: int) -> Block:
    """Set legible text in the largest of these sizes that fits into width x height; in the smallest it may be cut."""
    atoms = _ATOM.findall(text)

    def too_large(size_px: int) -> bool:
        font = load(size_px)
        whole = all(font.getlength(atom.strip()) <= width for atom in atoms)
        return not whole or len(_wrap(atoms, font, width)) > min(max_lines, _rows(size_px, height))

    size_px = sizes[max(0, bisect_left(sizes, True, key=too_large) - 1)]
    font, rows = load(size_px), min(max_lines, _rows(size_px, height))
    lines = _wrap(atoms, font, width)
    # The narrowest measure for as many lines, so that no lone word is left on the last one.
    trials = (_wrap(atoms, font, round(width * share)) for share in (0.6, 0.7, 0.8, 0.9))
    lines = next((trial for trial in trials if len(trial) == len(lines) <= rows), lines)
    if len(lines) > rows:
        lines = [*lines[: rows - 1], _shortened(lines[rows - 1], font, width)]
    taken = round(max((font.getlength(line) for line in lines), default=0))
    return Block(lines, size_px, taken, round(size_px * (LEADING * (len(lines) - 1) + 1)) if lines else 0)


def draw_block(draw: ImageDraw, block: Block, left: float, top: float, fill: Color, *, centred: bool) -> None:
    """Draw a block into the box whose corner is (left, top), each line left-aligned or centred."""
    font = load(block.size_px)
    for index, line in enumerate(block.lines):
        x = left + (block.width - font.getlength(line)) / 2 if centred else left
        y = top + block.size_px * (LEADING * index + 0.5)
        draw.text((round(x), round(y)), line, font=font, fill=fill, anchor="lm")


def _rows(size_px: int, height: int) -> int:
    return max(1, int((height / size_px - 1) / LEADING) + 1)


def _wrap(atoms: list[str], font: FreeTypeFont, width: int) -> list[str]:
    lines, used = [""], 0.0
    for atom in atoms:
        for piece in [atom] if font.getlength(atom.strip()) <= width else list(atom):
            taken = font.getlength(piece)
            if lines[-1] and used + taken > width:
                lines, used = [*lines, ""], 0.0
            lines[-1] += piece if lines[-1] else piece.lstrip()
            used += taken
    return [line for line in lines if line]


def _shortened(line: str, font: FreeTypeFont, width: int) -> str:
    kept = line
    while kept and font.getlength(kept + _CUT_MARK) > width:
        kept = kept[:-1].rstrip(" ,.;:\u3001\u3002\uff0c")
    return kept + _CUT_MARK
