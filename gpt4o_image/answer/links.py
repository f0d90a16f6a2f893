"""One line of markdown -> spans: text, code, labels, addresses. Pure; knows nothing of what they mean.

`see [a](https://x.test/a.png)` -> Text("see "), Text("a", label), Address("https://x.test/a.png", "a"). Own code, since
no markdown library reads a line that still grows, or links as badly written as gateways write them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..urls import BARE_ADDRESS, PICTURE_BASE64, bare_address

# A label, code or an address is never longer than this; only picture data is.
_MAX_CHARS = 8192
_SHORTEST_BASE64 = 200  # characters: what is shorter is a word
_DATA = r"data:[A-Za-z0-9_+/=.,;:%\n-]*"
# Where something may begin: a link, code, an address, an HTML image, the base64 of a picture.
_MARK = re.compile(rf"!?\[|`|(?i:https?://|data:image/|<(?:img|a)\b)|(?<![\w+/=-])(?:{PICTURE_BASE64})")
_MARK_CHARS = 11
_MAYBE_MARK = re.compile(r"[\w+/<!:=-]+\Z")  # the end of a piece, which the next one may make a mark
# A label may hold brackets, but no link, which is read separately.
_IN_LABEL = r"(?:[^\[\]]|\[[^\[\]]*\](?!\())*"
_LABEL = re.compile(rf"({_IN_LABEL})\]\(")
_OPEN_LABEL = re.compile(rf"{_IN_LABEL}(?:\[[^\[\]]*)?\]?\Z")
_IMAGE = re.compile(r"\[\s*(?=!\[)")
# A title, or the size that some dialects put behind the address.
_TITLE = r"""(?:\s+(?:"[^\n]*?"|'[^\n]*?'|\([^()\n]*\)|=\d*x\d*))?\s*"""
_TITLE_OPENS = re.compile(r"""\s["']""")
_DATA_LINK = re.compile(rf"\s*<?({_DATA})>?{_TITLE}\)", re.IGNORECASE)
_USUAL_LINK = re.compile(rf"\s*(?:<([^<>]*)>|((?:(?!\]\()[^\s()<]|\([^\s()]*\))+)){_TITLE}\)")
# Badly written: blanks in it, or (`loose`) a parenthesis too few, where it ends before what is in no address.
_BEHIND = r"(?=[\s\[\]!|<*]|\Z)"
_ODD_LINK = re.compile(
    rf"\s*(?!<)(?:((?:(?!\]\()[^()\n]|\([^()\n]*\)(?!{_BEHIND}))*)\)|(?P<loose>(?:(?!\]\().)*?)\){_BEHIND})"
)
_BARE = re.compile(BARE_ADDRESS, re.IGNORECASE)
_BARE_DATA = re.compile(rf"{_DATA}|(?-i:[\w+/=-]+)", re.IGNORECASE)
_TAGS = re.compile(r"(?:<a\b[^<>]*>\s*)?<img\b[^<>]*>", re.IGNORECASE)
_OPEN_TAGS = re.compile(r"(?:<a\b[^<>]*>\s*)?(?:<(?:im?)?|<img\b[^<>]*|<a\b[^<>]*)?\Z", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(src|alt|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_IN_DATA = re.compile(rf"{_DATA}\Z", re.IGNORECASE)
_MOST = f"{{0,{_MAX_CHARS}}}"
_OPEN_LINK = rf"\[(?:\s*!\[[^\[\]]*\]\([^\s()]*\))?[^\[\]]{_MOST}(?:\]\((?!\s*<?data:)\s*[^\s()]{_MOST}\s*)?"
_TAG = rf"<(?:a|img)\b[^<>]{_MOST}>?\s*"
_GOES_ON = re.compile(rf"(?i:(?P<label>{_OPEN_LINK})|(?P<tag>{_TAG})|(?P<data>\]\(\s*<?{_DATA}))\Z")
# Text without any of these does not decide a span that has begun.
DECISIVE = re.compile(r"""[\s<>"'`\[\]|().%]|[^\x00-\x7f]""")


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
    if mark[0] == "`":
        return _code(line, start, end)
    if mark[0].endswith("["):
        return _link(line, start, end, labelled)
    return _image_tag(line, start, end) if mark[0][0] == "<" else _bare(line, start, end)


def goes_on(line: str, start: int) -> str | None:
    """A "label", an HTML "tag" or the "data" of a picture that is open at a line's end and may go on in the next."""
    return (found := _GOES_ON.search(line, start)) and found.lastgroup


def _waits(line: str, start: int, end: End) -> bool:
    return not end.line and (len(line) - start < _MAX_CHARS or _IN_DATA.search(line, start) is not None)


def _code(line: str, start: int, end: End) -> Span | None:
    if (closing := line.find("`", start + 1, start + _MAX_CHARS)) >= 0:
        return Text(closing + 1, line[start + 1 : closing], code=True)
    # A lone backtick, as in a misspelt apostrophe: what follows it counts.
    return None if _waits(line, start, end) else Text(start + 1, "`")


def _link(line: str, start: int, end: End, labelled: bool) -> Span | None:
    if inner := _IMAGE.match(line, start):
        return _linked_image(line, start, inner.end(), end)
    shown = line[start] == "!"
    opening = start + (2 if shown else 1)
    label = _LABEL.match(line, opening, start + _MAX_CHARS)
    if label is None:
        waits = _OPEN_LABEL.match(line, opening) and _waits(line, start, end)  # which may look at all of the line
        return None if waits else Text(opening, line[start:opening])
    if not labelled:
        return Text(start, label[1], code=shown, label=True)
    found = _destination(line, label.end(), end)
    return found and (Address(*found, label[1], shown) if found[1] else Text(found[0], ""))


def _linked_image(line: str, start: int, inner: int, end: End) -> Span | None:
    """`[![label](thumbnail)](address)`; anything else makes the bracket text."""
    image = _link(line, inner, end, labelled=True)
    if isinstance(image, Address):
        rest = _LABEL.match(line, image.end, image.end + _MAX_CHARS)
        found = _destination(line, rest.end(), end) if rest else None
        if found and found[1]:
            return Address(*found, image.label, shown=True, thumbnail=image.address)
        if (rest and not found) or (_waits(line, image.end, end) and _OPEN_LABEL.match(line, image.end)):
            return None
    return image and Text(inner, line[start:inner])


def _destination(line: str, opening: int, end: End) -> tuple[int, str] | None:
    """(where the link ends, its address); (`opening`, "") where no address stands there, None where that is open."""
    most = opening + _MAX_CHARS
    if found := _DATA_LINK.match(line, opening) or _USUAL_LINK.match(line, opening, most):
        return found.end(), (found[1] or found[found.lastindex or 1]).replace("\n", "").strip()
    if found := _ODD_LINK.match(line, opening, most):
        address, ends = found[found.lastindex or 1].strip(), found.end() < len(line) or found.lastgroup != "loose"
        if (ends or (end.line and not end.cut)) and (end.line or not _TITLE_OPENS.search(address)):
            # Prose that contains an address is not an address.
            return (opening, "") if "://" in address.partition(" ")[2] else (found.end(), address)
    return None if "](" not in line[opening:most] and _waits(line, opening, end) else (opening, "")


def _bare(line: str, start: int, end: End) -> Span | None:
    """An address outside a link, picture data, or the base64 of a picture with nothing around it."""
    http = _BARE.match(line, start)
    run = http or _BARE_DATA.match(line, start)
    if run is None or (run.end() == len(line) and not end.line and (http is None or _waits(line, start, end))):
        return None
    if run.end() == len(line) and end.cut:
        return Text(run.end(), "")  # half an address does not count
    address = bare_address(run[0]) if http else run[0].rstrip("\n.,;:")
    after = start + len(address)
    head = "" if http or address[:5].lower() == "data:" else "data:image/png;base64,"
    is_word = len(address) < (_SHORTEST_BASE64 if head else len("https://x"))
    return Text(after, address) if is_word else Address(after, head + address)


def _image_tag(line: str, start: int, end: End) -> Span | None:
    """`<img src="address" alt="label">`, `<a href="address"><img src="thumbnail" alt="label"></a>`"""
    tags = _TAGS.match(line, start)
    if tags is None and _OPEN_TAGS.match(line, start) and _waits(line, start, end):
        return None
    values = {each[1].lower(): each[2] or each[3] or each[4] for each in _ATTRIBUTE.finditer(tags[0] if tags else "")}
    if not tags or not values.get("src"):
        return Text(start + 1, "<")
    target, thumbnail = (values["href"], values["src"]) if values.get("href") else (values["src"], "")
    return Address(tags.end(), target, values.get("alt", ""), shown=True, thumbnail=thumbnail)
