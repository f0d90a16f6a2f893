"""Colour schemes of the simulated pictures. Data only."""

from __future__ import annotations

from typing import NamedTuple

Color = tuple[int, int, int]


class Palette(NamedTuple):
    """Sky from high to low, land from far to near, and the colours of light, accents and lettering."""

    high: Color
    middle: Color
    low: Color
    far: Color
    near: Color
    light: Color
    accent: Color
    ink: Color
    paper: Color


def mix(one: Color, other: Color, share: float) -> Color:
    """`share` 0 gives one, 1 gives other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


PALETTES = tuple(
    Palette(*((code[0], code[1], code[2]) for code in map(bytes.fromhex, colors.split())))
    for colors in (
        # high middle low far near light accent ink paper
        "355c7d c06c84 f8b195 b0738a 2a2647 fff1d0 f67280 2b2440 fff6ea",  # dawn
        "0b7a8f 5fc9c4 d9f2e3 6fb7b1 0c3b48 fffbe0 ff8a5b 0d3540 f4fbf6",  # lagoon
        "1b1b4b 5b3f92 f08fb0 7a5aa6 16133a ffe6a7 ff9f6e 1f1848 fdf2f8",  # dusk
        "7cc6ee bfe8dc fdf6d3 9ccba6 23573f fffbd6 f2715a 1f4534 fbfaea",  # meadow
        "3d1f2e a63d40 f2a65a b8574a 2a1420 fff0c9 ffb347 3a1722 fff4e3",  # ember
        "3a6ea5 8fb8de eef5fb 9db8d4 1f3a5f ffffff ff7f7f 1b3354 f7fbff",  # frost
        "7aa095 c5d5b5 f6edd1 a6b894 33483c fff9e0 d9734e 2c3f35 fbf8ec",  # sage
        "070b24 1e2a63 5a6fb8 3a4c94 060818 ffeec2 7ce0d3 0f1740 f1f4ff",  # midnight
    )
)
