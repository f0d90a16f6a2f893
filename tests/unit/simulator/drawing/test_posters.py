"""Posters: a card with the words over a scene; a scene that is named needs no emblem."""

import numpy as np
import pytest

from gpt4o_image.simulator.drawing.palettes import PALETTES
from gpt4o_image.simulator.drawing.posters import draw_poster


def drawn(words, seed=1):
    return draw_poster(words, (192, 192), PALETTES[1], np.random.default_rng(seed), [])


@pytest.mark.parametrize("words", ["city at night", "a fox in the city", "justice", ""])
def test_a_poster_fills_the_picture(words):
    image = drawn(words)
    assert (image.mode, image.size) == ("RGB", (192, 192))
    assert len(image.getcolors(1 << 16)) > 100


def test_the_card_is_there_only_for_words():
    foot = (20, 150, 172, 176)
    with_words, without = np.asarray(drawn("justice").crop(foot)), np.asarray(drawn("").crop(foot))
    assert with_words.std() > without.std()
