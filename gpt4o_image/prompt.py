"""The request as the text that the model reads. Pure: ratio, count and background are said in words."""

from __future__ import annotations

from .request import Request

# The chat endpoint has no fields for these: AiHubMix, "GPT-4o-image", practical tips.
_BACKGROUND = {"transparent": "Transparent background.", "opaque": "Opaque background, no transparency."}


def prompt_text(request: Request) -> str:
    """The user's words untouched, then one line for each thing that was chosen."""
    lines: list[str] = []
    if request.aspect_ratio != "auto":
        lines.append(f"Aspect ratio: {request.aspect_ratio}")
    if request.background != "auto":
        lines.append(_BACKGROUND[request.background])
    if request.expected is not None:
        lines.append(f"Number of images: {request.expected}")
    return "\n\n".join(filter(None, [request.prompt, "\n".join(lines)]))


def chat_body(request: Request) -> dict[str, object]:
    """The body of the chat completion; `seed` stays here, since the models have none."""
    content = [{"type": "text", "text": prompt_text(request)}]
    return {"model": request.model, "messages": [{"role": "user", "content": content}]}
