"""The emblems: one glyph in colour for each subject, and a rosette where there is none."""

import numpy as np
import pytest
from PIL import ImageFont

from gpt4o_image.simulator.drawing.emblems import FIRST_GLYPH, FONT, emblem, rosette, row
from gpt4o_image.simulator.drawing.palettes import PALETTES
from gpt4o_image.simulator.drawing.words import lexicon

SUBJECTS = list(lexicon()["subjects"])


def test_every_subject_has_a_glyph_of_its_own():
    drawn = {emblem(subject, 24).tobytes() for subject in SUBJECTS}
    assert len(drawn) == len(SUBJECTS)
    font = ImageFont.truetype(str(FONT), 24, layout_engine=ImageFont.Layout.BASIC)
    assert font.getmask(chr(FIRST_GLYPH + len(SUBJECTS))).getbbox() != font.getmask(chr(FIRST_GLYPH)).getbbox()


@pytest.mark.parametrize("subject", ["\U0001f98a", "\U0001f989"])
def test_an_emblem_is_in_colour_and_cropped_to_its_ink(subject):
    image = emblem(subject, 100)
    pixels = np.asarray(image)
    assert image.mode == "RGBA"
    assert 60 < max(image.size) <= 102
    assert pixels[..., 3].max() == 255
    assert pixels[pixels[..., 3] == 255][:, :3].std(axis=0).max() > 30
    assert pixels[0, :, 3].any()
    assert pixels[:, 0, 3].any()


def test_a_row_stays_in_its_room():
    dice = np.random.default_rng(1)
    for subjects in ([], SUBJECTS[:1], SUBJECTS[:3]):
        image = row(subjects, (300, 100), PALETTES[0], dice)
        assert image.width <= 300 * 1.2  # tilted
        assert image.height <= 100 * 1.25


def test_each_throw_gives_another_rosette():
    dice = np.random.default_rng(1)
    drawn = [rosette(64, PALETTES[0], dice) for _ in range(5)]
    assert len({image.tobytes() for image in drawn}) == 5
    assert all(image.getextrema()[3] == (0, 255) for image in drawn)
