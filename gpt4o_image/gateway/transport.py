"""Chooses the proxy for an address and the trusted certificates: one rule for call, check and downloads.

Reads the environment and the system's settings as they are now. Must not know any gateway or key.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

from ..errors import GPT4oImageError
from ..urls import is_loopback

CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

Kind = Literal["http", "https", "socks4", "socks5"]
# `socks` is what GNOME writes. A name is never resolved here on its way to a proxy, so that 4 is 4a and 5 is 5h.
_KINDS: dict[str, Kind] = {
    "http": "http",
    "https": "https",
    "socks": "socks5",
    "socks5": "socks5",
    "socks5h": "socks5",
    "socks4": "socks4",
    "socks4a": "socks4",
}
_PORTS: dict[Kind, int] = {"http": 80, "https": 443, "socks4": 1080, "socks5": 1080}
_SCHEME = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*)://)?(.*)", re.DOTALL)
_PLACE = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d*))?")
_PLACEHOLDERS = ipaddress.IPv4Network("198.18.0.0/15")
_LOGIN_BYTES = 255  # RFC 1929
_SYSTEM = "the system's proxy settings"

# Where Linux and BSD keep their certificates, for a Python whose OpenSSL was built to look elsewhere.
_SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")


@dataclass(frozen=True)
class Proxy:
    """A proxy and its login. `source` is the variable that names it. `str()` has no login in it."""

    kind: Kind
    host: str
    port: int
    login: tuple[str, str] | None = field(default=None, repr=False)
    source: str = _SYSTEM

    def __str__(self) -> str:
        return f"{self.kind}://{self._netloc}"

    @property
    def url(self) -> str:
        """With the login, quoted so that every library reads the same."""
        login = ":".join(quote(part, safe="") for part in self.login) + "@" if self.login else ""
        return f"{self.kind}://{login}{self._netloc}"

    @property
    def socks_version(self) -> int:
        """4, 5, or 0 for a proxy that speaks HTTP."""
        return int(self.kind[-1]) if self.kind.startswith("socks") else 0

    @property
    def _netloc(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """The proxy that leads to an address; None where it is connected to directly, as all of loopback is.

    Raises `config`, naming the variable, for one that cannot be used.
    """
    if is_loopback(host):
        return None  # a proxy's loopback is not ours
    proxies = urllib.request.getproxies()
    name = next((name for name in (scheme, "all") if proxies.get(name)), None)
    if name is None or _bypassed(host, port, proxies.get("no", "")):
        return None
    return _read(proxies[name], _source(name))


def is_placeholder(ip: str) -> bool:
    """Whether an IP address is one that Clash, sing-box and Surge answer every name with, to carry the connection.

    RFC 2544 leaves the range to no network.
    """
    with suppress(ValueError):
        return ipaddress.IPv4Address(ip) in _PLACEHOLDERS
    return False


def proxies_in_use() -> list[Proxy]:
    """All that the environment names for http and https. Raises `config` for the first that cannot be used."""
    proxies = urllib.request.getproxies()
    return [_read(proxies[name], _source(name)) for name in ("https", "http", "all") if proxies.get(name)]


def _source(name: str) -> str:
    return next((v for v in (f"{name}_proxy", f"{name}_proxy".upper()) if os.environ.get(v)), _SYSTEM)


def _read(value: str, source: str) -> Proxy:
    """Not by a parser of URLs, which cuts where a password has `#`, `/`, `?` or `@` in it."""
    scheme, rest = _SCHEME.fullmatch(value.strip(" \t\r\n'\"")).groups()  # type: ignore[union-attr]  # matches all
    kind = _KINDS.get((scheme or "http").lower())
    if kind is None:
        raise _unusable(source, f"a proxy of the unknown kind {scheme}; known are {', '.join(_KINDS)}")
    login, _, place = rest.rpartition("@")
    found = _PLACE.fullmatch(re.split(r"[/?#]", place, maxsplit=1)[0])
    if not found:
        raise _unusable(source, "a proxy without a valid host and port")
    host, port = found[1].strip("[]"), int(found[2] or _PORTS[kind])
    if not 0 < port < 65536:
        raise _unusable(source, f"a proxy with the invalid port {port}")
    return Proxy(kind, host, port, _login(login, source), source)


def _login(text: str, source: str) -> tuple[str, str] | None:
    if not text:
        return None
    name, _, password = text.partition(":")
    login = unquote(name), unquote(password)
    if any(len(part.encode()) > _LOGIN_BYTES for part in login):
        raise _unusable(source, f"a proxy with a login of more than {_LOGIN_BYTES} bytes")
    return login


def _unusable(source: str, what: str) -> GPT4oImageError:
    return GPT4oImageError("config", f"{source} names {what}.", advice="Correct it or remove it. Nothing was sent.")


def _bypassed(host: str, port: int, no_proxy: str) -> bool:
    """Whether NO_PROXY, or the system's own list, names an address: names with all below them, IPs, networks, `*`."""
    if not urllib.request.getproxies_environment():
        return bool(urllib.request.proxy_bypass(host))
    host = host.lower().rstrip(".")
    return any(_covers(entry, host, port) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry)


def _covers(entry: str, host: str, port: int) -> bool:
    entry = entry.rpartition("://")[2]
    if entry == "*":
        return True
    literal = re.fullmatch(r"\[?([0-9a-f:.]+)((?:/\d+)?)\]?((?:/\d+)?)(?::(\d+))?", entry)
    with suppress(ValueError):
        if literal and (network := ipaddress.ip_network(literal[1] + (literal[2] or literal[3]), strict=False)):
            return ipaddress.ip_address(host.partition("%")[0]) in network and literal[4] in (None, str(port))
    name, mark, of_port = entry.partition(":")
    name = name.lstrip("*").strip(".")
    return bool(name) and f".{host}".endswith(f".{name}") and (not mark or of_port == str(port))


def ssl_context() -> ssl.SSLContext:
    """Trusts the system's store and what the four variables name, all together.

    Raises `config`, naming the variable.
    """
    named = tuple(_named_certificates())
    # truststore's context holds a lock while it shakes hands: one slow server would hold up all others.
    return _context(named) if sys.platform not in ("win32", "darwin") else _context.__wrapped__(named)


def trust_in_use() -> list[str]:
    """What is trusted beside the system's store, as `VARIABLE=path`."""
    return [f"{variable}={path}" for variable, path in _certificate_paths()]


def _certificate_paths() -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for variable in CA_VARIABLES:
        value = os.environ.get(variable, "").strip()
        parts = value.split(os.pathsep) if variable == "SSL_CERT_DIR" else [value]
        found += [(variable, Path(part).expanduser()) for part in parts if part]
    return found


def _named_certificates() -> Generator[tuple[str, Path, int]]:
    """With the time of each file, so that one that changes is read again."""
    for variable, path in _certificate_paths():
        if not path.exists():
            raise _untrusted(variable, path, "which does not exist")
        yield variable, path, path.stat().st_mtime_ns


@lru_cache(maxsize=2)  # reading some hundred certificates takes OpenSSL 3 about 0.1 s
def _context(named: tuple[tuple[str, Path, int], ...]) -> ssl.SSLContext:
    context = _system_context()
    for variable, path, _ in named:
        with _readable(variable, path):
            _trust(context, path)
    return context


@contextmanager
def _readable(variable: str, path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:  # an SSLError is one
        why = getattr(error, "reason", None) or error.strerror or type(error).__name__
        raise _untrusted(variable, path, f"which contains no readable certificates ({why})") from None


def _trust(context: ssl.SSLContext, path: Path) -> None:
    if not path.is_dir():
        context.load_verify_locations(cafile=path)
        return
    context.load_verify_locations(capath=path)
    files = list(path.iterdir())
    # OpenSSL finds only what `openssl rehash` has named. Where nobody did that, the files are meant as they are.
    if not any(_HASHED.fullmatch(file.name) for file in files):
        for file in files:
            if file.suffix in (".pem", ".crt", ".cer"):
                context.load_verify_locations(cafile=file)


def _untrusted(variable: str, path: Path, why: str) -> GPT4oImageError:
    advice = "Correct it or remove it. Nothing was sent."
    return GPT4oImageError("config", f"{variable} names {path}, {why}.", advice=advice)


def _system_context() -> ssl.SSLContext:
    if sys.platform in ("win32", "darwin"):
        with suppress(ImportError):
            import truststore

            return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a private CA may be given without its root
    # Not load_default_certs(): SSL_CERT_FILE would replace the system's store.
    built_in = ssl.get_default_verify_paths()
    if Path(built_in.openssl_capath).is_dir():
        context.load_verify_locations(capath=built_in.openssl_capath)
    for file in (built_in.openssl_cafile, *_SYSTEM_FILES):
        with suppress(OSError):
            context.load_verify_locations(cafile=file)
            return context
    import certifi  # no store, as in a small container

    context.load_verify_locations(cafile=certifi.where())
    return context
