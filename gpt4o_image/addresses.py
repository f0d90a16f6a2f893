"""Which addresses name the same picture, and which may hold one at all. Pure; fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

from .events import Link, Picture

_PICTURE_FILE = re.compile(r"\.(png|jpe?g|webp|gif|avif)$", re.IGNORECASE)
_NUMBERED_SOURCE = re.compile(r"src_(\d{1,2})\.\w+$")
# Web pages and JSON about the task, not pictures.
_STATUS_HOST = "asyncdata.net"
_STATUS_PATHS = ("/web/", "/source/")


def identity(address: str) -> str:
    """Equal for two addresses of one picture.

    `/cdn/download/` serves the bytes of `/cdn/`, and a signature in the query does not change the file; where
    the path names no file, the query is what tells two pictures apart.
    """
    if address.startswith("data:"):
        return address
    parts = urlsplit(address)
    path = unquote(parts.path)
    key = f"{parts.netloc.lower()}{path.replace('/cdn/download/', '/cdn/')}"
    return key if _PICTURE_FILE.search(path) or not parts.query else f"{key}?{parts.query}"


def fetchable(address: str, *, image: bool = False) -> bool:
    """False for what is known to be a page: status hosts, and for plain links their usual paths too."""
    if address.startswith("data:"):
        return address.startswith("data:image/")
    if not address.lower().startswith(("https://", "http://")):
        return False
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or host == _STATUS_HOST or host.endswith("." + _STATUS_HOST):
        return False
    return image or not parts.path.startswith(_STATUS_PATHS)


def looks_like_picture(address: str) -> bool:
    """By its path alone: a picture file, a CDN path, or picture data."""
    if address.startswith("data:image/"):
        return True
    path = unquote(urlsplit(address).path)
    return bool(_PICTURE_FILE.search(path)) or "/cdn/" in path


def mirrors(pictures: Sequence[Picture], links: Iterable[Link]) -> list[list[str]]:
    """For each picture its addresses in the order to try: its own, then those that may hold the same bytes.

    A link belongs to the picture whose file it names, else to the one whose source number it carries
    (`src_1.png` is index 1), else to the picture that it follows.
    """
    found = [[picture.address] for picture in pictures]
    owners = {identity(picture.address): index for index, picture in enumerate(pictures)}
    for link in sorted(links, key=_signed_last):
        index = owners.get(identity(link.address), _owner_by_place(link, len(pictures)))
        # A link may already follow a picture that the caller has not taken note of.
        if index is not None and index < len(found) and link.address not in found[index]:
            found[index].append(link.address)
    return found


def _signed_last(link: Link) -> bool:
    return bool(urlsplit(link.address).query)


def _owner_by_place(link: Link, count: int) -> int | None:
    numbered = _NUMBERED_SOURCE.search(unquote(urlsplit(link.address).path))
    if numbered and count > 1:
        return int(numbered[1]) if int(numbered[1]) < count else None
    if count == 1:
        return 0
    return link.after - 1 if link.after else None
