"""What the simulator reads out of a prompt."""

from __future__ import annotations

import pytest

from gpt4o_image.simulator.asked import find_background, find_count, find_language, find_ratio, read_prompt


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Number of images: 1", 1),
        ("number of pictures: 4.", 4),
        ("Number of images 2", 2),
        ("4 images", 4),
        ("Make exactly 1 picture.", 1),
        ("Give me 2 different images of it", 2),
        ("exactly one image", 1),
        ('{"prompt": "x", "n": 4}', 4),
        ("a fox, n=4", 4),
        ("Images: 4", 4),
        ("Number of images: 4\nNumber of images: 1", 1),
        ("\u753b\u50cf\u30924\u679a", 4),
        ("\u751f\u62101\u5f20\u56fe\u7247", 1),
        ("", None),
        ("a fox", None),
        ("put the hat of image 1 on the man of image 2", None),
        ("Image 1: a hat. Picture 2 shows a man.", None),
        ("14 images of 1950", None),
        ("Images: 12", None),
        ("a clock that says 1:1 images", None),
        ("use the 2 reference images", None),
        ("3 images", None),
    ],
)
def test_count(text: str, count: int | None):
    assert find_count(text) == count


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("a fox, 2:3", "2:3"),
        ("a fox (3:2)", "3:2"),
        ("1 : 1 square", "1:1"),
        ("2\uff1a3\u306e\u30dd\u30fc\u30c8\u30ec\u30fc\u30c8", "2:3"),
        ("1:1 first\nAspect ratio: 3:2.", "3:2"),
        ("at 12:30 or 2:35", ""),
        ("1:2 and 3:3", ""),
        ("16:9", ""),
    ],
)
def test_ratio(text: str, ratio: str):
    assert find_ratio(text) == ratio


@pytest.mark.parametrize(
    ("text", "background"),
    [
        ("a sticker on a transparent background", "transparent"),
        ("Background: transparent", "transparent"),
        ("TRANSPARENT\nBACKGROUND", "transparent"),
        ("\u900f\u660e\u306a\u80cc\u666f\u3067", "transparent"),
        ("\u80cc\u666f\u3092\u900f\u660e\u306b", "transparent"),
        ("\u900f\u660e\u80cc\u666f", "transparent"),
        ("Opaque background, no transparency.", "opaque"),
        ("Background: opaque", "opaque"),
        ("\u4e0d\u900f\u660e\u306a\u80cc\u666f", "opaque"),
        ("not a transparent background", "opaque"),
        ("a transparent glass", ""),
        ("a fox", ""),
    ],
)
def test_background(text: str, background: str):
    assert find_background(text) == background


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("a fox", "en"),
        ("\u72d0\u72f8", "zh"),
        ("\u30ad\u30c4\u30cd\u306e\u7d75", "ja"),
        ("\u72d0\u306e\u7d75", "ja"),
        ("un caf\u00e9", "en"),
    ],
)
def test_language(text: str, language: str):
    assert find_language(text) == language


def test_tags_are_found_anywhere_once_and_leave_the_words():
    asked = read_prompt("[[slow]] a fox [[ one_chunk ]][[slow]]\n[not a tag] [[\u72d0]]")
    assert asked.tags == ("slow", "one_chunk")
    assert asked.words == "a fox\n[not a tag] [[\u72d0]]"
    assert asked.language == "zh"


def test_words_leave_out_instructions_but_never_the_first_line():
    prompt = "A fox, 2:3\nwith a red hat\nAspect ratio: 3:2\nNumber of images: 1\nTransparent background, real alpha."
    asked = read_prompt(prompt)
    assert asked.words == "A fox, 2:3\nwith a red hat"
    assert (asked.ratio, asked.count, asked.transparent) == ("3:2", 1, True)
