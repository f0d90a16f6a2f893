"""The handshake with a SOCKS proxy, as bytes to send and bytes to expect. Opens no socket, resolves no name.

Written out, since one form of it has to serve a blocking socket and an asynchronous one, and no library does both.
RFC 1928 (SOCKS5), RFC 1929 (its login), OpenSSH PROTOCOL / "SOCKS 4A" (Ying-Da Lee) for version 4.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator
from contextlib import suppress

# Each step is bytes to send, or a number of bytes to receive, which are sent back in.
Steps = Generator["bytes | int", bytes, None]

_REFUSALS_5 = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "timed out",
    7: "command not supported",
    8: "address type not supported",
}
_NO_LOGIN, _LOGIN = 0, 2
_ADDRESS_BYTES = {1: 4, 4: 16}


class ProxyRefused(OSError):
    """The proxy does not connect us. Its words follow."""


def handshake(version: int, host: str, port: int, login: tuple[str, str] | None = None) -> Steps:
    """Asks a proxy of SOCKS `version` 4 or 5 to connect to `host`, which it resolves itself. Raises ProxyRefused."""
    return _version_5(host, port, login) if version == 5 else _version_4a(host, port, login)


def _version_5(host: str, port: int, login: tuple[str, str] | None) -> Steps:
    methods = [_NO_LOGIN, _LOGIN] if login else [_NO_LOGIN]
    yield bytes([5, len(methods), *methods])
    version, method = yield 2
    if version != 5:
        raise ProxyRefused("it does not speak SOCKS5")
    if method == _LOGIN and login:
        name, word = (part.encode() for part in login)
        yield bytes([1, len(name), *name, len(word), *word])
        _, status = yield 2
        if status:
            raise ProxyRefused("it does not accept the login")
    elif method != _NO_LOGIN:
        raise ProxyRefused("it requires a login")
    yield bytes([5, 1, 0]) + _address(host) + port.to_bytes(2, "big")
    version, reply, _, kind = yield 4
    if version != 5 or reply:
        raise ProxyRefused(_REFUSALS_5.get(reply, f"SOCKS5 reply {reply}"))
    size = _ADDRESS_BYTES.get(kind) or (yield 1)[0]
    yield size + 2


def _address(host: str) -> bytes:
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return bytes([3, len(name), *name])
    return bytes([1 if literal.version == 4 else 4]) + literal.packed


def _version_4a(host: str, port: int, login: tuple[str, str] | None) -> Steps:
    # An address of 0.0.0.x announces a name (4A). A proxy that knows no names cannot be given one: it is not ours
    # to resolve what stands behind a proxy.
    address, name = bytes([0, 0, 0, 1]), host.encode("ascii") + b"\0"
    with suppress(ValueError):
        address, name = ipaddress.IPv4Address(host).packed, b""
    user = (login[0] if login else "").encode()
    yield bytes([4, 1]) + port.to_bytes(2, "big") + address + user + b"\0" + name
    _, reply, *_ = yield 8
    if reply != 90:
        raise ProxyRefused(f"SOCKS4 reply {reply}")
