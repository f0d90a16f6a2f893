"""The list of the browser side's HTTP routes under /gpt4o_image/. The handlers are loaded with the first request.

ComfyUI's start waits for what is imported here.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web

    from .route_handlers import Routes

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ROOT = "/gpt4o_image"
_RESULT = f"{ROOT}/results/{{id}}"
_PICTURE = f"{_RESULT}/pictures/{{number}}"
_GET: dict[str, Callable[[Routes], Handler]] = {
    f"{ROOT}/status": lambda routes: routes.status,
    f"{ROOT}/check": lambda routes: routes.check,
    f"{ROOT}/key_setup": lambda routes: routes.key_setup,
    f"{ROOT}/spend": lambda routes: routes.spend,
    f"{ROOT}/zip": lambda routes: routes.zip,
    f"{ROOT}/queue": lambda routes: routes.queue,
    f"{ROOT}/results": lambda routes: routes.results,
    _RESULT: lambda routes: routes.result,
    f"{_RESULT}/graph": lambda routes: routes.graph,
    _PICTURE: lambda routes: routes.picture,
    f"{_PICTURE}/thumbnail": lambda routes: routes.thumbnail,
}
_POST: dict[str, Callable[[Routes], Handler]] = {
    f"{_RESULT}/fetch": lambda routes: routes.fetch,
    f"{ROOT}/quote": lambda routes: routes.quote,
    f"{ROOT}/queue/send": lambda routes: routes.send_now,
    f"{ROOT}/queue/run_ahead": lambda routes: routes.run_ahead,
}


def add_routes(server: Any) -> None:
    """Adds the routes to ComfyUI's table, once however often it is called; raises where the server has none."""
    table = server.routes
    if any(str(getattr(route, "path", "")).startswith(f"{ROOT}/") for route in table):
        return  # by an earlier call, or by a second copy of this pack: a route that is there twice ends ComfyUI
    for add, routes in ((table.get, _GET), (table.post, _POST)):
        for path, handler in routes.items():
            add(path)(_when_asked(handler))


def _when_asked(handler: Callable[[Routes], Handler]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(_routes())(request)

    return handle


@functools.cache
def _routes() -> Routes:
    from .route_handlers import Routes

    return Routes()
