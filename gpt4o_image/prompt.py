"""The request as the text that the model reads and as the body of its call. Pure."""

from __future__ import annotations

from typing import Any

from .request import SIZES, Request

# The chat endpoint has no fields for these: AiHubMix, "GPT-4o-image", practical tips.
_BACKGROUND = {"transparent": "Transparent background.", "opaque": "Opaque background, no transparency."}


def prompt_text(request: Request) -> str:
    """The user's words untouched, then one line for each thing that was chosen."""
    ratio = SIZES[request.size] if request.endpoint == "images" else request.aspect_ratio
    lines: list[str] = []
    if ratio != "auto":
        lines.append(f"Aspect ratio: {ratio}")
    if request.background != "auto":
        lines.append(_BACKGROUND[request.background])
    if request.endpoint == "chat" and request.expected is not None:
        lines.append(f"Number of images: {request.expected}")
    return "\n\n".join(filter(None, [request.prompt, "\n".join(lines)]))


def body(request: Request) -> dict[str, Any]:
    """The body of the call; `seed` stays here, since the models have none."""
    if request.endpoint == "images":
        # Never `quality`, which is the model's own, and no size where it is left to the model.
        size = {} if request.size == "auto" else {"size": request.size}
        return {"model": request.model, "prompt": prompt_text(request), "n": request.n, **size}
    content: list[dict[str, Any]] = [{"type": "text", "text": prompt_text(request)}]
    content += [{"type": "image_url", "image_url": {"url": part.data_url()}} for part in request.references]
    return {"model": request.model, "messages": [{"role": "user", "content": content}], "stream": True}
