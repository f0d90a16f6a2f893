"""The simulator in a process of its own: answers at once, its pictures painted before, and records when it sent what.

`Gateway` starts it. Run as a module it is that process: whatever it is asked, it answers with its notes.
"""

from __future__ import annotations

import argparse
import io
import json
import struct
import sys
import time
import urllib.request
import zlib
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .child import Child, asked, tell

SIZE = (1024, 1536)
IEND_BYTES = 12


class Note(NamedTuple):
    """`link` as a chunk with a picture's whole link leaves, `get` as its request is read, `sent` after its last byte.

    `at` is on time.monotonic(), which is one clock for all processes of a machine.
    """

    at: float
    what: str


class Gateway(Child):
    """Both kinds of picture are 1024x1536; `speed` as the simulator's."""

    def __init__(self, speed: float = 0.0) -> None:
        super().__init__(sys.executable, "gateway", "--speed", str(speed))
        self.base_url: str = self.told()

    def notes(self) -> list[Note]:
        """Those since they were last asked for."""
        return [Note(*note) for note in self.ask("notes")]

    def posts(self) -> int:
        """How many POSTs it was sent so far."""
        parts = urlsplit(self.base_url)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{parts.scheme}://{parts.netloc}/_requests", timeout=30) as answer:
            return sum(record["method"] == "POST" for record in json.load(answer))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--speed", type=float, required=True)
    options = parser.parse_args()
    notes: list[Note] = []
    _watch(notes)
    from gpt4o_image.simulator import Simulator

    with Simulator(speed=options.speed, paint=_painted_before()) as simulator:
        tell(simulator.base_url)
        for _ in asked():
            known = list(notes)
            del notes[: len(known)]
            tell(known)


def _watch(notes: list[Note]) -> None:
    from gpt4o_image.simulator import connection, records

    send, log = connection.Connection.send, records.Log.open

    def watched_send(self: Any, data: bytes) -> None:
        before = time.monotonic()
        send(self, data)
        if b".png)" in data:
            notes.append(Note(before, "link"))
        if data.endswith(b"IEND\xaeB`\x82"):
            notes.append(Note(time.monotonic(), "sent"))

    def watched_open(self: Any, method: str, target: str, headers: Any) -> Any:
        if method == "GET" and "/cdn/" in target:
            notes.append(Note(time.monotonic(), "get"))
        return log(self, method, target, headers)

    connection.Connection.send = watched_send
    records.Log.open = watched_open


def _painted_before() -> Any:
    """Painting takes longer than all that is measured. Each picture is a file of its own, as from a gateway."""
    painted = {transparent: painting(transparent=transparent) for transparent in (False, True)}
    numbers = count()

    def paint(*_: Any, transparent: bool, **__: Any) -> bytes:
        png = painted[transparent]
        return png[:-IEND_BYTES] + _text_chunk(f"number\0{next(numbers)}".encode()) + png[-IEND_BYTES:]

    return paint


def painting(*, transparent: bool) -> bytes:
    """PNG: a photograph, of the bytes that a real one has; the transparent one has soft edges and nothing around."""
    import numpy as np
    from PIL import Image

    from ..references import photograph

    width, height = SIZE
    pixels = photograph(max(SIZE))[:height, :width]
    if transparent:
        rows, columns = np.ogrid[-1.5 : 1.5 : height * 1j, -1 : 1 : width * 1j]
        alpha = np.clip(2.4 - 2 * np.hypot(rows, columns), 0, 1).astype(np.float32)
        pixels = np.dstack([pixels * (alpha > 0)[..., None], alpha])
    file = io.BytesIO()
    Image.fromarray((pixels * 255 + 0.5).astype(np.uint8)).save(file, "PNG", compress_level=4)
    return file.getvalue()


def _text_chunk(text: bytes) -> bytes:
    """PNG's tEXt: length, type, text, checksum."""
    return struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))


if __name__ == "__main__":
    main()
