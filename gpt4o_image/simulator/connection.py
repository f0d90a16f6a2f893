"""One client's socket: writes, and pauses in which its close or the simulator's end is noticed at once."""

from __future__ import annotations

import selectors
import socket
import struct
import sys
import time


class ClientGone(Exception):
    """The client closed the connection."""


class Stopping(Exception):
    """The simulator is being stopped."""


class Connection:
    """A socket and the `wake` socket that becomes readable when the simulator stops."""

    def __init__(self, sock: socket.socket, wake: socket.socket) -> None:
        self._sock = sock
        self._wake = wake

    def wait_for_request(self) -> bool:
        """Whether a request (or the client's close) came; False when the simulator stops."""
        return self._sock in self._ready(None, self._sock)

    def wait(self, seconds: float | None) -> None:
        """Waits, None for ever; raises ClientGone or Stopping as soon as that happens."""
        end = None if seconds is None else time.monotonic() + seconds
        watched = [self._sock]
        while end is None or time.monotonic() < end:
            left = None if end is None else max(0.0, end - time.monotonic())
            ready = self._ready(left, *watched)
            if self._wake in ready:
                raise Stopping
            if ready:
                self._look()
                watched = []  # the client sent its next request early; that is for later

    def send(self, data: bytes) -> None:
        """Writes all of it; raises ClientGone when the other side is no longer there."""
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise ClientGone from error

    def send_chunk(self, data: bytes) -> None:
        """One HTTP chunk in one write."""
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def reset_on_close(self) -> None:
        """Makes the coming close a TCP reset instead of an orderly end."""
        layout = "hh" if sys.platform == "win32" else "ii"
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))

    def _look(self) -> None:
        try:
            seen = self._sock.recv(1, socket.MSG_PEEK)
        except OSError as error:
            raise ClientGone from error
        if not seen:
            raise ClientGone

    def _ready(self, timeout: float | None, *sockets: socket.socket) -> list[socket.socket]:
        with selectors.DefaultSelector() as selector:
            for sock in (self._wake, *sockets):
                selector.register(sock, selectors.EVENT_READ)
            found = {key.fileobj for key, _ in selector.select(timeout)}
        return [sock for sock in (self._wake, *sockets) if sock in found]
