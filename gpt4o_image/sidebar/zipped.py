"""Stored pictures as one zip, made while it is sent: no more than one picture is in memory, nothing is written."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterable, Iterator

from ..pictures.formats import extension, sniff
from ..vault.results import Result

LEFT_OUT = "LEFT OUT.txt"


class _Sink(io.RawIOBase):
    """Takes what zipfile writes, which does not ask to go back."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - zipfile gives bytes
        self._chunks.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)


def zipped(results: Iterable[Result]) -> Iterator[bytes]:
    """The zip in pieces: `<id>-<number>.<extension>` for each picture, its bytes as they came.

    What is gone or damaged is listed in a text file in the zip.
    """
    sink, left_out = _Sink(), list[str]()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for result in results:
            for file in result.files:
                try:
                    data = file.read()
                except OSError:
                    left_out.append(f"{result.id}, picture {file.picture + 1}: its file is gone or damaged.\n")
                    continue
                name = f"{result.id}-{file.picture}{extension(sniff(data))}"
                archive.writestr(zipfile.ZipInfo(name, time.localtime(result.created)[:6]), data)
                yield sink.taken()
        if left_out:
            archive.writestr(LEFT_OUT, "".join(left_out))
    yield sink.taken()
