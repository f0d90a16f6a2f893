"""What bleeding promises: opaque pixels stay, hidden colours do not matter, visible ones reach everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from gpt4o_image.pictures.bleed import NOISY_BELOW, bleed

SIZES = st.tuples(st.integers(1, 13), st.integers(1, 13), st.just(4))
PICTURES = hnp.arrays(np.uint8, SIZES, elements=st.sampled_from([0, 0, 0, 1, 7, 15, 16, 100, 254, 255, 255]))


@settings(max_examples=150, deadline=None)
@given(PICTURES)
def test_opaque_pixels_are_untouched(rgba):
    rgb = bleed(rgba)
    assert rgb.shape == (*rgba.shape[:2], 3)
    assert rgb.dtype == np.uint8
    kept = rgba[..., 3] >= NOISY_BELOW
    np.testing.assert_array_equal(rgb[kept], rgba[kept][:, :3])


@settings(max_examples=150, deadline=None)
@given(PICTURES, st.integers(0, 2**32 - 1))
def test_colours_under_alpha_0_do_not_matter(rgba, seed):
    other = rgba.copy()
    hidden = rgba[..., 3] == 0
    other[hidden, :3] = np.random.default_rng(seed).integers(0, 256, (hidden.sum(), 3))
    np.testing.assert_array_equal(bleed(other), bleed(rgba))


@settings(max_examples=100, deadline=None)
@given(PICTURES)
def test_no_colour_is_invented(rgba):
    seen = rgba[rgba[..., 3] > 0][:, :3].astype(int)
    if len(seen):
        rgb = bleed(rgba)
        assert (rgb >= seen.min(axis=0) - 1).all()
        assert (rgb <= seen.max(axis=0) + 1).all()


@pytest.mark.parametrize("alpha", [1, 15, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (6, 1), (33, 57), (64, 64)])
def test_one_visible_pixel_reaches_everywhere(shape, alpha):
    rgba = np.zeros((*shape, 4), np.uint8)
    rgba[shape[0] // 3, shape[1] // 2] = 200, 100, 3, alpha
    rgb = bleed(rgba)
    np.testing.assert_array_equal(rgb, np.broadcast_to(np.array([200, 100, 3], np.uint8), rgb.shape))


def test_nothing_visible_is_black():
    rgba = np.full((9, 7, 4), 255, np.uint8)
    rgba[..., 3] = 0
    assert not bleed(rgba).any()


def test_opaque_picture_stays():
    rgba = np.random.default_rng(1).integers(0, 256, (9, 7, 4), np.uint8)
    rgba[..., 3] = 255
    np.testing.assert_array_equal(bleed(rgba), rgba[..., :3])


def test_the_input_is_not_written_to():
    rgba = np.random.default_rng(1).integers(0, 256, (9, 7, 4), np.uint8)
    rgba[2:5, 2:5, 3] = 0
    before = rgba.copy()
    rgba.flags.writeable = False
    bleed(rgba)
    np.testing.assert_array_equal(rgba, before)


def test_near_colours_win():
    rgba = np.zeros((32, 64, 4), np.uint8)
    rgba[:, :8] = 255, 0, 0, 255
    rgba[:, -8:] = 0, 0, 255, 255
    rgb = bleed(rgba).astype(int)
    assert (rgb[:, 8:16, 0] > 200).all()
    assert (rgb[:, -16:-8, 2] > 200).all()


def test_very_low_alpha_fades_into_the_spread_colour():
    rgba = np.zeros((16, 16, 4), np.uint8)
    rgba[:, :8] = 200, 200, 200, 255
    rgba[:4, 8] = 0, 0, 0, 1
    rgba[12:, 8] = 0, 0, 0, NOISY_BELOW
    rgb = bleed(rgba)
    assert (rgb[:4, 8] > 150).all()
    assert not rgb[12:, 8].any()


def resized(plane: np.ndarray, factor: int, resample: Image.Resampling) -> np.ndarray:
    size = (plane.shape[1] * factor, plane.shape[0] * factor)
    return np.asarray(Image.fromarray(plane.astype(np.float32)).resize(size, resample)).clip(0, 255)


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("resample", [Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
@pytest.mark.parametrize("hidden", ["black", "white", "random"])
def test_upscaled_edges_are_free_of_the_hidden_colour(hidden, resample, factor):
    y, x = np.mgrid[:64, :64]
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[..., :3] = 150, 90, 40
    rgba[..., 3] = np.where(np.hypot(x - 30, y - 33) < 20, 255, 0)
    under = rgba[..., 3] == 0
    garbage = {"black": 0, "white": 255, "random": np.random.default_rng(2).integers(0, 256, (under.sum(), 3))}
    rgba[under, :3] = garbage[hidden]
    alpha = resized(rgba[..., 3], factor, resample) / 255

    def fringe(rgb: np.ndarray) -> float:
        colours = np.dstack([resized(rgb[..., channel], factor, resample) for channel in range(3)])
        return float((np.abs(colours - (150, 90, 40)) * alpha[..., None]).mean())

    assert fringe(bleed(rgba)) < 0.01 * fringe(rgba[..., :3])
