"""What a stream's status lines announce: queued, generating, a percentage. Pure.

Read by shape: a percentage is a number with a percent sign or dots behind it, a state is a label with dots behind
it. Words only decide between shapes that fit twice: "Progress 11...." and "Position 57....".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from .events import Event, Generating, Progress, Queued
from .keywords import hints, says
from .transcript import LINE_CHARS

Hints = tuple[str, ...]

_GROUPS: Hints = ("failed", "done", "progress", "queued", "generating")
# Where something may have to be decided: a number, or the pause that follows a label.
_POINT = re.compile(r"[0-9\uff10-\uff19]+|\.{2,}|\u2026|\u3002|\.(?=\s)")
_TAIL_CHARS = 12
_SHAPE = re.compile(
    r"(?P<percent>(?:[.,]\d{1,9})?\s?[%\uff05\ufe6a\u066a])"
    r"|(?P<dots>\.{2}|\u2026)"
    r"|(?P<of_hundred>\s?[/\uff0f]\s?100(?!\d))"
)
# Behind a number, the start of what may yet become one of these shapes, or a fraction.
_UNDECIDED = re.compile(r"[.,]?\d{0,9}\s?|\s?[/\uff0f]?\s?\d{0,3}|\s[^\W\d_]{0,4}\s?")
# "11....19....27....": what follows the first number is as sure as that one.
_RUN = re.compile(r"(?:\d{1,3}\.{2,} ?)+")
_NUMBER = re.compile(r"\d+")
_GLUED = re.compile(r"[A-Za-z0-9_]\Z|\d[.,:/-]\Z")
_NAME = re.compile(r"[A-Za-z][-/]\Z")  # GPT-4
# "1 of 2", "1/2", "12:30"
_SECOND_OF_TWO = re.compile(r"\d\s?(?:[/\uff0f]|[^\W\d_]{1,4})\s\Z")
_FIRST_OF_TWO = re.compile(r"\s?[/\uff0f:]|\s[^\W\d_]{1,4}\s\d|[.,:-]\d|[A-Za-z_-]")
_SEPARATORS = re.compile(r"[\s,;|>\u3001\uff0c\u2192-]*\Z")
_LAST_WORD = re.compile(r"[^\s:\uff1a=]+[\s:\uff1a=(\[*_~|\u2248-]*\Z")
_LABEL_NUMBER = re.compile(r"\s*(\d{1,3})\s?([%\uff05]?)\s*\Z")
_SYMBOLS = " \t\r\n.,;:!|*_>-~=()[]\u200d\ufe0f\u2026\u3002\uff0c"
_CONTEXT_CHARS = 16
# A number is judged by the words before it, but not by all of a long line again and again.
_WORDS_CHARS = 96


class StatusReader:
    """Reads one status line after the other, in any cuts. `tell` gets the events; nothing ever goes back."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._state = 0  # 1 queued, 2 generating, 3 a percentage was seen
        self._percent = -1
        self._begin_line()

    def _begin_line(self) -> None:
        self._line = ""
        self._scanned = 0
        self._segment = 0  # where the words begin that no number and no pause has followed yet
        self._hints: Hints = ()  # of the last words before a number or a pause
        self._all_hints: set[str] = set()
        self._counted = -1  # where the last number ended that was a percentage
        self._by_place = True

    @property
    def line(self) -> str:
        """The words of the line so far, with its code and without its labels and addresses."""
        return self._line

    def read(self, text: str) -> None:
        """Plain text of the line."""
        self._add(text)
        self._scan(self._line, final=False)

    def skip(self, text: str) -> None:
        """Words in which a number means nothing: code, an id."""
        self._settle()
        self._add(text)
        self._scanned = len(self._line)
        self._by_place = False

    def label(self, text: str) -> None:
        """The label of a link. `[100](` is how the documented stream ends."""
        self._settle()
        self._by_place = False
        words = self._line[max(self._segment, len(self._line) - _WORDS_CHARS) :]
        if words.strip(_SYMBOLS):
            self._classify(words)
        number = _LABEL_NUMBER.match(text)
        if number and (number[2] or int(number[1]) == 100 or self._counted >= 0 or "progress" in self._hints):
            self._progress(int(number[1]))
        self._add(" ")
        self._scanned = len(self._line)

    def end(self) -> set[str]:
        """Ends the line; the groups of words.json that it hints at."""
        self._settle()
        words = self._line[self._segment :]
        if words.strip(_SYMBOLS):
            self._announce(self._classify(words), paused=False)
        found = self._all_hints
        self._begin_line()
        return found

    def read_whole(
        self, label: str, percent: str | None, run: str | None, pause: str | None, link: str | None
    ) -> Hints | None:
        """Reads a line of the usual form at once: label, `14%` or `11....19....`, dots, the number of a link.

        The hints of its label; None, and nothing read, where it takes a closer look.
        """
        words = label.strip(_SYMBOLS)
        found = hints(label, _GROUPS) if words else ()
        if "failed" in found or (run and (len(run) > LINE_CHARS // 2 or not _may_be_dotted(label, found))):
            return None
        if run:
            self._progress_run(run)
        elif percent:
            self._progress(int(percent))
        elif words:
            self._announce(found, paused=bool(pause))
            self._by_place = True
        if link and (run or percent or link == "100" or "progress" in found):
            self._progress(int(link))
        return found

    def _add(self, text: str) -> None:
        self._line += text[: max(0, LINE_CHARS - len(self._line))]

    def _settle(self) -> None:
        """Nothing more follows what was left undecided."""
        self._scan(self._line + "\n", final=True)

    def _scan(self, line: str, *, final: bool) -> None:
        position = self._scanned
        if position == self._segment and line[position - 1 : position] == ".":
            position = self._pass_more_dots(line)
        while point := _POINT.search(line, position):
            if point[0][0] in ".\u2026\u3002":
                position = point.end()
                words = line[self._segment : point.start()]
                if words.strip(_SYMBOLS):
                    self._announce(self._classify(words), paused=True)
                elif self._counted == self._segment:
                    self._counted = position  # the dots of "64....100": what follows them is as sure as the 64
                self._segment = position
                continue
            tail = line[point.end() : point.end() + _TAIL_CHARS]
            if not final and _UNDECIDED.fullmatch(tail) and len(point[0]) <= 3:
                self._scanned = point.start()
                return
            position = self._read_number(line, point, tail)
        self._scanned = max(position, len(self._line) - (not final and self._line.endswith(".")))

    def _pass_more_dots(self, line: str) -> int:
        """Where a pause ends whose dots go on in this piece."""
        rest = line[self._segment :]
        end = self._segment + len(rest) - len(rest.lstrip("."))
        if self._counted == self._segment:
            self._counted = end
        self._segment = end
        return end

    # States

    def _announce(self, found: Hints, *, paused: bool) -> None:
        """A label says which state begins, by its words, else by its place: first queued, then generating."""
        if "failed" in found or "done" in found:
            return
        state = next((group for group in found if group in ("queued", "generating")), None)
        if state:
            self._enter(1 if state == "queued" else 2)
        elif paused and self._by_place and "progress" not in found:
            self._enter(self._state + 1)
        self._by_place = False

    def _classify(self, words: str) -> Hints:
        self._hints = hints(words, _GROUPS)
        self._all_hints.update(self._hints)
        return self._hints

    def _enter(self, state: int) -> None:
        if self._state < state <= 2:
            self._state = state
            self._tell(Queued() if state == 1 else Generating())

    # Numbers

    def _read_number(self, line: str, point: re.Match[str], tail: str) -> int:
        """Counts a number if it is a percentage; the position after it."""
        start, end = point.span()
        if end - start > 3 or _GLUED.search(line, max(0, start - 2), start):
            return end
        shape = _SHAPE.match(tail)
        words = line[max(self._segment, start - _WORDS_CHARS) : start]
        if words.strip(_SYMBOLS):
            self._classify(words)
        if not self._is_percentage(line, start, words, shape.lastgroup if shape else None, tail):
            return end
        if start - self._segment > _WORDS_CHARS:
            self._classify(line[self._segment : start])
        if shape and shape.lastgroup == "dots" and (run := _RUN.match(line, start)):
            # The dots behind the last number may go on in the next piece: they are read next, as a pause.
            end = start + len(run[0].rstrip(" ."))
            self._progress_run(run[0])
        else:
            self._progress(int(point[0]))
            end += shape.end() if shape else 0
        self._segment = self._counted = end
        return end

    def _is_percentage(self, line: str, start: int, words: str, shape: str | None, tail: str) -> bool:
        if shape in ("percent", "of_hundred"):
            return True
        if _SECOND_OF_TWO.search(line, max(0, start - _CONTEXT_CHARS), start):
            return False
        if shape == "dots":
            return _may_be_dotted(words, self._hints)
        if _FIRST_OF_TWO.match(tail):
            return False
        if self._counted == self._segment:
            return _SEPARATORS.match(words) is not None
        last = _LAST_WORD.search(words)
        return last is not None and says(last[0], "progress")

    def _progress_run(self, run: str) -> None:
        self._state = 3
        if self._percent < 100:
            for number in _NUMBER.findall(run):
                self._progress(int(number))

    def _progress(self, percent: int) -> None:
        self._state = 3
        if min(percent, 100) > self._percent:
            self._percent = min(percent, 100)
            self._tell(Progress(self._percent))


@lru_cache(maxsize=128)
def _may_be_dotted(words: str, found: Hints) -> bool:
    """Whether "11...." behind these words is a percentage, not a place in a queue, a name or "image 1...."."""
    last = _LAST_WORD.search(words)
    if _NAME.search(words) or (last and says(last[0], "ordinal")):
        return False
    return "progress" in found or "queued" not in found
