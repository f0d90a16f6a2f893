"""Turns what comes in through the reference sockets into frames, and into what is sent of them.

Loaded when a node runs: ComfyUI's start need not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..gpt4o_image.pictures.encode import PartCache
from ..gpt4o_image.pictures.frames import Frame
from ..gpt4o_image.pictures.references import Policy, check_count, prepare
from ..gpt4o_image.request import Part
from .tensors import frame_count, frame_pixels

_LEAST_BYTES = 64 * 1024  # for the sockets, however much the prepared ones take

# One for the whole server: the same picture is encoded once, in this run and in the next.
CACHE = PartCache()


def frames_of(sockets: Mapping[str, Any] | None) -> Sequence[Frame]:
    """Every frame of every connected socket, in socket order, then batch order. Raises `reference`."""
    frames: list[Frame] = []
    for socket, image in (sockets or {}).items():
        if image is None:
            continue
        count = frame_count(image, socket)
        for index in range(count):
            name = socket if count == 1 else f"{socket}, frame {index + 1}"
            frames.append(Frame(name, partial(frame_pixels, image, index)))
    return frames


def parts_of(
    sockets: Mapping[str, Any] | None, prepared: Sequence[Part], cancelled: Callable[[], bool]
) -> tuple[Part, ...]:
    """What is sent: the sockets' frames, compressed into what the prepared ones leave of the budget, then those."""
    frames = frames_of(sockets)
    check_count([*(frame.name for frame in frames), *(part.name for part in prepared)])
    policy = Policy()
    left = policy.request_base64_bytes - sum(len(part.data_url()) for part in prepared)
    policy = replace(policy, request_base64_bytes=max(left, _LEAST_BYTES))
    return (*prepare(frames, policy, cancelled=cancelled, cache=CACHE), *prepared)
