"""Connects downloads to public addresses by https, or to the gateway's own origins. Nowhere else.

The rules against SSRF. A proxy of the environment resolves the names that go to it; names are resolved here for all
else, once, and nothing is connected to that was not checked.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ..gateway.blocking import CONNECT_S, connect, get
from ..gateway.transport import Proxy, is_placeholder, proxy_for
from ..gateway.unreachable import Unreachable
from ..urls import origin

if TYPE_CHECKING:
    import requests

Origin = tuple[str, str, int]
Origins = tuple[Origin, ...]

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
_LOOPBACK = ("127.0.0.1", "::1")


class Forbidden(Unreachable):
    """The rules refuse this address."""


def reach(address: str) -> str:
    """Connects to an address as a download does, and returns how: "directly", or through what. Raises OSError.

    Any answer will do. Raises `config` too, for a proxy or certificate variable that cannot be used.
    """
    scheme, host, port = check_address(address, ())
    with Connection(()).get(address):
        pass
    if proxy := proxy_for(scheme, host, port):
        return f"through {proxy}"
    placeholder = next(filter(is_placeholder, resolve(host, port)), None)
    return f"through a local proxy program, which resolves its name to {placeholder}" if placeholder else "directly"


def check_address(address: str, own_origins: Origins) -> Origin:
    """The origin of `address`, which is one of `own_origins`, or https to a name or a public address.

    Raises Forbidden. What a name resolves to is for `resolve`.
    """
    try:
        parts = urlsplit(address)
        login = "@" in parts.netloc
        scheme, host, port = _plain(origin(address))
    except ValueError:
        raise Forbidden("not an address") from None
    if login:
        raise Forbidden("has a login in it")
    if host and is_own((scheme, host, port), own_origins):
        return scheme, host, port
    if scheme != "https":
        raise Forbidden(f"{scheme or 'no scheme'} is not https")
    if not _HOST.fullmatch(host):
        raise Forbidden(f"{host!r} is not a host name")
    if literal := _literal(host):
        check_peer(literal)
    return scheme, host, port


def is_own(found: Origin, own_origins: Origins) -> bool:
    """Whether an origin is one of `own_origins`; localhost, 127.0.0.1 and [::1] on one port are one origin."""
    return _one_loopback(found) in (_one_loopback(_plain(own)) for own in own_origins)


def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a name, each checked. Raises Forbidden, and OSError where it has none."""
    try:
        found = [str(peer[0]) for *_, peer in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise OSError(f"{host} cannot be resolved") from None
    # A resolver with placeholders gives nothing else: a private IPv6 address beside them is one too.
    placeholders = [] if _literal(host) else [ip for ip in found if is_placeholder(ip)]
    for ip in found if not placeholders else ():
        check_peer(ip)
    return placeholders or found


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
    """The connection of one download: one GET after the other, each on a fresh one.

    Used by one thread; another may `cut` it.
    """

    def __init__(self, own_origins: Origins) -> None:
        self._own_origins = own_origins
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self.is_cut = False

    @contextmanager
    def get(self, address: str) -> Generator[requests.Response]:
        """The answer to one GET, its body unread and as it is on the wire; redirects are the caller's.

        No cookie, key, login or Referer goes along, and the query goes byte for byte.
        Raises Forbidden, OSError.
        """
        scheme, host, port = found = check_address(address, self._own_origins)
        proxy = proxy_for(scheme, host, port)
        own = is_own(found, self._own_origins)
        root = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"
        with (
            closing(self),
            get(
                root,
                _target(address),
                _HEADERS,
                proxy=proxy,
                read_s=_READ_S,
                dial=lambda: self._dial(host, port, proxy, own=own),
            ) as response,
        ):
            yield response

    def cut(self) -> None:
        """Ends the connection while another thread reads from it, and lets no other begin."""
        with self._lock:
            self.is_cut = True
            if self._handle:
                # Closing does not wake a reader; this does, on a second handle too, and under TLS.
                with suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the connection after its use."""
        with self._lock:
            if self._handle:
                self._handle.close()
                self._handle = None

    def _dial(self, host: str, port: int, proxy: Proxy | None, *, own: bool) -> socket.socket:
        """Connects, and checks the peer's address before a byte is sent. Raises Forbidden, OSError."""
        if proxy:
            return self._kept(connect(host, port, proxy))
        if own:
            return self._kept(_first_of(_own_addresses(host), port))
        allowed = resolve(host, port)
        connection = _first_of(allowed, port)
        try:
            reached = str(connection.getpeername()[0])
            if _literal(host) or not is_placeholder(reached):
                check_peer(reached)
        except OSError:
            connection.close()
            raise
        return self._kept(connection)

    def _kept(self, connection: socket.socket) -> socket.socket:
        """Lets `cut` reach a connection. Closes it and raises where that came first."""
        with self._lock:
            if self.is_cut:
                connection.close()
                raise OSError("cut")
            self._handle = connection.dup()  # TLS takes `connection` over
        return connection


def _first_of(addresses: Sequence[str], port: int) -> socket.socket:
    """A connection to the first of some IP addresses or names that can be connected to."""
    try:
        return socket.create_connection((addresses[0], port), CONNECT_S)
    except OSError:
        for ip in addresses[1:]:
            with suppress(OSError):
                return socket.create_connection((ip, port), CONNECT_S)
        raise


def _own_addresses(host: str) -> list[str]:
    """A gateway on this machine may listen on one loopback address and name another in its links."""
    return list(dict.fromkeys([host, *_LOOPBACK])) if _is_this_machine(host) else [host]


def _one_loopback(found: Origin) -> Origin:
    scheme, host, port = found
    return scheme, "localhost" if _is_this_machine(host) else host, port


def _is_this_machine(host: str) -> bool:
    return host in ("localhost", *_LOOPBACK)


def _literal(host: str) -> str | None:
    """The IP address that a host is, in whatever spelling the system reads; None for a name."""
    with suppress(ValueError):
        return str(ipaddress.ip_address(host.partition("%")[0]))
    with suppress(OSError):
        # Decimal, octal, hex and short forms: 127.1, 0x7f.1, 2130706433.
        return socket.inet_ntoa(socket.inet_aton(host))
    return None


def _plain(origin: Origin) -> Origin:
    """With the host in ASCII, so that every later reader reads the same. Raises ValueError."""
    scheme, host, port = origin
    return scheme, host if host.isascii() else host.encode("idna").decode("ascii").lower(), port


def _target(address: str) -> str:
    """Path and query as they were written; only what HTTP cannot carry is quoted. A signature covers the rest."""
    found = _TARGET.match(address)
    target = quote(found[1] if found else "", safe=_PRINTABLE)
    return target if target.startswith("/") else f"/{target}"
