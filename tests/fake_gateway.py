"""One fake gateway for every test: an HTTP server on loopback that answers what the test scripted, byte for byte.

    with FakeGateway() as gateway:
        gateway.post(sse("![a](ROOT/a.png)"))               # every POST
        gateway.post(reply({"error": {}}, 500), sse("x"))   # the first POST, then all that follow
        gateway.post(lambda exchange: exchange.say(b"HTTP/1.1 204 No Content\r\n\r\n"))
        gateway.get("/a.png", reply(b"", 503), picture())   # the first GET of this path, then all that follow
        gateway.get("*", reply("gone", 404))                # GETs of every other path
        gateway.only(reply("gone", 404))                    # every GET, whatever was scripted before

Unscripted, a POST is answered by a stream with one picture, a GET by a PNG whose colour depends on the path.
Paths are given without the query; a path with a query is preferred where both are scripted.

An answer is one of these:
- a `Reply` (of `reply`, `sse` or `picture`): status line, headers, length and body. ROOT in the body and the headers
  becomes `gateway.origin`. `replace(answer, missing=9)` closes nine bytes before the announced end.
- bytes: written as they are, head and all.
- a list: bytes and Replies that are written one after the other, numbers that are pauses in seconds, RESET (the
  connection is reset) and HANG (nothing more until the client leaves or the test ends). `in_pieces` makes one.
- a function that gets the `Exchange`.

Each connection is closed after one answer. A test looks at `posts()`, `gets`, `requests` (head, headers, body, json()),
`connections` (those on which nothing was asked too), `gone` (a client left before its answer was complete) and
`most_at_once` (GETs). `base_url` is the OpenAI base URL. With `tls`, an ssl.SSLContext, it serves https; see fixture
`own_ca`. As a proxy it answers absolute targets and CONNECT like GETs of that target; the answer `tunnel(port)` carries
a CONNECT to this port of this machine.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import select
import socket
import socketserver
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

EVENT_STREAM = "text/event-stream"
DONE = b"data: [DONE]\n\n"
LOOK_S = 0.01  # how often a pause looks whether the client is still there
IDLE_S = 60  # no thread waits for ever

RESET = "reset"
HANG = "hang"


@dataclass(frozen=True)
class Reply:
    """An HTTP answer with a length; `missing` bytes of its end are never sent."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    missing: int = 0

    def render(self, origin: str) -> bytes:
        body = self.body.replace(b"ROOT", origin.encode())
        own = {"Content-Type": self.content_type, "Content-Length": str(len(body)), "Connection": "close"}
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value.replace('ROOT', origin)}" for name, value in {**own, **self.headers}.items()]
        whole = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
        return whole[: len(whole) - self.missing]


Piece = bytes | Reply | float | str
Answer = bytes | Reply | Sequence[Piece] | Callable[["Exchange"], None]


def reply(body: Any = b"", status: int = 200, content_type: str = "", **headers: str) -> Reply:
    """A whole answer; a dict or list becomes JSON. Headers as keywords: `retry_after="3"`."""
    if isinstance(body, (dict, list)):
        body, content_type = json.dumps(body), content_type or "application/json"
    data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    names = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Reply(data, status, content_type or "text/plain; charset=utf-8", names)


def event(content: str | dict[str, Any], finish: str | None = None) -> bytes:
    """One SSE event: a dict as it is, or a chunk of a chat completion with this text."""
    if isinstance(content, str):
        content = {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}
    return b"data: " + json.dumps(content).encode() + b"\n\n"


def sse(*contents: str | dict[str, Any], done: bool = True, **headers: str) -> Reply:
    """A stream with an event for each of `contents`; `done` adds the finish reason and [DONE]."""
    body = b"".join(event(content) for content in contents) + (event("", "stop") + DONE if done else b"")
    return reply(body, content_type=EVENT_STREAM, **headers)


def png(colour: Any = "red", size: tuple[int, int] = (8, 8)) -> bytes:
    """An RGB PNG of one colour."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def picture(colour: Any = "red", size: tuple[int, int] = (8, 8)) -> Reply:
    """A PNG of one colour, as a download."""
    return Reply(png(colour, size), content_type="image/png")


def in_pieces(answer: bytes, size: int, pause_s: float = 0.0) -> list[Piece]:
    """The bytes in writes of `size`, with a pause after each."""
    cuts = [answer[start : start + size] for start in range(0, len(answer), size)]
    return [piece for cut in cuts for piece in ((cut, pause_s) if pause_s else (cut,))]


@dataclass(frozen=True)
class Request:
    """What a client sent; header names are in lower case."""

    method: str
    target: str
    head: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class FakeGateway:
    """See the module's docstring. Listens once constructed; `stop` or the end of `with` leaves no thread behind."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.most_at_once = 0
        self.gone = threading.Event()
        self.over = threading.Event()
        self._post: list[Answer] = [sse("![a](ROOT/cdn/a.png)")]
        self._get: dict[str, list[Answer]] = {"*": [_coloured_by_path]}
        self._lock = threading.Lock()
        self._now = 0
        self._server = _Server((host, port), self, tls)
        self.port: int = self._server.server_address[1]
        self.origin = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.base_url = f"{self.origin}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="fake gateway")
        self._thread.start()

    def __enter__(self) -> FakeGateway:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends running answers too."""
        self.over.set()
        self._server.hang_up()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def post(self, *answers: Answer) -> None:
        """What POSTs are answered with from now on, one after the other, the last again and again."""
        with self._lock:
            self._post = list(answers)

    def get(self, path: str, *answers: Answer) -> str:
        """What GETs of this path (or "*") are answered with, in the same way; gives its address."""
        with self._lock:
            self._get[path] = list(answers)
        return f"{self.origin}{path}"

    def only(self, *answers: Answer) -> None:
        """What every GET is answered with, whatever was scripted before."""
        with self._lock:
            self._get = {"*": list(answers)}

    def posts(self) -> int:
        """How many POSTs came, as of the simulator."""
        return sum(request.method == "POST" for request in self.requests)

    @property
    def gets(self) -> list[str]:
        """Path and query of each GET."""
        return [request.target for request in self.requests if request.method == "GET"]

    def choose(self, request: Request) -> Answer:
        """Note the request and take the next answer for it."""
        with self._lock:
            self.requests.append(request)
            if request.method == "POST":
                answers = self._post
            else:
                keys = (request.target, request.target.partition("?")[0], "*")
                answers = next(self._get[key] for key in keys if key in self._get)
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def connected(self) -> None:
        """A connection was accepted."""
        with self._lock:
            self.connections += 1

    def count(self, step: int) -> None:
        """One GET more, or one less, is being answered."""
        with self._lock:
            self._now += step
            self.most_at_once = max(self.most_at_once, self._now)


class Exchange:
    """One request and the connection that it is answered on."""

    def __init__(self, gateway: FakeGateway, connection: socket.socket, request: Request) -> None:
        self.gateway = gateway
        self.request = request
        self._connection = connection
        self._orderly = True

    def say(self, data: bytes) -> None:
        """Write; raises OSError once the client has gone."""
        self._connection.sendall(data)
        self._look()

    def wait(self, seconds: float | None = None) -> None:
        """A pause, None for ever; raises OSError once the client has gone or the test is over."""
        left = seconds
        while left is None or left > 0:
            step = LOOK_S if left is None else min(LOOK_S, left)
            if self.gateway.over.wait(step):
                raise ConnectionAbortedError
            self._look()
            left = None if left is None else left - step

    def tunnel(self, port: int) -> None:
        """Carry bytes to and from this port of this machine until one side closes."""
        with socket.create_connection(("127.0.0.1", port)) as there:
            self._connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            other = {self._connection: there, there: self._connection}
            while True:
                # One thread: OpenSSL cannot read and write one connection in two.
                decrypted = isinstance(self._connection, ssl.SSLSocket) and self._connection.pending()
                ready = [self._connection] if decrypted else select.select(list(other), [], [], IDLE_S)[0]
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    other[source].sendall(data)
                if not ready:
                    return

    def reset(self) -> None:
        """Make the coming close a TCP reset."""
        layout = "hh" if sys.platform == "win32" else "ii"
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))
        self._orderly = False

    def end(self) -> None:
        """An orderly end, unless it was reset."""
        if self._orderly:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)

    def answer(self, answer: Answer) -> None:
        """Carry out one of the forms of the module's docstring."""
        if callable(answer):
            answer(self)
            return
        for piece in [answer] if isinstance(answer, (bytes, Reply)) else answer:
            if isinstance(piece, Reply):
                self.say(piece.render(self.gateway.origin))
            elif isinstance(piece, bytes):
                self.say(piece)
            elif piece == RESET:
                self.reset()
            else:
                self.wait(None if piece == HANG else float(piece))

    def _look(self) -> None:
        before = self._connection.gettimeout()
        self._connection.setblocking(False)
        try:
            if not self._connection.recv(1):
                raise ConnectionAbortedError
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        finally:
            self._connection.settimeout(before)


def tunnel(port: int) -> Callable[[Exchange], None]:
    """The answer of a proxy that carries what it is asked for to this port of this machine."""
    return lambda exchange: exchange.tunnel(port)


@functools.lru_cache(maxsize=256)
def _png_of(path: str) -> bytes:
    return png(tuple(hashlib.sha256(path.encode()).digest()[:3]))


def _coloured_by_path(exchange: Exchange) -> None:
    data = _png_of(exchange.request.target.partition("?")[0])
    exchange.answer(Reply(data, content_type="image/png"))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = sys.platform != "win32"
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], gateway: FakeGateway, tls: ssl.SSLContext | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self.gateway = gateway
        self.tls = tls
        self._live: set[socket.socket] = set()

    def hang_up(self) -> None:
        """Wake every thread that reads or writes."""
        for connection in tuple(self._live):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def watched(self, connection: socket.socket) -> Iterator[socket.socket]:
        """The connection, as it is or inside TLS, which `hang_up` can wake."""
        self._live.add(connection)
        try:
            if self.tls:
                self._live.add(connection := self.tls.wrap_socket(connection, server_side=True))
            with connection:
                yield connection
        finally:
            self._live.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Show mistakes of a test's own answer; a client that breaks off is none."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.close_request(request)  # without a FIN first, which would make an orderly end of a reset


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        gateway: FakeGateway = self.server.gateway
        gateway.connected()
        self.request.settimeout(IDLE_S)
        try:
            with self.server.watched(self.request) as connection:
                self._answer(gateway, connection)
        except OSError:
            gateway.gone.set()

    def _answer(self, gateway: FakeGateway, connection: socket.socket) -> None:
        request = _read(connection)
        if request is None:
            raise ConnectionAbortedError
        counted = request.method == "GET"
        gateway.count(counted)
        try:
            exchange = Exchange(gateway, connection, request)
            exchange.answer(gateway.choose(request))
            exchange.end()
        finally:
            gateway.count(-counted)


def _read(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        data += more
        if not more or not data[:1].isalpha():  # TLS, for instance, where plain HTTP is spoken
            return None
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    first, *lines = text.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    length = int(headers.get("content-length", 0))
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            return None
        body += more
    method, target, _ = first.split(" ", 2)
    return Request(method, target, text, headers, body)


class OwnCa:
    """A certificate authority that no system knows, and certificates of it."""

    def __init__(self, folder: Path) -> None:
        import trustme

        self._authority = trustme.CA()
        self.pem = folder / "own_ca.pem"
        self._authority.cert_pem.write_to_path(str(self.pem))

    def server(self, *names: str) -> ssl.SSLContext:
        """A server's context for these host names or addresses; without any, for loopback."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
        return context
