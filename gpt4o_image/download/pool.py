"""The pictures of one answer, downloaded side by side while it still streams. Owns its threads."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from ..outcome import PaidPicture
from ..pictures.decode import decode
from ..urls import Link, Picture, identity, mirrors
from .connection import Origins
from .fetch import DownloadError, Stopped, fetch

_PARALLEL = 4


@dataclass
class _Slot:
    """One picture on its way."""

    shown: Picture
    picture: PaidPicture | None = None
    reasons: tuple[str, ...] = ()
    done: bool = False


class Pool:
    """Context manager. Leaving it stops what still runs; it does not wait for a server that keeps silent.

    `pictures` and `links` may grow while it runs: mirrors are looked up in them when they are needed. `keep` gets
    (index, bytes, their sha256, address) before they are decoded, `arrived` the picture after, how many are here and of
    how many; both are called from the download threads. Neither may hold on to this: a cycle would keep the pixels of
    all pictures in memory until Python looks for cycles.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        links: Sequence[Link],
        own_origins: Origins,
        deadline: float,
        *,
        keep: Callable[[int, bytes, str, str | None], None],
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
        self._parallel = threading.BoundedSemaphore(_PARALLEL)
        self._slots: list[_Slot] = []
        self._left = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()

    def start(self, shown: Picture) -> None:
        """Begins to download a picture whose first address is complete."""
        slot = _Slot(shown)
        self._slots.append(slot)
        # A daemon: a download that hangs after Cancel must not keep the process from ending.
        thread = threading.Thread(target=self._download, args=(slot,), name="gpt4o-image-download", daemon=True)
        thread.start()

    def leave(self) -> None:
        """Goes on, but `arrived` is told of nothing more."""
        self._left = True

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

    def settle(self) -> tuple[dict[int, PaidPicture], list[str]]:
        """(what came, by its index in the answer; one line for each address of each picture that did not).

        A mirror may turn out to be a mirror of another picture: its bytes then count once.
        """
        pictures: dict[int, PaidPicture] = {}
        reasons: list[str] = []
        taken = {slot.picture.sha256 for slot in self._slots if slot.picture and not _from_mirror(slot)}
        for slot in self._slots:
            reasons += slot.reasons
            if slot.picture is None:
                continue
            if _from_mirror(slot) and slot.picture.sha256 in taken:
                reasons.append(f"{slot.shown.address}: its mirror holds another picture of this answer")
                continue
            taken.add(slot.picture.sha256)
            pictures[slot.shown.index] = slot.picture
        return pictures, reasons

    def _download(self, slot: _Slot) -> None:
        try:
            with self._parallel:
                slot.picture = self._fetched(slot)
        except DownloadError as error:
            slot.reasons = error.reasons
        except Stopped:
            slot.reasons = (f"{slot.shown.address}: stopped",)
        except Exception as error:  # noqa: BLE001 - the thread's end: a fault of ours must not look like a wait
            slot.reasons = (f"{slot.shown.address}: {type(error).__name__}: {error}",)
        try:
            if slot.picture and not self._left and not self._stop.is_set():
                self._arrived(slot.picture, self.arrived, self.total)
        finally:
            with self._changed:
                slot.done = True
                self._changed.notify_all()

    def _fetched(self, slot: _Slot) -> PaidPicture:
        def accept(data: bytes, address: str) -> PaidPicture:
            url = None if address.startswith("data:") else address
            sha256 = hashlib.sha256(data).hexdigest()
            self._keep(slot.shown.index, data, sha256, url)
            return PaidPicture(data, sha256, url, decode(data))

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
