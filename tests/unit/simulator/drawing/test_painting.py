"""Whole pictures: same in, same out; another seed, another picture; size, mode, words and references as asked for."""

import io

import numpy as np
import pytest
from PIL import Image
from unit.simulator.drawing.samples import ENGLISH, JAPANESE, RED, SAMPLES, count, encoded, pixels

from gpt4o_image.simulator.drawing.painting import paint

SIZES = [(160, 160), (160, 240), (240, 160), (64, 64)]


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_size_mode_and_repeatability(size, transparent):
    first = paint(JAPANESE, size, transparent=transparent, seed=2)
    image = Image.open(io.BytesIO(first))
    assert (image.format, image.size, image.mode) == ("PNG", size, "RGBA" if transparent else "RGB")
    assert paint(JAPANESE, size, transparent=transparent, seed=2) == first


def test_a_full_size():
    assert pixels(paint(ENGLISH, (1024, 1536), transparent=True, seed=0)).shape == (1536, 1024, 4)


@pytest.mark.parametrize("transparent", [False, True])
def test_seeds_and_words_make_other_pictures(transparent):
    words = [ENGLISH] * 9 + SAMPLES[1:] + ["", "a cat"]
    pictures = {paint(text, (96, 96), transparent=transparent, seed=n % 9) for n, text in enumerate(words)}
    assert len(pictures) == len(words)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("words", ["", ENGLISH, JAPANESE * 20, "a red fox"])
def test_alpha_is_soft_and_whole(words, size):
    references = [encoded(Image.new("RGB", (8, 8), RED))] * 16
    for seed in range(3):
        shown = references if seed == 0 else []
        alpha = pixels(paint(words, size, transparent=True, seed=seed, references=shown))[..., 3]
        border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
        assert alpha[0, 0] == alpha[0, -1] == alpha[-1, 0] == alpha[-1, -1] == 0
        assert border.max() < 64  # nothing is cut off at the edge
        assert alpha.max() == 255
        partial = alpha[(alpha > 0) & (alpha < 255)]
        assert partial.size >= alpha.size * 0.01
        assert len(np.unique(partial)) >= 24


@pytest.mark.parametrize("transparent", [False, True])
def test_the_subject_is_drawn(transparent):
    """A fox is orange, and no palette is."""
    orange = (255, 130, 42)
    for seed in range(4):
        with_fox = count(pixels(paint("a red fox", (160, 160), transparent=transparent, seed=seed)), orange, 12)
        without = count(pixels(paint("a red thing", (160, 160), transparent=transparent, seed=seed)), orange, 12)
        assert with_fox > 400 > 40 > without


@pytest.mark.parametrize("transparent", [False, True])
def test_references_are_seen(transparent):
    red = encoded(Image.new("RGB", (40, 20), RED), "PNG")
    empty = encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0)))
    for seed in range(4):
        picture = pixels(paint("", (256, 256), transparent=transparent, seed=seed, references=[red, empty]))
        assert count(picture, RED) > 100
        assert count(picture, (204, 204, 204), 0) > 40  # the checkerboard below a transparent reference
        without = pixels(paint("", (256, 256), transparent=transparent, seed=seed, references=[empty]))
        assert count(without, RED) == 0


def test_references_keep_their_order():
    colors = [(222, 30, 30), (30, 30, 222), (30, 160, 30)]
    tiles = [encoded(Image.new("RGB", (9, 9), color)) for color in colors]
    picture = pixels(paint(ENGLISH, (384, 256), transparent=False, seed=0, references=tiles)).astype(int)
    columns = [np.nonzero((np.abs(picture - color).max(axis=-1) <= 6).sum(axis=0) > 8)[0].mean() for color in colors]
    assert columns == sorted(columns)


@pytest.mark.parametrize("size", [(1, 1), (9, 9), (40, 300), (300, 40)])
@pytest.mark.parametrize("transparent", [False, True])
def test_odd_sizes(size, transparent):
    png = paint(ENGLISH, size, transparent=transparent, seed=3, references=[b"?"] * 20)
    assert Image.open(io.BytesIO(png)).size == size


def test_half_a_surrogate_pair_is_painted():
    assert paint("a \ud83d fox", (64, 64), transparent=False, seed=1)
