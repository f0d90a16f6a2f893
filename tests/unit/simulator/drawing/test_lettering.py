"""Words without boxes: every glyph is there or left out, lines break where they may and stay in their room."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from unit.simulator.drawing.samples import ENGLISH, JAPANESE, SAMPLES

from gpt4o_image.simulator.drawing.lettering import draw_block, fit, legible, load


@pytest.mark.parametrize("words", SAMPLES)
def test_every_character_of_the_samples_has_a_glyph(words):
    assert legible(words) == words
    font = load(32)
    missing = bytes(font.getmask("\uffff"))  # .notdef
    assert [character for character in words if character != " " and bytes(font.getmask(character)) == missing] == []


def test_what_the_font_lacks_is_left_out():
    assert legible("sun \U0001f305 and\ufe0f \U0001f468\u200d\U0001f469 sea\n\n\tagain\x00") == "sun and sea again"
    assert legible("\U0001f305\u0e01\ue000") == ""
    assert load(40).getmask("\U0001f305").getbbox() is None  # even when asked, the font draws no box


@pytest.mark.parametrize("words", [*SAMPLES[:3], ENGLISH * 8, "x" * 900])
@pytest.mark.parametrize("room", [(400, 200), (12, 8)])
def test_lines_stay_in_their_room(words, room):
    block = fit(legible(words), *room, range(6, 61), 5)
    font = load(block.size_px)
    assert 1 <= len(block.lines) <= 5
    assert block.height <= room[1]
    if room[0] > 4 * block.size_px:
        assert max(font.getlength(line) for line in block.lines) <= room[0]


def test_type_is_as_large_as_it_goes():
    block = fit("a fox", 400, 200, range(6, 61), 5)
    assert (block.lines, block.size_px) == (["a fox"], 60)
    assert fit("a fox", 60, 200, range(6, 61), 5).size_px < 60


def test_line_breaks():
    block = fit("The quick brown fox jumps over the lazy dog", 160, 400, range(20, 21), 9)
    assert " ".join(block.lines) == "The quick brown fox jumps over the lazy dog"
    block = fit(JAPANESE, 120, 400, range(20, 21), 12)
    assert "".join(block.lines) == JAPANESE
    assert not any(line[0] in "\u3001\u3002\u300d\u3063\u30a7" or line[-1] == "\u300c" for line in block.lines)
    assert any("\u30cd\u30aa\u30f3" in line for line in block.lines)  # a loan word stays whole


def test_no_lone_word_is_left_on_the_last_line():
    wide = load(20).getlength("An ink drawing of it") + 1
    assert fit("An ink drawing of it all", round(wide), 400, range(20, 21), 9).lines == ["An ink drawing", "of it all"]


def test_too_many_words_end_in_a_mark():
    block = fit(legible(ENGLISH * 9), 200, 60, range(12, 21), 3)
    assert block.lines[-1].endswith("...")
    assert len(block.lines) == 3
    assert legible("word " * 900).endswith("...")


def test_lettering_is_drawn():
    image = Image.new("RGB", (200, 60))
    draw_block(ImageDraw.Draw(image), fit(JAPANESE[:6], 200, 60, range(8, 31), 2), 0, 0, (255, 255, 255), centred=False)
    assert np.asarray(image).mean() > 10
