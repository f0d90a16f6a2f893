"""Decoded pictures as float batches and as previews."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gpt4o_image.pictures.batch import canvas, flatten, preview
from gpt4o_image.pictures.bleed import bleed
from gpt4o_image.pictures.decode import Decoded
from gpt4o_image.pictures.formats import PictureTooLarge

HEIGHT, WIDTH = 5, 7
RNG = np.random.default_rng(20260801)
RGB = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
ALPHA = RNG.integers(0, 255, (HEIGHT, WIDTH), np.uint8)
ALPHA[0, :3] = 0, 255, 1
RGBA = np.dstack([RGB, ALPHA])


def picture(pixels: np.ndarray) -> Decoded:
    mode = "RGBA" if pixels.shape[2] == 4 else "RGB"
    return Decoded(lambda: Image.fromarray(pixels), pixels.shape[1], pixels.shape[0], mode, "image/png")


class TestCanvas:
    def test_opaque(self):
        batch = canvas([picture(RGB), picture(RGB[::-1])])
        assert batch.image.shape == (2, HEIGHT, WIDTH, 3)
        assert batch.rgb is batch.image
        assert batch.mask.shape == (2, HEIGHT, WIDTH)
        assert not batch.mask.any()
        assert not batch.mixed
        np.testing.assert_array_equal(batch.image[1], RGB[::-1].astype(np.float32) / 255.0)

    def test_values_are_exact(self):
        every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
        batch = canvas([picture(np.concatenate([every] * 4, axis=2))])
        loaded = every[..., 0].astype(np.float32) / 255.0  # LoadImage's own line
        for channel in range(4):
            np.testing.assert_array_equal(batch.image[0, ..., channel], loaded)
        np.testing.assert_array_equal(batch.mask[0], 1.0 - loaded)
        np.testing.assert_array_equal(np.rint(batch.image[0, ..., 3] * 255), every[..., 0])
        for array in (batch.image, batch.rgb, batch.mask):
            assert array.dtype == np.float32
            assert array.flags.c_contiguous
            assert array.flags.writeable
            assert array.min() >= 0
            assert array.max() <= 1

    def test_an_opaque_picture_beside_a_transparent_one(self):
        batch = canvas([picture(RGB), picture(RGBA)])
        assert batch.image.shape == (2, HEIGHT, WIDTH, 4)
        assert not batch.mixed
        assert (batch.image[0, ..., 3] == 1).all()
        np.testing.assert_array_equal(np.rint(batch.rgb[0] * 255), RGB)
        np.testing.assert_array_equal(np.rint(batch.image[1] * 255), RGBA)
        assert not batch.mask[0].any()

    def test_mixed_sizes_are_centred_and_not_resampled(self):
        tall = RNG.integers(0, 256, (9, 3, 3), np.uint8)
        batch = canvas([picture(RGB), picture(tall), picture(RGBA)])
        assert batch.mixed
        assert batch.image.shape == (3, 9, WIDTH, 4)
        assert batch.rgb.shape == (3, 9, WIDTH, 3)
        expected = np.zeros((9, WIDTH, 4))
        expected[2:7] = np.dstack([RGB, np.full((HEIGHT, WIDTH), 255)])
        np.testing.assert_array_equal(np.rint(batch.image[0] * 255), expected)
        np.testing.assert_array_equal(batch.mask[0, 2:7], 0)
        np.testing.assert_array_equal(batch.mask[0, :2], 1)
        np.testing.assert_array_equal(np.rint(batch.image[1, :, 2:5, :3] * 255), tall)
        np.testing.assert_array_equal(batch.mask[1, :, [0, 1, 5, 6]], 1)
        np.testing.assert_array_equal(np.rint(batch.image[2, 2:7] * 255), RGBA)

    def test_too_large(self):
        wide, tall = (
            Decoded(lambda: pytest.fail("it was loaded"), width, height, "RGB", "image/png")
            for width, height in ((64_000_000, 1), (1, 64_000_000))
        )
        with pytest.raises(PictureTooLarge, match="canvas of 64000000 x 64000000"):
            canvas([wide, tall])
        with pytest.raises(PictureTooLarge, match="3 pictures"):
            canvas([wide] * 3)

    @pytest.mark.parametrize("height", [1, 63, 64, 65, 130])
    def test_rows_of_all_strips(self, height):
        """Each strip is bled as the whole picture is."""
        rgba = np.random.default_rng(height).integers(0, 256, (height, 37, 4), np.uint8)
        rgba[: height // 2, 5:30, 3] = 0
        batch = canvas([picture(rgba)])
        np.testing.assert_array_equal(np.rint(batch.image[0] * 255), rgba)
        np.testing.assert_array_equal(np.rint(batch.rgb[0] * 255), bleed(rgba))
        np.testing.assert_array_equal(batch.mask[0], 1 - batch.image[0, ..., 3])
        opaque = canvas([picture(np.ascontiguousarray(rgba[..., :3]))])
        np.testing.assert_array_equal(np.rint(opaque.image[0] * 255), rgba[..., :3])

    def test_nothing_but_faint_pixels(self):
        rgba = np.zeros((70, 40, 4), np.uint8)
        rgba[60:, 9] = 200, 100, 3, 9
        batch = canvas([picture(rgba), picture(RGBA)])
        np.testing.assert_array_equal(np.rint(batch.rgb[0, 0, 0] * 255), (200, 100, 3))

    def test_nothing(self):
        with pytest.raises(ValueError, match="at least one"):
            canvas([])


class TestPreview:
    def test_over_a_colour(self):
        pixels = np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [255, 255, 255, 128]]], np.uint8)
        np.testing.assert_array_equal(flatten(pixels, (0, 0, 0)), [[[0, 0, 0], [10, 20, 30], [128, 128, 128]]])

    def test_over_a_checker(self):
        flat = np.asarray(preview(Image.fromarray(np.zeros((40, 40, 4), np.uint8))))
        assert flat.shape == (40, 40, 3)
        assert len(np.unique(flat)) == 2
        assert flat[0, 0, 0] != flat[0, 16, 0]
        assert flat[0, 0, 0] == flat[16, 16, 0]

    def test_opaque_pixels_stay(self):
        np.testing.assert_array_equal(flatten(RGB, (0, 0, 0)), RGB)

    @pytest.mark.parametrize("channels", [3, 4])
    def test_small_and_rgb(self, channels):
        small = preview(Image.fromarray(np.zeros((1536, 1024, channels), np.uint8)))
        assert small.mode == "RGB"
        assert small.size == (341, 512)
