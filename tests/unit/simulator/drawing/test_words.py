"""What a prompt names: the right thing or nothing, in each language of the list."""

import pytest

from gpt4o_image.simulator.drawing.words import lexicon, named

OWL, FOX, CAT, DOG, BOAT, PANDA, HOTDOG, MOON = (
    "\U0001f989", "\U0001f98a", "\U0001f431", "\U0001f436", "\u26f5", "\U0001f43c", "\U0001f32d", "\U0001f319",
)  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "subjects"),
    [
        ("a snowy owl", [OWL]),
        ("Two FOXES and a cat", [FOX, CAT]),
        ("a fox, a fox and a fox", [FOX]),
        ("a delicate category", []),
        ("An ink drawing of justice", []),
        ("a hot-dog stand", [HOTDOG]),
        ("a paper boat", [BOAT]),
        ("a dog\nand a cat under the moon with a fox", [DOG, CAT, MOON]),
        ("\U0001f98a in the snow", [FOX]),
        ("\u718a\u732b", [PANDA]),  # bear + cat
        ("\u30af\u30ea\u30b9\u30de\u30b9\u306e\u30d1\u30f3\u30c0", ["\U0001f384", PANDA]),
        ("\u96ea\u306e\u4e2d\u306e\u72d0", [FOX]),
        ("\u732b\u5934\u9e70", [OWL]),  # begins with the character for cat
        ("\uc5ec\uc6b0 \ud55c \ub9c8\ub9ac", [FOX]),
        ("", []),
    ],
)
def test_subjects(prompt, subjects):
    assert named("subjects", prompt) == subjects


@pytest.mark.parametrize(
    ("prompt", "scenes"),
    [
        ("a paper boat on the sea", ["sea"]),
        ("Tokyo streets at night", ["city"]),
        ("a season of capacity", []),
        ("\u661f\u7a7a\u306e\u4e0b\u306e\u6d77", ["space", "sea"]),
    ],
)
def test_scenes(prompt, scenes):
    assert named("scenes", prompt) == scenes


def test_no_word_names_two_things():
    for kind in ("subjects", "scenes"):
        words = [word for listed in lexicon()[kind].values() for word in listed]
        assert sorted(words) == sorted(set(words))
        assert all(word == word.lower().strip() for word in words)
