"""The routes that cost nothing: models, balance, the pictures themselves, the record of requests."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from .exchange import Drop, Exchange
from .files import FILES
from .wording import wording

BALANCE_USD = 12.345
CREATED = 1745193600  # the models appeared on 2025-04-21
SLOW_PIECES = 20
SLOW_PIECE_S = 0.5
TOO_BIG_BYTES = 60 << 20
PIECE = b"\0" * (1 << 18)
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def models(exchange: Exchange) -> None:
    """GET /v1/models."""
    data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "openai"} for name in wording()["models"]]
    exchange.answer_json({"object": "list", "data": data})


def public_models(exchange: Exchange) -> None:
    """GET /api/v1/models?type=..&model=..: needs no key."""
    query = parse_qs(exchange.record.query)
    data: list[dict[str, Any]] = [
        {
            "model_id": name,
            "desc": facts["desc"],
            "types": "image_generation",
            "pricing": {"input": facts["price"], "output": facts["price"]},
            "input_modalities": "text,image",
        }
        for name, facts in wording()["models"].items()
        if query.get("model", [name]) == [name] and query.get("type", ["image_generation"]) == ["image_generation"]
    ]
    exchange.answer_json({"data": data, "message": "", "success": True})


def balance(exchange: Exchange) -> None:
    """GET /dashboard/billing/remain: what is left, under a name that says otherwise."""
    exchange.answer_json({"object": "list", "total_usage": BALANCE_USD})


def requests(exchange: Exchange) -> None:
    """GET /_requests: the record without this request."""
    number = exchange.record.number
    exchange.answer_json([record for record in exchange.gateway.log.listed() if record["number"] != number])


def picture(exchange: Exchange) -> None:
    """GET of a link: the picture, or what the scenario makes of it. A changed signature answers 403."""
    address = exchange.gateway.gallery.fetch(exchange.target)
    if address is None:
        signed = exchange.record.query or exchange.record.path.startswith("/vg-assets/")
        exchange.answer_named("link_403" if signed else "link_404")
        return
    match address.reaction():
        case "picture":
            headers = {"Content-Disposition": "attachment"} if address.kind == "download" else {}
            exchange.answer(200, "image/png", address.picture.painted(), headers)
        case "thumbnail":
            exchange.answer(200, "image/png", FILES["thumbnail"](address.picture.painted()))
        case "drop":
            raise Drop
        case "slow":
            _trickle(exchange, address.picture.painted())
        case "too_big":
            _flood(exchange, declared=address.kind == "cdn")
        case name:
            exchange.answer_named(name)


def _trickle(exchange: Exchange, data: bytes) -> None:
    exchange.start("image/png", {"Content-Length": str(len(data))})
    size = -(-len(data) // SLOW_PIECES)
    for start in range(0, len(data), size):
        exchange.pause(SLOW_PIECE_S)
        piece = data[start : start + size]
        if start + size < len(data):
            exchange.connection.send(piece)
        else:
            exchange.finish(piece)


def _flood(exchange: Exchange, *, declared: bool) -> None:
    exchange.start("image/png", {"Content-Length": str(TOO_BIG_BYTES)} if declared else None)
    send = exchange.connection.send if declared else exchange.connection.send_chunk
    send(PNG_MAGIC + PIECE[len(PNG_MAGIC) :])
    for _ in range(len(PIECE), TOO_BIG_BYTES - len(PIECE), len(PIECE)):
        send(PIECE)
    if declared:
        exchange.finish(PIECE)
    else:
        exchange.finish_chunks(PIECE)
