"""The reference sockets: what they look like, and what comes in through them as frames to send."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from comfy_api.latest import io

from ..gpt4o_image.encoding import PartCache
from ..gpt4o_image.references import (
    MAX_FRAMES,
    Frame,
    Part,
    Policy,
    check_count,
    data_url,
    prepare,
)
from .tensors import frame_count, frame_pixels

References = io.Custom("GPT4O_REFERENCES")

_LEAST_BYTES = 64 * 1024  # for the sockets, however much the prepared ones take

# One for the whole server: the same picture is encoded once, in this run and in the next.
CACHE = PartCache()


def picture_sockets(name: str, tooltip: str) -> io.Autogrow.Input:
    """Sockets `image_01`, `image_02`, ... that grow as they are used; the names are never shortened."""
    # min=1 with an optional template is the one form that every host from 0.10.0 on draws and accepts empty.
    # Names of one length keep their order in the browser.
    names = [f"image_{number:02}" for number in range(1, MAX_FRAMES + 1)]
    template = io.Autogrow.TemplateNames(io.Image.Input("image", optional=True, tooltip=tooltip), names=names, min=1)
    return io.Autogrow.Input(name, template=template, tooltip=tooltip)


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
    left = policy.request_base64_bytes - sum(len(data_url(part)) for part in prepared)
    policy = replace(policy, request_base64_bytes=max(left, _LEAST_BYTES))
    return (*prepare(frames, policy, cancelled=cancelled, cache=CACHE), *prepared)
