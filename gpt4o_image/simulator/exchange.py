"""One request and the answering of it: heads, bodies, pauses, the record. Knows no route."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast

from .connection import ClientGone, Connection
from .links import base32_id, tid
from .pictures import Gallery, Painter
from .records import Log, Record, without_base64
from .wording import fill, wording

JSON_TYPE = "application/json; charset=utf-8"


class Refusal(Exception):
    """Answers with one of the answers of wording.json and ends the request."""

    def __init__(self, name: str, **fields: str) -> None:
        super().__init__(name)
        self.name = name
        self.fields = fields


class Drop(Exception):
    """Ends the connection without another word."""


@dataclass
class Gateway:
    """What all requests of one simulator share."""

    speed: float
    salt: str
    paint: Painter
    origin: str = ""
    gallery: Gallery = field(default_factory=Gallery)
    log: Log = field(default_factory=Log)

    def seconds(self, at_speed_1: float, pace: float = 0.0) -> float:
        """How long a pause really is; a scenario's own pace does not care for the speed."""
        if pace:
            return at_speed_1 * pace
        return at_speed_1 / self.speed if self.speed else 0.0


class Exchange:
    """A request with its body read, to be answered once."""

    def __init__(
        self, gateway: Gateway, connection: Connection, record: Record, target: str, body: bytes, key: str = ""
    ) -> None:
        self.gateway = gateway
        self.connection = connection
        self.record = record
        self.target = target
        self.body = body
        self.key = key  # for the scenarios that echo it; the record does not hold it
        self.pace = 0.0

    @property
    def seed(self) -> str:
        """What this answer's ids are made from: never the same twice."""
        return f"{self.gateway.salt}/{self.record.number}"

    def json_body(self) -> dict[str, Any]:
        """The body as an object, noted in the record; refuses anything else."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise Refusal("bad_json") from error
        if not isinstance(value, dict):
            raise Refusal("bad_json")
        self.record.body = without_base64(value)
        return cast("dict[str, Any]", value)

    def sent_before(self, prompt: str) -> bool:
        """Whether this prompt came before; it has come now."""
        return self.gateway.log.count(prompt) > 1

    def pause(self, seconds: float) -> None:
        """Waits that long at speed 1; raises when the client goes or the simulator stops."""
        self.connection.wait(self.gateway.seconds(seconds, self.pace))

    def answer(self, status: int, content_type: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        """A whole answer in one write."""
        length = {"Content-Length": str(len(data))}
        self.finish(self._head(status, content_type, {**length, **(headers or {})}) + data)

    def answer_json(self, value: Any, *, bom: bool = False, missing: int = 0) -> None:
        """A whole JSON answer; with `missing`, the connection ends so many bytes early."""
        data = b"\xef\xbb\xbf" * bom + json.dumps(value).encode("utf-8", "replace")
        if not missing:
            self.answer(200, JSON_TYPE, data)
            return
        self.connection.send(self._head(200, JSON_TYPE, {"Content-Length": str(len(data))}) + data[:-missing])
        raise Drop

    def answer_named(self, name: str, **fields: str) -> None:
        """One of the answers of wording.json."""
        seed = self.seed
        own = {"tid": tid(seed), "task": base32_id("task", seed), "path": self.record.path, "key": self.key}
        known = {**own, "model": "", **fields}
        told: dict[str, Any] = fill(wording()["answers"][name], known)
        if "json" in told:
            content_type, data = JSON_TYPE, json.dumps(told["json"], ensure_ascii=False).encode("utf-8", "replace")
        else:
            content_type, data = told["type"], told["text"].encode()
        names = {"location": "Location", "retry_after": "Retry-After"}
        headers = {header: told[key] for key, header in names.items() if key in told}
        self.answer(told["status"], content_type, data, headers)

    def start(self, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        """The head alone; without a length among the headers the body comes in chunks."""
        framing = headers or {"Transfer-Encoding": "chunked"}
        self.connection.send(self._head(200, content_type, {"Cache-Control": "no-cache", **framing}))

    def finish(self, data: bytes) -> None:
        """The last bytes. The record is complete before they leave, so that nobody sees it half done."""
        self.record.finished = True
        try:
            self.connection.send(data)
        except ClientGone:
            self.record.finished = False
            raise

    def finish_chunks(self, data: bytes = b"") -> None:
        """The last chunk and the end of the chunked body in one write."""
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        self.finish(chunk + b"0\r\n\r\n")

    def _head(self, status: int, content_type: str, headers: Mapping[str, str]) -> bytes:
        self.record.status = status
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime())}",
            "Server: gpt4o-image-simulator",
            f"Content-Type: {content_type}",
            f"X-Request-Id: {tid(self.seed)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
