"""The pictures behind the links: which address stands for which, painted when first fetched."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import urlsplit

from .files import FILES
from .links import Links

MAX_ADDRESSES = 256  # four for each of the newest 64 pictures; an older link answers 404
FLAKY_FAILURES = 2
# behaviour: how the first GETs of an address are answered
AT_FIRST = {"flaky": ["link_503"] * FLAKY_FAILURES, "403_then_200": ["link_403"], "202": ["link_202"] * 2}


class Painter(Protocol):
    """Draws one picture, a PNG; the same arguments give the same bytes."""

    def __call__(
        self, words: str, size: tuple[int, int], *, transparent: bool, seed: int, references: Sequence[bytes]
    ) -> bytes: ...


def paint_pictures(
    words: str, size: tuple[int, int], *, transparent: bool, seed: int, references: Sequence[bytes]
) -> bytes:
    """The embedded painter; numpy and Pillow are imported with the first picture."""
    from .drawing.painting import paint

    return paint(words, size, transparent=transparent, seed=seed, references=references)


class Picture:
    """One picture of one call; painted once, so that every address gives the same bytes."""

    def __init__(self, paint: Callable[[], bytes], file: str = "") -> None:
        self._paint = paint
        self._file = file
        self._painted: bytes | None = None
        self._lock = threading.Lock()

    def painted(self) -> bytes:
        """The file's bytes: PNG, or what the scenario makes of it."""
        with self._lock:
            if self._painted is None:
                png = self._paint()
                self._painted = FILES[self._file](png) if self._file else png
                del self._paint  # and the references with it
            return self._painted


@dataclass(frozen=True)
class Address:
    """What one link leads to, and how it answers."""

    picture: Picture
    kind: str  # cdn, download, signed or thumb
    index: int
    has_signed: bool  # whether this is the picture that the stream's [100] links to
    behaviour: str = ""
    fetches: int = 0

    def reaction(self) -> str:
        """One of picture, thumbnail, slow, too_big, drop, and the link_* answers of wording.json."""
        shown = "thumbnail" if self.kind == "thumb" else "picture"
        match self.behaviour:
            case "403_then_alt":
                alternates = ("cdn", "download") if self.has_signed else ("cdn",)
                return "link_403" if self.kind in alternates else shown
            case "all_fail":
                return "link_403"
            case "one_fails":
                return "link_403" if self.index == 0 else shown
            case "flaky" | "403_then_200" | "202" as behaviour:
                return [*AT_FIRST[behaviour], *[shown] * self.fetches][self.fetches - 1]
            case "html" | "zero" | "redirect":
                return f"link_{self.behaviour}"
            case "slow" | "too_big" | "drop":
                return self.behaviour
            case _:
                return shown


class Gallery:
    """Every address that was given out, by what a request line says. Safe for threads."""

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, Address] = OrderedDict()
        self._lock = threading.Lock()

    def hang(self, pictures: Sequence[Picture], links: Sequence[Links], behaviour: str) -> None:
        """Makes the addresses of one call's pictures fetchable."""
        signed_index = min(1, len(pictures) - 1)
        with self._lock:
            for index, (picture, link) in enumerate(zip(pictures, links, strict=True)):
                for kind in ("cdn", "download", "signed", "thumb"):
                    url: str = getattr(link, kind)
                    address = Address(picture, kind, index, index == signed_index, behaviour)
                    self._addresses[_target(url)] = address
            while len(self._addresses) > MAX_ADDRESSES:
                self._addresses.popitem(last=False)

    def fetch(self, target: str) -> Address | None:
        """The address of that exact target, query and percent escapes included; counts the fetch."""
        with self._lock:
            address = self._addresses.get(target)
            if address is not None:
                address = self._addresses[target] = replace(address, fetches=address.fetches + 1)
            return address


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
