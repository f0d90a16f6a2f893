"""What a gateway's stream says, as values: the vocabulary between stream.py and its readers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Queued:
    """The request waits for its turn."""


@dataclass(frozen=True)
class Generating:
    """The picture is being painted; no percentage yet."""


@dataclass(frozen=True)
class Progress:
    """Percentage 0..100 as the gateway wrote it; never smaller than the one before."""

    percent: int


@dataclass(frozen=True)
class Picture:
    """A picture's address is complete: http(s) or data:, byte for byte as sent. `index` counts from 0."""

    index: int
    address: str
    label: str


@dataclass(frozen=True)
class Link:
    """A further address that may hold a picture. `after` is the number of pictures seen before it."""

    address: str
    label: str
    after: int


@dataclass(frozen=True)
class Failed:
    """The gateway marked the run as failed; the reason is in the transcript, which may grow after this."""


Event = Queued | Generating | Progress | Picture | Link | Failed
