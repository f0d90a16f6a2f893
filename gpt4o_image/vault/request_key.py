"""The request key: equal for requests that would buy the same pictures. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ..gateway.profiles import Gateway
from ..prompt import prompt_text
from ..request import Request
from .results import NewResult


def new_result(request: Request, gateway: Gateway) -> NewResult:
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
    return NewResult(
        key=hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
        gateway=gateway.name,
        model=request.model,
        prompt=request.prompt,
        price_usd=gateway.price_usd(request.model),
        details=told,
    )
