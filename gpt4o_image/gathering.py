"""The pictures of one answer, downloaded side by side while it still streams. Owns its threads."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from .addresses import identity, mirrors
from .download import DownloadError, Stopped, fetch
from .events import Picture
from .outcome import PaidPicture
from .pixels import PictureError, decode
from .stream import Transcript

_PARALLEL = 4


@dataclass
class _Slot:
    """One picture on its way."""

    shown: Picture
    picture: PaidPicture | None = None
    reasons: tuple[str, ...] = ()
    done: bool = False


class Gathering:
    """Context manager. Leaving it stops what still runs; it does not wait for a server that keeps silent."""

    def __init__(
        self,
        said: Transcript,
        own_origin: tuple[str, str, int],
        deadline: float,
        arrived: Callable[[PaidPicture], None],
    ) -> None:
        """`said` is read whenever mirrors are needed; `arrived` is called from the download threads."""
        self._said = said
        self._own_origin = own_origin
        self._deadline = deadline
        self._arrived = arrived
        self._stop = threading.Event()
        self._all_known = threading.Event()
        self._parallel = threading.BoundedSemaphore(_PARALLEL)
        self._slots: list[_Slot] = []

    def __enter__(self) -> Gathering:
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

    def start_fallbacks(self) -> None:
        """Where no picture was shown, the links that may hold one. `[100]` repeats one of the others."""
        links = self._said.candidates()
        for link in [link for link in links if link.label.strip() != "100"] or links:
            self.start(Picture(len(self._slots), link.address, link.label))

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

    def settle(self) -> tuple[list[PaidPicture], list[str]]:
        """(what came, in the order of the answer; one line for each address of each picture that did not).

        A mirror may turn out to be a mirror of another picture: its bytes then count once.
        """
        pictures: list[PaidPicture] = []
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
            pictures.append(slot.picture)
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
        finally:
            slot.done = True
        if slot.picture and not self._stop.is_set():
            self._arrived(slot.picture)

    def _fetched(self, slot: _Slot) -> PaidPicture:
        data, address = fetch(
            lambda: self._addresses(slot),
            all_known=self._all_known.is_set,
            own_origin=self._own_origin,
            deadline=self._deadline,
            stopped=self._stop.is_set,
        )
        try:
            decoded = decode(data)
        except PictureError as error:
            raise DownloadError([f"{address}: {error}"]) from None
        url = None if address.startswith("data:") else address
        return PaidPicture(data, hashlib.sha256(data).hexdigest(), url, decoded)

    def _addresses(self, slot: _Slot) -> list[str]:
        shown = [each.shown for each in self._slots]
        return mirrors(shown, list(self._said.links))[slot.shown.index]


def _from_mirror(slot: _Slot) -> bool:
    return bool(slot.picture and slot.picture.url and identity(slot.picture.url) != identity(slot.shown.address))
