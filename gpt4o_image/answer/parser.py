"""Text of a gateway's stream -> events and a transcript. Pure: no I/O, no clock, any cuts give the same events.

Read by shape, not by words. Here the text becomes lines, and each line finds its reader: a block of JSON or code
(blocks.py), a status line, which starts with `>` (status.py), or plain text; links stand in both (spans.py).
"""

from __future__ import annotations

from typing import Literal

from .blocks import OPENERS, Block, open_block
from .events import Event
from .findings import Findings
from .links import Address, Code, Label, Span, SpanReader, Text
from .progress import StatusReader
from .transcript import BLANKS, LINE_CHARS, STATUS_MARKS, Transcript
from .whole_lines import WholeLines

__all__ = ["StreamParser", "Transcript"]

# Longer pieces are cut: what it costs to fail at reading lines as a whole grows with what lies before them.
_STEP_CHARS = 16 * 1024


class StreamParser:
    """Feed it text as it comes; it gives the events that are complete. Linear in the length of the text."""

    def __init__(self, base_url: str = "") -> None:
        self._findings = Findings(base_url)
        self._status = StatusReader(self._findings.tell)
        self._whole_lines = WholeLines(self._findings, self._status)
        self._spans = SpanReader()
        self._block: Block | None = None
        self._begin_line()

    @property
    def transcript(self) -> Transcript:
        """What was said so far; the same object all the time."""
        return self._findings.transcript

    def feed(self, text: str) -> list[Event]:
        """The events that `text` completes."""
        self._run(text)
        return self._findings.take()

    def finish(self) -> list[Event]:
        """The events that only the end decides. An address that was cut is none of them."""
        self._end_line(cut=True)
        if self._block is not None:
            # A block that never ended held more than a block: read what cannot be of it, once.
            rest, self._block = self._block.remainder(), None
            self._run(rest)
            self._end_line(cut=True)
            self._block = None
        self.transcript.close()
        return self._findings.take()

    # Lines

    def _begin_line(self) -> None:
        # "start": not yet known; "held": read once it is whole; "status", "text": read as it comes.
        self._mode: Literal["start", "held", "status", "text"] = "start"
        self._quoted = False
        self._held: list[str] = []
        self._words: list[str] = []  # of a line of text
        self._shown: list[str] = []  # its words, labels and bare addresses, as prose is quoted

    def _run(self, text: str) -> None:
        for start in range(0, len(text), _STEP_CHARS):
            self._step(text[start : start + _STEP_CHARS])

    def _step(self, text: str) -> None:
        position = known = 0
        while position < len(text):
            if position >= known and self._at_start:
                position, known = self._whole_lines.read(text, position)
            newline = text.find("\n", position)
            if newline < 0:
                if position < len(text):
                    self._read(text[position:])
                return
            self._read(text[position:newline])
            self._end_line()
            position = newline + 1

    @property
    def _at_start(self) -> bool:
        return self._mode == "start" and self._block is None and not self._quoted and not self._held

    def _read(self, piece: str) -> None:
        """A part of a line."""
        match self._mode:
            case "start":
                self._read_start(piece)
            case "held":
                self._held.append(piece)
            case _:
                self._read_spans(self._spans.read(piece))

    def _read_start(self, piece: str) -> None:
        """Decides by its first characters what a line is."""
        if self._block is not None:
            self._mode = "held"
            self._held.append(piece)
            return
        blanks = BLANKS + STATUS_MARKS if self._quoted else BLANKS
        text = "".join(self._held) + piece if self._held else piece.lstrip(blanks)
        self._held.clear()
        if not text:
            return
        if text[0] in STATUS_MARKS and not self._quoted:
            self._quoted = True
            self._read_start(text)
        elif text == "[":
            self._held.append(text)  # of a link, or of a JSON array
        elif text[0] in OPENERS or text.startswith("[{"):
            self._mode = "held"
            self._held.append(text)
        else:
            self._mode = "status" if self._quoted else "text"
            self._read_spans(self._spans.read(text))

    def _end_line(self, *, cut: bool = False) -> None:
        if self._block is not None or self._mode == "held":
            line = "".join(self._held)
            quoted = self._quoted
            self._begin_line()
            self._read_held(line, quoted, cut)
            return
        if self._mode == "start" and self._held:
            self._mode = "status" if self._quoted else "text"
            self._read_spans(self._spans.read("".join(self._held)))
        if self._mode != "start":
            self._close_line(cut)
        self._begin_line()

    def _read_held(self, line: str, quoted: bool, cut: bool) -> None:
        """A whole line that is part of a block, or could have begun one."""
        opened = self._block is None
        block = self._block or open_block(line, quoted=quoted)
        rest = block.add(line) if block else line
        if rest is None:
            self._block = block
            return
        self._block = None
        if block and (value := block.value()):
            self._findings.notice(value)
        if not rest:
            return
        if rest is line and not opened:
            self._read(line)  # the line after a block, which may begin the next
        else:
            stripped = rest.lstrip(BLANKS)
            quoted = quoted or stripped.startswith(tuple(STATUS_MARKS))
            self._mode = "status" if quoted else "text"
            self._read_spans(self._spans.read(stripped.lstrip(STATUS_MARKS) if quoted else stripped))
        self._end_line(cut=cut)

    def _close_line(self, cut: bool) -> None:
        """What a line means that only its end tells."""
        self._read_spans(self._spans.read("", ended=True, cut=cut))
        if self._mode == "status":
            line = self._status.line.strip()
            self._findings.status(line, self._status.end())
        else:
            self._findings.text("".join(self._words)[:LINE_CHARS], "".join(self._shown))

    # Spans

    def _read_spans(self, spans: list[Span]) -> None:
        for span in spans:
            if isinstance(span, Address):
                self._read_address(span)
            elif self._mode == "status":
                self._read_status(span)
            elif not isinstance(span, Label):
                self._words.append(span.text)
                self._shown.append(span.text)

    def _read_status(self, span: Text | Code | Label) -> None:
        match span:
            case Text():
                self._status.read(span.text)
            case Code():
                self._status.skip(span.text)
            case Label():
                self._status.label(span.text)

    def _read_address(self, span: Address) -> None:
        if span.shown:
            self._findings.picture(span.address, span.label)
            return
        if self._mode == "text":
            self._shown.append(span.label or span.address)
        # Half an address is never fetched. Yet a whole answer may end with a bare one, which then is all there is.
        if span.whole or not self.transcript.pictures:
            self._findings.link(span.address, span.label)
