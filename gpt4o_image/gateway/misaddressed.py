"""The error for a base_url that does not lead to a gateway. Pure."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from ..errors import Billed, GPT4oImageError
from .aihubmix import AIHUBMIX
from .profiles import BASE_URL_VARIABLE

_ENDPOINTS = ("/chat/completions", "/images/generations", "/completions", "/models")
_MOVED = (301, 302, 303, 308)
_NOT_THERE = (404, 405)


def misaddressed(profile: str, base_url: str, status: int, location: str = "") -> GPT4oImageError | None:
    """`config` for a status that only a wrong base_url is answered with; None for any other status.

    `location` is where a redirect leads. It is named, never followed: the key goes to its own gateway only.
    """
    billed: Billed = "unknown" if status == 405 else "no"
    if status in _MOVED:
        answer = f"redirects to {_root(urljoin(base_url, location))} (HTTP {status})"
    elif status in _NOT_THERE:
        answer = f"has no such endpoint (HTTP {status})"
    else:
        return None
    return GPT4oImageError("config", f"{base_url} {answer}.", advice=base_url_advice(profile, base_url), billed=billed)


def base_url_advice(profile: str, base_url: str) -> str:
    """What to look at: where base_url is set, and what is probably wrong with it."""
    path = urlsplit(base_url).path.rstrip("/")
    pasted = next((end for end in _ENDPOINTS if path.endswith(end)), None)
    if pasted:
        hint = f"It must not end in {pasted}: use {base_url.rstrip('/').removesuffix(pasted)}."
    elif not path:
        hint = f"Perhaps /v1 is missing at its end: {base_url.rstrip('/')}/v1."
    else:
        hint = "At most gateways it ends in /v1. The address of a web page does not work."
    variable = f" (or {BASE_URL_VARIABLE})" if profile == AIHUBMIX else ""
    return f"Check base_url of the profile {profile} in config.toml{variable}. {hint}"


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
