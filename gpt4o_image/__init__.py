"""All of the pack that runs without ComfyUI and without torch. In Python: `from gpt4o_image import generate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import GPT4oImageError
    from .interface import Generated, GeneratedImage, generate

__all__ = ["GPT4oImageError", "Generated", "GeneratedImage", "generate"]


def __getattr__(name: str) -> Any:
    """Imported when they are asked for: ComfyUI imports this package while it starts."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import errors, interface

    return getattr(errors if name == "GPT4oImageError" else interface, name)
