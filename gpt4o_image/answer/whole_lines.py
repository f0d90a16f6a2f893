"""The usual lines and blocks, each read in one step when it is there as a whole. Pure.

Nothing here is needed: the readers of pieces come to the same, which the tests hold this against. They do so
character by character, though, and a whole answer that arrives at once is thousands of lines.
"""

from __future__ import annotations

import json
import re

from .blocks import OPENERS
from .findings import Findings
from .progress import StatusReader
from .transcript import BLANKS, LINE_CHARS, STATUS_MARKS

# The end of a line, and the blank lines that follow it.
_END = rf"[{BLANKS}\n]*\n"
# Lines in which nothing begins, neither at their start nor later.
_PROSE = re.compile(rf"(?:(?![{BLANKS}]*[{STATUS_MARKS}{OPENERS}])[^\[`:\n]*(?::(?![/iI])[^\[`:\n]*)*\n)+")
# ASCII without ( ) and <. Spelled out: see addresses.py.
_ADDRESS = "[!-'*-;=-~]+"
# One link or image, perhaps with words behind it.
_LINK = re.compile(rf"(!?)\[(?!\{{)([^\[\]`\n]*)\]\(({_ADDRESS})\)([^\[\]`:\n]*)\n(?:{_END})?")
# A label, then a percentage, a run of "11....19....", a pause, or nothing, then perhaps "[100](address)".
_STATUS = re.compile(
    rf"""[{STATUS_MARKS}](?![{BLANKS}{STATUS_MARKS}]*[{OPENERS}])[{BLANKS}{STATUS_MARKS}]*
    (?P<label>[^\d.\u2026\u3002\[\]`:_\n]{{0,40}})
    (?:(?<![A-Za-z])(?:(?P<percent>[0-9]{{1,3}})[ ]?[%\uff05] | (?P<run>(?:[0-9]{{1,3}}\.{{2,}}[ ]?)+)))?
    (?P<pause>\.*)
    (?:\[(?P<number>[0-9]{{1,3}})\]\((?P<address>{_ADDRESS})\))?
    {_END}""",
    re.VERBOSE,
)
_FENCE = re.compile(rf"```[a-z]*[{BLANKS}]*\n(?=\{{)")
_FENCE_END = re.compile(rf"[{BLANKS}]*\n```{_END}")
_JSON_END = re.compile(_END)
_STRICT = json.JSONDecoder()


class WholeLines:
    """Tries to read whole lines from the start of one."""

    def __init__(self, findings: Findings, status: StatusReader) -> None:
        self._findings = findings
        self._status = status

    def read(self, text: str, position: int) -> tuple[int, int]:
        """(the position after all that it could read, up to where it is of no use to try again)."""
        while position < len(text):
            first = text[position]
            if first in STATUS_MARKS:
                after = self._read_status(text, position)
            elif first in "![":
                after = self._read_link(text, position)
            elif first in "`{":
                after = self._read_block(text, position)
            else:
                prose = _PROSE.match(text, position)
                if prose is None:
                    return position, position
                if not self._findings.prose(prose[0]):
                    return position, prose.end()
                after = prose.end()
            if after == position:
                break
            position = after
        return position, position

    def _read_link(self, text: str, position: int) -> int:
        line = _LINK.match(text, position)
        if line is None:
            return position
        shown, label, address, words = line.groups()
        if shown:
            self._findings.picture(address, label)
        else:
            self._findings.link(address, label)
        if words:
            self._findings.text(words[:LINE_CHARS], words if shown else (label or address) + words)
        return line.end()

    def _read_status(self, text: str, position: int) -> int:
        line = _STATUS.match(text, position)
        if line is None or self._findings.transcript.failed:
            return position
        label, percent, run, pause, number, address = line.groups()
        found = self._status.read_whole(label, percent, run, pause, number)
        if found is None:
            return position
        if address:
            self._findings.link(address, number)
        if "done" in found:
            self._findings.transcript.done = True
        return line.end()

    def _read_block(self, text: str, position: int) -> int:
        """Only valid JSON: its strings hold no raw newline, so that no fence and no status line can stand in it."""
        fence = _FENCE.match(text, position)
        if fence is None and text[position] == "`":
            return position
        try:
            value, after = _STRICT.raw_decode(text, fence.end() if fence else position)
        except (ValueError, RecursionError):
            return position
        end = (_FENCE_END if fence else _JSON_END).match(text, after)
        if end is None:
            return position
        self._findings.notice(value)
        return end.end()
