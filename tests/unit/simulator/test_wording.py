"""The data file: every answer has a status and a body, every placeholder is one that is filled."""

from __future__ import annotations

import re
from http import HTTPStatus

import pytest

from gpt4o_image.simulator.wording import fill, wording

KNOWN = {"tid", "path", "model", "task", "key", "problem", "names"}


@pytest.mark.parametrize("name", wording()["answers"])
def test_an_answer(name: str):
    answer = wording()["answers"][name]
    assert HTTPStatus(answer["status"])
    assert ("json" in answer) != ("text" in answer)
    assert ("text" in answer) == ("type" in answer)
    assert set(re.findall(r"\$\{(\w+)\}", str(answer))) <= KNOWN


def test_filling_goes_deep_and_only_once():
    assert fill({"a": ["${x}", 1], "b": "${y}"}, {"x": "${y}", "y": "z"}) == {"a": ["${y}", 1], "b": "z"}
    assert fill("costs $5 ${unknown}", {}) == "costs $5 ${unknown}"
