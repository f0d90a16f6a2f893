"""The bodies that carry pictures other than as links in a text: documented forms, each picture once and in order."""

from __future__ import annotations

import base64
import json

import pytest

from gpt4o_image.simulator.links import Links, make_links
from gpt4o_image.simulator.shapes import IN_BODY, IN_MESSAGE, body, holds_data, message_fields


def pictures() -> list[Links]:
    made = [make_links("http://gw", "seed", index, task="task_1", day="20250421") for index in range(2)]
    return [
        Links(links.gen, links.cdn, links.download, links.signed, links.thumb, links.gen.encode()) for links in made
    ]


@pytest.mark.parametrize("shape", [*IN_MESSAGE, *IN_BODY])
def test_every_picture_is_in_it_once_and_in_order(shape: str):
    shown = pictures()
    value = message_fields(shape, shown) if shape in IN_MESSAGE else body(shape, shown, 1)
    text = json.dumps(value)
    marks = [links.base64 if holds_data(shape) else links.cdn for links in shown]
    assert [text.count(mark) for mark in marks] == [1, 1]
    assert text.index(marks[0]) < text.index(marks[1])
    assert base64.b64decode(shown[0].base64) == shown[0].data


def test_the_documented_forms():
    first = pictures()[:1]
    inline = first[0].base64
    assert message_fields("multi_mod_content", first) == {
        "multi_mod_content": [{"inline_data": {"data": inline, "mime_type": "image/png"}}]
    }
    assert body("data_b64", first, 7) == {"created": 7, "data": [{"b64_json": inline}]}
    assert message_fields("image_urls", first)["images"][0]["image_url"]["url"] == f"data:image/png;base64,{inline}"
    assert message_fields("choices", first) == {}
