"""The simulator's HTTP side: threads, sockets, which path leads where. Starts only when asked to."""

from __future__ import annotations

import logging
import secrets
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, cast

from . import free, paid
from .connection import ClientGone, Connection, Stopping
from .exchange import Drop, Exchange, Gateway, Refusal
from .pictures import Painter, paint_pictures

MAX_BODY_BYTES = 64 << 20
JOIN_S = 5.0
ACCEPT_S = 0.1  # a client that left before it was accepted must not block the loop

_LOG = logging.getLogger(__name__)

Route = Callable[[Exchange], None]
ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "/v1/chat/completions"): paid.chat,
    ("POST", "/v1/images/generations"): paid.images,
    ("GET", "/v1/models"): free.models,
    ("GET", "/api/v1/models"): free.public_models,
    ("GET", "/dashboard/billing/remain"): free.balance,
    ("GET", "/_requests"): free.requests,
}
PICTURE_PATHS = ("/cdn/", "/vg-assets/")
KEYLESS_PATHS = ("/api/v1/models", "/_requests", *PICTURE_PATHS)


class Simulator:
    """An OpenAI-compatible gateway on loopback; a context manager.

    speed: 1 answers in 8 to 10 s, 10 ten times quicker, 0 at once. seed: the same requests in the same order get the
    same ids and pictures; without one every start gives others. paint: draws in place of the embedded painter.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        seed: str = "",
        paint: Painter | None = None,
    ) -> None:
        self._address = (host, port)
        self._gateway = Gateway(speed, seed or secrets.token_hex(8), paint or paint_pictures)
        self._server: _Server | None = None

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listens from now on; raises OSError when the port is taken."""
        if self._server is not None:
            return
        self._server = _Server(self._address, self._gateway)
        host, port = self._server.server_address[:2]
        shown = "127.0.0.1" if host in ("0.0.0.0", "") else host  # noqa: S104 (compared, not bound)
        self._gateway.origin = f"http://{shown}:{port}"
        self._server.start()

    def stop(self) -> None:
        """Ends running answers too; no thread and no socket is left."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    @property
    def origin(self) -> str:
        """http://host:port, known once started."""
        if not self._gateway.origin:
            raise RuntimeError("The simulator has not been started.")
        return self._gateway.origin

    @property
    def base_url(self) -> str:
        """The base URL of its OpenAI-compatible routes."""
        return f"{self.origin}/v1"

    def requests(self) -> list[dict[str, Any]]:
        """What it was sent, oldest first, as GET /_requests lists it."""
        return self._gateway.log.listed()

    def posts(self) -> int:
        """How many POSTs came, whatever their path: a followed 307 counts as two."""
        return self._gateway.log.posts()


class _Server(socketserver.TCPServer):
    """A thread for each connection; all of them end when the wake socket becomes readable."""

    allow_reuse_address = sys.platform != "win32"  # there it would let two servers share a port
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], gateway: Gateway) -> None:
        super().__init__(address, _Handler)
        self.socket.settimeout(ACCEPT_S)
        self.gateway = gateway
        self.wake, self._waker = socket.socketpair()
        self._threads: dict[threading.Thread, Any] = {}
        self._accepting = threading.Thread(target=self._accept, name="simulator", daemon=True)

    def start(self) -> None:
        self._accepting.start()

    def stop(self) -> None:
        self._waker.close()
        self._accepting.join(JOIN_S)
        for request in self._threads.values():
            self._hang_up(request)
        for thread in self._threads:
            thread.join(JOIN_S)
        self.server_close()
        self.wake.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._threads = {thread: sock for thread, sock in self._threads.items() if thread.is_alive()}
        thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
        self._threads[thread] = request
        thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        if not isinstance(sys.exc_info()[1], ConnectionError):
            _LOG.exception("The simulator failed to answer.")

    def _accept(self) -> None:
        listener = Connection(self.socket, self.wake)
        while listener.wait_for_request():
            self.handle_request()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:  # noqa: BLE001 (the thread's boundary; handle_error logs it)
            self.handle_error(request, client_address)
        finally:
            # Not shutdown_request: its FIN would make an orderly end of a reset.
            self.close_request(request)

    @staticmethod
    def _hang_up(sock: socket.socket) -> None:
        with suppress(OSError):  # already closed
            sock.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # small writes leave at once
    connection: socket.socket

    def setup(self) -> None:
        super().setup()
        server = cast("_Server", self.server)
        self.gateway = server.gateway
        self.line = Connection(self.connection, server.wake)

    def handle_one_request(self) -> None:
        if self.line.wait_for_request():
            super().handle_one_request()
        else:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Says nothing; the record says all."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        record = self.gateway.log.open(self.command, self.path, dict(self.headers.items()))
        try:
            exchange = Exchange(self.gateway, self.line, record, self.path, self._read_body(), self._key())
            try:
                self._route(exchange)
            except Refusal as refusal:
                exchange.answer_named(refusal.name, **refusal.fields)
        except ClientGone:
            record.close()
            self.close_connection = True
        except (Drop, Stopping):
            self.close_connection = True

    def _length(self) -> int:
        text = self.headers.get("Content-Length", "0")
        return int(text) if text.isdecimal() else 0

    def _read_body(self) -> bytes:
        length = self._length()
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            return b""
        body = self.rfile.read(length)
        if len(body) < length:
            raise ClientGone
        return body

    def _route(self, exchange: Exchange) -> None:
        path = exchange.record.path
        if self._length() > MAX_BODY_BYTES:
            raise Refusal("http_413")
        if not path.startswith(KEYLESS_PATHS) and not self._key():
            raise Refusal("http_401")
        if self.command == "GET" and path.startswith(PICTURE_PATHS):
            free.picture(exchange)
            return
        route = ROUTES.get((self.command, path))
        if route is None:
            raise Refusal("http_404")
        route(exchange)

    def _key(self) -> str:
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""
