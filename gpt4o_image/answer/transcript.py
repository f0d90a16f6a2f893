"""All that a stream has said so far, beside its events: what the report, the fallbacks and the errors need. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from ..urls import Link, Picture, fallback_pictures

# Of one line, as far as its sense needs it: no message is longer, and garbage may be endless.
LINE_CHARS = 8192
# What is dropped before the first character of a line. A byte order mark may stand in front of the answer.
BLANKS = " \t\r\ufeff"
# What a status line starts with; the second is the full-width form.
STATUS_MARKS = ">\uff1e"

_SHORTEST_TASK_ID = 25  # characters
_GEN_ID = re.compile(r"\bgen_[0-9a-z]{20,}\b")
_TASK_ID = re.compile(r"\btask_[0-9a-z]{20,}\b")
_NAMED_ID = re.compile(r"\bID\b\W{0,5}([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\b", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")


@dataclass
class Transcript:
    """Grows while the stream is read. The lists stay the same objects, so that others may hold on to them."""

    revised_prompt: str | None = None
    ratio: str | None = None
    count: int | None = None
    gen_ids: list[str] = field(default_factory=list[str])
    task_id: str | None = None
    pictures: list[Picture] = field(default_factory=list[Picture])
    links: list[Link] = field(default_factory=list[Link])
    failed: bool = False
    done: bool = False
    reasons: list[str] = field(default_factory=list[str])
    terminal: dict[str, Any] | None = None
    _plain: list[str] = field(default_factory=list[str], repr=False, compare=False)
    _known_ids: set[str] = field(default_factory=set[str], repr=False, compare=False)

    @property
    def prose(self) -> list[str]:
        """The lines that are neither status nor block, without their links; those with no letter are left out."""
        lines = (line.lstrip(BLANKS)[:LINE_CHARS].strip() for text in self._plain for line in text.split("\n"))
        return [line for line in lines if _LETTER.search(line)]

    def say(self, lines: str) -> None:
        """Keeps one or more whole lines of plain text."""
        self._plain.append(lines)

    def fallbacks(self) -> list[Picture]:
        """The links that may hold a picture where no markdown image came."""
        return fallback_pictures(self.links, any_link=self.done and not self.failed)

    def note_ids(self, text: str) -> None:
        """Takes the ids out of a line or a label: `gen_..`, `task_..`, and what a status line calls the ID."""
        if "gen_" in text:
            self._add_gen_ids(_GEN_ID.findall(text))
        if self.task_id or len(text) < _SHORTEST_TASK_ID:
            return
        if named := ("task_" in text and _TASK_ID.search(text)) or _NAMED_ID.search(text):
            self.task_id = named[named.lastindex or 0]

    def notice(self, value: dict[str, Any]) -> bool:
        """Takes in a JSON object of the gateway; True where it reports a failure.

        The preamble has `prompt`, `ratio`, `n`, `gen_id`; the note that ends a failed task is `"type": "terminal"`.
        """
        if isinstance(prompt := value.get("prompt"), str):
            self.revised_prompt = self.revised_prompt or prompt
        if isinstance(ratio := value.get("ratio"), str):
            self.ratio = self.ratio or ratio
        self.count = self.count or _whole(value.get("n"))
        if isinstance(gen_id := value.get("gen_id"), str) and gen_id:
            self._add_gen_ids([gen_id])
        if isinstance(task_id := value.get("task_id"), str):
            self.task_id = self.task_id or task_id
        if not _reports_failure(value):
            return False
        self.terminal = value
        if message := _message(value.get("error") or value):
            self.reasons.append(message)
        return True

    def close(self) -> None:
        """At the end: a failure that was told in JSON alone is told in that JSON."""
        if self.terminal and not self.reasons:
            self.reasons.append(json.dumps(self.terminal, ensure_ascii=False))

    def _add_gen_ids(self, ids: Iterable[str]) -> None:
        for gen_id in ids:
            if gen_id not in self._known_ids:
                self._known_ids.add(gen_id)
                self.gen_ids.append(gen_id)


def may_hold_ids(text: str) -> bool:
    """False where `note_ids` would find nothing in any line of it."""
    return "gen_" in text or "task_" in text or _NAMED_ID.search(text) is not None


def _whole(value: Any) -> int | None:
    """A count as the gateways write it: 2 or "2"."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 3:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _reports_failure(value: dict[str, Any]) -> bool:
    failed = str(value.get("status")).lower() in ("failed", "failure", "error")
    return failed or value.get("type") in ("terminal", "error") or bool(value.get("error"))


def _message(error: Any) -> str | None:
    message: Any = cast("dict[str, Any]", error).get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) and message else None
