"""What a run tells whoever watches it, as values: the stream's own events and what happens to its pictures."""

from __future__ import annotations

from dataclasses import dataclass

from .events import Generating, Progress, Queued
from .outcome import PaidPicture


@dataclass(frozen=True)
class Downloading:
    """`done` of `total` pictures are here."""

    done: int
    total: int


@dataclass(frozen=True)
class Arrived:
    """A picture is here, on disk and decoded."""

    picture: PaidPicture


Notice = Queued | Generating | Progress | Downloading | Arrived
