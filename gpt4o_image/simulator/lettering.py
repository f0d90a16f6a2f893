"""Words to lines of type: drops what the font lacks, breaks, fits and draws. Knows nothing of the picture behind."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

FONT = Path(__file__).with_name("fonts") / "NotoSansCJKjp-Bold-subset.otf"
LEADING = 1.36

_MAX_CHARACTERS = 600
_CUT_MARK = "..."
# Simple kinsoku (JIS X 4051): what must not begin a line, what must not end one.
_NEVER_FIRST = frozenset(
    ",.;:!?)]}%\u2019\u201d\u2026\u2025\u00bb\u3001\u3002\uff0c\uff0e\u30fb\uff1a\uff1b\uff1f\uff01\u30fc\u3005\u309d\u309e"
    "\u300d\u300f\u3011\u3015\uff09\u300b\u3009\uff3d\uff5d\uff5e\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u308e"
    "\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3\u30e5\u30e7\u30ee\u30f5\u30f6"
)
_NEVER_LAST = frozenset("([{\u2018\u201c\u00ab\u300c\u300e\u3010\u3014\uff08\u300a\u3008\uff3b\uff5b")


@dataclass(frozen=True)
class Block:
    """Lines of type set at one size; width and height are in pixels."""

    lines: tuple[str, ...]
    size_px: int
    width: int
    height: int


@dataclass(frozen=True)
class _Atom:
    """What is never broken, unless it is wider than a whole line."""

    text: str
    spaced: bool


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
    shown = {character for character in set(text) if font.getmask(character).getbbox() is not None}
    kept = "".join(character for character in text if character in shown or character == " ")
    kept = " ".join(kept.split())
    return kept if len(kept) <= _MAX_CHARACTERS else kept[:_MAX_CHARACTERS].rstrip() + _CUT_MARK


def fit(text: str, width: int, height: int, *, largest: int, smallest: int, max_lines: int) -> Block:
    """Set legible text as large as it goes into width x height; below `smallest` it is cut and marked."""
    atoms = _atoms(text)
    low, high = smallest, max(largest, smallest)
    while low < high:
        middle = (low + high + 1) // 2
        font = load(middle)
        widest = max((font.getlength(atom.text) for atom in atoms), default=0)
        lines = _wrap(atoms, font, width)
        fits = len(lines) <= min(max_lines, _room(middle, height)) and widest <= width
        low, high = (middle, high) if fits else (low, middle - 1)
    return _block(atoms, load(low), width, min(max_lines, _room(low, height)))


def draw_block(
    draw: ImageDraw, block: Block, left: float, top: float, fill: tuple[int, ...], *, centred: bool = False
) -> None:
    """Draw a block into the box whose corner is (left, top), each line left-aligned or centred."""
    font = load(block.size_px)
    for index, line in enumerate(block.lines):
        x = left + (block.width - font.getlength(line)) / 2 if centred else left
        y = top + block.size_px * (LEADING * index + 0.5)
        draw.text((round(x), round(y)), line, font=font, fill=fill, anchor="lm")


def _room(size_px: int, height: int) -> int:
    return max(1, int((height / size_px - 1) / LEADING) + 1)


def _block(atoms: list[_Atom], font: FreeTypeFont, width: int, max_lines: int) -> Block:
    lines = _wrap(atoms, font, width)
    if len(lines) > max_lines:
        lines = [*lines[: max_lines - 1], _shortened(lines[max_lines - 1], font, width)]
    else:
        lines = _balanced(atoms, font, width, lines)
    size_px = round(font.size)
    taken = round(max((font.getlength(line) for line in lines), default=0))
    height = round(size_px * (LEADING * (len(lines) - 1) + 1)) if lines else 0
    return Block(tuple(lines), size_px, taken, height)


def _balanced(atoms: list[_Atom], font: FreeTypeFont, width: int, lines: list[str]) -> list[str]:
    """The same number of lines in the narrowest measure, so that no lone word is left on the last one."""
    narrow, wide = width // 2, width
    best = lines
    for _ in range(5):
        middle = (narrow + wide) // 2
        trial = _wrap(atoms, font, middle)
        if len(trial) == len(lines) and all(font.getlength(atom.text) <= middle for atom in atoms):
            best, wide = trial, middle
        else:
            narrow = middle
    return best


def _shortened(line: str, font: FreeTypeFont, width: int) -> str:
    kept = line
    while kept and font.getlength(kept + _CUT_MARK) > width:
        kept = kept[:-1]
    if " " in kept[len(kept) // 2 :] and not line[len(kept) :].startswith(" "):
        kept = kept.rsplit(" ", 1)[0]  # rather no word than half of one
    return kept.rstrip(" ,.;:\u3001\u3002\uff0c") + _CUT_MARK


def _wrap(atoms: list[_Atom], font: FreeTypeFont, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    used = 0.0
    space = font.getlength(" ")
    for atom in _cut(atoms, font, width):
        gap = space if atom.spaced and line else 0
        taken = font.getlength(atom.text)
        if line and used + gap + taken > width:
            lines.append(line)
            line, used, gap = "", 0.0, 0
        line += (" " if gap else "") + atom.text
        used += gap + taken
    return [*lines, line] if line else lines


def _cut(atoms: list[_Atom], font: FreeTypeFont, width: int) -> list[_Atom]:
    pieces: list[_Atom] = []
    for atom in atoms:
        if font.getlength(atom.text) <= width:
            pieces.append(atom)
        else:
            pieces += [_Atom(letter, atom.spaced and not at) for at, letter in enumerate(atom.text)]
    return pieces


def _atoms(text: str) -> list[_Atom]:
    atoms: list[_Atom] = []
    for word in text.split():
        start = 0
        for end in range(1, len(word) + 1):
            if end == len(word) or _breaks(word[end - 1], word[end]):
                atoms.append(_Atom(word[start:end], spaced=start == 0))
                start = end
    return atoms


def _breaks(before: str, after: str) -> bool:
    if before in _NEVER_LAST or after in _NEVER_FIRST:
        return False
    if _is_katakana(before) and _is_katakana(after):  # a loan word stays whole
        return False
    return _is_cjk(before) or _is_cjk(after)


def _is_cjk(character: str) -> bool:
    return "\u2e80" <= character <= "\ua4cf" or "\uf900" <= character <= "\ufaff" or character >= "\uff00"


def _is_katakana(character: str) -> bool:
    return "\u30a1" <= character <= "\u30fa" or character == "\u30fc"
