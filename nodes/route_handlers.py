"""The handlers of the browser side's HTTP routes, which are listed in routes.py.

All but "fetch again" and "send them now" only read; what "run_ahead" sets is kept in memory. No answer holds a key, and
none but "key_setup", which only this computer's own browsers get, a path. Disk, decoding and network are waited for in
threads: at most 4 that read, 2 that draw thumbnails, 2 that fetch, 1 that checks.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from ..gpt4o_image.errors import GPT4oImageError
from ..gpt4o_image.gateway.config import CONFIG_FILE, Config, load_config
from ..gpt4o_image.gateway.profiles import locate, own_origins
from ..gpt4o_image.home import PACK_ROOT
from ..gpt4o_image.pictures.formats import PictureError, extension, format_of
from ..gpt4o_image.sidebar.feed import Json, Redactor, detail, findings, item, status
from ..gpt4o_image.sidebar.thumbnails import Thumbnails
from ..gpt4o_image.sidebar.zipped import zipped
from ..gpt4o_image.vault.choices import LATEST
from ..gpt4o_image.vault.opening import open_vault
from ..gpt4o_image.vault.results import File, Result
from ..gpt4o_image.vault.vault import Vault
from . import host
from .browser_events import RUNNING
from .graph_quote import quote
from .key_setup import key_setup
from .request_params import (
    Refusal,
    calls_ahead,
    check_origin,
    check_own_machine,
    gateway_of,
    graph_of_body,
    picture_number,
    result_id_of,
    result_ids_of,
    wanted_of,
)
from .run_ahead import AHEAD

T = TypeVar("T")
Handler = Callable[["Routes", web.Request], Awaitable[web.StreamResponse]]

_SPEND_DAYS = 30
_READERS, _PAINTERS, _FETCHES, _CHECKS = 4, 2, 2, 1
_FOREVER = "private, max-age=31536000, immutable"
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}


def _answered(handle: Handler) -> Callable[[Routes, web.Request], Awaitable[web.StreamResponse]]:
    """Refuses other origins, and answers every failure as JSON."""

    @functools.wraps(handle)
    async def answer(self: Routes, request: web.Request) -> web.StreamResponse:
        try:
            check_origin(request)
            response = await handle(self, request)
        except web.HTTPException:
            raise
        except Refusal as refusal:
            response = _error(refusal)
        except GPT4oImageError as error:  # the vault or the config file cannot be read
            hide = Redactor(_places(), os.environ)
            response = _error(Refusal(503, error.kind, hide(error.message)))
        except Exception:
            logging.getLogger(__name__).exception("GPT-4o Image: no answer to %s", request.rel_url.path)
            response = _error(Refusal(500, "internal", "Something went wrong; see ComfyUI's log."))
        response.headers.update(_HEADERS)
        return response

    return answer


class Routes:
    """The handlers. Each is called on ComfyUI's own loop and does nothing there that takes time."""

    def __init__(self) -> None:
        self._readers = ThreadPoolExecutor(_READERS, "gpt4o-image-route")
        self._painters = ThreadPoolExecutor(_PAINTERS, "gpt4o-image-thumbnail")
        self._fetches = asyncio.Semaphore(_FETCHES)
        self._checks = asyncio.Semaphore(_CHECKS)
        self._fetching: set[str] = set()
        self._thumbnails = Thumbnails()

    @_answered
    async def status(self, request: web.Request) -> web.StreamResponse:
        def look() -> Json:
            config = load_config(host.home())
            return status(config, os.environ, gateway_of(request, config))

        return _json(await self._read(look))

    @_answered
    async def check(self, request: web.Request) -> web.StreamResponse:
        def look(_: object) -> Json:
            config = load_config(host.home())
            return findings(config, os.environ, gateway_of(request, config))

        async with self._checks:
            return _json(await host.run_in_thread(look))

    @_answered
    async def key_setup(self, request: web.Request) -> web.StreamResponse:
        check_own_machine(request)

        def look() -> Json:
            config = load_config(host.home())
            chosen, _ = locate(gateway_of(request, config), config, os.environ)
            where = Path(sys.executable), PACK_ROOT, host.folder()
            return key_setup(chosen, config.path, *where, windows=os.name == "nt")

        return _json(await self._read(look))

    @_answered
    async def quote(self, request: web.Request) -> web.StreamResponse:
        graph = await graph_of_body(request)
        return _json({"nodes": await self._read(lambda: quote(graph, load_config(host.home()), os.environ))})

    @_answered
    async def spend(self, _: web.Request) -> web.StreamResponse:
        return _json({"days": await self._read(lambda: _vault().spent_by_day(_SPEND_DAYS))})

    @_answered
    async def zip(self, request: web.Request) -> web.StreamResponse:
        ids = result_ids_of(request)
        pieces = zipped(await self._read(lambda: [_result(result_id) for result_id in ids]))
        headers = {"Content-Disposition": 'attachment; filename="gpt-4o-image.zip"', "Cache-Control": "no-store"}
        response = web.StreamResponse(headers={**headers, **_HEADERS})
        response.content_type = "application/zip"
        await response.prepare(request)
        while piece := await self._read(lambda: next(pieces, b"")):
            await response.write(piece)
        await response.write_eof()
        return response

    @_answered
    async def results(self, request: web.Request) -> web.StreamResponse:
        wanted = wanted_of(request)

        def look() -> Json:
            config = load_config(host.home())
            page, hide = open_vault(config, os.environ).page(wanted), Redactor(config, os.environ)
            items = [item(result, hide, RUNNING.percent(result.id)) for result in page.results]
            return {"results": items, "total": page.total, "next": page.next}

        return _json(await self._read(look))

    @_answered
    async def result(self, request: web.Request) -> web.StreamResponse:
        result_id = result_id_of(request)
        return _json(await self._read(lambda: _detail(_result(result_id))))

    @_answered
    async def graph(self, request: web.Request) -> web.StreamResponse:
        result_id = result_id_of(request)

        def look() -> bytes:
            graph = _vault().graph(_result(result_id).id)
            if graph is None:
                raise Refusal(404, "no_graph", "The graph of this result was not kept.")
            return graph

        return _json_bytes(await self._read(look))

    @_answered
    async def picture(self, request: web.Request) -> web.StreamResponse:
        result_id, number = result_id_of(request), picture_number(request)

        def look() -> tuple[bytes, str]:
            try:
                data = _file(result_id, number).read()
            except OSError:
                raise Refusal(404, "no_image", "The file of this picture is damaged. Fetch it again.") from None
            found = format_of(data)
            if found is None or found.plugin is None:  # never what a browser might run, as an SVG
                raise Refusal(404, "no_image", "This picture cannot be shown here. Export it.")
            return data, found.mime

        data, mime = await self._read(look)
        name = f'inline; filename="{result_id}-{number}{extension(mime)}"'
        headers = {"Content-Type": mime, "Content-Disposition": name, "Cache-Control": _caching(result_id)}
        return web.Response(body=data, headers=headers)

    @_answered
    async def thumbnail(self, request: web.Request) -> web.StreamResponse:
        result_id, number = result_id_of(request), picture_number(request)
        file = await self._read(lambda: _file(result_id, number))
        headers = {"ETag": f'"{file.sha256}"', "Cache-Control": _caching(result_id)}
        if any(tag.value == file.sha256 for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        try:
            data = await asyncio.wrap_future(self._painters.submit(self._thumbnails.of, file))
        except (OSError, PictureError):
            raise Refusal(404, "no_image", "The file of this picture is gone or damaged. Fetch it again.") from None
        return web.Response(body=data, content_type="image/webp", headers=headers)

    @_answered
    async def fetch(self, request: web.Request) -> web.StreamResponse:
        result_id = result_id_of(request, latest=False)
        if result_id in self._fetching:
            raise Refusal(409, "pending", "This result is being fetched already.")
        self._fetching.add(result_id)
        try:
            async with self._fetches:
                return _json(await host.run_in_thread(lambda _: _fetched(result_id)))
        finally:
            self._fetching.discard(result_id)

    @_answered
    async def queue(self, _: web.Request) -> web.StreamResponse:
        return _json(await self._read(lambda: asdict(AHEAD.summary())))

    @_answered
    async def send_now(self, _: web.Request) -> web.StreamResponse:
        return _json({"calls": await self._read(AHEAD.send_now)})

    @_answered
    async def run_ahead(self, request: web.Request) -> web.StreamResponse:
        calls = await calls_ahead(request)
        AHEAD.set_limit(calls)
        return _json({"calls": calls})

    async def _read(self, look: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._readers.submit(look))


# -- what is there; called in threads ------------------------------------------------------------------


def _places() -> Config:
    """Where the config file is, without reading it."""
    return Config(host.home() / CONFIG_FILE)


def _vault() -> Vault:
    return open_vault(load_config(host.home()), os.environ)


def _result(result_id: str) -> Result:
    vault = _vault()
    result = vault.find((vault.latest_id() or "") if result_id == LATEST else result_id)
    if result is None:
        raise Refusal(404, "unknown", "There is no such result.")
    return result


def _file(result_id: str, number: int) -> File:
    for file in _result(result_id).files:
        if file.picture == number:
            if file.stored:
                return file
            raise Refusal(404, "no_image", "The file of this picture is gone. Fetch it again.")
    raise Refusal(404, "unknown", "The vault has no such picture of this result.")


def _detail(result: Result, warnings: tuple[str, ...] = ()) -> Json:
    config = load_config(host.home())
    return detail(result, Redactor(config, os.environ), RUNNING.percent(result.id), warnings)


def _fetched(result_id: str) -> Json:
    from ..gpt4o_image.reload import reload  # with requests, which no other route needs

    config = load_config(host.home())
    result = _result(result_id)
    if result.state == "running":
        raise Refusal(409, "pending", "This result is still being made.")
    outcome = reload(
        open_vault(config, os.environ),
        result,
        own_origins(result.gateway, config, os.environ),
        cancelled=lambda: False,
        notify=lambda _: None,
    )
    host.send_result_event(result.id, None, ended=True)
    return _detail(_result(result_id), outcome.warnings)


# -- what is answered ----------------------------------------------------------------------------------


def _json(value: Json, status: int = 200) -> web.Response:
    return web.json_response(value, status=status, headers={"Cache-Control": "no-store"})


def _json_bytes(data: bytes) -> web.Response:
    return web.Response(body=data, content_type="application/json", headers={"Cache-Control": "no-store"})


def _error(refusal: Refusal) -> web.Response:
    return _json({"error": {"kind": refusal.kind, "message": refusal.message}}, refusal.status)


def _caching(result_id: str) -> str:
    """A result's pictures never change; which result is the latest does."""
    return "no-cache" if result_id == LATEST else _FOREVER
