"""The events of an answer: states, percentages, pictures and links, in the order in which they are complete. Pure."""

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


Event = Queued | Generating | Progress | Picture | Link
