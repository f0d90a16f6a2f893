"""Words and references below each other in their room, and the mark that no simulated picture lacks."""

import numpy as np
import pytest
from PIL import Image
from unit.simulator.drawing.samples import ENGLISH, JAPANESE, RED, encoded

from gpt4o_image.simulator.drawing.captions import draw_mark, set_caption
from gpt4o_image.simulator.drawing.palettes import PALETTES

REFERENCE = encoded(Image.new("RGB", (9, 9), RED))


@pytest.mark.parametrize("words", ["", ENGLISH, JAPANESE * 9])
@pytest.mark.parametrize("references", [[], [REFERENCE], [REFERENCE] * 16])
def test_a_caption_stays_in_its_room_and_fills_what_it_claims(words, references):
    caption = set_caption(words, references, PALETTES[0], (500, 300), 40)
    assert caption.width <= 500
    assert caption.height <= 300
    assert (caption.width == 0) == (not words and not references)
    image = Image.new("RGB", (540, 340))
    caption.draw(image, 20, 20, (255, 255, 255), centred=True)
    inked = np.asarray(image).any(axis=2)
    inked[12 : 28 + caption.height, 12 : 28 + caption.width] = False
    assert not inked.any()


def test_the_mark_can_be_read_on_any_ground():
    for ground in ((0, 0, 0), (255, 255, 255)):
        image = Image.new("RGB", (200, 60), ground)
        draw_mark(image, (100, 30), 20, PALETTES[0])
        levels = np.asarray(image.convert("L"))
        assert levels.max() - levels.min() > 80
