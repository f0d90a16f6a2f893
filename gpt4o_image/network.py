"""Where a download may connect to: public addresses by https, or the gateway's own origin. Nowhere else."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .gateways import origin

if TYPE_CHECKING:
    import requests


class Forbidden(OSError):
    """The rules refuse this address. An OSError, so that urllib3 closes the connection and passes it on."""


def check_address(address: str, own_origin: tuple[str, str, int]) -> None:
    """Raises Forbidden unless `address` is https to public addresses only, or of `own_origin`.

    All addresses that the name resolves to must be public. The peer is checked again once it is connected,
    since a name may resolve differently a moment later.
    """
    try:
        parts = urlsplit(address)
        target = origin(address)
    except ValueError:
        raise Forbidden("not an address") from None
    if parts.username is not None or parts.password is not None:
        raise Forbidden("holds a login")
    if target == own_origin:
        return
    scheme, host, port = target
    if scheme != "https":
        raise Forbidden(f"{scheme or 'no scheme'} is not https")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OSError(f"{host} cannot be resolved") from None
    for *_, peer in found:
        check_peer(str(peer[0]))


def check_peer(ip: str) -> None:
    """Raises Forbidden for an IP address that is not public: private, loopback, link-local, shared, reserved."""
    parsed = ipaddress.ip_address(ip.partition("%")[0])
    embedded = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    for one in (parsed, embedded):
        if one is not None and (not one.is_global or one.is_multicast):
            raise Forbidden(f"{one} is not a public address")


def open_session(own_origin: tuple[str, str, int]) -> requests.Session:
    """A session without cookies or logins whose direct connections check the peer they reached.

    Proxies from the environment are used as they are; behind one the proxy makes the connection, and only
    the check of the name remains.
    """
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class PublicAdapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            manager: Any = self.poolmanager
            manager.pool_classes_by_scheme = {
                "http": _checking(HTTPConnectionPool, "http", own_origin),
                "https": _checking(HTTPSConnectionPool, "https", own_origin),
            }

    session = requests.Session()
    session.auth = _no_login
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "gpt4o-image (ComfyUI)"
    session.mount("https://", PublicAdapter())
    session.mount("http://", PublicAdapter())
    return session


def _no_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from taking a login out of ~/.netrc."""
    return request


def _checking(pool: Any, scheme: str, own_origin: tuple[str, str, int]) -> Any:
    """The pool class with connections that look at the peer before a byte is sent."""

    plain: Any = pool.ConnectionCls

    class Connection(plain):
        def _new_conn(self: Any) -> Any:
            connected: Any = plain._new_conn(self)
            if (scheme, str(self.host).lower(), self.port) != own_origin:
                try:
                    check_peer(str(connected.getpeername()[0]))
                except Forbidden:
                    connected.close()
                    raise
            return connected

    return type("PublicPool", (pool,), {"ConnectionCls": Connection})
