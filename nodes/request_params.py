"""Checks the parameters of requests to the browser side's routes. Reads nothing but the request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from ..gpt4o_image.gateway.config import DEFAULT, Config
from ..gpt4o_image.urls import is_loopback, origin
from ..gpt4o_image.vault.choices import LATEST
from ..gpt4o_image.vault.pages import Wanted
from ..gpt4o_image.vault.results import STATES, State

if TYPE_CHECKING:
    from aiohttp import web

_PAGE, _MAX_PAGE = 50, 100
_TEXT_CHARS = 200
_MAX_AHEAD = 1000
_MAX_IDS = 100
_MAX_GRAPH_BYTES = 4 << 20
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_NUMBER = re.compile(r"[0-9]{1,15}")


class Refusal(Exception):
    """An answer that is an error: HTTP status, kind, message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message


def check_origin(request: web.Request) -> None:
    """Refuses other sites. ComfyUI does so too, but neither with --enable-cors-header nor on a name that is public."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in ("same-origin", "none") or not _is_own(request.headers.get("Origin"), request.host):
        raise Refusal(403, "other_origin", "Only ComfyUI's own page may ask this.")


def check_own_machine(request: web.Request) -> None:
    """Refuses browsers on other computers: only this one's are shown its folders, and no client of a proxy."""
    forwarded = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} & set(request.headers)
    host, peer = urlsplit(f"//{request.host}").hostname or "", request.remote or ""
    if forwarded or not is_loopback(host) or not is_loopback(peer.removeprefix("::ffff:")):
        raise Refusal(403, "other_machine", "Only a browser on ComfyUI's own computer may ask this.")


def _is_own(page: str | None, own: str) -> bool:
    if page is None:
        return True
    with suppress(ValueError):
        # The page's scheme for both: a proxy may have taken TLS off, and a missing port means that scheme's own.
        asking = origin(page)
        return asking[1] != "" and asking == origin(f"{asking[0]}://{own}")
    return False


def result_id_of(request: web.Request, *, latest: bool = True) -> str:
    """The id in the path, or `latest` where that is allowed."""
    result_id = request.match_info["id"]
    if not _ID.fullmatch(result_id) or (result_id == LATEST and not latest):
        raise Refusal(400, "bad_request", "This is not the id of a result.")
    return result_id


def result_ids_of(request: web.Request) -> list[str]:
    """`ids` of the query, with commas between them."""
    ids = request.query.get("ids", "").split(",")
    if not 1 <= len(ids) <= _MAX_IDS or not all(map(_ID.fullmatch, ids)):
        raise Refusal(400, "bad_request", f"ids must be 1 to {_MAX_IDS} result ids with commas between them.")
    return ids


def picture_number(request: web.Request) -> int:
    """The picture's number in the path, counted from 0."""
    return _whole(request.match_info["number"], "The number of a picture")


def wanted_of(request: web.Request) -> Wanted:
    """Filters and place of a page; what is empty is as if it were missing."""
    query = request.query
    limit = _whole(query.get("limit") or str(_PAGE), "limit")
    before = _whole(query["before"], "before") if query.get("before") else None
    text, state = query.get("text", ""), query.get("state") or None
    if not 1 <= limit <= _MAX_PAGE:
        raise Refusal(400, "bad_request", f"limit must be 1 to {_MAX_PAGE}.")
    if len(text) > _TEXT_CHARS or "\0" in text:  # where SQLite's LIKE would end
        raise Refusal(400, "bad_request", f"text has at most {_TEXT_CHARS} characters, none of them NUL.")
    if state not in (None, *STATES):
        raise Refusal(400, "bad_request", f"state must be one of {', '.join(STATES)}.")
    return Wanted(limit, before, text, cast("State | None", state))


def gateway_of(request: web.Request, config: Config) -> str:
    """The gateway that is asked for; where the config file cannot be understood, the default in place of any."""
    name = request.query.get("gateway") or DEFAULT
    if not config.understood:
        return DEFAULT
    if name not in config.gateway_names():
        raise Refusal(400, "bad_request", "There is no gateway of that name.")
    return name


async def calls_ahead(request: web.Request) -> int:
    """How many calls of the queue are to be sent ahead: `calls` of the body."""
    with suppress(ValueError, TypeError, KeyError):
        calls = (await request.json())["calls"]
        if isinstance(calls, int) and not isinstance(calls, bool) and 0 <= calls <= _MAX_AHEAD:
            return calls
    raise Refusal(400, "bad_request", f"calls must be a whole number from 0 to {_MAX_AHEAD}.")


async def graph_of_body(request: web.Request) -> Mapping[str, Mapping[str, Any]]:
    """`graph` of the body, as POST /prompt takes it."""
    if (request.content_length or 0) <= _MAX_GRAPH_BYTES:
        with suppress(ValueError, TypeError, KeyError):
            graph = (await request.json())["graph"]
            if isinstance(graph, dict) and all(_is_node(node) for node in graph.values()):
                return graph
    raise Refusal(400, "bad_request", "graph must be an API graph: nodes by their id, with class_type and inputs.")


def _is_node(node: object) -> bool:
    return isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)


def _whole(value: str, name: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise Refusal(400, "bad_request", f"{name} must be a whole number.")
    return int(value)
