"""Strokes: exact where edges are clean, soft where they are soft."""

import numpy as np
from PIL import Image

from gpt4o_image.simulator.drawing.brushes import glow, gradient, jagged, layer, rolling, rounded, shadow_of


def test_a_gradient_runs_from_the_first_stop_to_the_last():
    image = np.asarray(gradient((3, 101), (0, 0, 0), (100, 0, 0), (200, 50, 0)))
    assert image[0, 0].tolist() == [0, 0, 0]
    assert image[50, 2].tolist() == [100, 0, 0]
    assert image[100, 1].tolist() == [200, 50, 0]


def test_a_layer_fills_what_is_below_its_edge():
    image = Image.new("RGB", (4, 10))
    layer(image, np.full(4, 5.25, np.float32), (200, 0, 0), (200, 0, 0))
    column = np.asarray(image)[:, 0, 0].tolist()
    assert column[:5] == [0] * 5
    assert 0 < column[5] < 200
    assert column[6:] == [200] * 4


def test_a_glow_fades_to_nothing_at_its_radius():
    image = Image.new("RGB", (120, 120))
    glow(image, (60, 60), 30, (255, 255, 255), 1.0)
    levels = np.asarray(image)[60, :, 0]
    assert levels[60] > levels[75] > levels[105] == 0


def test_profiles_stay_near_their_base():
    dice = np.random.default_rng(1)
    assert np.abs(rolling(100, 50, 10, 2, dice) - 50).max() <= 10.1
    ridge = jagged(100, 50, 10, 3, dice)
    assert (ridge <= 50).all()
    assert (ridge >= 50 - 10 * 2).all()


def test_masks():
    disc = np.asarray(rounded((40, 40), 20))
    assert (disc[0, 0], disc[20, 20], disc[20, 0]) == (0, 255, 255)
    dot = Image.new("L", (64, 64))
    dot.paste(255, (24, 24, 40, 40))
    shadow = np.asarray(shadow_of(dot, 4, 0.5))
    assert shadow.max() <= 128
    assert 0 < shadow[22, 32] < shadow[32, 32]
