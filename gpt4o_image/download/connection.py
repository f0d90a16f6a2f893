"""Where a download may connect to: public addresses by https, or the gateway's own origin. Nowhere else."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ..urls import is_loopback, origin

if TYPE_CHECKING:
    import requests

Origin = tuple[str, str, int]
Origins = tuple[Origin, ...]

_CONNECT_S = 10.0
_READ_S = 30.0  # of silence; the caller keeps a deadline and cuts
_HEADERS = {
    "User-Agent": "gpt4o-image (ComfyUI)",
    "Accept": "*/*",
    # Pictures are packed already, and what nobody packed cannot be a bomb.
    "Accept-Encoding": "identity",
}
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_TARGET = re.compile(r"[^:]+://[^/?#]*([^#]*)", re.DOTALL)
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_UNICAST = ipaddress.IPv6Network("2000::/3")  # the only public one (IANA, IPv6 Address Space)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


class Forbidden(OSError):
    """The rules refuse this address. An OSError, so that urllib3 closes the connection and passes it on."""


def check_address(address: str, own_origins: Origins) -> Origin:
    """The origin of `address`, which is one of `own_origins`, or https to a name that has public addresses only.

    Raises Forbidden, and OSError for a name that cannot be resolved. The peer is checked again once it is
    connected, since a name may resolve differently a moment later.
    """
    try:
        parts = urlsplit(address)
        login = "@" in parts.netloc
        scheme, host, port = _plain(origin(address))
    except ValueError:
        raise Forbidden("not an address") from None
    if login:
        raise Forbidden("holds a login")
    if host and (scheme, host, port) in map(_plain, own_origins):
        return scheme, host, port
    if scheme != "https":
        raise Forbidden(f"{scheme or 'no scheme'} is not https")
    if not _HOST.fullmatch(host):
        raise Forbidden(f"{host!r} is not a host name")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OSError(f"{host} cannot be resolved") from None
    for *_, peer in found:
        check_peer(str(peer[0]))
    return scheme, host, port


def check_peer(ip: str) -> None:
    """Raises Forbidden for an IP address that is not public: private, loopback, link-local, shared, reserved.

    IPv4 inside IPv6 counts as that IPv4 where it leads there (mapped, NAT64); tunnels (6to4, Teredo) are refused.
    """
    reached = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(reached, ipaddress.IPv6Address):
        inner = ipaddress.IPv4Address(reached.packed[-4:]) if reached in _NAT64 else reached.ipv4_mapped
        reached = inner or reached
    public = reached.is_global and not reached.is_multicast
    if isinstance(reached, ipaddress.IPv6Address):
        # Python's own list lacks some of these before 3.10.15, 3.11.10 and 3.12.4.
        public = public and reached in _UNICAST and not (reached.sixtofour or reached.teredo)
    if not public:
        raise Forbidden(f"{ip} is not a public address")


class Connection:
    """The way out for one download: one GET after the other, each on a fresh connection.

    Used by one thread; another may `cut` it.
    """

    def __init__(self, own_origins: Origins) -> None:
        self._own_origins = own_origins
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._refusal: Forbidden | None = None
        self.is_cut = False

    @contextmanager
    def get(self, address: str) -> Generator[requests.Response]:
        """The answer to one GET, its body unread and as it is on the wire; redirects are the caller's.

        No cookie, key, login or Referer goes along, and the query goes byte for byte.
        Raises Forbidden, OSError.
        """
        import requests
        from urllib3.exceptions import HTTPError

        scheme, host, port = check_address(address, self._own_origins)
        own = (scheme, host, port) in map(_plain, self._own_origins)
        root = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"
        # Not through a Session: it would log in from ~/.netrc, keep cookies, and read the whole body of a redirect.
        adapter = _adapter(self, _target(address), own=own)
        request = requests.Request("GET", root, headers=_HEADERS).prepare()
        with closing(adapter), closing(self):
            try:
                response = adapter.send(request, stream=True, timeout=(_CONNECT_S, _READ_S), **_surroundings(root, own))
            except (requests.RequestException, HTTPError) as error:
                raise self._refusal or OSError(_root_of(error)) from None
            with closing(response):
                yield response

    def cut(self) -> None:
        """Ends the connection under whoever reads from it, and lets no other begin."""
        with self._lock:
            self.is_cut = True
            if self._handle:
                # Closing does not wake a reader; this does, on a second handle too, and under TLS.
                with suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Lets go of the connection, which is done with."""
        with self._lock:
            if self._handle:
                self._handle.close()
                self._handle = None

    def connected(self, connection: socket.socket, *, checked: bool) -> socket.socket:
        """Called with each new connection before a byte is sent. Closes it and raises where it may not be used."""
        try:
            if checked:
                check_peer(str(connection.getpeername()[0]))
            with self._lock:
                if self.is_cut:
                    raise OSError("cut")
                self._handle = connection.dup()  # TLS takes `connection` over
        except OSError as error:
            connection.close()
            self._refusal = error if isinstance(error, Forbidden) else None
            raise
        return connection


def _plain(origin: Origin) -> Origin:
    """With the host in ASCII, so that whoever reads it next reads the same. Raises ValueError."""
    scheme, host, port = origin
    return scheme, host if host.isascii() else host.encode("idna").decode("ascii").lower(), port


def _target(address: str) -> str:
    """Path and query as they were written; only what HTTP cannot carry is quoted. A signature covers the rest."""
    found = _TARGET.match(address)
    target = quote(found[1] if found else "", safe=_PRINTABLE)
    return target if target.startswith("/") else f"/{target}"


def _surroundings(root: str, own: bool) -> dict[str, Any]:
    """Proxies and certificates as the environment names them (HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE)."""
    import requests

    with requests.Session() as session:
        settings = session.merge_environment_settings(root, {}, True, None, None)
    # A proxy's loopback is not ours, so a gateway on this machine is asked directly, whatever NO_PROXY says.
    # Behind a proxy that makes the connection only the check of the name is left.
    if own and is_loopback(urlsplit(root).hostname or ""):
        settings["proxies"] = {}
    return {name: settings[name] for name in ("proxies", "verify", "cert")}


def _adapter(line: Connection, target: str, *, own: bool) -> Any:
    from requests.adapters import HTTPAdapter

    class ConnectionAdapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            _lead(self.poolmanager, line, target, checked=not own)

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            known = proxy in self.proxy_manager
            manager: Any = super().proxy_manager_for(proxy, **kwargs)
            if not known:
                _lead(manager, line, target, checked=False)
            return manager

    return ConnectionAdapter()


def _lead(manager: Any, line: Connection, target: str, *, checked: bool) -> None:
    """Makes all connections of a urllib3 pool manager report to `line` and ask for `target`."""

    def led(pool: Any) -> Any:
        plain: Any = pool.ConnectionCls

        class Connection(plain):
            def _new_conn(self) -> Any:
                return line.connected(plain._new_conn(self), checked=checked)

            def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
                # `url` is the root. Both libraries would rewrite what stands behind it: %2f to %2F, %7E to ~.
                return plain.putrequest(self, method, url.removesuffix("/") + target, *args, **kwargs)

        return type("Pool", (pool,), {"ConnectionCls": Connection})

    manager.pool_classes_by_scheme = {name: led(pool) for name, pool in manager.pool_classes_by_scheme.items()}


def _root_of(error: BaseException) -> str:
    """Why, in the words of the system, without the layers of urllib3 and requests."""
    while error.__context__ is not None:
        error = error.__context__
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
