"""The gateway's answers, byte for byte, as files. Must not know how an answer is read.

While it comes, an answer is `<id>.raw`. Once all its pictures are files of their own it is packed into `<id>.gz`, and
the base64 of those pictures is `sha256:...` there.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Literal, cast

from .database import Connection, Row
from .files import read_bytes, replace_durably, sync_folder
from .results import DamagedFile, File, Verdict
from .shared import Shared

# How an answer ended: as the gateway meant it, by the connection, by us, or unknown since our process died.
Ending = Literal["whole", "broke_off", "cancelled", "timeout", "killed"]

MAX_BYTES = 64 << 20  # of one answer; what follows is counted and not kept

# Base64 in any of its alphabets; in JSON its slashes may be escaped, and any other escape ends it.
_SHORTEST = 64  # of a piece; a shorter one is not worth its place
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\\-]{64,}={0,2}")
_OTHER_ESCAPE = re.compile(rb"\\(?!/)")


@dataclass(frozen=True)
class AnswerHead:
    """What is known of an answer before its body. `answered_by` is the base URL of the host that gave it."""

    status: int
    content_type: str
    request_id: str | None
    answered_by: str


@dataclass(frozen=True)
class AnswerEnd:
    """How an answer of `received` bytes ended, and how well it was understood by `reader`, a revision of the code."""

    ending: Ending
    received: int
    verdict: Verdict
    reader: str


@dataclass(frozen=True)
class _Replaced:
    """Base64 that stands as `sha256:...` in a packed answer, at this byte of it: a part of a picture's base64."""

    position: int
    sha256: str
    style: str
    start: int
    end: int


@dataclass(frozen=True)
class KeptAnswer:
    """An answer that was kept. `received` bytes came; at most MAX_BYTES of them are here."""

    result_id: str
    head: AnswerHead
    ending: Ending
    received: int
    _raw: Path
    _files: Mapping[str, File]
    _replaced: tuple[_Replaced, ...]
    _shared: Shared | None

    @property
    def whole(self) -> bool:
        """Whether the gateway ended it, and all of it was kept."""
        return self.ending == "whole" and self.received <= MAX_BYTES

    def read(self, *, pictures: bool = True) -> bytes:
        """The bytes as they came; without `pictures`, with `sha256:...` for base64 that is a file of its own.

        Raises OSError where they are gone or damaged, or where such a file is.
        """
        with contextlib.suppress(FileNotFoundError):
            return bytes_of(self._raw, self._shared)
        packed = packed_path(self._raw)
        try:
            data = gzip.decompress(bytes_of(packed, self._shared))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DamagedFile(f"The kept answer {packed} is damaged: {error}.") from error
        return self._restored(data) if pictures else data

    def _restored(self, data: bytes) -> bytes:
        pieces, end = list[bytes](), 0
        texts: dict[tuple[str, str], bytes] = {}
        for each in self._replaced:
            if each.sha256 not in self._files:
                raise FileNotFoundError(f"A picture of the answer to {self.result_id} is gone.")
            if (each.sha256, each.style) not in texts:
                texts[each.sha256, each.style] = _STYLES[each.style](self._files[each.sha256].read())
            text = texts[each.sha256, each.style]
            pieces += [data[end : each.position], text[each.start : each.end]]
            end = each.position + len(_token(each.sha256))
        return b"".join([*pieces, data[end:]])


class AnswerFile:
    """An answer on its way to the disk. What a full disk refuses is written with what follows. One thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._waiting = bytearray()
        self.received = 0

    def write(self, chunk: bytes) -> None:
        """Each chunk is the system's at once, so that a kill loses none. Raises OSError."""
        self._waiting += chunk[: max(0, MAX_BYTES - self.received)]
        self.received += len(chunk)
        self._flush()

    def sync(self) -> None:
        """Waits until all of it is on the disk. Raises OSError."""
        os.fsync(self._flush().fileno())

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _flush(self) -> FileIO:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab", buffering=0)
            sync_folder(self._path.parent)
        while self._waiting:
            del self._waiting[: self._file.write(self._waiting)]
        return self._file


def raw_path(folder: Path, result_id: str) -> Path:
    """Where an answer is while it comes, in the folder of answers."""
    return folder / f"{result_id}.raw"


def packed_path(raw: Path) -> Path:
    """Where the packed form of the answer at `raw` is."""
    return raw.with_suffix(".gz")


def bytes_of(path: Path, shared: Shared | None) -> bytes:
    """Of an answer's file, here or where all machines find it. Raises OSError."""
    try:
        return read_bytes(path)
    except FileNotFoundError:
        data = shared.get(path.name) if shared else None
        if data is None:
            raise
        return data


def answer_paths(folder: Path, result_id: str) -> list[Path]:
    """The files of an answer that are there."""
    raw = raw_path(folder, result_id)
    return [path for path in (raw, packed_path(raw)) if path.exists()]


def kept_answer(
    db: Connection, row: Row, folder: Path, files: Sequence[File], shared: Shared | None
) -> KeptAnswer | None:
    """The answer of a row of the table `answers`; None where its bytes are gone."""
    raw = raw_path(folder, row["result_id"])
    if not answer_paths(folder, row["result_id"]) and not (
        shared and any(shared.has(db, path.name) for path in (raw, packed_path(raw)))
    ):
        return None
    size = raw.stat().st_size if raw.exists() else 0
    replaced = [_Replaced(*each) for each in json.loads(row["pictures"])] if row["pictures"] else []
    return KeptAnswer(
        row["result_id"],
        AnswerHead(row["status"], row["content_type"], row["request_id"], row["answered_by"]),
        cast("Ending", row["ending"] or "killed"),
        max(row["received"], size),
        raw,
        {file.sha256: file for file in files},
        tuple(replaced),
        shared,
    )


def pack(raw: Path, files: Sequence[File]) -> str | None:
    """Writes the packed form beside `raw`, which stays. JSON of what was replaced; None where there is no `raw`.

    Raises OSError.
    """
    try:
        data = read_bytes(raw)
    except FileNotFoundError:
        return None
    shorter, replaced = _without_pictures(data, [_Text(file) for file in files])
    replace_durably(packed_path(raw), gzip.compress(shorter, 6, mtime=0))
    return json.dumps([list(vars(each).values()) for each in replaced])


class _Text:
    """The base64 of one picture, which an answer may hold in one piece or in many, in order."""

    def __init__(self, file: File) -> None:
        self.sha256 = file.sha256
        self._file = file
        self._texts: dict[str, bytes] = {}
        self._next = 0

    def find(self, piece: bytes, style: str) -> int:
        """Where `piece` begins in it, -1 where it is no part of it. Raises OSError."""
        if style not in self._texts:
            self._texts[style] = _STYLES[style](self._file.read())  # only now: most answers hold no picture
        text = self._texts[style]
        start = self._next if text.startswith(piece, self._next) else text.find(piece)
        if start >= 0:
            self._next = start + len(piece)
        return start


def _without_pictures(data: bytes, texts: Sequence[_Text]) -> tuple[bytes, list[_Replaced]]:
    pieces, end, length = list[bytes](), 0, 0
    replaced: list[_Replaced] = []
    for match in _BASE64.finditer(data):
        piece = _OTHER_ESCAPE.split(match[0], maxsplit=1)[0]
        style = "escaped" if b"\\" in piece else "url" if b"-" in piece or b"_" in piece else "standard"
        for text in texts if len(piece) >= _SHORTEST else ():
            start = text.find(piece, style)
            if start < 0:
                continue
            before = data[end : match.start()]
            pieces += [before, _token(text.sha256)]
            replaced.append(_Replaced(length + len(before), text.sha256, style, start, start + len(piece)))
            length += len(before) + len(_token(text.sha256))
            end = match.start() + len(piece)
            break
    return b"".join([*pieces, data[end:]]), replaced


_STYLES: dict[str, Callable[[bytes], bytes]] = {
    "standard": base64.b64encode,
    "url": base64.urlsafe_b64encode,
    "escaped": lambda data: base64.b64encode(data).replace(b"/", b"\\/"),
}


def _token(sha256: str) -> bytes:
    return b"sha256:" + sha256.encode()
