"""Puts the pictures elsewhere in an answer than as links in its text. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .links import Links

Item = Callable[[Links], Any]

# Fields of a delta or a message: the name of the list, and one item of it.
IN_MESSAGE: dict[str, tuple[str, Item]] = {
    "multi_mod_content": ("multi_mod_content", lambda p: {"inline_data": {"data": p.base64, "mime_type": p.mime}}),
    "inline_data": ("content", lambda p: {"inlineData": {"data": p.base64, "mimeType": p.mime}}),
    "images": ("images", lambda p: p.base64),
    "image_urls": ("images", lambda p: {"type": "image_url", "image_url": {"url": p.data_url}}),
    "parts": ("content", lambda p: {"type": "image_url", "image_url": {"url": p.cdn}}),
    "source": (
        "content",
        lambda p: {"type": "image", "source": {"type": "base64", "media_type": p.mime, "data": p.base64}},
    ),
}
# Fields of a body that is no chat completion.
IN_BODY: dict[str, tuple[str, Item]] = {
    "data_b64": ("data", lambda p: {"b64_json": p.base64}),
    "data_url": ("data", lambda p: {"url": p.cdn}),
    "output": ("output", lambda p: {"url": p.cdn}),
    "result": ("output", lambda p: {"type": "image_generation_call", "status": "completed", "result": p.base64}),
}
_LINKS_ONLY = ("parts", "data_url", "output")


def holds_data(shape: str) -> bool:
    """Whether the bytes of the pictures are in the answer itself."""
    return shape in (*IN_MESSAGE, *IN_BODY) and shape not in _LINKS_ONLY


def message_fields(shape: str, pictures: Sequence[Links]) -> dict[str, Any]:
    """What is added to a delta or message; nothing for another shape."""
    if shape not in IN_MESSAGE:
        return {}
    name, item = IN_MESSAGE[shape]
    return {name: [item(picture) for picture in pictures]}


def body(shape: str, pictures: Sequence[Links], created: int) -> dict[str, Any]:
    """The whole JSON body of one of IN_BODY."""
    name, item = IN_BODY[shape]
    return {"created": created, name: [item(picture) for picture in pictures]}
