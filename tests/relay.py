"""A TCP link to a server on loopback that a test can break and repair."""

import socket
import threading
from contextlib import suppress


class Relay:
    """Forwards what comes to `port` on to the port `target`. While it is cut, connections end and none can be made."""

    def __init__(self, target):
        self._target = target
        self._ends = []
        self._open = threading.Event()
        self._open.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
        self.cut()

    def cut(self):
        self._open.clear()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._ends.clear()

    def mend(self):
        self._open.set()

    def _accept(self):
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target)) if self._open.is_set() else None
            except OSError:  # it is being restarted
                server = None
            if server is None:
                caller.close()
                continue
            self._ends += [caller, server]
            for source, sink in ((caller, server), (server, caller)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source, sink):
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
