"""The pictures of one answer, downloaded side by side while it still streams. Owns its threads."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ..outcome import PaidPicture, Undecodable
from ..pictures.decode import KEPT_PIXELS, decode
from ..pictures.formats import PictureError
from ..urls import Link, Picture, identity, mirrors
from .connection import Origins
from .fetch import DownloadError, Stopped, fetch

# An answer comes from outside: it may name thousands.
MAX_PICTURES = 32
_THREADS = 8


@dataclass
class _Slot:
    """One picture on its way."""

    shown: Picture
    picture: PaidPicture | None = None
    undecodable: Undecodable | None = None
    reasons: tuple[str, ...] = ()
    done: bool = False


@dataclass(frozen=True)
class Settled:
    """What came, by its index in the answer; and one line for each address of each picture that did not."""

    pictures: dict[int, PaidPicture]
    undecodable: list[Undecodable]
    reasons: list[str]


class Pool:
    """Context manager. Leaving it stops what still runs; it does not wait for a server that keeps silent.

    `pictures` and `links` may grow while it runs: mirrors are looked up in them when they are needed. `keep` gets
    (index, bytes, address or None for data) before they are decoded and gives their file, `arrived` the picture after,
    how many are here and of how many; both are called from the download threads. Neither may hold on to this: a cycle
    would keep the pixels of all pictures in memory until Python looks for cycles.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        links: Sequence[Link],
        own_origins: Origins,
        deadline: float,
        *,
        keep: Callable[[int, bytes, str | None], Path | None],
        arrived: Callable[[PaidPicture, int, int], None],
    ) -> None:
        self._pictures = pictures
        self._links = links
        self._own_origins = own_origins
        self._deadline = deadline
        self._keep = keep
        self._arrived = arrived
        self._stop = threading.Event()
        self._all_known = threading.Event()
        self._changed = threading.Condition()
        self._queue: queue.SimpleQueue[_Slot | None] = queue.SimpleQueue()
        self._threads = 0
        self._slots: list[_Slot] = []
        self._detached = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self.no_more()

    def start(self, shown: Picture) -> None:
        """Begins to download a picture whose first address is complete, unless there are MAX_PICTURES already."""
        if len(self._slots) >= MAX_PICTURES:
            return
        slot = _Slot(shown)
        self._slots.append(slot)
        if self._threads < _THREADS:
            try:
                # A daemon: a download that hangs after Cancel must not keep the process from ending.
                threading.Thread(target=self._work, name="gpt4o-image-download", daemon=True).start()
                self._threads += 1
            except RuntimeError as error:  # this process may start no more of them
                if not self._threads:
                    self._end(slot, str(error))
                    return
        self._queue.put(slot)

    def no_more(self) -> None:
        """Nothing will be started any more: each thread ends with its last download."""
        for _ in range(self._threads):
            self._queue.put(None)

    def detach(self) -> None:
        """Goes on, but `arrived` is not called any more."""
        self._detached = True

    def all_known(self) -> None:
        """The answer has ended: no further mirrors will come."""
        self._all_known.set()

    @property
    def total(self) -> int:
        return len(self._slots)

    @property
    def arrived(self) -> int:
        return sum(slot.picture is not None for slot in self._slots)

    @property
    def running(self) -> bool:
        return not all(slot.done for slot in self._slots)

    def wait(self, timeout_s: float) -> None:
        """Until nothing runs any more, at most `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: not self.running, timeout_s)

    def settle(self) -> Settled:
        """What came so far. A mirror may turn out to be a mirror of another picture: its bytes then count once."""
        settled = Settled({}, [], [])
        taken = {slot.picture.sha256 for slot in self._slots if slot.picture and not _from_mirror(slot)}
        for slot in self._slots:
            settled.reasons.extend(slot.reasons)
            if slot.undecodable:
                settled.undecodable.append(slot.undecodable)
            if slot.picture is None:
                continue
            if _from_mirror(slot) and slot.picture.sha256 in taken:
                settled.reasons.append(f"{slot.shown.address}: its mirror holds another picture of this answer")
                continue
            taken.add(slot.picture.sha256)
            settled.pictures[slot.shown.index] = slot.picture
        return settled

    def _work(self) -> None:
        while slot := self._queue.get():
            self._download(slot)
            del slot  # else a thread that waits holds the pixels of its last picture

    def _download(self, slot: _Slot) -> None:
        try:
            found = self._fetched(slot)
            if isinstance(found, PaidPicture):
                slot.picture = found
            else:
                slot.undecodable = found
            reasons: tuple[str, ...] = ()
        except DownloadError as error:
            reasons = error.reasons
        except Stopped:
            reasons = (f"{slot.shown.address}: stopped",)
        except Exception as error:  # noqa: BLE001 - the thread's end: a fault of ours must not look like a wait
            reasons = (f"{slot.shown.address}: {type(error).__name__}: {error}",)
        try:
            if slot.picture and not self._detached and not self._stop.is_set():
                self._arrived(slot.picture, self.arrived, self.total)
        finally:
            self._end(slot, *reasons)

    def _end(self, slot: _Slot, *reasons: str) -> None:
        with self._changed:
            slot.reasons = reasons
            slot.done = True
            self._changed.notify_all()

    def _fetched(self, slot: _Slot) -> PaidPicture | Undecodable:
        def accept(data: bytes, address: str) -> PaidPicture | Undecodable:
            url = None if address.startswith("data:") else address
            path = self._keep(slot.shown.index, data, url)
            try:
                return PaidPicture(
                    data, hashlib.sha256(data).hexdigest(), url, decode(data, kept_pixels=KEPT_PIXELS), path
                )
            except PictureError as error:  # all of it is here: another GET would bring the same
                return Undecodable(slot.shown.index, url or "the answer itself", str(error), path)

        return fetch(
            lambda: mirrors(list(self._pictures), list(self._links))[slot.shown.index],
            accept,
            all_known=self._all_known.is_set,
            own_origins=self._own_origins,
            deadline=self._deadline,
            stopped=self._stop.is_set,
        )


def _from_mirror(slot: _Slot) -> bool:
    return bool(slot.picture and slot.picture.url and identity(slot.picture.url) != identity(slot.shown.address))
