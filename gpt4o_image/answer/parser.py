"""Text of an answer -> events and a transcript. Pure; knows neither bytes nor JSON around the text.

`> Queued..`, `![a](https://x.test/a)` -> Queued(), Picture(0, "https://x.test/a", "a"). Only the line that still grows
is kept, with how far it was decided: each line is a block's (blocks.py), a status line, which starts with `>`
(progress.py), or text; links stand in both (links.py). However the text is chunked, the events are the same.
"""

from __future__ import annotations

from .blocks import MAX_CHARS, OPENERS, Block, open_block
from .links import DECISIVE, Address, End, Span, goes_on, next_span
from .progress import StatusReader
from .transcript import BLANKS, LINE_CHARS, STATUS_MARKS, Transcript


class StreamParser:
    """Feed it text as it comes; what is complete of it goes to `transcript`. Linear in the length of the text."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self._block: Block | None = None
        self._begin_line()

    def feed(self, text: str) -> None:
        """More of the text."""
        *lines, rest = text.split("\n")
        for line in lines:
            self._grow(line, End(line=True))
        if rest:
            self._grow(rest, End())

    def finish(self, *, cut: bool) -> None:
        """The end of the text. `cut`: it may have gone on, so half an address does not count."""
        end = End(line=True, text=True, cut=cut)
        if self._pieces:  # else the last line of a block that broke off would count as whole
            self._grow("", end)
        if self._block:
            self.transcript.block(self._block.value(), self._block.text(), cut=cut)
        rest, self._block = self._block.remainder() if self._block else "", None
        self._begin_line()
        self.feed(rest)
        self._grow("", end)
        self._block = None

    def break_off(self) -> None:
        """The text broke off here, and what is fed next does not continue its line: half an address does not count."""
        self._grow("", End(line=True, text=True, cut=True))

    def _begin_line(self) -> None:
        self._begun = False  # what it starts with is known: it is of no block
        self._status: StatusReader | None = None
        self._pieces: list[str] = []  # of the line, which are put together once something in them decides
        self._chars = 0  # of the pieces
        self._waits = self._block is not None  # for its end, or once it has begun, for a character that may decide
        self._joins = self._in_data = False  # it may go on the line before it, which ended in a picture's data
        self._position = 0  # how far the pieces are decided
        self._labelled = False  # the label at the position was read
        self._words: list[str] = []
        self._shown: list[str] = []  # its words, labels and bare addresses, as prose is quoted

    def _grow(self, piece: str, end: End) -> None:
        """More of the line, or its end."""
        if self._joins:
            piece = piece.lstrip(BLANKS)
            self._joins = not (piece or end.line)
            if piece[:1] in tuple(STATUS_MARKS + OPENERS.strip("<")) or (end.line and not piece):
                self._end_line("".join(self._pieces), End(line=True) if piece else end)
        self._chars += len(piece)
        self._pieces.append(piece)
        if self._chars > MAX_CHARS:
            self._pieces.clear()  # too long to be anything
        decides = DECISIVE.search(piece) is not None
        if self._in_data and end.line and not (end.text or decides):
            self._pieces.append("\n")
            self._joins = True
        elif end.line or not self._waits or (self._begun and decides):
            line = "".join(self._pieces)
            if self._begun:
                self._read(line, end)
            else:
                self._start(line, end)

    def _keep(self, line: str, *, waits: bool = False, joins: str | None = None) -> None:
        """`line` is what is not yet decided. `waits`: megabytes of one picture are put together once."""
        self._pieces, self._chars, self._waits = [line], len(line), waits
        self._joins, self._in_data = joins is not None, joins == "data"

    def _start(self, line: str, end: End) -> None:
        """Finds out what kind of line it is: by its first characters, or as a whole where it may be of a block."""
        while line or self._block:
            bare, quoted = _unquoted(line)
            opens = bare[:1] in tuple(OPENERS) or bare.startswith("[{")
            if not end.line and (opens or bare in ("", "[")):
                self._keep(line, waits=opens)
                return
            block = self._block or (open_block(bare, quoted=quoted) if opens else None)
            if block is None:
                self._begun, self._status = True, StatusReader(self.transcript) if quoted else None
                self._read(bare, end)
                return
            rest = block.add(line if self._block else bare)
            opened, self._block = self._block is None, block if rest is None else None
            if rest is None:
                break
            self.transcript.block(block.value(), block.text())
            line = f"> {rest}" if rest and quoted and opened else rest
        self._begin_line()

    def _read(self, line: str, end: End) -> None:
        """What is decided of a status line or a text."""
        line = self._read_spans(line, End())
        joins = goes_on(line, self._position) if end.line and not (end.text or self._status) else None
        if end.line and not joins:
            self._end_line(line, end)
        else:
            self._keep(f"{line}\n" if joins else line, waits=self._position < len(line), joins=joins)

    def _end_line(self, line: str, end: End) -> None:
        self._read_spans(line, end)
        words = "".join(self._words)[:LINE_CHARS]
        if self._status:
            self._status.end()
            self.transcript.status_line(words.strip())
        else:
            self.transcript.text_line(words, "".join(self._shown))
        self._begin_line()

    def _read_spans(self, line: str, end: End) -> str:
        while span := next_span(line, self._position, end, labelled=self._labelled):
            self._labelled = not isinstance(span, Address) and span.label
            self._position = span.end
            self._tell(span)
        # One character more, since where a word begins is where a mark may.
        keep = max(0, self._position - 1)
        self._position -= keep
        return line[keep:]

    def _tell(self, span: Span) -> None:
        """A span to the transcript; in a status line, its words and labels to the reader of these too."""
        if isinstance(span, Address):
            if span.thumbnail:
                self.transcript.linked_picture(span.thumbnail, span.address, span.label)
            elif span.shown:
                self.transcript.picture(span.address, span.label)
            else:
                self.transcript.link(span.address, span.label)
                self._shown += [] if span.label else [span.address]
            return
        if len(self._shown) < LINE_CHARS and not (span.label and span.code):
            self._words.append(" " if span.label else span.text)
            self._shown.append(span.text)
        if self._status and span.label:
            self._status.label("" if span.code else span.text)
        elif self._status:
            self._status.add(span.text, code=span.code)


def _unquoted(line: str) -> tuple[str, bool]:
    """A line without the blanks and the `>` before it, and whether there was one."""
    line = line.lstrip(BLANKS)
    quoted = line[:1] in tuple(STATUS_MARKS)
    return line.lstrip(BLANKS + STATUS_MARKS) if quoted else line, quoted
