"""A SOCKS proxy on loopback, versions 4, 4a and 5: carries names of its own to ports of this machine.

    with FakeSocks({"gateway.example": 8443}, login=("me", "word")) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"socks5://{proxy.place}")

`asked` has (version, host) of each request, in order; a host that it does not know is refused.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress


class FakeSocks(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, to, login=None, host="127.0.0.1"):
        super().__init__((host, 0), _Carrier)
        self.to = to
        self.login = login
        self.asked = []
        self.place = ":".join(map(str, self.server_address))
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # a client that breaks off


class _Carrier(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.settimeout(60)
        version = self._read(1)[0]
        host = self._version_5() if version == 5 else self._version_4()
        if host is None:
            return
        self.server.asked.append((version, host))
        port = self.server.to.get(host)
        if port is None:
            self.request.sendall(b"\x05\4\0\1" + bytes(6) if version == 5 else b"\0\x5b" + bytes(6))
            return
        with socket.create_connection(("127.0.0.1", port)) as there:
            self.request.sendall(b"\x05\0\0\1" + bytes(6) if version == 5 else b"\0\x5a" + bytes(6))
            back = threading.Thread(target=_carry, args=(there, self.request))
            back.start()
            _carry(self.request, there)
            back.join()

    def _version_5(self):
        methods = self._read(self._read(1)[0])
        wanted = 2 if self.server.login else 0
        if wanted not in methods:
            self.request.sendall(b"\x05\xff")
            return None
        self.request.sendall(bytes([5, wanted]))
        if wanted:
            self._read(1)
            given = tuple(self._read(self._read(1)[0]).decode() for _ in range(2))
            self.request.sendall(bytes([1, given != self.server.login]))
            if given != self.server.login:
                return None
        *_, kind = self._read(4)[:4]
        raw = self._read({1: 4, 4: 16}.get(kind) or self._read(1)[0])
        self._read(2)
        families = {1: socket.AF_INET, 4: socket.AF_INET6}
        return socket.inet_ntop(families[kind], raw) if kind in families else raw.decode()

    def _version_4(self):
        address = self._read(7)[3:]
        self._word()
        return self._word() if address[:3] == bytes(3) and address[3] else socket.inet_ntoa(address)

    def _word(self):
        word = b""
        while (byte := self._read(1)) != b"\0":
            word += byte
        return word.decode()

    def _read(self, size):
        data = b""
        while len(data) < size:
            more = self.request.recv(size - len(data))
            if not more:
                raise ConnectionAbortedError
            data += more
        return data


def _carry(source, target):
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
