"""Pixels as tensors: the only file that knows torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from ..gpt4o_image.pixels import Batch


def to_tensors(batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """IMAGE [B,H,W,3|4], IMAGE [B,H,W,3] and MASK [B,H,W] of `batch`: float32, 0..1, on the CPU, not copied.

    For an opaque batch both IMAGEs share their memory: ComfyUI's nodes do not write into what they receive.
    """
    return torch.from_numpy(batch.image), torch.from_numpy(batch.rgb), torch.from_numpy(batch.mask)
