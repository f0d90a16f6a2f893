"""The figures of benchmarks/fringe.py, which are the same on every machine."""

import pytest


@pytest.mark.parametrize("factor", [2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("scaler", ["lanczos", "esrgan"])
@pytest.mark.parametrize("shape", ["hard", "soft", "hair"])
def test_hidden_colours_leave_no_fringe(fringe, shape, scaler, factor):
    figures = fringe.fringe(fringe.SHAPES[shape], fringe.SCALERS[scaler], factor)
    assert figures["colour_to_unbled"] < 0.02
    assert figures["error_to_floor"] < 1.001


def test_the_figures_tell_a_fringe(fringe, monkeypatch):
    monkeypatch.setattr(fringe, "bleed", lambda rgba: rgba[..., :3] * (rgba[..., 3:] > 0))
    figures = fringe.fringe(fringe.hard, fringe.lanczos, 2)
    assert figures["colour_to_unbled"] > 0.9
    assert figures["error_to_floor"] > 1.05
