"""The only module that calls a gateway's paid endpoints, with the openai SDK.

One call here is at most one POST: no retry, no redirect. Another host of the gateway is tried only where no byte of
the request had left for the one before.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from ..answer.failures import from_status
from ..answer.redact import ByteMask, redact
from ..errors import GPT4oImageError
from ..request import Endpoint
from .hosts import Hosts
from .http_client import Departure, http_client
from .limits import wait_s
from .misaddressed import misaddressed
from .profiles import Gateway
from .sdk import httpx_of, openai_sdk
from .transport import proxies_in_use, ssl_context
from .unreachable import ADVICE, Unreachable

_CONNECT_S = 10.0
# What may leave the machine. The SDK adds more from variables such as OPENAI_ORG_ID and OPENAI_CUSTOM_HEADERS,
# which belong to another company.
_HEADERS = ("host", "content-length", "content-type", "accept", "accept-encoding", "connection", "user-agent")
_ID_HEADERS = ("x-request-id", "x-oneapi-request-id", "request-id")


class RateLimited(GPT4oImageError):
    """HTTP 429, which is not billed: `wait_s` seconds from now the same request may be sent again."""

    def __init__(self, told: GPT4oImageError, wait_s: float) -> None:
        super().__init__(
            told.kind,
            told.problem,
            advice=told.advice,
            billed="no",
            gateway_text=told.gateway_text,
            request_id=told.request_id,
        )
        self.wait_s = wait_s


class BrokenOff(Exception):
    """The connection ended before the answer did. Says why, without the address."""


@dataclass(frozen=True)
class Response:
    """An answer with status 200, its body still to come; the key is masked in all of it.

    `chunks` raises BrokenOff. `content_type` is the header as sent. `request_id` is what the gateway's support asks
    for. `base_url` is the host that answered: relative addresses in the answer are meant against its origin. `note`
    says so where it is not the gateway's first.
    """

    chunks: AsyncIterator[bytes]
    content_type: str
    request_id: str | None
    base_url: str
    note: str = ""


def preflight(gateway: Gateway) -> None:
    """Raises `config` for what would break the call or its downloads here: openai, proxies, certificates, base URLs.

    The embedded simulator needs neither proxies nor certificates.
    """
    openai = openai_sdk()
    if not gateway.base_urls:
        return
    proxies_in_use()
    ssl_context()
    try:
        for base_url in gateway.base_urls:
            _client(openai, gateway, base_url, openai.Timeout(_CONNECT_S))
    except GPT4oImageError:
        raise
    except Exception as error:  # whatever the SDK and its HTTP library do not accept, each in its own way
        problem = f"The openai client cannot be created here ({type(error).__name__}: {error})."
        raise GPT4oImageError("config", problem, advice="Nothing was sent.") from error


async def _at_once() -> None:
    """Nothing is to be done before the body leaves."""


@asynccontextmanager
async def post(
    gateway: Gateway,
    endpoint: Endpoint,
    body: Mapping[str, Any],
    timeout_s: float,
    hosts: Hosts | None = None,
    *,
    before_body: Callable[[], Awaitable[None]] = _at_once,
) -> AsyncGenerator[Response]:
    """One paid call: the answer, its bytes as they come, once the gateway has answered with status 200.

    `timeout_s` bounds each wait, not the whole: keep-alive comments reset it, so the caller keeps a deadline.
    `hosts` remembers between calls which host of the gateway is to be asked first. `before_body` is awaited once, right
    before the body of the request leaves: until then nothing can be billed.
    Raises GPT4oImageError for any other status and when no gateway is reached, BrokenOff while reading.
    Leaving the block closes the connection.
    """
    openai = openai_sdk()
    hosts = hosts or Hosts()
    failed: dict[str, Unreachable] = {}
    async with AsyncExitStack() as stack:
        for base_url in hosts.in_order(gateway.base_urls):
            try:
                answered = _answered(openai, gateway, base_url, endpoint, body, timeout_s, before_body)
                response = await stack.enter_async_context(answered)
            except Unreachable as error:
                hosts.failed(base_url)
                failed[base_url] = error
                continue
            hosts.answered(base_url)
            yield replace(response, note=_note(gateway, base_url, failed))
            return
    raise _unreachable(gateway, failed)


@asynccontextmanager
async def _answered(
    openai: Any,
    gateway: Gateway,
    base_url: str,
    endpoint: Endpoint,
    body: Mapping[str, Any],
    timeout_s: float,
    before_body: Callable[[], Awaitable[None]],
) -> AsyncGenerator[Response]:
    """The same at one host. Raises Unreachable where nothing was sent."""
    timeout = openai.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
    client, departure = _client(openai, gateway, base_url, timeout, before_body)
    # Both give the raw answer: what the SDK makes of one ends at the first event that it does not understand.
    calls: dict[Endpoint, Any] = {
        "chat": client.chat.completions.with_streaming_response.create,
        "images": client.images.with_streaming_response.generate,
    }
    async with client, AsyncExitStack() as stack:
        try:
            response = await stack.enter_async_context(calls[endpoint](**body))
        except openai.APIStatusError as error:
            raise _refused(gateway, base_url, error) from None
        except Exception as error:  # noqa: BLE001 - which class depends on the SDK's version and its HTTP library
            raise _failed(gateway, base_url, departure, error) from None
        headers: Any = response.headers
        yield Response(
            _chunks(response, ByteMask(gateway.api_key)),
            redact(str(headers.get("content-type", "")), gateway.api_key),
            _id(headers, gateway.api_key),
            base_url,
        )


def _client(
    openai: Any, gateway: Gateway, base_url: str, timeout: Any, before_body: Callable[[], Awaitable[None]] = _at_once
) -> tuple[Any, Departure]:
    async def only_ours(request: Any) -> None:
        allowed = (*_HEADERS, "app-code")
        for name in list(request.headers):
            if name.lower() not in allowed and not name.lower().startswith("x-stainless-"):
                del request.headers[name]
        request.headers["Authorization"] = f"Bearer {gateway.api_key}"

    client, departure = http_client(httpx_of(openai), base_url, timeout, only_ours, before_body)
    sdk = openai.AsyncOpenAI(
        api_key=gateway.api_key,
        base_url=base_url,
        max_retries=0,
        timeout=timeout,
        http_client=client,
        default_headers={"APP-Code": gateway.app_code} if gateway.app_code else None,
    )
    return sdk, departure


async def _chunks(response: Any, mask: ByteMask) -> AsyncIterator[bytes]:
    """The body. Which exception a broken one raises depends on the SDK's major version and its HTTP library."""
    try:
        async for chunk in response.iter_bytes():
            if masked := mask.feed(chunk):
                yield masked
    except Exception as error:  # noqa: BLE001 - httpx (1.x, 2.x), httpx2 or openai errors (3.x)
        if rest := mask.finish():
            yield rest
        raise BrokenOff(type(error).__name__) from None
    if rest := mask.finish():
        yield rest


def _refused(gateway: Gateway, base_url: str, error: Any) -> GPT4oImageError:
    """A status other than 200."""
    status: int = error.status_code
    headers: Any = error.response.headers
    key = gateway.api_key
    told = from_status(status, redact(str(error.response.text), key), _id(headers, key), key=key)
    if status == 407:
        return GPT4oImageError(
            "upstream",
            f"The proxy in front of {base_url} requires a login (HTTP 407).",
            advice="Put it into the proxy variable: http://user:password@host:port. Nothing reached the gateway.",
        )
    if told.kind == "rate_limited" and status == 429:
        return RateLimited(told, wait_s(headers.get("retry-after", ""), told.gateway_text or ""))
    wrong = misaddressed(gateway.name, base_url, status, redact(headers.get("location", ""), gateway.api_key))
    if wrong and told.kind != "bad_model":
        return wrong.but(gateway_text=told.gateway_text, request_id=told.request_id)
    return told


def _failed(gateway: Gateway, base_url: str, departure: Departure, error: Exception) -> Exception:
    """No answer. Unreachable where no byte of the request had left."""
    cause = error.__cause__ or error  # openai 1.x and 2.x wrap what 3.x lets through
    if unreachable := next((one for one in (error, cause) if isinstance(one, Unreachable)), None):
        return unreachable
    if not departure.begun:
        return GPT4oImageError("bad_request", f"The request cannot be sent: {type(cause).__name__}: {cause}.")
    if "Timeout" in type(cause).__name__ or "Timeout" in type(error).__name__:
        return GPT4oImageError("timeout", f"{base_url} did not answer in time.", billed="unknown")
    return GPT4oImageError(
        "upstream",
        f"The connection to {base_url} broke before it answered.",
        advice="Look at the gateway's log before you run again.",
        billed="unknown",
        gateway_text=redact(f"{type(cause).__name__}: {cause}".rstrip(": "), gateway.api_key),
    )


def _note(gateway: Gateway, base_url: str, failed: Mapping[str, Unreachable]) -> str:
    if base_url == gateway.base_urls[0]:
        return ""
    reasons = "; ".join(f"{url}: {error}" for url, error in failed.items())
    return f"The backup host {base_url} answered." + (f" No connection to {reasons}." if reasons else "")


def _unreachable(gateway: Gateway, failed: Mapping[str, Unreachable]) -> GPT4oImageError:
    reasons = "; ".join(f"{base_url}: {error}" for base_url, error in failed.items())
    causes = {error.cause for error in failed.values()}
    advice = next((ADVICE[cause] for cause in ("proxy", "tls") if cause in causes), ADVICE["network"])
    problem = f"The gateway {gateway.name} cannot be reached. {reasons}."
    return GPT4oImageError("upstream", problem, advice=f"{advice} Nothing was sent.")


def _id(headers: Any, key: str) -> str | None:
    return next((redact(headers[name], key) for name in _ID_HEADERS if name in headers), None)
