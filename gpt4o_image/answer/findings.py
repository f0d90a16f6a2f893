"""What lines mean: links, notices, failures and prose become events and the transcript. Pure; reads no text itself."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

from ..urls import Link, Picture, fetchable, identity
from .events import Event, Failed, Progress
from .keywords import words
from .transcript import Transcript, may_hold_ids

_LETTER = re.compile(r"[^\W\d_]")


class Findings:
    """Collects what the readers of lines and blocks find."""

    def __init__(self, base_url: str = "") -> None:
        self._base_url = base_url
        self.transcript = Transcript()
        self._events: list[Event] = []
        self._seen: set[str] = set()

    def take(self) -> list[Event]:
        """The events since it was last asked."""
        events, self._events = self._events, []
        return events

    def tell(self, event: Event) -> None:
        """Adds an event."""
        if isinstance(event, Progress) and event.percent == 100:
            self.transcript.done = True
        self._events.append(event)

    # Addresses

    def picture(self, address: str, label: str) -> None:
        """A markdown image. Shown a second time, or at its download address, it is a further link to the first."""
        said = self.transcript
        said.note_ids(label)
        address = self._absolute(address)
        if not fetchable(address, image=True):
            return
        if (key := identity(address)) in self._seen:
            self.link(address, label)
            return
        self._seen.add(key)
        picture = Picture(len(said.pictures), address, label)
        said.pictures.append(picture)
        self._events.append(picture)

    def link(self, address: str, label: str) -> None:
        """Any other address, each once."""
        address = self._absolute(address)
        if address in self._seen or not fetchable(address):
            return
        self._seen.add(address)
        link = Link(address, label, len(self.transcript.pictures))
        self.transcript.links.append(link)
        self._events.append(link)

    def _absolute(self, address: str) -> str:
        """An address without a host is of the gateway's own origin."""
        return urljoin(self._base_url, address) if address.startswith("/") else address

    # Lines and blocks

    def status(self, line: str, found: set[str]) -> None:
        """The end of a status line; `found` are the groups of words.json that it hints at."""
        said = self.transcript
        said.note_ids(line)
        if "failed" in found:
            self._fail(line)
        elif "done" in found:
            said.done = True
        elif said.failed and not found and _LETTER.search(line):
            said.reasons.append(line)

    def text(self, line: str, shown: str) -> None:
        """The end of a line of text: its words alone, and its words with the labels of its links."""
        self.transcript.note_ids(line)
        if _holds(line.casefold(), words("failed_marks")):
            self._fail(line.strip())
        elif line == shown or _LETTER.search(line):
            self.transcript.say(shown)

    def prose(self, lines: str) -> bool:
        """Takes whole lines without links at once; False where one of them needs a closer look."""
        if may_hold_ids(lines) or _holds(lines.casefold(), words("failed_marks")):
            return False
        self.transcript.say(lines)
        return True

    def notice(self, value: dict[str, Any]) -> None:
        """A JSON object of the gateway."""
        if self.transcript.notice(value):
            self._fail(None)

    def _fail(self, reason: str | None) -> None:
        if not self.transcript.failed:
            self.transcript.failed = True
            self.tell(Failed())
        if reason:
            self.transcript.reasons.append(reason)


def _holds(text: str, marks: tuple[str, ...]) -> bool:
    for mark in marks:  # noqa: SIM110 - any() takes three times as long, and each line of prose passes here
        if mark in text:
            return True
    return False
