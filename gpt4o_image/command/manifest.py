"""Stores what became of each row of a batch: a manifest for people and scripts, a journal to resume from.

Both are JSON Lines. The journal gets two lines before each call and one after each row, the manifest one as a row
ends; they only grow while a batch runs, so that a kill costs at most half a line.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..vault.files import replace_durably

MANIFEST = "manifest.jsonl"
JOURNAL = ".gpt4o-image-batch.jsonl"

Line = dict[str, Any]


@dataclass
class RowState:
    """What earlier runs know of a row: its line once it ended, and the result of a call that was sent after that.

    `sending` is the result of a call that was about to be sent when the machine had started for the `boot`-th time.
    """

    line: Line | None = None
    sending: str | None = None
    boot: str = ""
    departed: str | None = None
    sheet: str = ""

    @property
    def sent(self) -> str | None:
        """The result of a call that may be billed, and whose row has not ended.

        The line for it is written right before the call leaves, and not forced to the disk: a kill does not lose it,
        but a power cut may.
        """
        return self.departed or (self.sending if self.boot != _boot() else None)

    @property
    def failed(self) -> bool:
        """Whether it ended without pictures, and no call was sent for it since."""
        return self.line is not None and self.sent is None and self.line.get("status") != "ok"

    @property
    def saved(self) -> bool:
        """Whether it ended with pictures that are all where they were written."""
        if self.line is None or self.line.get("status") != "ok":
            return False
        return all(Path(path).is_file() for path in self.line.get("paths", ()))

    @property
    def cost_usd(self) -> float:
        """What its calls cost until it ended, over all runs."""
        return (self.line or {}).get("cost_usd") or 0.0


class Manifest:
    """The two files in `folder`; `sheet` is where the rows come from. Writing raises OSError. Safe for threads.

    A context manager: `note_...` is for inside of it.
    """

    def __init__(self, folder: Path, sheet: str) -> None:
        self.path = folder / MANIFEST
        self._journal = folder / JOURNAL
        self._sheet = sheet
        self._handles: dict[Path, int] = {}
        self._lock = threading.Lock()
        self._states: dict[str, RowState] = {}
        for note in _read(self._journal):
            self._take(note)

    def __enter__(self) -> Manifest:
        self._handles = {path: _opened(path) for path in (self._journal, self.path)}
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles.values():
            os.close(handle)
        self._handles = {}

    def state(self, row_id: str) -> RowState:
        """What is known of a row; nothing where it is new."""
        return self._states.get(row_id) or RowState()

    def rewrite(self, rows: Mapping[str, int], without: Collection[str] = ()) -> None:
        """Writes the manifest again: a line for each row that ended, by the numbers that `rows` have today.

        Lines of this sheet whose rows it no longer has are left out, and those `without` which a batch begins.
        """
        others = [state.line for state in self._states.values() if state.line and state.sheet != self._sheet]
        own = [
            {**state.line, "row": rows[row_id]}
            for row_id, state in self._states.items()
            if state.line and row_id in rows and row_id not in without
        ]
        lines = [*others, *sorted(own, key=lambda line: line["row"])]
        replace_durably(self.path, b"".join(map(_encoded, lines)))

    def note_sending(self, row_id: str, result_id: str) -> None:
        """A call will be sent for this row as soon as a connection is there, or once a limit of the gateway ends."""
        self._note({"id": row_id, "sheet": self._sheet, "sending": result_id, "boot": _boot()})

    def note_sent(self, row_id: str, result_id: str) -> None:
        """It is about to leave: nothing may take long here, least of all after the line is written."""
        self._note({"id": row_id, "sheet": self._sheet, "sent": result_id}, force=False)

    def note_ended(self, row_id: str, line: Line) -> None:
        """The row ended: `line` has the keys row, name, prompt, status, paths, result_id, cost_usd, reused, error."""
        self._note({"id": row_id, "sheet": self._sheet, "ended": line})
        self._append(self.path, line, force=True)

    def _note(self, note: Line, *, force: bool = True) -> None:
        with self._lock:
            self._take(note)
        self._append(self._journal, note, force=force)

    def _append(self, path: Path, line: Line, *, force: bool) -> None:
        """One write, which the system does not mix with those of other threads."""
        data = _encoded(line)
        if os.write(self._handles[path], data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if force:
            os.fsync(self._handles[path])

    def _take(self, note: Line) -> None:
        state = self._states.setdefault(str(note.get("id")), RowState())
        state.sheet = str(note.get("sheet"))
        if "sending" in note:
            state.sending, state.boot = str(note["sending"]), str(note.get("boot"))
            if state.departed == state.sending:
                state.departed = None  # it was turned away, and is not billed
        elif "sent" in note:
            state.departed = str(note["sent"])
        elif isinstance(note.get("ended"), dict):
            state.line, state.sending, state.departed = note["ended"], None, None


def _encoded(line: Line) -> bytes:
    return json.dumps(line).encode() + b"\n"


def _opened(path: Path) -> int:
    """Opened for lines at its end, one write each; after half a line of a killed run a new line is begun."""
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    size = os.lseek(handle, 0, os.SEEK_END)
    if size:
        os.lseek(handle, size - 1, os.SEEK_SET)
        if os.read(handle, 1) != b"\n":
            os.write(handle, b"\n")
    return handle


def _read(path: Path) -> list[Line]:
    """The lines that are whole; a missing file has none."""
    lines: list[Line] = []
    if not path.exists():
        return lines
    for text in path.read_bytes().split(b"\n"):
        with suppress(ValueError):
            value: Any = json.loads(text)
            if isinstance(value, dict):
                lines.append(cast(Line, value))
    return lines


def _boot() -> str:
    """Equal as long as this machine is not started again."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return f"{(time.time() - time.monotonic()) / 60:.0f}"  # the minute of its start; wrong only after clocks jump
