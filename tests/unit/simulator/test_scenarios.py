"""The table of scenarios and how names are combined."""

from __future__ import annotations

import re

import pytest

from gpt4o_image.simulator import scenario_names
from gpt4o_image.simulator.files import FILES
from gpt4o_image.simulator.scenarios import SCENARIOS, Scenario, ScenarioError, combine
from gpt4o_image.simulator.shapes import IN_BODY, IN_MESSAGE
from gpt4o_image.simulator.wording import wording


def test_no_name_is_the_documented_answer():
    assert combine([]) == Scenario()


def test_framings_add_up_and_other_fields_join():
    scenario = combine(["ok_b_zh", "crlf", "split_every_char", "slow"])
    assert scenario.framing == ("crlf", "chars")
    assert (scenario.language, scenario.pace) == ("zh", 3.0)


@pytest.mark.parametrize("names", [["ok_n1", "ok_n4"], ["http_400", "http_500"], ["ok_b_zh", "ok_b_ja"]])
def test_contradictions_are_told(names: list[str]):
    with pytest.raises(ScenarioError, match=names[1]):
        combine(names)


def test_an_unknown_name_is_told():
    with pytest.raises(ScenarioError, match="ok_n3"):
        combine(["ok_n3"])


def test_names_can_be_written_as_tags():
    assert scenario_names() == sorted(SCENARIOS)
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in scenario_names())


@pytest.mark.parametrize("name", scenario_names())
def test_every_text_a_scenario_names_exists(name: str):
    scenario, texts = SCENARIOS[name], wording()
    assert scenario.answer in ("", *texts["answers"])
    assert scenario.interruption in ("", *texts["interruptions"])
    assert scenario.text in ("", *texts["texts"])
    assert scenario.picture in texts["pictures"]
    assert scenario.language in ("", *texts["dialects"][scenario.dialect])
    assert scenario.file in ("", *FILES)
    assert scenario.shape in ("", "choices", "completion", *IN_MESSAGE, *IN_BODY)
