"""The two routes that cost money: chat completions and images.generate."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast
from zlib import crc32

from .asked import SIZES, Asked, read_prompt
from .dialect import Call, fields_of
from .exchange import Drop, Exchange, Refusal
from .links import base32_id, make_links
from .pictures import Picture
from .scenarios import Scenario, ScenarioError, combine, scenario_names
from .script import Script, as_event, completion, stream
from .shapes import IN_BODY, holds_data
from .shapes import body as body_of
from .wording import fill, wording

EVENT_STREAM = "text/event-stream; charset=utf-8"
DEFAULT_RATIO = "2:3"
DEFAULT_COUNT = 2
HEAD_S = 0.3
WHOLE_ANSWER_S = 6.0
CUT_JSON_BYTES = 40  # missing at the end of a body: the last picture's, if it is base64
BEFORE_RESET_S = 0.05  # real time: a reset may throw away what the client has not read yet

_DATA_URL = re.compile(r"data:([^;,]*);base64,(.*)", re.DOTALL)


def chat(exchange: Exchange) -> None:
    """POST /v1/chat/completions, streamed or not."""
    body = exchange.json_body()
    text, references = _read_messages(exchange, body)
    asked, scenario = _read_scenario(exchange, body, text)
    whole = scenario.shape in (*IN_BODY, "completion") or scenario.transport == "no_stream"
    streamed = body.get("stream") is True and not whole
    _transport(exchange, scenario, EVENT_STREAM if streamed else "application/json")
    count = scenario.count or asked.count or DEFAULT_COUNT
    ratio = asked.ratio or DEFAULT_RATIO
    pictures = _pictures(exchange, asked, scenario, count, SIZES[ratio], references)
    call = _call(exchange, body["model"], asked, scenario, pictures, ratio)
    if streamed:
        _play(exchange, stream(call))
    else:
        _answer_whole(exchange, call, scenario.shape)


def images(exchange: Exchange) -> None:
    """POST /v1/images/generations."""
    body = exchange.json_body()
    asked, scenario = _read_scenario(exchange, body, body.get("prompt"))
    count, size = _read_images_options(body, asked)
    _transport(exchange, scenario, "application/json")
    if body.get("background") == "transparent":
        scenario = replace(scenario, transparent=True)
    shape = scenario.shape or ("data_url" if scenario.images == "url" else "data_b64")
    scenario = replace(scenario, shape=shape)
    made = count - 1 if scenario.images == "fewer" else count
    pictures = _pictures(exchange, asked, scenario, made, size, ())
    call = _call(exchange, body["model"], asked, scenario, pictures, asked.ratio)
    _answer_whole(exchange, call, shape)


def _answer_whole(exchange: Exchange, call: Call, shape: str) -> None:
    scenario = call.scenario
    exchange.pause(WHOLE_ANSWER_S)
    answer = body_of(shape, call.links, call.created) if shape in IN_BODY else completion(call)
    if scenario.images == "both_null":
        answer["data"] = [{"b64_json": None, "url": None}] * len(call.links)
    elif scenario.images == "data_null":
        answer["data"] = None
    if scenario.beside:
        answer["error"] = fill(wording()["interruptions"]["object"], fields_of(call))["json"]["error"]
    if "as_event" in scenario.framing:
        _play(exchange, as_event(answer, call))
    else:
        missing = CUT_JSON_BYTES if scenario.cut == "json" else 0
        exchange.answer_json(answer, bom="bom" in scenario.framing, missing=missing)


# Reading the request


def _read_messages(exchange: Exchange, body: dict[str, Any]) -> tuple[str, list[bytes]]:
    texts: list[str] = []
    references: list[bytes] = []
    for part in _user_parts(body):
        if isinstance(part.get("text"), str):
            texts.append(part["text"])
        image = part.get("image_url")
        url: Any = cast("dict[str, Any]", image).get("url") if isinstance(image, dict) else image
        if isinstance(url, str):
            mime, data = _decode(url)
            exchange.record.references.append({"mime": mime, "bytes": len(data)})
            references.append(data)
    return "\n".join(texts), references


def _user_parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    parts: list[Any] = []
    for message in _listed(body.get("messages")):
        if isinstance(message, dict):
            content = cast("dict[str, Any]", message).get("content")
            parts += [{"text": content}] if isinstance(content, str) else _listed(content)
    return [cast("dict[str, Any]", part) for part in parts if isinstance(part, dict)]


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _decode(url: str) -> tuple[str, bytes]:
    match = _DATA_URL.match(url)
    if match is None:
        return "", b""  # an address; the simulator fetches nothing
    try:
        return match[1], base64.b64decode(match[2], validate=True)
    except binascii.Error as error:
        raise Refusal("bad_reference") from error


def _read_scenario(exchange: Exchange, body: dict[str, Any], text: Any) -> tuple[Asked, Scenario]:
    if not isinstance(text, str) or not text.strip():
        raise Refusal("prompt_missing")
    asked = read_prompt(text)
    try:
        scenario = combine(asked.tags)
    except ScenarioError as error:
        raise Refusal("scenario", problem=str(error), names=", ".join(scenario_names())) from error
    exchange.pace = scenario.pace
    model = str(body.get("model", ""))
    again = exchange.sent_before(text)
    if scenario.answer and not (again and scenario.first_only):
        exchange.pause(HEAD_S)
        raise Refusal(scenario.answer, model=model)
    if model not in wording()["models"]:
        raise Refusal("http_503_model", model=model)
    return asked, scenario


def _read_images_options(body: dict[str, Any], asked: Asked) -> tuple[int, tuple[int, int]]:
    if "quality" in body:
        raise Refusal("quality")
    count: Any = body.get("n", 1)
    if type(count) is not int or not 1 <= count <= 10:
        raise Refusal("n_not_within_range")
    sizes = {f"{width}x{height}": (width, height) for width, height in SIZES.values()}
    sizes["auto"] = SIZES[asked.ratio or DEFAULT_RATIO]
    size: Any = body.get("size", "auto")
    if not isinstance(size, str) or size not in sizes:
        raise Refusal("size_not_supported")
    return count, sizes[size]


# Answering it


def _transport(exchange: Exchange, scenario: Scenario, content_type: str) -> None:
    match scenario.transport:
        case "hang_before_headers":
            exchange.connection.wait(None)
        case "drop_before_headers":
            exchange.pause(HEAD_S)
            raise Drop
        case "drop_after_headers":
            exchange.pause(HEAD_S)
            exchange.start(content_type)
            raise Drop
        case _:
            pass


def _pictures(
    exchange: Exchange,
    asked: Asked,
    scenario: Scenario,
    count: int,
    size: tuple[int, int],
    references: Sequence[bytes],
) -> list[Picture]:
    # Never the same twice: as from the gateway, the same prompt again gives new pictures.
    seeds = [crc32(f"{exchange.seed}/{index}".encode()) for index in range(count)]
    transparent = asked.transparent or scenario.transparent
    paint = partial(exchange.gateway.paint, asked.words, size, transparent=transparent, references=references)
    return [Picture(partial(paint, seed=seed), scenario.file) for seed in seeds]


def _call(
    exchange: Exchange,
    model: str,
    asked: Asked,
    scenario: Scenario,
    pictures: Sequence[Picture],
    ratio: str,
) -> Call:
    seed = exchange.seed
    now = int(time.time())
    task = base32_id("task", seed)
    day = time.strftime("%Y%m%d", time.gmtime(now))
    origin = exchange.gateway.origin
    links = [
        make_links(origin, seed, index, task=task, day=day, naming=scenario.naming) for index in range(len(pictures))
    ]
    exchange.gateway.gallery.hang(pictures, links, scenario.download)
    if holds_data(scenario.shape) or scenario.picture.startswith("inline"):
        links = [replace(link, data=picture.painted()) for link, picture in zip(links, pictures, strict=True)]
    return Call(seed, model, now, asked, scenario, links, ratio, task, exchange.key)


def _play(exchange: Exchange, script: Script) -> None:
    exchange.pause(HEAD_S)
    exchange.start(EVENT_STREAM)
    *steps, last = script.steps
    for step in steps:
        exchange.pause(step.pause_s)
        exchange.connection.send_chunk(step.data)
    exchange.pause(last.pause_s)
    match script.ending:
        case "clean":
            exchange.finish_chunks(last.data)
        case "stall":
            exchange.connection.send_chunk(last.data)
            exchange.connection.wait(None)
        case "reset":
            # A chunk of 1000 bytes is announced, a few come.
            exchange.connection.send(b"3e8\r\n" + last.data)
            exchange.connection.wait(BEFORE_RESET_S)
            exchange.connection.reset_on_close()
            raise Drop
