"""The request as the text that the model reads, as the body of its call, and as what the vault keeps. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .entries import NewEntry
from .gateways import Gateway
from .references import data_url
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
    content += [{"type": "image_url", "image_url": {"url": data_url(part)}} for part in request.references]
    return {"model": request.model, "messages": [{"role": "user", "content": content}], "stream": True}


def new_entry(request: Request, gateway: Gateway) -> NewEntry:
    """What the vault keeps of a request. The key leaves out what does not change the picture that is bought."""
    sent = prompt_text(request)
    told: dict[str, Any] = {
        "endpoint": request.endpoint,
        "gateway": gateway.name,
        "model": request.model,
        "prompt": sent,
        "options": request.options(),
        "references": [part.digest for part in request.references],
    }
    return NewEntry(
        key=hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
        gateway=gateway.name,
        model=request.model,
        prompt=request.prompt,
        # The embedded simulator has no address of its own, and no price.
        price_usd=gateway.prices.get(request.model) if gateway.base_url else 0.0,
        details=told,
    )
