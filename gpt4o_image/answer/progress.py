"""Status lines -> queued, generating, percentages. Pure; knows nothing of links, blocks and pictures.

`> Queued..`, `> Progress 11....19....[100](u)` -> Queued(), Progress(11), Progress(19), Progress(100). Read by shape: a
percentage is a number with a percent sign or dots behind it, a state is a label with dots behind it. Words only decide
between shapes that fit twice, "Progress 11...." and "Position 57....", and there a second, larger number decides again.
"""

from __future__ import annotations

import re

from .events import Generating, Progress, Queued
from .keywords import hints, says
from .transcript import LINE_CHARS, STATE_GROUPS, Transcript

# Where something may have to be decided: a number that is not part of a word or a date, or the pause behind a label.
_POINT = re.compile(
    r"(?<![A-Za-z0-9_\uff10-\uff19])(?<!\d[.,:/-])(?P<number>[0-9\uff10-\uff19]{1,3})(?![0-9\uff10-\uff19])"
    r"|(?:\.{2,}|\u2026|\u3002|\.(?=\s))\.*"
)
_IN_POINTS = re.compile(r"[\d.\u2026\u3002]")
_SHAPE = re.compile(
    r"(?P<percent>(?:[.,]\d{1,9})?\s?[%\uff05\ufe6a\u066a])|(?P<dots>(?=\.{2}|\u2026))|(?P<of_hundred>\s?[/\uff0f]\s?100(?!\d))"
)
# Behind a number, the start of what may yet become one of these shapes, or a fraction.
_UNDECIDED = re.compile(r"[.,]?\d{0,9}\s?|\s?[/\uff0f]?\s?\d{0,3}|\s[^\W\d_]{0,4}\s?")
_NAME = re.compile(r"[A-Za-z][-/]\Z")  # GPT-4
# "1 of 2", "1/2", "12:30"
_SECOND_OF_TWO = re.compile(r"\d\s?(?:[/\uff0f]|[^\W\d_]{1,4})\s\Z")
_FIRST_OF_TWO = re.compile(r"\s?[/\uff0f:]|\s[^\W\d_]{1,4}\s\d|[.,:-]\d|[A-Za-z_-]")
_SEPARATORS = re.compile(r"[\s.,;|>\u3001\uff0c\u2192-]*\Z")
_LAST_WORD = re.compile(r"[^\s:\uff1a=]+[\s:\uff1a=(\[*_~|\u2248-]*\Z")
_LABEL_NUMBER = re.compile(r"\s*(\d{1,3})\s?([%\uff05]?)\s*\Z")
_SYMBOLS = " \t\r\n.,;:!|*_>-~=()[]\u200d\ufe0f\u2026\u3002\uff0c"
# A number is judged by the words before it, but not by all of a long line again and again.
_WORDS_CHARS = 96


class StatusReader:
    """Reads one status line as it grows, and announces to the transcript what it comes to."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._room = LINE_CHARS
        self._tail = ""  # of the line, what no percentage and no pause has followed yet
        self._scanned: int = 0  # of the tail
        self._counted = False  # a percentage stands before the tail
        self._place: int | None = None  # in a queue; a percentage, where a larger number follows
        self._by_place = True

    def add(self, text: str, *, code: bool = False) -> None:
        """Text of the line. `code`: numbers in it mean nothing, as in an id."""
        if code:
            self._scan(final=True)
            text, self._by_place = _IN_POINTS.sub("_", text), False
        self._tail += text[: self._room]
        self._room -= min(self._room, len(text))
        self._scan()

    def label(self, text: str) -> None:
        """The label of a link. `[100](` is how the documented stream ends."""
        self.end()
        number = _LABEL_NUMBER.match(text)
        if number and (number[2] or number[1] == "100" or self._counted or says(self._tail, "progress")):
            self._count(int(number[1]))
        self._tail, self._scanned, self._by_place = "", 0, False

    def end(self) -> None:
        """Nothing follows that could decide what stands there."""
        self._scan(final=True)
        self._enter_by(self._tail)

    def _scan(self, *, final: bool = False) -> None:
        """Reads the tail as far as it is decided; `final`: nothing follows it."""
        self._tail += "\n" if final else ""
        while point := _POINT.search(self._tail, self._scanned):
            start, end = point.span()
            if point["number"] is None:
                words = self._tail[:start]
                self._enter_by(words, paused=True)
                self._counted = self._counted and not words.strip(_SYMBOLS)
                self._tail, self._scanned = self._tail[end:], 0
            elif not final and _UNDECIDED.fullmatch(self._tail, end):
                self._scanned = start
                return
            else:
                self._number(int(point[0]), start, end)
        self._scanned = max(self._scanned, len(self._tail) - self._tail.endswith("."))

    def _enter_by(self, words: str, *, paused: bool = False) -> None:
        """A label says which state begins, by its words, else by its place: first queued, then generating."""
        found = hints(words, STATE_GROUPS)
        if not words.strip(_SYMBOLS) or "failed" in found or "done" in found:
            return
        named = [1 if group == "queued" else 2 for group in found if group in ("queued", "generating")]
        by_place = paused and self._by_place and "progress" not in found
        state = named[0] if named else self._transcript.stage + 1 if by_place else 0
        self._by_place = False
        if 1 <= state <= 2:
            self._transcript.announce(Queued() if state == 1 else Generating())

    def _number(self, number: int, start: int, end: int) -> None:
        """Counts a number of the tail if it is a percentage."""
        words, shape = self._tail[max(0, start - _WORDS_CHARS) : start], _SHAPE.match(self._tail, end)
        self._scanned = end
        if not _SEPARATORS.match(words):
            self._place = None
        if self._is_percentage(number, words, shape.lastgroup if shape else None):
            self._count(number)
            self._tail, self._scanned = self._tail[shape.end() if shape else end :], 0

    def _is_percentage(self, number: int, words: str, shape: str | None) -> bool:
        if shape in ("percent", "of_hundred"):
            return True
        if _SECOND_OF_TWO.search(words) or (shape is None and _FIRST_OF_TWO.match(self._tail, self._scanned)):
            return False
        if self._counted and _SEPARATORS.match(words):
            return True
        last = _LAST_WORD.search(words)
        word = last[0] if last else ""
        if shape is None:
            return says(word, "progress")
        if _NAME.search(words) or says(word, "ordinal"):
            return False
        found = hints(words, STATE_GROUPS)
        if self._place is None and ("progress" in found or "queued" not in found):
            return True
        rises = self._place is not None and number > self._place
        self._place = self._place if rises else number
        return rises

    def _count(self, percent: int) -> None:
        for one in (self._place, percent):
            if one is not None:
                self._transcript.announce(Progress(min(one, 100)))
        self._place, self._counted = None, True
