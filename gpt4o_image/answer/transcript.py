"""Collects what an answer has so far: pictures, links, failures, prose, and the events of it. Pure; parses no text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..urls import (
    BARE_ADDRESS,
    Link,
    Picture,
    bare_address,
    fallback_pictures,
    fetchable,
    identity,
    looks_like_page,
    looks_like_picture,
    may_be_picture,
    mirrors,
    resolved,
    unescaped,
)
from .error_object import error_text, is_error
from .events import Event, Generating, Progress, Queued
from .json_text import without_surrogates
from .keywords import hints, says, words
from .shapes import Possible, Said, Shown, pieces, possible_addresses

# More addresses, or ids, than any answer has; garbage may be endless.
_MAX_ADDRESSES = 1000
# Of one line, as far as its sense needs it: no message is longer, and garbage may be endless.
LINE_CHARS = 8192
# What is dropped before the first character of a line. A byte order mark may stand in front of the answer.
BLANKS = " \t\r\ufeff\u00a0\u3000"
# What a status line starts with; the second is the full-width form.
STATUS_MARKS = ">\uff1e"

_KEPT_CHARS = 64 * 1024  # of prose and of blocks
_MAX_POSSIBLE = 64
_MAX_UNUSED = 16
_QUOTED_ADDRESS_CHARS = 300
_GEN_ID = re.compile(r"\bgen_[0-9a-z]{20,}\b")
_TASK_ID = re.compile(r"\btask_[0-9a-z]{20,}\b")
_NAMED_ID = re.compile(r"\bID\b\W{0,5}([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\b", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
# Addresses without a scheme: `/files/1.png`, `//cdn.test/1`, `files/1.png`.
_RELATIVE = re.compile(r"\.{0,2}/[^\s/]\S*|//[^\s/]+/\S+|[^\s:/]+/\S+\.\w{3,5}(?:\?\S*)?")
# Behind these a line repeats someone: `The sign says: Generation failed.`
_QUOTING = re.compile("[:\uff1a\"'\u2018\u201c\u201d\u300c\u300e\u300a\u00ab]")
_BARE = re.compile(BARE_ADDRESS, re.IGNORECASE)
_DECORATION = re.compile(r"^[\W_]+")
# What a status line may announce; where two fit, the earlier counts.
STATE_GROUPS = ("failed", "done", "progress", "queued", "generating")


@dataclass
class Transcript:
    """Grows while the answer is read. The lists stay the same objects, so that others may hold on to them.

    `unused`: picture addresses that were seen but belong to no picture. `left_out`: how many addresses there were
    beyond what is kept. `stage`: 0 nothing was announced, 1 queued, 2 generating, 3 and more: 3 + percent.
    """

    base_url: str = field(default="", repr=False)
    prompt: str = field(default="", repr=False)
    revised_prompt: str | None = None
    count: int | None = None
    gen_ids: list[str] = field(default_factory=list[str])
    task_id: str | None = None
    pictures: list[Picture] = field(default_factory=list[Picture])
    links: list[Link] = field(default_factory=list[Link])
    unused: list[str] = field(default_factory=list[str])
    left_out: int = 0
    stage: int = 0
    failed: bool = False
    done: bool = False
    reasons: list[str] = field(default_factory=list[str])
    terminal: dict[str, Any] | None = None
    _doubtful: list[str] = field(default_factory=list[str], repr=False)
    _possible: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    _prose: list[str] = field(default_factory=list[str], repr=False)
    _fenced: list[str] = field(default_factory=list[str], repr=False)
    _chars_kept: int = field(default=0, repr=False)
    _mirrors: set[str] = field(default_factory=set[str], repr=False, compare=False)
    _seen: set[str] = field(default_factory=set[str], repr=False, compare=False)
    _events: list[Event] = field(default_factory=list[Event], repr=False, compare=False)

    def take(self) -> list[Event]:
        """The events since it was last asked."""
        events, self._events = self._events, []
        return events

    @property
    def prose(self) -> list[str]:
        """The lines that are neither status nor block, without their links, each once; none without a letter.

        Of an answer that is nothing but blocks: their lines.
        """
        kept = self._prose if any(map(_LETTER.search, self._prose)) else self._fenced
        lines = (line.strip(BLANKS)[:LINE_CHARS].strip() for text in kept for line in text.split("\n"))
        return list(dict.fromkeys(line for line in lines if _LETTER.search(line)))

    def announce(self, event: Queued | Generating | Progress) -> None:
        """Adds a state or a percentage. Nothing ever goes back, whichever choice of the answer it is of."""
        match event:
            case Progress(percent):
                stage = 3 + percent
                self.done = self.done or percent == 100
            case Generating():
                stage = 2
            case Queued():
                stage = 1
        if stage > self.stage:
            self.stage = stage
            self._events.append(event)

    # Addresses

    def picture(self, address: str, label: str, others: Iterable[str] = ()) -> None:
        """A picture that is shown, and further addresses of it. Shown a second time it is a link to the first."""
        self.note_ids(label)
        usable = self._usable(address, image=True) or self._usable(unescaped(address), image=True)
        key = identity(usable)
        if not usable:
            self._note_unused(address)
        elif key in self._seen:
            self.link(address, label)
        else:
            self._seen |= {key, usable}
            self._add(Picture(len(self.pictures), usable, without_surrogates(label)))
            others = (*others, unescaped(usable))
        for other in others:
            self.link(other, label)
            self._mirrors.add(other)

    def linked_picture(self, thumbnail: str, target: str, label: str) -> None:
        """`[![label](thumbnail)](target)`: the target is the larger picture, or a page that gives none when fetched."""
        usable = self._usable(target, image=True)
        if usable and not looks_like_page(usable) and identity(usable) not in self._seen:
            self.picture(target, label, [thumbnail])
        else:
            self.picture(thumbnail, label, [target])

    def link(self, address: str, label: str) -> None:
        """Any other address, each once."""
        if (address := self._usable(address)) and address not in self._seen:
            self._seen.add(address)
            self._add(Link(address, without_surrogates(label), len(self.pictures)))

    def possible(self, address: str, *, sure: bool = False) -> None:
        """An address that may be a picture's where nothing else is: in a fence, in JSON, in what could not be read.

        `sure`: its place makes it one, whatever it looks like.
        """
        address = self._usable(address)
        if address and (sure or looks_like_picture(address)) and len(self._possible) < _MAX_POSSIBLE:
            self._possible.setdefault(identity(address), address)

    def take_links(self, *, any_link: bool) -> str:
        """Where no picture is shown: takes the links that look like one, else what is possible, else any link.

        What was taken, in words; empty where there is none.
        """
        for address in possible_addresses("\n".join(self._prose)):  # between backticks, or without a host
            self.possible(address)
        found, what = fallback_pictures(self.links), "a link in it"
        if not found:
            found = [Picture(index, address, "") for index, address in enumerate(self._possible.values())]
            what = "an address elsewhere in it"
        if not found and any_link:
            links = self.links or [Link(one, "", 0) for one in self._quoted_addresses()]
            found, what = fallback_pictures(links, any_link=True), "a link in it"
        for picture in found:
            self._add(picture)
            if (meant := unescaped(picture.address)) != picture.address:
                self.link(meant, picture.label)
        return what if found else ""

    def _quoted_addresses(self) -> Iterator[str]:
        """Addresses between backticks: the others are links."""
        for found in _BARE.finditer("\n".join(self._prose)):
            if address := self._usable(bare_address(found[0])):
                yield address

    def note_leftovers(self) -> None:
        """At the end: the picture addresses that are neither of the pictures shown nor of their mirrors."""
        used = {identity(one) for addresses in mirrors(self.pictures, self.links) for one in addresses}
        # A bare address may be another picture, though its place makes it a mirror.
        bare = [one.address for one in self.links if not one.label and looks_like_picture(one.address)]
        names = {_file_name(picture.address) for picture in self.pictures}
        for address in [one for one in bare if _file_name(one) not in names and one not in self._mirrors] + [
            address for key, address in self._possible.items() if key not in used
        ]:
            self._note_unused(address)

    def _usable(self, raw: str, *, image: bool = False) -> str:
        """The whole address, or nothing: for what cannot be fetched, and for what the prompt itself named."""
        address = resolved(raw, self.base_url) if _RELATIVE.fullmatch(raw[:LINE_CHARS]) else raw
        if not fetchable(address, image=image):
            return ""
        echoed = self.prompt and (raw in self.prompt or unescaped(raw) in self.prompt)
        return "" if echoed else address

    def _add(self, found: Picture | Link) -> None:
        if len(self.pictures) + len(self.links) >= _MAX_ADDRESSES:
            self.left_out += 1
            return
        if isinstance(found, Picture):
            self.pictures.append(found)
        else:
            self.links.append(found)
        self._events.append(found)

    def _note_unused(self, address: str) -> None:
        shown = without_surrogates(address[:_QUOTED_ADDRESS_CHARS])
        if shown not in self.unused and len(self.unused) < _MAX_UNUSED and shown not in self.prompt:
            self.unused.append(shown)

    # Lines and blocks

    def status_line(self, line: str) -> None:
        """The words of a whole status line, without its links."""
        self.note_ids(line)
        found = hints(line, STATE_GROUPS)
        if "failed" in found:
            self._fail(line, sure=says(_QUOTING.split(line)[0], "failed") or says(line, "failure_codes"))
        elif "done" in found:
            self.done = True
        elif self.failed and not found and _LETTER.search(line):
            self.reasons.append(line)

    def text_line(self, line: str, shown: str) -> None:
        """A whole line of text: its words alone, and its words with the labels of its links."""
        self.note_ids(line)
        if says(line, "failed_marks"):
            self._fail(line.strip(), sure=_is_all_of(line, "failed_marks") or says(line, "failure_codes"))
        elif line == shown or _LETTER.search(line):
            self._say(self._prose, shown)

    def quote(self, text: str) -> None:
        """Words outside any text of the answer: an error may show them."""
        self._say(self._prose, text)

    def block(self, value: dict[str, Any] | None, text: str, *, cut: bool = False) -> None:
        """A block of JSON or code: what the gateway notes in it, and addresses that count where nothing else does.

        `cut`: the answer may have gone on where it ends.
        """
        if value is None:
            self._say(self._fenced, text)
            for address in possible_addresses(text, cut=cut):
                self.possible(address)
            return
        for piece in pieces(value):
            match piece:
                case Shown(address=address, mirrors=others, cut=False):
                    for one in (address, *others):
                        self.possible(one, sure=True)
                case Possible(address):
                    self.possible(address)
                case Said(text=said):
                    for address in possible_addresses(said):
                        self.possible(address)
                case _:
                    pass
        self.note(value)

    def note(self, value: dict[str, Any]) -> None:
        """A JSON object inside the text.

        The preamble has `prompt`, `ratio`, `n`, `gen_id`; the note that ends a failed task is `"type": "terminal"`.
        """
        if isinstance(prompt := value.get("prompt"), str):
            self.revised_prompt = self.revised_prompt or without_surrogates(prompt)
        self.count = self.count or _whole(value.get("n"))
        if isinstance(gen_id := value.get("gen_id"), str) and gen_id:
            self._add_gen_ids([gen_id])
        if isinstance(task_id := value.get("task_id"), str):
            self.task_id = self.task_id or task_id
        if is_error(value):
            self.terminal = value
            self._fail(error_text(value), sure=True)

    def close(self) -> None:
        """At the end: words that may mean a failure do so where no picture and no link to one is there."""
        likely = self.pictures or self._possible or any(may_be_picture(link) for link in self.links)
        if self._doubtful and not likely:
            self.failed = True
            self.reasons += self._doubtful
        if self.terminal and not self.reasons:
            self.reasons.append(json.dumps(self.terminal, ensure_ascii=False))

    def note_ids(self, text: str) -> None:
        """Takes the ids out of a line or a label: `gen_..`, `task_..`, and what a status line calls the ID."""
        if "gen_" in text:
            self._add_gen_ids(_GEN_ID.findall(text))
        if self.task_id is None and (named := _TASK_ID.search(text) or _NAMED_ID.search(text)):
            self.task_id = named[named.lastindex or 0]

    def _add_gen_ids(self, ids: Iterable[str]) -> None:
        for one in ids:
            if len(self.gen_ids) < _MAX_ADDRESSES and one not in self.gen_ids:
                self.gen_ids.append(one)

    def _fail(self, reason: str | None, *, sure: bool) -> None:
        if sure:
            self.failed = True
        if reason:
            (self.reasons if sure else self._doubtful).append(reason)

    def _say(self, lines: list[str], line: str) -> None:
        if self._chars_kept < _KEPT_CHARS:
            self._chars_kept += len(line)
            lines.append(line)


def _is_all_of(line: str, group: str) -> bool:
    """Whether a line is that statement, not one that quotes it: it begins with a word of `group`, or ends in a mark."""
    bare = line.strip().casefold()
    begins = _DECORATION.sub("", bare).startswith(words(group)) or bare.startswith(words("failure_signs"))
    return begins or bare.endswith(words("failure_signs"))


def _file_name(address: str) -> str:
    return address.partition("?")[0].rpartition("/")[2]


def _whole(value: Any) -> int | None:
    """A count as the gateways write it: 2 or "2"."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 3:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
