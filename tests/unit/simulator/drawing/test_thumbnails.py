"""The strip of references: all of them, numbered, in their room; what cannot be read is crossed out."""

import numpy as np
import pytest
from PIL import Image
from unit.simulator.drawing.samples import RED, count, encoded

from gpt4o_image.simulator.drawing.palettes import PALETTES
from gpt4o_image.simulator.drawing.thumbnails import strip

PALETTE = PALETTES[0]
GOOD = encoded(Image.new("RGB", (99, 99), RED))


@pytest.mark.parametrize("number", [1, 2, 5, 16, 20])
def test_a_strip_stays_in_its_room(number):
    sheet = strip([GOOD] * number, 400, 80, PALETTE)
    assert sheet.mode == "RGBA"
    assert sheet.width <= 400
    assert sheet.height <= 80 * 2


@pytest.mark.parametrize("broken", [b"", b"not a picture", GOOD[:60]])
def test_what_cannot_be_read_is_crossed_out(broken):
    both = np.asarray(strip([broken, encoded(Image.new("RGB", (9, 9), RED), "JPEG")], 400, 80, PALETTE))
    left, right = both[:, : both.shape[1] // 2], both[:, both.shape[1] // 2 :]
    assert count(right, RED) > 100
    assert count(left, RED) == 0
    assert count(left, PALETTE.ink) > 100


def test_numbers_tell_tiles_apart():
    sheet = np.asarray(strip([GOOD, GOOD], 400, 80, PALETTE))
    side = (sheet.shape[1] - round(sheet.shape[0] * 0.12)) // 2
    assert (sheet[:, :side] != sheet[:, -side:]).any()
