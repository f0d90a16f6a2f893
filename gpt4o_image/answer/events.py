"""What a gateway's stream says, as values: the vocabulary between stream.py and its readers."""

from __future__ import annotations

from dataclasses import dataclass

from ..urls import Link, Picture


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
class Failed:
    """The gateway marked the run as failed; the reason is in the transcript, which may grow after this."""


Event = Queued | Generating | Progress | Picture | Link | Failed
