"""A saved workflow becomes the graph that ComfyUI's own frontend would have posted."""

import pytest

from gpt4o_image.command.workflow import to_prompt
from gpt4o_image.errors import GPT4oImageError

# What /object_info says, cut down to what counts; the shapes are those of ComfyUI 0.33.0.
OBJECT_INFO = {
    "Paint": {
        "input": {
            "required": {
                "prompt": ["STRING", {"multiline": True}],
                "model": ["COMBO", {"options": ["vip", "plain"]}],
                "seed": ["INT", {"default": 0, "control_after_generate": True}],
                "gateway": ["COMBO", {"options": ["default", "simulator"], "default": "default"}],
                "references": [
                    "COMFY_AUTOGROW_V3",
                    {"template": {"names": ["image_01", "image_02"], "min": 1}},
                ],
            },
            "optional": {"prepared": ["GPT4O_REFERENCES", {}]},
        }
    },
    "LoadImage": {"input": {"required": {"image": [["a.png", "b.png"], {"image_upload": True}]}}},
    "SaveImage": {
        "input": {
            "required": {"images": ["IMAGE", {}], "filename_prefix": ["STRING", {"default": "ComfyUI"}]},
            "hidden": {"prompt": "PROMPT"},
        }
    },
    "Plain": {
        "input": {
            "required": {
                "noise_seed": ["INT", {"default": 7}],
                "steps": ["INT", {"default": 20}],
                "fixed": ["INT", {"default": 1, "control_after_generate": False}],
                "socket": ["FLOAT", {"forceInput": True}],
                "flag": ["BOOLEAN", {}],
            }
        }
    },
    "Dynamic": {"input": {"required": {"choice": ["COMFY_DYNAMICCOMBO_V3", {"options": []}]}}},
}

PAINT_VALUES = ["a cat", "plain", 5, "randomize", "simulator"]


def node(node_id, kind, values=(), links=(), mode=0):
    """A node of a saved workflow; `links` are (input name, link id or None)."""
    inputs = [{"name": name, "type": "*", "link": link} for name, link in links]
    return {"id": node_id, "type": kind, "mode": mode, "inputs": inputs, "widgets_values": list(values)}


def paint_and_save(**changes):
    workflow = {
        "version": 0.4,
        "nodes": [
            node(3, "LoadImage", ["b.png", "image"]),
            node(1, "Paint", PAINT_VALUES, [("references.image_01", 11), ("references.image_02", None)]),
            node(2, "SaveImage", ["out"], [("images", 12)]),
        ],
        "links": [[11, 3, 0, 1, 5, "IMAGE"], [12, 1, 1, 2, 0, "IMAGE"]],
    }
    return {**workflow, **changes}


EXPECTED = {
    "3": {"class_type": "LoadImage", "inputs": {"image": "b.png"}},
    "1": {
        "class_type": "Paint",
        "inputs": {
            "prompt": "a cat",
            "model": "plain",
            "seed": 5,
            "gateway": "simulator",
            "references.image_01": ["3", 0],
        },
    },
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 1], "filename_prefix": "out"}},
}


def test_widgets_links_autogrow_and_the_control_widget():
    assert to_prompt(paint_and_save(), OBJECT_INFO) == EXPECTED


def test_format_1_has_links_as_objects():
    links = [
        {"id": 11, "origin_id": 3, "origin_slot": 0, "target_id": 1, "target_slot": 5, "type": "IMAGE"},
        {"id": 12, "origin_id": 1, "origin_slot": 1, "target_id": 2, "target_slot": 0, "type": "IMAGE"},
    ]
    assert to_prompt(paint_and_save(version=1, links=links), OBJECT_INFO) == EXPECTED


def test_widget_values_saved_by_name():
    nodes = paint_and_save()["nodes"]
    nodes[2]["widgets_values"] = {"filename_prefix": "by name"}
    assert to_prompt(paint_and_save(nodes=nodes), OBJECT_INFO)["2"]["inputs"]["filename_prefix"] == "by name"


def test_a_linked_widget_keeps_its_place_in_the_saved_values():
    nodes = paint_and_save()["nodes"]
    nodes[1]["inputs"].append({"name": "prompt", "type": "STRING", "link": 13, "widget": {"name": "prompt"}})
    links = [*paint_and_save()["links"], [13, 3, 1, 1, 0, "STRING"]]
    inputs = to_prompt(paint_and_save(nodes=nodes, links=links), OBJECT_INFO)["1"]["inputs"]
    assert inputs["prompt"] == ["3", 1]
    assert (inputs["model"], inputs["gateway"]) == ("plain", "simulator")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([9, "fixed", 30, 2, True], {"noise_seed": 9, "steps": 30, "fixed": 2, "flag": True}),
        ([9, "increment"], {"noise_seed": 9, "steps": 20, "fixed": 1, "flag": False}),
        ([], {"noise_seed": 7, "steps": 20, "fixed": 1, "flag": False}),
        (
            [9, "fixed", 30, 2, True, "text the host added"],
            {"noise_seed": 9, "steps": 30, "fixed": 2, "flag": True},
        ),
    ],
    ids=["all", "saved before there were more widgets", "none", "one too many"],
)
def test_seeds_have_a_control_widget_unless_it_is_switched_off(values, expected):
    workflow = {"nodes": [node(1, "Plain", values)], "links": []}
    assert to_prompt(workflow, OBJECT_INFO)["1"]["inputs"] == expected


def test_a_combo_without_a_saved_value_has_its_default_or_first_option():
    inputs = to_prompt({"nodes": [node(1, "Paint"), node(2, "LoadImage")], "links": []}, OBJECT_INFO)
    assert inputs["1"]["inputs"] == {"prompt": "", "model": "vip", "seed": 0, "gateway": "default"}
    assert inputs["2"]["inputs"] == {"image": "a.png"}


def test_notes_are_left_out():
    nodes = [
        *paint_and_save()["nodes"],
        node(8, "Note", ["read me"]),
        node(9, "MarkdownNote", ["# me"], mode=4),
    ]
    assert to_prompt(paint_and_save(nodes=nodes), OBJECT_INFO) == EXPECTED


def test_a_muted_node_and_the_links_that_come_from_it_are_left_out():
    nodes = paint_and_save()["nodes"]
    nodes[0]["mode"] = 2
    graph = to_prompt(paint_and_save(nodes=nodes), OBJECT_INFO)
    assert set(graph) == {"1", "2"}
    assert "references.image_01" not in graph["1"]["inputs"]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (node(7, "SaveImage", ["x"], mode=4), "bypassed"),
        (node(7, "Reroute"), "browser only"),
        (node(7, "PrimitiveNode", [1, "fixed"]), "browser only"),
        (node(7, "7b2e1c1c-subgraph"), "no such node"),
        (node(7, "Dynamic", ["a"]), "widgets of choice"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_what_only_the_browser_can_resolve_is_an_error_that_names_the_node(bad, words):
    with pytest.raises(GPT4oImageError, match=rf"Node 7 \({bad['type']}\).*{words}") as caught:
        to_prompt({"nodes": [bad], "links": []}, OBJECT_INFO)
    assert caught.value.kind == "config"
