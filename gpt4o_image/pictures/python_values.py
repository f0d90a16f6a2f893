"""Pictures as Python programs hold them, as frames to send: paths, bytes, Pillow images, arrays."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, cast

from ..errors import GPT4oImageError
from .frames import Frame, frame_of, read_file

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

# A path, the bytes of a picture file, a Pillow image, or [H,W] | [H,W,1|3|4] | [N,H,W,1|3|4] of uint8 or floats 0..1.
Reference = Union[str, "os.PathLike[str]", bytes, "Image.Image", "npt.ArrayLike"]


def frames_of(references: Any) -> list[Frame]:
    """One `Reference` or any mixture of several as frames, in order. Raises `reference` for what is none."""
    from PIL import Image

    if references is None:
        return []
    single = isinstance(references, (str, os.PathLike, bytes, Image.Image)) or hasattr(references, "shape")
    given: list[Any] = list(cast(Any, [references] if single else references))
    return [frame for number, each in enumerate(given, 1) for frame in _frames_of_one(each, f"reference {number}")]


def _frames_of_one(reference: Any, name: str) -> list[Frame]:
    from PIL import Image

    if isinstance(reference, (str, os.PathLike)):
        return [read_file(Path(os.fspath(reference)))]
    if isinstance(reference, bytes):
        return [frame_of(reference, name)]
    if isinstance(reference, Image.Image):
        return [frame_of(_png(reference), name)]
    return _frames_of_array(reference, name)


def _png(image: Image.Image) -> bytes:
    """As a file, so that one reader treats its colour profile, palette and transparency as it does those of files."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        upright = upright.convert("RGBA" if upright.mode in ("PA", "La", "RGBa") else "RGB")
    data = io.BytesIO()
    upright.save(data, "PNG", compress_level=1)
    return data.getvalue()


def _frames_of_array(reference: Any, name: str) -> list[Frame]:
    import numpy as np

    array = np.asarray(reference)
    if array.dtype == np.uint8 or np.issubdtype(array.dtype, np.floating):
        if array.ndim == 2:
            return [Frame(name, array[..., None])]
        if array.ndim in (3, 4) and array.shape[-1] in (1, 3, 4):
            batch = array if array.ndim == 4 else array[None]
            return [Frame(f"{name}, frame {n}" if len(batch) > 1 else name, each) for n, each in enumerate(batch, 1)]
    raise GPT4oImageError(
        "reference",
        f"{name} is not a picture: {type(reference).__name__} of shape {list(array.shape)} and type {array.dtype}. Use "
        "a path, the bytes of a picture file, a Pillow image, or an array [H, W, 3 or 4] of uint8 or of floats 0 to 1.",
    )
