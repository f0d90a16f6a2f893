"""Every scene fills the whole picture, at every shape, and the dice change it."""

import numpy as np
import pytest

from gpt4o_image.simulator.drawing.palettes import PALETTES
from gpt4o_image.simulator.drawing.scenes import SCENES, backdrop
from gpt4o_image.simulator.drawing.words import lexicon


def test_every_scene_that_a_word_names_can_be_drawn():
    assert set(lexicon()["scenes"]) <= set(SCENES)


@pytest.mark.parametrize("scene", [*SCENES, None])
@pytest.mark.parametrize("size", [(64, 64), (64, 200), (200, 64)])
def test_a_scene(scene, size):
    first, second = (backdrop(scene, PALETTES[1], size, np.random.default_rng(seed)) for seed in (1, 2))
    assert (first.mode, first.size) == ("RGB", size)
    assert first.tobytes() != second.tobytes()
    assert len(first.getcolors(1 << 16)) > 50
