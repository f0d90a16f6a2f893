"""The files of the templates and blueprints, without a ComfyUI: whole, in order, readable as they open."""

import itertools
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from templates import NEEDS_A_CHECKPOINT, TEMPLATES, each_of

ROOT = Path(__file__).parents[2]
BLUEPRINTS = sorted((ROOT / "subgraphs").glob("*.json"))
APPS = ("01", "02", "03", "04", "05")
ADVANCED = {"gateway", "artist_names", "on_failure"}  # App mode shows the label and no field
SCREEN = (1280, 720)
# Below this the classic canvas draws no text: LiteGraph.Canvas.MinFontSizeForLOD, 8, of a text of 14.
READABLE = 0.7
TITLE = 30
PAID = {"GPT4oImage_Generate", "GPT4oImage_ImagesAPI"}
# The height of a node once a picture stands on it, in the front end and canvas that need most for it.
AFTER_A_RUN = {"GPT4oImage_Generate": 770, "GPT4oImage_ImagesAPI": 770, "GPT4oImage_LoadResult": 510}


@pytest.fixture
def workflow(template):
    return json.loads(template.read_text("utf-8"))


def box(node):
    """Left, top, right, bottom, with the title. Of a collapsed node only the title is drawn, no wider than it was."""
    (x, y), (width, height) = node["pos"], node["size"]
    return x, y - TITLE, x + width, y if node["flags"].get("collapsed") else y + height


def corners(group):
    x, y, width, height = group["bounding"]
    return x, y, x + width, y + height


def holds(outer, inner):
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_they_are_numbered_in_the_order_in_which_they_are_read():
    names = [template.stem for template in TEMPLATES]
    assert [name[:3] for name in names] == [f"{number:02} " for number in range(1, len(names) + 1)]
    assert "Sticker" in names[0]
    assert names[-1] == NEEDS_A_CHECKPOINT


@each_of(TEMPLATES)
def test_its_name_is_its_title_and_fits_an_address(template):
    assert re.fullmatch(r"\d\d [A-Z][A-Za-z0-9, ]+", template.stem)


@each_of(TEMPLATES)
def test_it_has_a_small_thumbnail_and_no_path(template):
    text = template.read_text("utf-8")
    assert not any(mark in text for mark in ("sk-", "/home/", "/root/", "C:\\\\", "/tmp/"))
    thumbnail = template.with_suffix(".jpg")
    assert 0 < thumbnail.stat().st_size <= 200 * 1024
    with Image.open(thumbnail) as picture:
        assert picture.format == "JPEG"


def test_nothing_else_lies_in_the_folder():
    wanted = {template.with_suffix(suffix) for template in TEMPLATES for suffix in (".json", ".jpg")}
    assert set((ROOT / "example_workflows").iterdir()) == wanted


def test_each_has_an_id_of_its_own():
    ids = [json.loads(template.read_text("utf-8"))["id"] for template in TEMPLATES]
    assert len(set(ids)) == len(ids)


@each_of(TEMPLATES)
def test_its_links_have_two_ends(workflow):
    nodes = {node["id"]: node for node in workflow["nodes"]}
    at_outputs = [link for node in nodes.values() for each in node["outputs"] for link in each["links"] or []]
    at_inputs = [each["link"] for node in nodes.values() for each in node["inputs"] if each["link"] is not None]
    for link, source, output, target, socket, kind in workflow["links"]:
        assert link in nodes[source]["outputs"][output]["links"]
        assert nodes[target]["inputs"][socket]["link"] == link
        assert {nodes[source]["outputs"][output]["type"], nodes[target]["inputs"][socket]["type"]} <= {kind, "*"}
    assert sorted(at_outputs) == sorted(at_inputs) == sorted(link[0] for link in workflow["links"])


@each_of(TEMPLATES)
def test_each_node_is_in_one_group_before_and_after_a_run(workflow):
    groups = [corners(group) for group in workflow["groups"]]
    for node in workflow["nodes"]:
        left, top, right, bottom = box(node)
        if not node["flags"].get("collapsed"):
            bottom = max(bottom, node["pos"][1] + AFTER_A_RUN.get(node["type"], 0))
        assert [holds(group, (left, top, right, bottom)) for group in groups].count(True) == 1, node["type"]


@each_of(TEMPLATES)
def test_nothing_lies_on_anything_else(workflow):
    for boxes in (map(box, workflow["nodes"]), map(corners, workflow["groups"])):
        assert not any(overlap(*pair) for pair in itertools.combinations(boxes, 2))


@each_of(TEMPLATES)
def test_it_is_readable_as_it_opens(workflow):
    """The front end fits the nodes, and 10 pixels around them, into three quarters of the window (fitToBounds)."""
    left, top, right, bottom = zip(*map(box, workflow["nodes"]), strict=True)
    width, height = max(right) - min(left) + 20, max(bottom) - min(top) + 20
    assert 0.75 * min(SCREEN[0] / width, SCREEN[1] / height) >= READABLE


@each_of(TEMPLATES)
def test_no_two_nodes_ask_for_the_same_picture(workflow):
    asked = [json.dumps(node["widgets_values"]) for node in workflow["nodes"] if node["type"] in PAID]
    assert len(set(asked)) == len(asked)


@each_of(TEMPLATES)
def test_what_an_app_shows_is_there(template, workflow):
    app = workflow["extra"].get("linearData")
    assert (app is not None) == template.stem.startswith(APPS)
    assert "linearMode" not in workflow["extra"]  # it opens as a graph
    nodes = {node["id"]: node for node in workflow["nodes"]}
    for node, name in (app or {}).get("inputs", []):
        (shown,) = [each for each in nodes[node]["inputs"] if each["name"] == name]
        assert shown["widget"]
        assert name not in ADVANCED
        assert shown["link"] is None
    for node in (app or {}).get("outputs", []):
        assert nodes[node]["type"] == "SaveImage"


@pytest.mark.parametrize("blueprint", BLUEPRINTS, ids=lambda path: path.stem)
def test_a_blueprint_is_one_node_of_its_name(blueprint):
    workflow = json.loads(blueprint.read_text("utf-8"))
    (node,), (inside,) = workflow["nodes"], workflow["definitions"]["subgraphs"]
    assert node["type"] == inside["id"]
    assert blueprint.stem == node["title"] == inside["name"]
    for side in ("inputs", "outputs"):
        assert [(each["name"], each["type"]) for each in node[side]] == [
            (each["name"], each["type"]) for each in inside[side]
        ]


@pytest.mark.parametrize("blueprint", BLUEPRINTS, ids=lambda path: path.stem)
def test_a_blueprint_is_wired_inside(blueprint):
    (inside,) = json.loads(blueprint.read_text("utf-8"))["definitions"]["subgraphs"]
    nodes = {node["id"]: node for node in inside["nodes"]}
    for link in inside["links"]:
        source, target = link["origin_id"], link["target_id"]
        out = nodes[source]["outputs"] if source in nodes else inside["inputs"]
        into = nodes[target]["inputs"] if target in nodes else inside["outputs"]
        start, end = out[link["origin_slot"]], into[link["target_slot"]]
        assert link["id"] in start.get("links", start.get("linkIds"))
        assert link["id"] in (end["linkIds"] if "linkIds" in end else [end["link"]])
        assert start["type"] == end["type"] == link["type"]
    assert len({link["id"] for link in inside["links"]}) == len(inside["links"])


def test_blueprints_have_ids_of_their_own():
    ids = [json.loads(each.read_text("utf-8"))["nodes"][0]["type"] for each in BLUEPRINTS]
    assert len(set(ids)) == len(ids) == 3
