"""Words why no connection was made, whichever library raised it. Pure."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence
from typing import Literal

from .socks import ProxyRefused
from .transport import Proxy

Cause = Literal["proxy", "tls", "timeout", "network"]

# What to do about each.
ADVICE: dict[Cause, str] = {
    "proxy": "Check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or name the host in NO_PROXY.",
    "tls": "Check this computer's clock, and whether a proxy or a virus scanner puts its own certificate "
    "in place of the real one (SSL_CERT_FILE can name it). A gateway without TLS needs a base_url with http://.",
    "timeout": "Check the network, a firewall or proxy, and base_url.",
    "network": "Check the network, a firewall or proxy, and base_url.",
}
_TUNNEL = "Tunnel connection failed: "  # http.client


class Unreachable(OSError):
    """No connection came about, or none that may be used: nothing of the request was sent. `str()` says why."""

    def __init__(self, why: str, cause: Cause = "network") -> None:
        super().__init__(why)
        self.cause: Cause = cause


def why_unreachable(error: BaseException, proxy: Proxy | None) -> Unreachable:
    """`error` may be of requests, urllib3, httpcore or the system: the innermost one is the most exact."""
    chain = [error]
    while (inner := _inner(chain[-1])) and inner not in chain:
        chain.append(inner)
    found = next((one for one in chain if isinstance(one, Unreachable)), None)
    if found:
        return found
    refusal = next((words for one in reversed(chain) if (words := _refusal(one))), None)
    if refusal and proxy:
        return Unreachable(f"the proxy {proxy} refuses: {refusal}", "proxy")
    cause, why = _told(chain[-1])
    if not proxy:
        return Unreachable(why, cause)
    # What is not about TLS is about the proxy: nothing else was connected to.
    return Unreachable(f"{why}, through the proxy {proxy}", cause if cause == "tls" else "proxy")


def _inner(error: BaseException) -> BaseException | None:
    several: Sequence[BaseException] = getattr(error, "exceptions", ())  # a group: each address failed
    return error.__cause__ or error.__context__ or (several[0] if several else None)


def _refusal(error: BaseException) -> str | None:
    text = str(error)
    of_httpcore = type(error).__module__.startswith("httpcore") and type(error).__name__ == "ProxyError"
    if isinstance(error, ProxyRefused) or of_httpcore:
        return text
    return text[len(_TUNNEL) :] if text.startswith(_TUNNEL) else None


def _told(error: BaseException) -> tuple[Cause, str]:
    match error:
        case ssl.SSLCertVerificationError():
            return "tls", f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return "tls", f"no TLS connection ({error.reason or error.strerror})"
        case socket.gaierror() | UnicodeError():
            return "network", "the name cannot be resolved"
        case TimeoutError():
            return "timeout", "no answer in time"
        case _:
            # Not strerror: asyncio writes addresses of its own into it.
            number = getattr(error, "errno", None)
            return "network", os.strerror(number).lower() if number else str(error) or type(error).__name__
