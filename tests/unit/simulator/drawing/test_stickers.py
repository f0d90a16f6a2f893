"""Stickers: white border and shadow all around, straight alpha, a sign that holds the words."""

import numpy as np
from unit.simulator.drawing.samples import count

from gpt4o_image.simulator.drawing.palettes import PALETTES
from gpt4o_image.simulator.drawing.stickers import draw_sticker


def test_a_sticker():
    palette = PALETTES[1]
    image = draw_sticker("a snowy owl", (256, 256), palette, np.random.default_rng(1), [])
    pixels = np.asarray(image)
    assert (image.mode, image.size) == ("RGBA", (256, 256))
    opaque = pixels[pixels[..., 3] == 255]
    assert count(opaque[None], (255, 255, 255), 2) > 500, "the white border"
    assert count(opaque[None], palette.paper, 2) > 500, "the sign"
    assert count(opaque[None], palette.accent, 2) > 100, "the sign's edge"
    shadow = pixels[(pixels[..., 3] > 0) & (pixels[..., 3] < 90)]
    assert shadow[:, :3].mean() < 90, "the shadow is dark, not white"
