"""Text of an answer -> events and a transcript. Pure; knows neither bytes nor JSON around the text.

`> Queued..`, `![a](https://x.test/a)` -> Queued(), Picture(0, "https://x.test/a", "a"). Only the line that still grows
is kept, with how far it was decided: each line is a block's (blocks.py), a status line, which starts with `>`
(progress.py), or text; links stand in both (links.py). However the text is chunked, the events are the same.
"""

from __future__ import annotations

from typing import Literal

from .blocks import MAX_CHARS, OPENERS, Block, open_block
from .links import DECISIVE, Address, End, Span, Text, goes_on, has_begun, next_span
from .progress import StatusReader
from .transcript import BLANKS, LINE_CHARS, STATUS_MARKS, Transcript


class StreamParser:
    """Feed it text as it comes; what is complete of it goes to `transcript`. Linear in the length of the text."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self._status = StatusReader(transcript)
        self._block: Block | None = None
        self._begin_line()

    @property
    def amid_line(self) -> bool:
        """Whether the text so far ends before its line does."""
        return self._mode not in ("start", "whole") or bool(self._pieces)

    def feed(self, text: str) -> None:
        """More of the text."""
        start = 0
        while (newline := text.find("\n", start)) >= 0:
            self._grow(text[start:newline], End(line=True))
            start = newline + 1
        if start < len(text):
            self._grow(text[start:], End())

    def finish(self, *, cut: bool) -> None:
        """The end of the text. `cut`: it may have gone on, so a half address is none."""
        self._grow("", End(line=True, text=True, cut=cut))
        if self._block is not None:
            # A block that never ended held more than a block: read what cannot be of it, once.
            rest, self._block = self._block.remainder(), None
            self._begin_line()
            self.feed(rest)
            self._grow("", End(line=True, text=True, cut=cut))
            self._block = None

    def break_off(self) -> None:
        """The text broke off here, and what is fed next does not go on its line: a half address is none."""
        self._grow("", End(line=True, text=True, cut=True))

    def _begin_line(self) -> None:
        # "start": not yet known; "whole": read once it is whole; "joined": goes on a line before it, perhaps.
        self._mode: Literal["start", "whole", "joined", "status", "text"] = "whole" if self._block else "start"
        self._line = ""
        self._position = 0  # how far it was decided
        self._labelled = False  # the label at the position was read
        self._pieces: list[str] = []  # of the line, which are put together once something in them decides
        self._chars = 0  # of the pieces
        self._words: list[str] = []  # of a line of text
        self._shown: list[str] = []  # its words, labels and bare addresses, as prose is quoted

    def _grow(self, piece: str, end: End) -> None:
        """More of the line, or its end."""
        if self._mode == "whole" or self._pieces:
            self._chars += len(piece)
            if self._chars > MAX_CHARS:
                self._pieces, piece = [""], ""  # too long to be anything
            self._pieces += [piece] if piece else []
            if not end.line and (self._mode == "whole" or not DECISIVE.search(piece)):
                return
            piece, self._pieces = "".join(self._pieces), []
        if self._mode == "joined":
            piece = self._join(piece, end)
        self._line += piece
        if self._mode == "start":
            self._start(end)
        if self._mode in ("status", "text"):
            self._read(end)
        elif end.line and self._mode != "joined":
            line = self._line
            self._begin_line()
            self._read_whole(line, end)

    def _start(self, end: End) -> None:
        """Decides by its first characters what a line is."""
        line, quoted = _unquoted(self._line)
        if not line or (line == "[" and not end.line):
            return
        if line[0] not in OPENERS and not line.startswith("[{"):
            self._mode, self._line = "status" if quoted else "text", line
        else:
            self._mode = "whole"
            self._hold(end)

    def _hold(self, end: End) -> None:
        """Keeps what comes in pieces, so that megabytes of one picture are put together once."""
        if not end.line:
            self._pieces, self._line, self._chars = [self._line], "", len(self._line)

    def _join(self, piece: str, end: End) -> str:
        """The begin of a line, which may go on the one before it; what of it is read next."""
        bare = piece.lstrip(BLANKS)
        if bare or end.line:
            self._mode = "text"
        if end.line if not bare else bare[0] in STATUS_MARKS + OPENERS:
            self._end_line(End(line=True) if bare else end)
        return bare

    def _read_whole(self, line: str, end: End) -> None:
        """A whole line that is part of a block, or could have begun one."""
        while line or self._block:
            bare, quoted = _unquoted(line)
            block = self._block or open_block(bare, quoted=quoted)
            if block is None:
                self._mode, self._line = "status" if quoted else "text", bare
                self._read(end)
                return
            rest = block.add(line if self._block else bare)
            opened, self._block = self._block is None, block if rest is None else None
            if rest is None:
                break
            self.transcript.block(block.value(), block.text())
            line = f"> {rest}" if rest and quoted and opened else rest
        self._begin_line()

    def _read(self, end: End) -> None:
        self._read_spans(End())
        if end.line and not end.text and self._mode == "text" and goes_on(self._line, self._position):
            self._line += "\n"
            self._mode = "joined"
        elif end.line:
            self._end_line(end)
        elif has_begun(self._line, self._position):
            self._hold(end)

    def _end_line(self, end: End) -> None:
        self._read_spans(end)
        if self._mode == "status":
            self.transcript.status_line(self._status.end())
        else:
            self.transcript.text_line("".join(self._words)[:LINE_CHARS], "".join(self._shown))
        self._begin_line()

    def _read_spans(self, end: End) -> None:
        line = self._line
        while span := next_span(line, self._position, end, labelled=self._labelled):
            self._labelled = isinstance(span, Text) and span.label
            self._position = span.end
            self._tell(span)
        # One character more, since where a word begins is where a mark may.
        keep = max(0, self._position - 1)
        self._line, self._position = line[keep:], self._position - keep

    def _tell(self, span: Span) -> None:
        if isinstance(span, Address):
            _, address, label, shown, thumbnail = span
            if thumbnail:
                self.transcript.linked_picture(thumbnail, address, label)
            elif shown:
                self.transcript.picture(address, label)
            else:
                self.transcript.link(address, label)
                self._shown += [] if label else [address]
        elif self._mode == "status" and span.label:
            self._status.label("" if span.code else span.text)
        elif self._mode == "status":
            self._status.add(span.text, code=span.code)
        elif len(self._shown) < LINE_CHARS and not (span.label and span.code):
            self._words += [] if span.label else [span.text]
            self._shown.append(span.text)


def _unquoted(line: str) -> tuple[str, bool]:
    """A line without the blanks and the `>` before it, and whether there was one."""
    line = line.lstrip(BLANKS)
    quoted = line[:1] in tuple(STATUS_MARKS)
    return line.lstrip(BLANKS + STATUS_MARKS) if quoted else line, quoted
