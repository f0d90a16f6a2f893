"""One line of markdown -> spans: text, code, labels, addresses. Pure; knows nothing of what they mean.

Takes the line in any cuts, and forgives what gateways write badly; what is no complete link is text. Linear: no
character is read again because of what follows it.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

# The only characters at which something begins or ends; between two of them all is text.
_MARK = re.compile(r"[\[\]`:]")
_SCHEME = re.compile(r"(?:https?|data)\Z", re.IGNORECASE)
_SCHEME_CHARS = 5
_OPENINGS = ("https://", "http://", "data:image/")
_PREFIXES = sorted({opening[:end] for opening in _OPENINGS for end in range(1, len(opening))}, key=len, reverse=True)
# The last characters of a piece whose sense the next piece decides.
_UNDECIDED = re.compile(rf"(?:{'|'.join(_PREFIXES)}|!)\Z", re.IGNORECASE)
_UNDECIDED_CHARS = len("data:image")
# The usual link, read at once: neither brackets in its label nor parentheses in its address.
_LINK = re.compile(r"\[([^\[\]`\n]*)\]\(([^()\s<]+)\)")
_PAREN = re.compile(r"[()]")
# What stands behind a link but never inside an address.
_AFTER_LINK = frozenset(" \t\r[]!|<*")
_BARE_STOP = re.compile(r"[\s<>\"'`\[\]|()\u3001\u3002\uff0c\uff09]")
_BARE = re.compile(r"(?:https?://|data:image/)[^\s<>\"'`\[\]|()\u3001\u3002\uff0c\uff09]+", re.IGNORECASE)
_NEXT_BARE = re.compile(r"[,;](?=https?://)", re.IGNORECASE)
# The piece of an open label that stands for a link taken out of it: what is before it does not go on behind it.
_GAP = ""
# A title, or the size that some dialects put behind the address. Only tried where white space begins.
_TITLE = re.compile(r"(?<!\s)\s+(?:[\"'(].*|=\d*x\d*\s*)\Z", re.DOTALL)


class Text(NamedTuple):
    """Plain text, in pieces as they came."""

    text: str


class Code(NamedTuple):
    """What stands between backticks."""

    text: str


class Label(NamedTuple):
    """`[label](` was read: its address follows, or its line ends before."""

    text: str


class Address(NamedTuple):
    """`[label](address)`, `![label](address)` where `shown`, or a bare one without a label.

    `whole` is False for a bare address that the end of everything may have cut.
    """

    label: str
    address: str
    shown: bool = False
    whole: bool = True


Span = Text | Code | Label | Address


class SpanReader:
    """Give it a line piece by piece, and tell it with the last one that the line has ended."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._begin_line()

    def _begin_line(self) -> None:
        self._mode: Literal["text", "code", "address", "angle", "bare"] = "text"
        self._carry = ""
        self._pieces: list[str] = []  # of the code or address that is being read
        self._depth = 0  # of its parentheses
        self._label: list[str] = []  # all text since the first bracket that is open
        self._brackets: list[int] = []  # where in it each open one stands
        self._opened = ""  # the label whose address is being read
        self._shown = False  # with a `!` before it
        self._ended = False
        self._cut = False

    def read(self, piece: str, *, ended: bool = False, cut: bool = False) -> list[Span]:
        """The spans that `piece` completes. `ended`: the line ends here; `cut`: and everything with it."""
        self._ended, self._cut = ended, cut
        self._walk(self._carry + piece if self._carry else piece)
        if ended:
            self._close()
            self._begin_line()
        spans, self._spans = self._spans, []
        return spans

    def _walk(self, text: str) -> None:
        """Reads as far as can be decided; the rest, a few characters, is carried to the next piece."""
        position = 0
        while position < len(text):
            mode = self._mode
            match mode:
                case "text":
                    after = self._read_text(text, position)
                case "code":
                    after = self._read_code(text, position)
                case "bare":
                    after = self._read_bare(text, position)
                case "angle":
                    after = self._read_angle(text, position)
                case "address":
                    after = self._read_address(text, position)
            if after == position and self._mode == mode:
                break
            position = after
        self._carry = text[position:]

    def _close(self) -> None:
        """The line ends: what is still open is no link and no code."""
        pieces = "".join(self._pieces)
        match self._mode:
            case "code":
                # A lone backtick, as in a misspelt apostrophe: what follows it counts, and holds no other one.
                self._mode, self._pieces = "text", []
                self._say("`", 0, 1)
                self._walk(pieces)
                self._close()
                return
            case "bare":
                self._end_bare(whole=not self._cut)
            case "angle" if ")" in pieces and not self._cut:
                self._end_address(pieces.partition(")")[0])
            case "angle" | "address":
                self._label.clear()  # half an address is none, and its label no text
            case "text":
                pass
        self._brackets.clear()
        self._release()

    # Text

    def _read_text(self, text: str, position: int) -> int:
        mark = _MARK.search(text, position)
        if mark is None:
            return self._say(text, position, self._decided_end(text, position))
        start = mark.start()
        match mark[0]:
            case ":":
                return self._read_colon(text, position, start)
            case "[":
                return self._open_bracket(text, position, start)
            case "]":
                return self._close_bracket(text, self._say(text, position, start))
            case _:
                self._say(text, position, start)
                self._mode = "code"
                return start + 1

    def _say(self, text: str, start: int, end: int) -> int:
        if end > start:
            if self._brackets:
                self._label.append(text[start:end])
            else:
                self._spans.append(Text(text[start:end]))
        return end

    def _decided_end(self, text: str, position: int) -> int:
        if self._ended:
            return len(text)
        held = _UNDECIDED.search(text, max(position, len(text) - _UNDECIDED_CHARS))
        return held.start() if held else len(text)

    def _read_colon(self, text: str, position: int, colon: int) -> int:
        """An address begins where a scheme stands before the colon and the right slashes stand behind it."""
        scheme = None if self._brackets else _SCHEME.search(text, max(position, colon - _SCHEME_CHARS), colon)
        if scheme is None:
            return self._say(text, position, colon + 1)
        start = scheme.start()
        begun = text[start : colon + _UNDECIDED_CHARS].lower()
        if opening := next((opening for opening in _OPENINGS if begun.startswith(opening)), None):
            self._say(text, position, start)
            self._mode, self._depth, self._pieces = "bare", 0, [text[start : start + len(opening)]]
            return start + len(opening)
        if not self._ended and any(opening.startswith(begun) for opening in _OPENINGS):
            return self._say(text, position, start)
        return self._say(text, position, colon + 1)

    def _release(self) -> None:
        """No bracket is open any more: what stood in them was no label but text, with the addresses in it."""
        part = ""
        for piece in self._label:
            if piece == _GAP:
                self._release_part(part, cut=False)
                part = ""
            part += piece
        self._label.clear()
        self._release_part(part, cut=self._cut)

    def _release_part(self, text: str, *, cut: bool) -> None:
        position = 0
        for bare in _BARE.finditer(text):
            self._say(text, position, bare.start())
            self._tell_bare(bare[0], whole=not cut or bare.end() < len(text))
            position = bare.end()
        self._say(text, position, len(text))

    # Links

    def _open_bracket(self, text: str, position: int, start: int) -> int:
        shown = start > position and text[start - 1] == "!"
        self._say(text, position, start - shown)
        if link := _LINK.match(text, start):
            self._spans += (Label(link[1]), Address(link[1], link[2], shown))
            self._leave_gap()
            return link.end()
        self._brackets.append(len(self._label))
        self._label.append("![" if shown else "[")
        return start + 1

    def _close_bracket(self, text: str, start: int) -> int:
        after = start + 1
        if self._brackets and text.startswith("(", after):
            self._open_address()
            return after + 1
        if self._brackets and after == len(text) and not self._ended:
            return start
        self._say(text, start, after)
        if self._brackets:
            self._brackets.pop()
            if not self._brackets:
                self._release()
        return after

    def _open_address(self) -> None:
        opening = self._brackets.pop()
        self._shown = self._label[opening] == "!["
        self._opened = "".join(self._label[opening + 1 :])
        del self._label[opening:]
        self._leave_gap()
        self._spans.append(Label(self._opened))
        self._mode, self._depth, self._pieces = "address", 1, []

    def _leave_gap(self) -> None:
        if self._brackets:
            self._label.append(_GAP)

    def _read_address(self, text: str, position: int) -> int:
        """Up to the parenthesis that balances, or to one with which no address goes on."""
        if text[position] == "<" and not self._pieces:
            self._mode = "angle"
            return position
        paren = _PAREN.search(text, position)
        if paren is None:
            self._pieces.append(text[position:])
            return len(text)
        end = paren.end()
        if paren[0] == ")" and self._depth > 1 and end == len(text) and not self._ended:
            self._pieces.append(text[position : end - 1])
            return end - 1
        if paren[0] == ")" and (self._depth == 1 or self._is_last(text, end)):
            self._pieces.append(text[position : end - 1])
            self._end_address("".join(self._pieces))
            return end
        self._depth += 1 if paren[0] == "(" else -1
        self._pieces.append(text[position:end])
        return end

    def _is_last(self, text: str, after: int) -> bool:
        return text[after] in _AFTER_LINK if after < len(text) else not self._cut

    def _read_angle(self, text: str, position: int) -> int:
        """`(<address>)`: whatever stands before the `>` is the address's."""
        end = text.find(">", position) + 1
        self._pieces.append(text[position : end or len(text)])
        if end:
            self._mode = "address"
        return end or len(text)

    def _end_address(self, raw: str) -> None:
        before, nested, address = raw.rpartition("](")
        if nested:
            # The link around this one was none.
            before, _, self._opened = before.rpartition("[")
            self._shown = before.endswith("!")
        self._mode, self._pieces = "text", []
        self._spans.append(Address(self._opened, _trimmed(address), self._shown))

    # Bare addresses and code

    def _read_bare(self, text: str, position: int) -> int:
        stop = _BARE_STOP.search(text, position)
        end = stop.start() if stop else len(text)
        if stop and (stop[0] == "(" or (stop[0] == ")" and self._depth)):
            self._depth += 1 if stop[0] == "(" else -1
            end += 1
            stop = None
        self._pieces.append(text[position:end])
        if stop:
            self._end_bare(whole=True)
        return end

    def _end_bare(self, *, whole: bool) -> None:
        raw = "".join(self._pieces)
        self._mode, self._pieces = "text", []
        self._tell_bare(raw, whole=whole)

    def _tell_bare(self, raw: str, *, whole: bool) -> None:
        for address in _NEXT_BARE.split(raw):
            self._spans.append(Address("", address.rstrip(".,;:!?"), whole=whole))

    def _read_code(self, text: str, position: int) -> int:
        end = text.find("`", position)
        self._pieces.append(text[position : end if end >= 0 else len(text)])
        if end < 0:
            return len(text)
        code = "".join(self._pieces)
        self._mode, self._pieces = "text", []
        if self._brackets:
            self._label.append(f"`{code}`")
        elif code:
            self._spans.append(Code(code))
        return end + 1


def _trimmed(raw: str) -> str:
    """Without white space around it, angle brackets, title and size; nothing else of it is changed."""
    raw = raw.strip()
    if raw.startswith("<"):
        return raw[1:].partition(">")[0].strip()
    return raw if len(raw.split(None, 1)) == 1 else _TITLE.sub("", raw)
