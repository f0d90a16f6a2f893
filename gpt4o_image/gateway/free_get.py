"""One GET to a gateway that costs nothing, and what its answer means. Follows no redirect, shows no key."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..answer.error_object import is_error
from ..answer.failures import from_status
from ..answer.json_text import json_object
from ..answer.keywords import says
from ..answer.redact import redact
from ..errors import shorten
from ..urls import origin
from .aihubmix import AIHUBMIX
from .blocking import connect, get
from .misaddressed import base_url_advice
from .transport import proxy_for
from .unreachable import ADVICE, Unreachable

TIMEOUT_S = 10.0
RECHARGE = "Recharge the account at the gateway, or raise the quota of this key there."
_MAX_BYTES = 4 << 20
_QUOTE_CHARS = 200

_STATUS: dict[int, tuple[str, str]] = {
    401: ("does not accept the key", "Copy the key again and set it with `gpt4o-image key set`."),
    403: (
        "refuses the key",
        "Check the key in the gateway's console: is it enabled, for this IP address and these models?",
    ),
    404: ("has nothing at this address", ""),
    429: ("has had too many requests", "Wait a minute, then check again."),
}


@dataclass(frozen=True)
class FreeAnswer:
    """What one GET gave: a JSON object, or a problem and what to do about it."""

    reached: bool
    seconds: float = 0.0
    value: Mapping[str, Any] | None = None
    problem: str = ""
    advice: str = ""
    status: int = 0


def free_get(profile: str, base_url: str, url: str, key: str) -> FreeAnswer:
    """Raises `config` for a proxy or certificate variable that cannot be used; all else is in the answer.

    `key` is sent along: the caller says that `url` is of its own gateway. `base_url` is for the advice.
    """
    headers = {"User-Agent": "gpt4o-image (ComfyUI)", "Accept": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    scheme, host, port = origin(url)
    proxy = proxy_for(scheme, host, port)
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    began = time.monotonic()
    seconds = None
    try:
        with get(
            f"{root_of(url)}/",
            target,
            headers,
            proxy=proxy,
            read_s=TIMEOUT_S,
            dial=lambda: connect(host, port, proxy),
        ) as response:
            seconds = time.monotonic() - began
            body = redact(_read(response, began), key)
            return replace(_judge(profile, base_url, url, response, body, key), seconds=seconds)
    except Unreachable as error:
        problem = f"{root_of(url)} cannot be reached: {error}."
        return FreeAnswer(reached=False, problem=problem, advice=ADVICE[error.cause] + _state_page(profile))
    except (OSError, ValueError) as error:
        problem = f"The answer of {root_of(url)} broke off ({type(error).__name__})."
        return FreeAnswer(seconds is not None, seconds or 0.0, problem=problem, advice=ADVICE["network"])


def _state_page(profile: str) -> str:
    return " AiHubMix shows its status at status.aihubmix.com." if profile == AIHUBMIX else ""


def root_of(url: str) -> str:
    """Scheme, host and port, the port where it is not the scheme's own."""
    scheme, host, port = origin(url)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + ("" if port == (443 if scheme == "https" else 80) else f":{port}")


def _read(response: Any, began: float) -> str:
    from urllib3.exceptions import HTTPError

    data = bytearray()
    try:
        for piece in response.iter_content(1 << 16):
            data += piece
            if len(data) > _MAX_BYTES or time.monotonic() - began > TIMEOUT_S:
                break
    except HTTPError as error:
        raise OSError(str(error)) from error
    return data.decode("utf-8", "replace")


def _judge(profile: str, base_url: str, url: str, response: Any, body: str, key: str) -> FreeAnswer:
    status: int = response.status_code
    root = root_of(url)
    value = json_object(body)
    if status == 200 and value is not None and not is_error(value):
        return FreeAnswer(reached=True, value=value, status=status)
    misaddressed = base_url_advice(profile, base_url)
    said = _quote(status, body, key)
    if 300 <= status < 400:
        problem = f"{root} redirects to {_target(url, response, key)} (HTTP {status}). The key was not sent there"
        advice = "If that is the gateway's new address, set it as base_url."
        said = ""
    elif "html" in response.headers.get("Content-Type", "").lower() or body.lstrip().startswith("<"):
        problem = f"{root} answers with a web page (HTTP {status}), not as a gateway does"
        advice = f"{misaddressed} A login page of the network or a bot check may be in between."
    elif says(body, "quota"):
        problem, advice = "The balance or the key's quota is used up", RECHARGE
    elif status in _STATUS:
        does, advice = _STATUS[status]
        problem = f"{root} {does} (HTTP {status})"
    elif status >= 500:
        problem, advice = f"{root} has an internal error (HTTP {status})", f"Try again later.{_state_page(profile)}"
    else:
        problem, advice = f"{root} gives an unexpected answer (HTTP {status})", misaddressed
    return FreeAnswer(reached=True, problem=f"{problem}{said}.", advice=advice or misaddressed, status=status)


def _quote(status: int, body: str, key: str) -> str:
    """The gateway's own words. The key was masked before they are cut, so that no half of it stays."""
    words = from_status(status, body, key=key).gateway_text or ""
    plain = "".join(c for c in " ".join(words.split()) if c.isprintable())
    return f': "{shorten(plain, _QUOTE_CHARS)}"' if plain else ""


def _target(url: str, response: Any, key: str) -> str:
    try:
        return redact(root_of(urljoin(url, response.headers.get("Location", ""))), key)
    except ValueError:
        return "an invalid address"
