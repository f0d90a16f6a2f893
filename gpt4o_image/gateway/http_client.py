"""The HTTP client for the SDK: uses the proxy that transport.py chooses, and knows when a request began to leave.

Works with httpx and httpx2, whichever the SDK brought, by what both document. Must not know openai or any key.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from ..urls import origin
from .socks import handshake
from .transport import Proxy, proxy_for, ssl_context
from .unreachable import Unreachable, why_unreachable

# For name, connection, the proxy's CONNECT and TLS together. The SDK's own timeout bounds each alone, and not CONNECT.
CONNECT_S = 20.0
_ERROR_S = 10.0
_MAX_ERROR_BYTES = 1 << 20


class Departure:
    """Whether a byte of the request may have left this machine. Until then it was not sent, whatever went wrong.

    `before_body` is awaited once, right before the body leaves: without it nobody can answer the request, or bill it.
    """

    def __init__(self, before_body: Callable[[], Awaitable[None]]) -> None:
        self.begun = False
        self._before_body: Callable[[], Awaitable[None]] | None = before_body

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """For httpcore's `trace` extension: it is called before each step that may write."""
        request = info.get("request")
        if event.endswith(".send_request_headers.started") and getattr(request, "method", b"") != b"CONNECT":
            self.begun = True
        elif self.begun and self._before_body and event.endswith(".send_request_body.started"):
            await self._before_body()
            self._before_body = None


def http_client(
    httpx: Any,
    base_url: str,
    timeout: Any,
    on_request: Callable[[Any], Awaitable[None]],
    before_body: Callable[[], Awaitable[None]],
) -> tuple[Any, Departure]:
    """An httpx.AsyncClient for one request to `base_url`, and its Departure, which awaits `before_body`.

    What fails before the departure is raised as Unreachable. `on_request` may change the request's headers. Raises
    `config` for what the environment breaks, naming the variable.
    """
    scheme, host, port = origin(base_url)
    core: Any = importlib.import_module(httpx.__name__.replace("httpx", "httpcore"))
    proxy = proxy_for(scheme, host, port)
    departure = Departure(before_body)
    client = httpx.AsyncClient(
        transport=_transport(httpx, core, _pool(core, scheme, proxy), proxy, departure),
        trust_env=False,  # it would read proxies, certificates and logins by rules of its own
        follow_redirects=False,
        timeout=timeout,
        event_hooks={"request": [on_request]},
    )
    return client, departure


def _pool(core: Any, scheme: str, proxy: Proxy | None) -> Any:
    secure: dict[str, Any] = {"ssl_context": ssl_context() if scheme == "https" else None}
    if proxy is None:
        return core.AsyncConnectionPool(**secure)
    if proxy.socks_version:
        return core.AsyncConnectionPool(network_backend=_SocksBackend(core, proxy), **secure)
    return core.AsyncHTTPProxy(
        proxy_url=str(proxy),
        proxy_auth=proxy.login and tuple(part.encode() for part in proxy.login),
        proxy_ssl_context=ssl_context() if proxy.kind == "https" else None,
        **secure,
    )


def _transport(httpx: Any, core: Any, pool: Any, proxy: Proxy | None, departure: Departure) -> Any:
    class Body(httpx.AsyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in self._stream:
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    class Transport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: Any) -> Any:
            url = request.url
            sent = core.Request(
                method=request.method,
                url=core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions={**request.extensions, "trace": departure.trace},
            )
            answer = await _answer(pool.handle_async_request(sent), proxy, departure)
            # The SDK reads the body of an error before it raises anything: one that breaks off or never ends would
            # hide the status.
            body = {"stream": Body(answer.stream)} if answer.status == 200 else {"content": await _head(answer)}
            return httpx.Response(answer.status, headers=answer.headers, extensions=answer.extensions, **body)

        async def aclose(self) -> None:
            await pool.aclose()

    return Transport()


async def _head(answer: Any) -> bytes:
    """The body of an error: as much of it as comes within a few seconds, at most 1 MiB."""
    data = bytearray()

    async def read() -> None:
        async for chunk in answer.stream:
            data.extend(chunk)
            if len(data) > _MAX_ERROR_BYTES:
                return

    with suppress(Exception):  # broken off, or too slow: what has come is used
        await asyncio.wait_for(read(), _ERROR_S)
    await answer.aclose()
    return bytes(data[:_MAX_ERROR_BYTES])


async def _answer(sending: Awaitable[Any], proxy: Proxy | None, departure: Departure) -> Any:
    """What `sending` gives. Raises Unreachable where it fails, or lasts for CONNECT_S, before the departure."""
    task = asyncio.ensure_future(sending)
    try:
        await asyncio.wait({task}, timeout=CONNECT_S)
        if not task.done() and not departure.begun:
            task.cancel()
            await asyncio.wait({task})
            if not departure.begun:
                raise why_unreachable(TimeoutError(), proxy)
        return await task
    except Unreachable:
        raise
    except Exception as error:
        if departure.begun:
            raise
        raise why_unreachable(error, proxy) from error
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


class _SocksBackend:
    """Connects through a SOCKS proxy, which resolves the names. Stands where httpcore's own backend would."""

    def __init__(self, core: Any, proxy: Proxy) -> None:
        self._plain = core.AnyIOBackend()
        self._proxy = proxy

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None, **more: Any) -> Any:
        proxy = self._proxy
        stream = await self._plain.connect_tcp(proxy.host, proxy.port, timeout=timeout, **more)
        try:
            await self._shake_hands(stream, host, port, timeout)
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def _shake_hands(self, stream: Any, host: str, port: int, timeout: float | None) -> None:
        steps = handshake(self._proxy.socks_version, host, port, self._proxy.login)
        given = b""
        try:
            while True:
                step = steps.send(given) if given else next(steps)
                given = b""
                if isinstance(step, bytes):
                    await stream.write(step, timeout)
                else:
                    given = await _exactly(stream, step, timeout)
        except StopIteration:
            return

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _exactly(stream: Any, size: int, timeout: float | None) -> bytes:
    data = b""
    while len(data) < size:
        more = await stream.read(size - len(data), timeout)
        if not more:
            raise ConnectionResetError("it closed the connection")
        data += more
    return data
