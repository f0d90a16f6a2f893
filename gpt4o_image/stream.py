"""Text of a gateway's stream -> events and a transcript. Pure: no I/O, no clock, any cuts give the same events.

Read by shape, not by words: a status line starts with `>`, a picture is a markdown image, progress is a
number followed by a percent sign or dots. What stands in JSON or fenced blocks is never a link or a number:
there the gateway echoes the prompt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from .addresses import fetchable, identity, looks_like_picture
from .blocks import BlockScanner
from .events import Event, Failed, Generating, Link, Picture, Progress, Queued
from .words import says

# What can begin something inside a line. Everything between two of these is plain text.
_STOP = re.compile(r"[\[\]`\n]|https?://|[0-9]+|\.\.|\.(?=\s)|[\u2026\u3002]", re.IGNORECASE)
_URL_PREFIXES = tuple("https://"[:length] for length in range(1, 9))
_URL_END = re.compile(r"[\s<>\"'`)\]|\u3002\uff0c\uff09]")
_NUMBER_TAIL = re.compile(r"\.[0-9]+(?=\s?[%\uff05])")
_GEN_ID = re.compile(r"\bgen_[0-9a-z]{20,}\b")
_TASK_ID = re.compile(r"\btask_[0-9a-z]{20,}\b")
_HEAD_CHARS = 400
_TOKEN_CHARS = 8192


@dataclass
class Transcript:
    """All that a stream has said so far, beside the events."""

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
    prose: list[str] = field(default_factory=list[str])

    def candidates(self) -> list[Link]:
        """Links that may hold a picture where no markdown image came. A policy page in a refusal is none."""
        likely = [link for link in self.links if looks_like_picture(link.address) or link.label.strip() == "100"]
        found = likely or (self.links if self.done and not self.failed else [])
        return list({identity(link.address): link for link in reversed(found)}.values())[::-1]


_Mode = Literal["lead", "block", "lost", "line", "text", "address", "code"]


class StreamParser:
    """Feed it text as it comes; it gives the events that are complete. Linear in the length of the text."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self._mode: _Mode = "lead"
        self._carry = ""
        self._events: list[Event] = []
        self._state = 0  # 0 nothing yet, 1 queued, 2 generating, 3 a percentage was seen
        self._percent = -1
        self._seen: set[str] = set()
        self._block: BlockScanner | None = None
        self._lead_block = True
        self._lost: list[str] = []
        self._start_line()

    def feed(self, text: str) -> list[Event]:
        """The events that `text` completes."""
        self._run(self._carry + text, final=False)
        return self._take()

    def finish(self) -> list[Event]:
        """The events that only the end decides. An address that was cut is none of them."""
        if self._mode == "block" and self._block and self._block.finish_fence():
            self._end_block()
        self._run(self._carry + "\n", final=True)
        if self._mode in ("block", "lost") and self._lead_block:
            self._recover()
        return self._take()

    def _take(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _run(self, text: str, *, final: bool) -> None:
        """Steps through `text`; what cannot be decided yet is carried to the next call."""
        position = 0
        while position < len(text):
            after = self._step(text, position, final)
            if after is None:
                break
            position = after
        self._carry = text[position:]

    def _step(self, text: str, position: int, final: bool) -> int | None:
        match self._mode:
            case "lead" | "line":
                return self._begin_line(text, position, final)
            case "block":
                return self._read_block(text, position)
            case "lost":
                return self._skip_to_status(text, position)
            case "text":
                return self._read_text(text, position, final)
            case "address":
                return self._read_address(text, position)
            case "code":
                return self._read_code(text, position)

    # Lines

    def _start_line(self) -> None:
        self._status = False
        self._head: list[str] = []
        self._head_room = _HEAD_CHARS
        self._classified = False
        self._labelled = False
        self._brackets: list[int] = []  # where in the head each open one began
        self._previous = ""
        if self._mode != "lead":
            self._mode = "line"

    def _begin_line(self, text: str, position: int, final: bool) -> int | None:
        """Decides by its first characters what a line is."""
        stripped = re.compile(r"[ \t\ufeff\r]*" if self._mode == "line" else r"[\s\ufeff]*").match(text, position)
        start = stripped.end() if stripped else position
        if start >= len(text):
            return None if not final else len(text)
        if text.startswith("```", start):
            self._open_block(BlockScanner("```"))
            return start + 3
        if "```".startswith(text[start : start + 3]) and not final and len(text) - start < 3:
            return None
        if text[start] == "{" and self._mode == "lead":
            self._open_block(BlockScanner())
            return start
        if text[start] == "{":
            return self._read_json_line(text, start, final)
        self._mode = "text"
        self._lead_block = False
        self._status = text[start] == ">"
        return start + self._status

    def _read_json_line(self, text: str, start: int, final: bool) -> int | None:
        """A later line of JSON is a notice; a line that only starts like one is text."""
        newline = text.find("\n", start)
        if newline < 0 and not final and len(text) - start < _TOKEN_CHARS:
            return None
        scanner = BlockScanner()
        end = scanner.feed(text, start)
        value = scanner.value() if end else None
        self._mode = "text"
        if value is None or end is None:
            self._say("{")
            return start + 1
        self._notice(value)
        return end

    def _end_line(self) -> None:
        self._classify(by_place=False)
        head = "".join(self._head).strip()
        ids = f"{head}\n"
        self.transcript.gen_ids += [i for i in _GEN_ID.findall(ids) if i not in self.transcript.gen_ids]
        if task := _TASK_ID.search(ids):
            self.transcript.task_id = self.transcript.task_id or task[0]
        if self._status and says(head, "done") and not says(head, "failed"):
            self.transcript.done = True
        if says(head, "failed" if self._status else "failed_marks"):
            self._fail(head)
        elif not self._status and any(character.isalpha() for character in head):
            self.transcript.prose.append(head)
        self._start_line()

    # Blocks

    def _open_block(self, scanner: BlockScanner) -> None:
        self._block = scanner
        self._mode = "block"

    def _read_block(self, text: str, position: int) -> int | None:
        if self._block is None:
            raise AssertionError("no block is open")
        end = self._block.feed(text, position)
        if end is None:
            return len(text)
        self._end_block()
        return end

    def _end_block(self) -> None:
        value = self._block.value() if self._block else None
        # A leading block that is no JSON may have ended inside the echoed prompt: only a status line is safe.
        if value is None and self._lead_block and self._block:
            self._lost.append("\n" + self._block.text)
            self._mode = "lost"
            return
        self._lead_block = False
        self._block = None
        self._mode = "line"
        self._start_line()
        if value is not None:
            self._notice(value)

    def _skip_to_status(self, text: str, position: int) -> int | None:
        match = re.compile(r"\n[ \t]*>").search(text, position)
        if match is None:
            kept = text.rfind("\n", position)
            if kept > position or (kept < 0 and position < len(text)):
                end = len(text) if kept < 0 else kept
                self._lost.append(text[position:end])
                return end
            if len(text) - position > _TOKEN_CHARS:
                self._lost.append(text[position:])
                return len(text)
            return None
        self._mode, self._lead_block, self._block = "line", False, None
        self._start_line()
        return match.start() + 1

    def _recover(self) -> None:
        """The leading block never ended: what follows its first status line is the stream, or nothing is."""
        rest = "".join(self._lost) + (self._block.text if self._mode == "block" and self._block else "")
        match = re.search(r"^[ \t]*>", rest + self._carry, re.MULTILINE)
        self._lead_block, self._block, self._lost = False, None, []
        self._mode = "line"
        self._start_line()
        if match:
            self._run((rest + self._carry)[match.start() :] + "\n", final=True)

    def _notice(self, value: dict[str, Any]) -> None:
        """A JSON object of the gateway: the preamble, or the note that ends a failed task."""
        said = self.transcript
        if isinstance(prompt := value.get("prompt"), str):
            said.revised_prompt = said.revised_prompt or prompt
        if isinstance(ratio := value.get("ratio"), str):
            said.ratio = said.ratio or ratio
        if isinstance(count := value.get("n"), int) and not isinstance(count, bool):
            said.count = said.count or count
        if isinstance(gen_id := value.get("gen_id"), str) and gen_id not in said.gen_ids:
            said.gen_ids.append(gen_id)
        if isinstance(task_id := value.get("task_id"), str):
            said.task_id = said.task_id or task_id
        if value.get("type") == "terminal" or "error" in value:
            said.terminal = value
            self._fail(None)

    # Text

    def _read_text(self, text: str, position: int, final: bool) -> int | None:
        match = _STOP.search(text, position)
        if match is None:
            return self._say_all_but_prefix(text, position, final)
        if match.start() > position:
            # "." may be the first of two, and "https:/" the start of an address: both wait for their rest.
            self._say(text[position : match.start()])
            return match.start()
        mark = match[0]
        if mark == "\n":
            self._end_line()
            return match.end()
        if mark == "[":
            return self._open_bracket(match.end())
        if mark == "]":
            return self._close_bracket(text, match.end())
        if mark == "`":
            self._mode, self._labelled = "code", True
            return match.end()
        if mark[0] in "0123456789":
            return self._read_number(text, match, final)
        if mark[0] in "hH":
            return self._read_bare_address(text, position, final)
        self._classify(by_place=True)
        return self._said(mark, match.end())

    def _say_all_but_prefix(self, text: str, position: int, final: bool) -> int | None:
        tail = text[max(position, len(text) - 7) :].lower()
        kept = 0 if final else max((len(p) for p in _URL_PREFIXES if tail.endswith(p)), default=0)
        kept = max(kept, int(tail.endswith(".") and not final))
        if position == len(text) - kept:
            return None
        self._say(text[position : len(text) - kept])
        return len(text) - kept

    def _say(self, plain: str) -> None:
        """Remembers what a line says, as far as its sense needs it."""
        if self._head_room > 0:
            self._head.append(plain[: self._head_room])
            self._head_room -= len(plain)
        self._previous = plain[-1:]

    def _said(self, mark: str, position: int) -> int:
        self._say(mark)
        return position

    def _open_bracket(self, position: int) -> int:
        bang = self._previous == "!" and bool(self._head)
        if bang:
            self._head[-1] = self._head[-1][:-1]
        self._brackets.append(len(self._head))
        return self._said("![" if bang else "[", position)

    def _close_bracket(self, text: str, position: int) -> int | None:
        if position >= len(text):
            return None
        if text[position] != "(" or not self._brackets:
            if self._brackets:
                self._brackets.pop()
            return self._said("]", position)
        self._mode = "address"
        self._address: list[str] = []
        self._depth = 1
        return position + 1

    def _read_address(self, text: str, position: int) -> int:
        """Up to the parenthesis that balances; a line end before it means that none does."""
        match = re.compile(r"[()\n]").search(text, position)
        if match is None:
            self._address.append(text[position:])
            return len(text)
        self._address.append(text[position : match.start()])
        if match[0] == "\n":
            self._end_unbalanced()
            return match.start()
        self._depth += 1 if match[0] == "(" else -1
        if self._depth:
            self._address.append(match[0])
        else:
            self._end_address("".join(self._address))
        return match.end()

    def _end_unbalanced(self) -> None:
        """An address with a stray `(` in it still ends at its line's first `)`; without one it was cut."""
        address, closed, _ = "".join(self._address).partition(")")
        if closed:
            self._end_address(address)
        else:
            del self._head[self._brackets[0] :]
            self._brackets.clear()
            self._mode = "text"

    def _end_address(self, raw: str) -> None:
        start = self._brackets.pop()
        label = "".join(self._head[start:])
        del self._head[start:]
        self._head_room += len(label)
        address = (raw.split() or [""])[0].strip("<>")
        self._labelled = True
        self._mode = "text"
        self._previous = ")"
        if label.startswith("!"):
            self._picture(address, label[2:])
        else:
            self._link(address, label[1:])

    def _read_code(self, text: str, position: int) -> int:
        match = re.compile(r"[`\n]").search(text, position)
        end = len(text) if match is None else match.start()
        self._say(text[position:end])
        if match is None:
            return end
        self._mode = "text"
        return match.end() if match[0] == "`" else match.start()

    def _read_bare_address(self, text: str, position: int, final: bool) -> int | None:
        match = _URL_END.search(text, position)
        if match is None and not final and len(text) - position < _TOKEN_CHARS:
            return None
        end = match.start() if match else len(text)
        self._labelled = True
        if not self._brackets and match:
            self._link(text[position:end].rstrip(".,;:!?"), "")
        return self._said(text[position:end], end)

    def _read_number(self, text: str, match: re.Match[str], final: bool) -> int | None:
        """A percentage needs a shape (`14%`, `27....`, `[100](`) or a line that speaks of progress."""
        tail = text[match.end() : match.end() + 8]
        undecided = not tail or (tail[0] == "." and len(tail) < 5) or (tail[0] in " ]" and len(tail) < 2)
        if undecided and not final and "\n" not in tail and len(match[0]) < 16:
            return None
        shaped = re.match(r"\s?[%\uff05]|\.\.|\u2026|\]\(|\.[0-9]+\s?[%\uff05]|\s?/\s?100\b", tail)
        glued = re.match(r"[A-Za-z0-9_/-]", self._previous) or re.match(r"[A-Za-z_-]|/(?!\s?100)", tail)
        whole = _NUMBER_TAIL.match(text, match.end())
        end = whole.end() if whole else match.end()
        speaks = self._status and says("".join(self._head), "progress")
        if self._status and not glued and len(match[0]) <= 3 and (shaped or speaks):
            self._progress(min(100, int(match[0])))
        return self._said(text[match.start() : end], end)

    # Meaning

    def _classify(self, *, by_place: bool) -> None:
        """What a status line announces, by its words, else by its place: first queued, then generating."""
        if self._classified or not self._status:
            return
        self._classified = True
        head = "".join(self._head)
        if says(head, "failed") or says(head, "done") or says(head, "progress"):
            return
        if says(head, "generating"):
            self._enter(2)
        elif says(head, "queued"):
            self._enter(1)
        elif by_place and not self._labelled and head.strip():
            self._enter(self._state + 1)

    def _enter(self, state: int) -> None:
        if self._state < state <= 2:
            self._state = state
            self._events.append(Queued() if state == 1 else Generating())

    def _progress(self, percent: int) -> None:
        self._classified = True
        self._state = 3
        if percent > self._percent:
            self._percent = percent
            self._events.append(Progress(percent))

    def _picture(self, address: str, label: str) -> None:
        said = self.transcript
        said.gen_ids += [i for i in _GEN_ID.findall(label) if i not in said.gen_ids]
        if not fetchable(address, image=True):
            return
        if (key := identity(address)) in self._seen:
            self._link(address, label)
            return
        self._seen.add(key)
        picture = Picture(len(said.pictures), address, label)
        said.pictures.append(picture)
        self._events.append(picture)

    def _link(self, address: str, label: str) -> None:
        if not fetchable(address):
            return
        link = Link(address, label, len(self.transcript.pictures))
        if address not in self._seen:
            self._seen.add(address)
            self.transcript.links.append(link)
            self._events.append(link)

    def _fail(self, head: str | None) -> None:
        if not self.transcript.failed:
            self.transcript.failed = True
            self._events.append(Failed())
        if head:
            self.transcript.reasons.append(head)
