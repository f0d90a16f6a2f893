"""Decides which addresses name the same picture, and which may hold one at all. Pure; fetches nothing."""

from __future__ import annotations

import html
import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

_PICTURE_FILE = re.compile(r"\.(png|apng|jpe?g|jfif|webp|gif|avif|hei[cf]|jxl|bmp|tiff?)$", re.IGNORECASE)
# How the base64 of a picture begins: PNG, JPEG, GIF, WebP, TIFF, AVIF and HEIC, JPEG XL; also in the URL-safe alphabet.
PICTURE_BASE64 = r"iVBORw0KGgo|[/_]9j[/_]|R0lGOD[dl]h|UklGR|SUkqA|TU0AK|AAAA[\w+/-]{2}Z0eXB|AAAADEpYTCA"
_DATA = re.compile(rf"data:(?:image/|[^,]{{0,100}};base64,(?:{PICTURE_BASE64}))", re.IGNORECASE)
_AMPERSAND = re.compile(r"&(?:(?:amp;)+|#0*38;|#x0*26;)|\\u0026", re.IGNORECASE)
_ENTITY = re.compile(r"&#(?:\d{1,4}|x[0-9a-f]{1,4});", re.IGNORECASE)
_BACKSLASH = re.compile(r"\\(?:u0026|[!-/:-@\[-`{-~])")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_PAGE = re.compile(r"\A/?\Z|\.(?:html?|php|aspx?|jsp)\Z", re.IGNORECASE)
_NUMBERED_SOURCE = re.compile(r"src_(\d{1,2})\.\w+$")
# Almost every address; urlsplit, which knows all the others, takes four times as long. Spelled out, since a class
# with \w or \s in it is looked up character by character.
_USUAL = re.compile(r"https?://([a-z0-9.-]+(?::[0-9]{1,4})?)(/[A-Za-z0-9_./~%+@,=:()-]*)?(?:\?([!-\"$-~]*))?")
# Web pages and JSON about the task, not pictures.
_STATUS_NAME = "asyncdata.net"
_STATUS_HOST = re.compile(r"(?:.*\.)?asyncdata\.net\.*(?::.*)?")
_STATUS_PATHS = ("/web/", "/source/")
# Full-width and typographic marks end an address in prose, and so do arrows, dingbats and emoji; letters need not.
_MARKS = (
    r"\u00ab\u00bb\u200b-\u200f\u2013-\u203e\u2190-\u21ff\u2460-\u27bf\u3001-\u3003\u3008-\u3011\u3014-\u301f"
    r"\ufe00-\ufe0f\ufeff\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\U0001f000-\U0001faff"
)
# So does the escape of a newline or a quote that was escaped twice.
BARE_ADDRESS = rf"""https?://(?:[^\s<>"'`\[\]|\\{_MARKS}]|\\(?![nrt"']))*"""
_NEXT_ADDRESS = re.compile(r"[,;](?=https?://)", re.IGNORECASE)
_PAREN = re.compile(r"[()]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_WHOLE_ALREADY = re.compile(r"\.[A-Za-z0-9]{3,4}\Z|\?.")
_REMEMBERED_CHARS = 2048


@dataclass(frozen=True)
class Picture:
    """A picture's address is complete: http(s) or data:, byte for byte as sent. `index` counts from 0."""

    index: int
    address: str
    label: str


@dataclass(frozen=True)
class Link:
    """A further address that may hold a picture. `after` is the number of pictures seen before it."""

    address: str
    label: str
    after: int


class _Parts(NamedTuple):
    netloc: str
    path: str
    query: str

    @property
    def file(self) -> str:
        """The path with its percent escapes undone: signed links name their file as `a%2Fsrc_0.png`."""
        return unquote(self.path) if "%" in self.path else self.path


def identity(address: str) -> str:
    """Equal for two addresses of one picture, which must be `fetchable`.

    `/cdn/download/` serves the bytes of `/cdn/`, and a signature in the query does not change the file; where
    the path names no file, the query distinguishes two pictures.
    """
    parts = _split(address)
    if parts is None:
        return address
    file = parts.file
    key = f"{parts.netloc}{file.replace('/cdn/download/', '/cdn/')}"
    return key if not parts.query or _PICTURE_FILE.search(file) else f"{key}?{_AMPERSAND.sub('&', parts.query)}"


def resolved(address: str, base_url: str) -> str:
    """`address` as a link of the gateway at `base_url` means it: without a scheme it is of the gateway's origin."""
    if not base_url or _SCHEME.match(address):
        return address
    try:
        return urljoin(root(base_url), address.strip())
    except ValueError:
        return address


def unescaped(text: str) -> str:
    """Addresses as they were meant whose signs HTML, JSON or markdown escaped: `&amp;`, `\\u0026`, `\\/`, `\\_`."""
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), _AMPERSAND.sub("&", text))
    return _BACKSLASH.sub(lambda escape: "&" if len(escape[0]) > 2 else escape[0][1], text) if "\\" in text else text


def bare_address(run: str) -> str:
    """The address that a match of BARE_ADDRESS holds, without the prose behind it.

    It ends at a parenthesis that it did not open, at a comma before the next address, and at a letter that is not ASCII
    where it is whole without it: `https://x.test/a.png\u8bf7`.
    """
    run, depth = _NEXT_ADDRESS.split(run)[0], 0
    for paren in _PAREN.finditer(run):
        depth += 1 if paren[0] == "(" else -1
        if depth < 0:
            run = run[: paren.start()]
            break
    prose = _NOT_ASCII.search(run)
    if prose and _WHOLE_ALREADY.search(run[: prose.start()]):
        run = run[: prose.start()]
    return run.rstrip(".,;:!?*~}\\")


def fetchable(address: str, *, image: bool = False) -> bool:
    """False for what is no address, and for known pages: status hosts, and for plain links their usual paths too."""
    parts = _split(address)
    if parts is None:
        return _DATA.match(address) is not None
    if _STATUS_NAME in parts.netloc and _STATUS_HOST.fullmatch(parts.netloc):
        return False
    return image or not parts.path.startswith(_STATUS_PATHS)


def looks_like_picture(address: str) -> bool:
    """By its path alone: a picture file, a CDN path, or picture data."""
    parts = _split(address)
    if parts is None:
        return address[:5].lower() == "data:"
    return bool(_PICTURE_FILE.search(parts.file)) or "/cdn/" in parts.path


def looks_like_page(address: str) -> bool:
    """By its path alone: a site's root, or a page's ending."""
    parts = _split(address)
    return parts is not None and _PAGE.search(parts.path) is not None


def fallback_pictures(links: Iterable[Link], *, any_link: bool = False) -> list[Picture]:
    """The links that may stand for pictures where an answer shows none; `any_link`: whatever their path.

    `[100](...)` only repeats one of the others. A policy page in a refusal is no picture.
    """
    links = list(links)
    likely = [link for link in links if may_be_picture(link)]
    found = likely or (links if any_link else [])
    unique = list({identity(link.address): link for link in reversed(found)}.values())[::-1]
    named = [link for link in unique if link.label.strip() != "100"] or unique
    return [Picture(index, link.address, link.label) for index, link in enumerate(named)]


def may_be_picture(link: Link) -> bool:
    """Whether a link may hold a picture, by its path or its label alone."""
    return looks_like_picture(link.address) or link.label.strip() == "100"


def mirrors(pictures: Sequence[Picture], links: Iterable[Link]) -> list[list[str]]:
    """For each picture its addresses in the order to try: its own, then those that may hold the same bytes.

    A link belongs to the picture whose file it names, else to the one whose source number it carries
    (`src_1.png` is index 1), else to the one whose place it has: as many links in a row as there are pictures, with
    none between these, are theirs in order, and any other link is of the picture that it follows.
    """
    found = [[picture.address] for picture in pictures]
    owners = {identity(picture.address): index for index, picture in enumerate(pictures)}
    placed = [link for link in links if identity(link.address) not in owners and _number(link) is None]
    owners.update(_by_place(placed, len(pictures)))
    for link in sorted(links, key=_is_signed):
        index = owners.get(identity(link.address), 0 if len(pictures) == 1 else _number(link))
        # A link may already follow a picture that the caller has not taken note of.
        if index is not None and index < len(found) and link.address not in found[index]:
            found[index].append(link.address)
    return found


def _by_place(links: Sequence[Link], count: int) -> dict[str, int]:
    rows = Counter(link.after for link in links)
    between = any(0 < link.after < count for link in links)
    seen: Counter[int] = Counter()
    owners: dict[str, int] = {}
    for link in links:
        index = (
            seen[link.after] if rows[link.after] == count > 1 and not between else 0 if count == 1 else link.after - 1
        )
        seen[link.after] += 1
        if index >= 0:
            owners[identity(link.address)] = index
    return owners


def _number(link: Link) -> int | None:
    parts = _split(link.address)
    numbered = _NUMBERED_SOURCE.search(parts.file) if parts else None
    return int(numbered[1]) if numbered else None


def _is_signed(link: Link) -> bool:
    parts = _split(link.address)
    return bool(parts and parts.query)


def _split(address: str) -> _Parts | None:
    """None for what is no http(s) address with a host, picture data too."""
    # Remembered, since each is asked about several times; picture data would be megabytes each.
    return _remembered(address) if len(address) <= _REMEMBERED_CHARS else _parts(address)


def _parts(address: str) -> _Parts | None:
    if usual := _USUAL.fullmatch(address):
        netloc, path, query = usual[1], usual[2] or "", usual[3] or ""
    else:
        if not address[:8].lower().startswith(("https://", "http://")):
            return None
        try:
            parts = urlsplit(address)
            _ = parts.port  # raises where it is not a number
        except ValueError:
            return None
        netloc, path, query = parts.netloc.rpartition("@")[2].lower(), parts.path, parts.query
        if not netloc or netloc.startswith(":") or any("\ud800" <= char <= "\udfff" for char in address):
            return None
    return _Parts(netloc, path, query)


_remembered = lru_cache(maxsize=128)(_parts)


def origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) of an address, with the scheme's own port filled in."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or (443 if scheme == "https" else 80)


def root(url: str) -> str:
    """The origin of an address as text: scheme, host, and the port where it is not the scheme's own."""
    scheme, host, port = origin(url)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + ("" if port == (443 if scheme == "https" else 80) else f":{port}")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by its name alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
