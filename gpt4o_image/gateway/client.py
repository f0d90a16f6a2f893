"""The only module that speaks to a gateway's paid endpoints, and the only one that knows the openai SDK.

One call here is one POST: no retry, no redirect, no second try of any kind.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ..answer.failures import from_status
from ..errors import GPT4oImageError
from ..request import Endpoint
from ..urls import is_loopback
from .profiles import Gateway

_CONNECT_S = 10.0
# What may leave the machine. The SDK adds more from variables such as OPENAI_ORG_ID and OPENAI_CUSTOM_HEADERS,
# which belong to another company.
_HEADERS = ("host", "content-length", "content-type", "accept", "accept-encoding", "connection", "user-agent")


class BrokenOff(Exception):
    """The connection ended before the answer did. Says why, without the address."""


@dataclass(frozen=True)
class Response:
    """An answer with status 200, its body still to come.

    `chunks` raises BrokenOff. `content_type` is the header as sent. `request_id` is what the gateway's support asks
    for. `base_url` is the host that answered: relative addresses in the answer are meant against its origin.
    """

    chunks: AsyncIterator[bytes]
    content_type: str
    request_id: str | None
    base_url: str


def preflight(gateway: Gateway) -> None:
    """Raises `config` for what can be known before the POST: no openai, or variables that break its client."""
    if gateway.base_urls:
        _client(gateway, _CONNECT_S)
    else:
        _sdk()  # the embedded simulator, which has no address yet


@asynccontextmanager
async def post(
    gateway: Gateway, endpoint: Endpoint, body: Mapping[str, Any], timeout_s: float
) -> AsyncGenerator[Response]:
    """One paid call: the answer, its bytes as they come, once the gateway has answered with status 200.

    `timeout_s` bounds each wait, not the whole: keep-alive comments reset it, so the caller keeps a deadline.
    Raises GPT4oImageError for any other status and when no gateway is reached, BrokenOff while reading.
    Leaving the block closes the connection.
    """
    import openai

    timeout = openai.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
    async with _client(gateway, timeout) as client:
        # Both give the raw answer: what the SDK makes of one ends at the first event that it does not understand.
        calls: dict[Endpoint, Any] = {
            "chat": client.chat.completions.with_streaming_response.create,
            "images": client.images.with_streaming_response.generate,
        }
        try:
            async with calls[endpoint](**body) as response:
                headers: Any = response.headers
                yield Response(
                    _chunks(response), str(headers.get("content-type", "")), _header_id(headers), gateway.base_urls[0]
                )
        except openai.APIStatusError as error:
            raise from_status(error.status_code, _body(error), _header_id(error.response.headers)) from None
        except openai.APITimeoutError as error:
            if _never_connected(error):
                raise _unreachable(gateway, error) from None
            raise GPT4oImageError(
                "timeout", f"{gateway.name} did not answer within {timeout_s:g} s.", billed="unknown"
            ) from None
        except openai.APIConnectionError as error:
            if _never_connected(error):
                raise _unreachable(gateway, error) from None
            raise GPT4oImageError(
                "upstream",
                f"The connection to {gateway.name} broke before it answered. Look at its log before you run again.",
                billed="unknown",
                gateway_text=_cause(error),
            ) from None


def _sdk() -> Any:
    """The module openai. Raises `config`."""
    try:
        import openai
    except ImportError as error:
        raise GPT4oImageError("config", f"The Python package openai cannot be imported: {error}.") from error
    return openai


def _client(gateway: Gateway, timeout: Any) -> Any:
    openai = _sdk()

    async def only_ours(request: Any) -> None:
        allowed = (*_HEADERS, "app-code")
        for name in list(request.headers):
            if name.lower() not in allowed and not name.lower().startswith("x-stainless-"):
                del request.headers[name]
        request.headers["Authorization"] = f"Bearer {gateway.api_key}"

    http_client: Any = openai.DefaultAsyncHttpxClient(
        follow_redirects=False,
        timeout=timeout,
        event_hooks={"request": [only_ours]},
        # A proxy's loopback is not ours.
        trust_env=not is_loopback(gateway.origins[0][1]),
    )
    return openai.AsyncOpenAI(
        api_key=gateway.api_key,
        base_url=gateway.base_urls[0],
        max_retries=0,
        timeout=timeout,
        http_client=http_client,
        default_headers={"APP-Code": gateway.app_code} if gateway.app_code else None,
    )


async def _chunks(response: Any) -> AsyncIterator[bytes]:
    """The body. Which exception a broken one raises depends on the SDK's major version and its HTTP library."""
    try:
        async for chunk in response.iter_bytes():
            yield chunk
    except Exception as error:  # noqa: BLE001 - httpx (1.x, 2.x), httpx2 or openai errors (3.x)
        raise BrokenOff(type(error).__name__) from None


def _unreachable(gateway: Gateway, error: Exception) -> GPT4oImageError:
    scheme, host, port = gateway.origins[0]
    return GPT4oImageError(
        "upstream",
        f"The gateway {gateway.name} at {scheme}://{host}:{port} cannot be reached: {_cause(error)}. "
        "Check the network and base_url; nothing was sent.",
    )


def _never_connected(error: Exception) -> bool:
    """ConnectError and ConnectTimeout carry these names in httpx and httpx2 alike."""
    return type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout", "UnsupportedProtocol", "InvalidURL")


def _cause(error: Exception) -> str:
    cause = error.__cause__
    return f"{type(cause).__name__}: {cause}".rstrip(": ") if cause else str(error)


def _body(error: Any) -> str:
    try:
        return str(error.response.text)
    except Exception:  # noqa: BLE001 - an unread or undecodable body; the status still tells enough
        return ""


def _header_id(headers: Any) -> str | None:
    return next((headers[n] for n in ("x-request-id", "x-oneapi-request-id", "request-id") if n in headers), None)
