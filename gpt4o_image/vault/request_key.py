"""The request key: equal for requests that would buy the same pictures. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ..answer.revision import revision
from ..gateway.profiles import Gateway
from ..prompt import prompt_text
from ..request import Request
from .results import NewResult


def new_result(request: Request, gateway: Gateway) -> NewResult:
    """What the vault keeps of a request. The key leaves out what does not change the picture that is bought."""
    asked: dict[str, Any] = {
        "endpoint": request.endpoint,
        "gateway": gateway.name,
        "model": request.model,
        "prompt": prompt_text(request),
        "options": request.options(),
        # Of a reference its pixels and how it is compressed count: another encoder makes other bytes of the same.
        "references": [part.pixels_key for part in request.references],
    }
    return NewResult(
        key=hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest(),
        gateway=gateway.name,
        model=request.model,
        prompt=request.prompt,
        price_usd=gateway.price_usd(request.model),
        details={**asked, "expected": request.expected},
        reader=revision(),
    )
