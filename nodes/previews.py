"""The pictures of a run as files that browsers show on its node: the gateway's bytes in ComfyUI's temp folder."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..gpt4o_image.pictures.formats import extension
from . import host

if TYPE_CHECKING:
    from ..gpt4o_image.outcome import PaidPicture

SUBFOLDER = "gpt4o-image"
_SHOWN = {"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/bmp"}


def shown_files(pictures: Iterable[PaidPicture]) -> list[Mapping[str, str]]:
    """Writes what is not there yet; gives the files as ComfyUI's `images` of a node. Raises OSError."""
    folder = host.temp_folder() / SUBFOLDER
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Mapping[str, str]] = []
    for picture in pictures:
        mime, data = _for_a_browser(picture)
        name = f"{picture.sha256}{extension(mime)}"
        if not (folder / name).exists():
            (folder / name).write_bytes(data)
        files.append({"filename": name, "subfolder": SUBFOLDER, "type": "temp"})
    return files


def _for_a_browser(picture: PaidPicture) -> tuple[str, bytes]:
    if picture.decoded.mime in _SHOWN:
        return picture.decoded.mime, picture.data
    png = io.BytesIO()
    picture.decoded.image.save(png, "PNG", compress_level=1)
    return "image/png", png.getvalue()
