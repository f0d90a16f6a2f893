"""Pictures to send: pixels with a name, from picture files or from a caller. Knows nothing of budgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import GPT4oImageError
from .decode import decode
from .formats import DECODED_EXTENSIONS, DECODED_NAMES, PictureError, PictureTooLarge, format_of
from .pixels import Samples

LARGEST_SIDE_PX = 2048  # of what is sent
_GIVE = f"Use a {DECODED_NAMES} file."


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture to send. `name` stands in messages: "image_03, frame 2", or a path.

    `pixels` [H,W,1|3|4]: float of any width with the range 0..1, or uint8; or a function that gives them, which is
    called in the thread of `prepare`, and twice where a second look helps. `remarks` holds sentences on how they were
    read, once they are.
    """

    name: str
    pixels: Samples | Callable[[], Samples]
    remarks: list[str] = field(default_factory=list[str])


def read_file(path: str | Path) -> Frame:
    """A picture file as a frame, upright and in sRGB, without its metadata.

    Raises `reference` for what is missing or of a format that is not decoded here; a broken picture raises it when it
    is pulled. A JPEG of more pixels than are decoded is read at half, a quarter or an eighth of its size.
    """
    path = Path(path)
    if path.is_dir():
        raise reference_error(f"{path} is a folder. Name the picture files in it.")
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise reference_error(f"There is no file {path}. Check the path of the reference.") from error
    except (OSError, ValueError) as error:
        raise reference_error(f"{path} cannot be read ({error}). {_GIVE}") from error
    return frame_of(data, str(path))


def frame_of(data: bytes, name: str) -> Frame:
    """The bytes of a picture file as a frame. Raises `reference` for what is no picture, as `read_file` does."""
    found = format_of(data)
    if found is None:
        raise reference_error(f"{name} is {'not a picture' if data else 'empty'}. {_GIVE}")
    if found.plugin is None:
        suffix = Path(name).suffix
        though = f", though its name ends in {suffix}" if suffix.lower() in DECODED_EXTENSIONS else ""
        raise reference_error(f"{name} is a picture in {found.name} format{though}. Save it as JPEG or PNG.")
    frame = Frame(name, lambda: _pixels(data, name, frame.remarks))
    return frame


def _pixels(data: bytes, name: str, remarks: list[str]) -> Samples:
    try:
        try:
            decoded = decode(data)
        except PictureTooLarge:
            decoded = decode(data, enough_px=LARGEST_SIDE_PX)
    except PictureTooLarge as error:
        advice = f"Make it smaller: at most {LARGEST_SIDE_PX} pixels a side are sent."
        raise reference_error(f"{name} is too large. {error} {advice}") from error
    except PictureError as error:
        raise reference_error(f"{name} cannot be used. {error} Save it again as PNG or JPEG.") from error
    remarks[:] = decoded.warnings
    return decoded.pixels


def reference_error(message: str) -> GPT4oImageError:
    return GPT4oImageError("reference", message)
