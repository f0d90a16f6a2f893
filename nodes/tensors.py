"""Pixels as tensors and back: the only file that knows torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ..gpt4o_image.errors import GPT4oImageError

if TYPE_CHECKING:
    from ..gpt4o_image.pictures.batch import Batch


def to_tensors(batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """IMAGE [B,H,W,3|4], IMAGE [B,H,W,3] and MASK [B,H,W] of `batch`: float32, 0..1, on the CPU, not copied.

    For an opaque batch both IMAGEs share their memory: ComfyUI's nodes do not write into what they receive.
    """
    return torch.from_numpy(batch.image), torch.from_numpy(batch.rgb), torch.from_numpy(batch.mask)


def frame_count(image: Any, socket: str) -> int:
    """Frames in an IMAGE [B,H,W,C] or [H,W,C]. Raises `reference` naming the socket for anything else."""
    if not isinstance(image, torch.Tensor) or image.ndim not in (3, 4):
        raise GPT4oImageError("reference", f"{socket} is not a picture. Connect an IMAGE to it.")
    count = image.shape[0] if image.ndim == 4 else 1
    if count == 0:
        raise GPT4oImageError("reference", f"{socket} has an empty batch. Connect a picture, or disconnect it.")
    return count


def frame_pixels(image: torch.Tensor, index: int) -> Any:
    """One frame as numpy [H,W,C]: fp16 and bf16 as float32, from any device. No copy of a float32 one on the CPU."""
    frame = image[index] if image.ndim == 4 else image
    return frame.detach().to("cpu", torch.float32).numpy()
