"""One line of markdown -> spans: text, code, labels, addresses. Pure; knows nothing of what they mean.

`see [a](https://x.test/a.png)` -> Text("see "), Label("a"), Address("https://x.test/a.png", "a"). Own code, since no
markdown library reads a line that still grows, or links as badly written as gateways write them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..urls import BARE_ADDRESS, PICTURE_BASE64, bare_address

# What is longer than this is no label, no code and no address; only picture data is.
_MAX_CHARS = 8192
_MAX_DEPTH = 4  # of brackets in a label
_SHORTEST_BASE64 = 200  # characters: what is shorter is a word
_DATA = r"data:[A-Za-z0-9_+/=.,;:%\n-]*"
# Where something may begin: a link, code, an address, an HTML image, the base64 of a picture.
_MARK = re.compile(rf"!?\[|`|(?i:https?://|data:image/|<img\b)|(?<![\w+/=-])(?:{PICTURE_BASE64})")
_MARK_CHARS = 11
_MAYBE_MARK = re.compile(r"[\w+/<!:=-]+\Z")  # the end of a piece, which the next one may make a mark
_BRACKET = re.compile(r"[\[\]]")
_PAREN = re.compile(r"[()]|\]\(")
_IMAGE = re.compile(r"\s*(?=!\[)")
# What stands behind a link but never inside an address.
_AFTER_LINK = frozenset(" \t\r\n[]!|<*")
# A title, or the size that some dialects put behind the address.
_TITLE = r"""(?:\s+(?:"[^\n]*?"|'[^\n]*?'|\([^()\n]*\)|=\d*x\d*))?\s*"""
_TITLE_OPENS = re.compile(r"""\s["'][^"']*\Z""")
_DATA_LINK = re.compile(rf"\s*<?({_DATA})>?{_TITLE}\)", re.IGNORECASE)
_ANGLE_LINK = re.compile(rf"\s*<([^<>]*)>{_TITLE}\)")
_ANGLE_OPEN = re.compile(rf"\s*<[^<>]{{0,{_MAX_CHARS}}}(?:>[^)]{{0,200}})?\Z")
_USUAL_LINK = re.compile(rf"\s*((?:[^\s()<]|\([^\s()]*\))+){_TITLE}\)")
_BARE = re.compile(BARE_ADDRESS, re.IGNORECASE)
_BARE_DATA = re.compile(rf"{_DATA}|(?-i:[\w+/=-]+)", re.IGNORECASE)
_TAG = re.compile(r"<img\b[^<>]*", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_IN_DATA = re.compile(rf"{_DATA}\Z", re.IGNORECASE)
_OPEN_LABEL = re.compile(rf"!?\[[^\[\]]*\Z|\]\(\s*<?{_DATA}\Z", re.IGNORECASE)
# What has none of these decides nothing of a span that has begun.
DECISIVE = re.compile(r"""[\s<>"'`\[\]|()]|[^\x00-\x7f]""")


class End(NamedTuple):
    """What ends where the line does so far: the line, the whole text, and whether what follows that was cut off."""

    line: bool = False
    text: bool = False
    cut: bool = False


class Text(NamedTuple):
    """A piece of plain text. `code`: between backticks. `label`: of `[label](`, whether or not an address follows.

    `end`, of each span, is where the next one begins: the address of a label stands at the label's own place.
    """

    end: int
    text: str
    code: bool = False
    label: bool = False


class Address(NamedTuple):
    """`[label](address)`, `![label](address)` where `shown`, or a bare one; `[![label](thumbnail)](address)`."""

    end: int
    address: str
    label: str = ""
    shown: bool = False
    thumbnail: str = ""


Span = Text | Address


def next_span(line: str, start: int, end: End, *, labelled: bool = False) -> Span | None:
    """The span at `start`; None where only more of the line decides. `labelled`: the label there was already read."""
    mark = _MARK.search(line, start)
    if mark is None or mark.start() > start:
        undecided = None if mark or end.line else _MAYBE_MARK.search(line, max(start, len(line) - _MARK_CHARS))
        after = mark.start() if mark else undecided.start() if undecided else len(line)
        return Text(after, line[start:after]) if after > start else None
    match mark[0][0]:
        case "`":
            return _code(line, start, end)
        case "[" | "!":
            return _link(line, start, mark.end(), end, labelled)
        case "<":
            return _image_tag(line, start, end)
        case _:
            return _bare(line, start, end)


def has_begun(line: str, start: int) -> bool:
    """Whether what is undecided of a line is more than a few characters of text."""
    return _MARK.match(line, start) is not None


def goes_on(line: str, start: int) -> bool:
    """Whether a label or the data of a picture is open at a line's end: both may go on in the next line."""
    return len(line) - start < _MAX_CHARS and _OPEN_LABEL.search(line, start) is not None


def _waits(line: str, start: int, end: End) -> bool:
    return not end.line and (len(line) - start < _MAX_CHARS or _IN_DATA.search(line, start) is not None)


def _code(line: str, start: int, end: End) -> Span | None:
    closing = line.find("`", start + 1, start + _MAX_CHARS)
    if closing >= 0:
        return Text(closing + 1, line[start + 1 : closing], code=True)
    # A lone backtick, as in a misspelt apostrophe: what follows it counts.
    return None if _waits(line, start, end) else Text(start + 1, "`")


def _link(line: str, start: int, opening: int, end: End, labelled: bool) -> Span | None:
    inner = _IMAGE.match(line, opening) if line[start] == "[" else None
    if inner:
        return _linked_image(line, start, inner.end(), end)
    closing = _label_end(line, opening, end)
    if closing is None or closing < 0:
        return None if closing is None else Text(opening, line[start:opening])
    label, shown = line[opening:closing], line[start] == "!"
    if not labelled:
        return Text(start, label, code=shown, label=True)
    found = _destination(line, closing + 2, end)
    return found and (Address(*found, label, shown) if found[1] else Text(found[0], ""))


def _linked_image(line: str, start: int, inner: int, end: End) -> Span | None:
    """`[![label](thumbnail)](address)`; where it is none, the bracket is text."""
    image = _link(line, inner, inner + 2, end, labelled=True)
    closing = _label_end(line, image.end, end) if isinstance(image, Address) else -1
    if image is None or closing is None:
        return None
    if isinstance(image, Address) and closing >= 0:
        found = _destination(line, closing + 2, end)
        if found is None or found[1]:
            return found and Address(*found, image.label, shown=True, thumbnail=image.address)
    return Text(inner, line[start:inner])


def _label_end(line: str, opening: int, end: End) -> int | None:
    """Where the `]` of `](` stands; -1 for a bracket that is no label's, None where that is not known yet."""
    depth = 0
    for bracket in _BRACKET.finditer(line, opening, opening + _MAX_CHARS):
        after = bracket.end()
        if bracket[0] == "[":
            depth += 1
        elif after == len(line):
            return -1 if end.line else None
        elif depth == 0 and line[after] == "(":
            return bracket.start()
        else:
            depth -= 1
            if line[after] == "(":
                return -1  # a link inside brackets is read by itself
        if not 0 <= depth <= _MAX_DEPTH:
            return -1
    return None if _waits(line, opening, end) else -1


def _destination(line: str, opening: int, end: End) -> tuple[int, str] | None:
    """(where the link ends, its address); (`opening`, "") where no address stands there, None where that is open."""
    if data := _DATA_LINK.match(line, opening):
        return data.end(), data[1].replace("\n", "")
    most = opening + _MAX_CHARS
    if found := _ANGLE_LINK.match(line, opening, most) or _USUAL_LINK.match(line, opening, most):
        return found.end(), found[1].strip()
    depth = 1
    for paren in _PAREN.finditer(line, opening, most):
        after = paren.end()
        raw = line[opening : paren.start()].strip()
        depth += 1 if paren[0] == "(" else -1
        if paren[0] == "](" or raw.startswith("<"):
            angle_open = not end.line and _ANGLE_OPEN.match(line, opening)
            return None if angle_open and paren[0] != "](" else (opening, "")
        if paren[0] == ")" and depth and after == len(line) and not end.line:
            return None
        # Badly written: a parenthesis too few, or blanks in it. Prose in which an address stands is none.
        last = depth == 0 or (line[after] in _AFTER_LINK if after < len(line) else not end.cut)
        if paren[0] == ")" and last and (end.line or not _TITLE_OPENS.search(raw)):
            return (opening, "") if "://" in raw.partition(" ")[2] else (after, raw)
    return None if _waits(line, opening, end) else (opening, "")


def _bare(line: str, start: int, end: End) -> Span | None:
    """An address outside a link, picture data, or the base64 of a picture with nothing around it."""
    http = _BARE.match(line, start)
    run = http or _BARE_DATA.match(line, start)
    if run is None or (run.end() == len(line) and not end.line and (http is None or _waits(line, start, end))):
        return None
    if run.end() == len(line) and end.cut:
        return Text(run.end(), "")  # half an address is none
    address = bare_address(run[0]) if http else run[0].rstrip("\n.,;:")
    after = start + len(address)
    if http or address[:5].lower() == "data:":
        return Address(after, address) if len(address) > len("https://") else Text(after, address)
    whole = len(address) >= _SHORTEST_BASE64
    return Address(after, f"data:image/png;base64,{address}") if whole else Text(after, address)


def _image_tag(line: str, start: int, end: End) -> Span | None:
    """`<img src="address" alt="label">`"""
    tag = _TAG.match(line, start)
    closing = tag.end() if tag else start
    if closing == len(line) and _waits(line, start, end):
        return None
    attributes = _ATTRIBUTE.finditer(line, start, closing)
    values = {found[1].lower(): found[2] or found[3] or found[4] for found in attributes}
    if values.get("src") and line.startswith(">", closing):
        return Address(closing + 1, values["src"], values.get("alt", ""), shown=True)
    return Text(start + 1, "<")
