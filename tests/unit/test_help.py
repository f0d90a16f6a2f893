"""The help pages: the same in every language, whole, with pictures that are there, and as the panel can show them."""

import re
from pathlib import Path

import pytest
from PIL import Image

from gpt4o_image.errors import KINDS

DOCS = Path(__file__).parents[2] / "web" / "docs"
LANGUAGES = ("en", "ja", "zh", "zh-TW", "ko")
PAID = ("GPT4oImage_Generate", "GPT4oImage_ImagesAPI")
NODES = (*PAID, "GPT4oImage_References", "GPT4oImage_LoadResult", "GPT4oImage_Prompts")
OTHER_KINDS = {"GPT4oImage_References": ["reference", "cancelled"]}
OTHER_KINDS["GPT4oImage_LoadResult"] = ["config", "pending", "download_failed"]
OTHER_KINDS["GPT4oImage_Prompts"] = ["bad_request"]

PICTURE = re.compile(r"!\[([^\]]+)\]\(([^)]+)\)")
CODE = re.compile(r"`([^`]+)`")
KIND = re.compile(r"^\| `([a-z_]+)` ?[(\uff08]", re.MULTILINE)

each_node = pytest.mark.parametrize("node", NODES)
each_page = pytest.mark.parametrize(
    ("node", "language"), [(node, language) for node in NODES for language in LANGUAGES]
)


def page(node, language):
    return (DOCS / node / f"{language}.md").read_text("utf-8")


def shape(text):
    """What each line is: heading, table row with so many cells, item, picture, paragraph."""
    lines = [line for line in text.split("\n") if line]
    kinds = (("##", 2), ("#", 1), ("|", 0), ("-", 3), ("!", 4))
    found = []
    for line in lines:
        kind = next((number for start, number in kinds if line.startswith(start)), 5)
        found.append((kind, line.count("|")))
    return found


@each_node
def test_other_languages_get_the_english_page(node):
    """The front end asks for <node>/<language>.md, then for <node>.md."""
    assert (DOCS / f"{node}.md").read_bytes() == (DOCS / node / "en.md").read_bytes()


@pytest.mark.parametrize("language", LANGUAGES[1:])
@each_node
def test_a_page_has_the_shape_and_the_code_of_the_english_one(node, language):
    english, translated = page(node, "en"), page(node, language)
    assert shape(translated) == shape(english)
    assert set(CODE.findall(translated)) == set(CODE.findall(english))
    assert [address for _, address in PICTURE.findall(translated)] == [a for _, a in PICTURE.findall(english)]


@each_page
def test_a_page_tells_of_every_kind_of_failure(node, language):
    told = KIND.findall(page(node, language))
    if node in PAID:
        assert sorted(told) == sorted(KINDS)
    else:
        assert told == OTHER_KINDS[node]


def test_both_paid_nodes_tell_the_same_of_failures_and_outputs():
    for language in LANGUAGES:
        rows = [[line for line in page(node, language).split("\n") if line.startswith("|")] for node in PAID]
        common = [row for row in rows[0] if row in rows[1]]
        assert len([row for row in common if KIND.match(row)]) == len(KINDS)
        assert all(any(f"`{output}`" in row for row in common) for output in ("image", "rgb", "mask", "report"))


@each_node
def test_its_pictures_are_there_and_small(node):
    """Addresses are relative to web/docs, for <node>.md and for <node>/<language>.md alike (nodeHelpUtil.ts)."""
    shown = [DOCS / address for _, address in PICTURE.findall(page(node, "en"))]
    assert shown
    assert sorted(shown) == sorted(path for path in (DOCS / node).iterdir() if path.suffix != ".md")
    for path in shown:
        assert path.stat().st_size < 120 * 1024
        with Image.open(path) as picture:
            assert picture.format == "JPEG"
            assert picture.width == 520  # the panel is 262 px wide


@each_page
def test_a_page_has_no_html_but_line_breaks(node, language):
    """The panel cleans HTML away (markdownRendererUtil.ts); what it shows of the rest is looked at in tests/web."""
    text = CODE.sub("", page(node, language))
    assert set(re.findall(r"<[^>]*>", text)) <= {"<br>"}
