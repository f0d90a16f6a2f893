"""The events of a run, for its caller: those of the stream, and what becomes of its pictures. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .answer.events import Generating, Progress, Queued
from .outcome import PaidPicture


@dataclass(frozen=True)
class Waiting:
    """Another run is paying for the same request, and its pictures will be used; or, not `for_equal`, as many calls
    as may be open at once on all machines are being made.
    """

    for_equal: bool = True


@dataclass(frozen=True)
class Sending:
    """The call has its result in the vault and is about to be sent."""

    result_id: str


@dataclass(frozen=True)
class Departing:
    """The body of the request is about to leave: from here on the call may be billed."""

    result_id: str


@dataclass(frozen=True)
class Limited:
    """The gateway is at its limit and billed nothing; the request is sent again in `seconds`."""

    result_id: str
    seconds: float


@dataclass(frozen=True)
class Kept:
    """One more picture of the result is on disk; after Cancel this still comes."""

    result_id: str


@dataclass(frozen=True)
class Downloading:
    """`done` of `total` pictures are here."""

    done: int
    total: int


@dataclass(frozen=True)
class Arrived:
    """A picture is here, on disk and decoded."""

    picture: PaidPicture


RunEvent = Waiting | Sending | Departing | Limited | Queued | Generating | Progress | Kept | Downloading | Arrived
