"""Colours: lettering can be read on its paper in every palette."""

import pytest

from gpt4o_image.simulator.drawing.palettes import PALETTES, mix


def luminance(color):
    linear = [(c / 255 / 12.92) if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", PALETTES)
def test_contrast(palette):
    """WCAG asks for 4.5 to 1."""
    assert (luminance(palette.paper) + 0.05) / (luminance(palette.ink) + 0.05) > 4.5
    assert (luminance(palette.paper) + 0.05) / (luminance(palette.near) + 0.05) > 4.5


def test_mix():
    assert mix((0, 0, 0), (255, 100, 3), 0) == (0, 0, 0)
    assert mix((0, 0, 0), (255, 100, 3), 1) == (255, 100, 3)
    assert mix((0, 0, 0), (200, 100, 0), 0.5) == (100, 50, 0)
