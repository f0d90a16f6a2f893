"""One GET with requests, over the proxy that transport.py chooses. Follows no redirect; knows no key and no cookie."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from .socks import Steps, handshake
from .transport import Proxy, ssl_context
from .unreachable import why_unreachable

if TYPE_CHECKING:
    import requests

CONNECT_S = 10.0


@contextmanager
def get(
    root: str,
    target: str,
    headers: Mapping[str, str],
    *,
    proxy: Proxy | None,
    read_s: float,
    dial: Callable[[], socket.socket],
) -> Generator[requests.Response]:
    """The answer to one GET, its body unread and as it is on the wire.

    `root` is scheme, host and port with a `/` behind, `target` is path and query and goes byte for byte. `dial` gives
    the connection, to the proxy where there is one; see `connect`. Raises Unreachable.
    """
    import requests
    from urllib3.exceptions import HTTPError

    # Not through a Session: it would log in from ~/.netrc, keep cookies, and read the whole body of a redirect.
    request = requests.Request("GET", root, headers=dict(headers)).prepare()
    refused: list[Exception] = []
    through = str(proxy) if proxy and not proxy.socks_version else ""
    with closing(_adapter(root, target, proxy, _kept(dial, refused))) as adapter:
        try:
            response = adapter.send(
                request, stream=True, timeout=(CONNECT_S, read_s), proxies={"http": through, "https": through}
            )
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            raise why_unreachable(refused[0] if refused else error, proxy) from None
        with closing(response):
            yield response


def connect(host: str, port: int, proxy: Proxy | None) -> socket.socket:
    """A connection to an address, or to the proxy that leads there; through a SOCKS one all the way. Raises OSError."""
    connection = socket.create_connection((proxy.host, proxy.port) if proxy else (host, port), CONNECT_S)
    try:
        through_socks(connection, host, port, proxy)
    except BaseException:
        connection.close()
        raise
    return connection


def through_socks(connection: socket.socket, host: str, port: int, proxy: Proxy | None) -> None:
    """Asks a SOCKS proxy at the other end to connect to `host`; does nothing without one. Raises OSError."""
    if proxy and proxy.socks_version:
        _shake_hands(connection, handshake(proxy.socks_version, host, port, proxy.login))


def _shake_hands(connection: socket.socket, steps: Steps) -> None:
    given = b""
    try:
        while True:
            step = steps.send(given) if given else next(steps)
            given = b""
            if isinstance(step, bytes):
                connection.sendall(step)
            else:
                given = _exactly(connection, step)
    except StopIteration:
        return


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionResetError("it closed the connection")
        data += more
    return data


def _kept(dial: Callable[[], socket.socket], refused: list[Exception]) -> Callable[[], socket.socket]:
    """urllib3 and requests wrap what `dial` raises, each in its own way."""

    def keeping() -> socket.socket:
        try:
            return dial()
        except (OSError, UnicodeError) as error:  # the latter for a name that cannot be written as DNS wants it
            refused.append(error)
            raise

    return keeping


def _adapter(root: str, target: str, proxy: Proxy | None, dial: Callable[[], socket.socket]) -> Any:
    from requests.adapters import HTTPAdapter

    secure = {"ssl_context": ssl_context()} if root.startswith("https:") else {}
    login = proxy.login if proxy else None
    to_proxy = {"proxy_ssl_context": ssl_context()} if proxy and proxy.kind == "https" else {}

    plain: Any = HTTPAdapter

    class Adapter(plain):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            plain.init_poolmanager(self, *args, **kwargs, **secure)
            _lead(self.poolmanager, target, dial)

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            manager: Any = plain.proxy_manager_for(self, proxy, **kwargs, **secure, **to_proxy)
            _lead(manager, target, dial)
            return manager

        def proxy_headers(self, _: str) -> dict[str, str]:
            return _login(login)

        def cert_verify(self, *_: Any) -> None:
            """The context alone decides whom to trust; requests would add certifi's list."""

        def build_connection_pool_key_attributes(self, *args: Any) -> Any:
            return plain.build_connection_pool_key_attributes(self, *args)[0], {}

    return Adapter()


def _login(login: tuple[str, str] | None) -> dict[str, str]:
    if not login:
        return {}
    return {"Proxy-Authorization": "Basic " + base64.b64encode(":".join(login).encode()).decode()}


def _lead(manager: Any, target: str, dial: Callable[[], socket.socket]) -> None:
    """Makes all connections of a urllib3 pool manager come from `dial` and ask for `target`."""

    def led(pool: Any) -> Any:
        plain: Any = pool.ConnectionCls

        class Connection(plain):
            def _new_conn(self) -> Any:
                return dial()

            def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
                # `url` is the root. Both libraries would rewrite what stands behind it: %2f to %2F, %7E to ~.
                return plain.putrequest(self, method, url.removesuffix("/") + target, *args, **kwargs)

        return type("Pool", (pool,), {"ConnectionCls": Connection})

    manager.pool_classes_by_scheme = {name: led(pool) for name, pool in manager.pool_classes_by_scheme.items()}
