"""The contract of saved workflows: ids, inputs, choices, outputs; and the key, which nobody may ever see."""

import json

import pytest


@pytest.fixture(scope="module")
def declared(host):
    return host.server.object_info("GPT4oImage_Generate")["GPT4oImage_Generate"]


def options(declared, name):
    inputs = {**declared["input"].get("required", {}), **declared["input"].get("optional", {})}
    return inputs[name][1] if len(inputs[name]) > 1 else {}


def test_inputs_and_outputs_are_those_of_the_design(declared):
    required, optional = declared["input"].get("required", {}), declared["input"].get("optional", {})
    assert [*required, *optional] == [
        "prompt",
        "model",
        "aspect_ratio",
        "background",
        "count",
        "seed",
        "gateway",
        "artist_names",
        "on_failure",
        "references",
        "prepared",
    ]
    assert declared["output"] == ["IMAGE", "IMAGE", "MASK", "STRING"]
    assert declared["output_name"] == ["image", "rgb", "mask", "report"]
    assert declared["category"] == "GPT-4o Image"
    assert declared["display_name"] == "GPT-4o Image"


OTHERS = {
    "GPT4oImage_ImagesAPI": (
        ["prompt", "model", "size", "n", "background", "seed", "gateway", "artist_names", "on_failure"],
        ["IMAGE", "IMAGE", "MASK", "STRING"],
    ),
    "GPT4oImage_References": (
        ["images", "max_side", "format", "quality", "budget_kib"],
        ["GPT4O_REFERENCES", "IMAGE", "STRING"],
    ),
    "GPT4oImage_LoadResult": (["result"], ["IMAGE", "IMAGE", "MASK", "STRING"]),
    "GPT4oImage_Prompts": (["text", "file"], ["STRING", "INT", "STRING"]),
}
PAID = ("GPT4oImage_Generate", "GPT4oImage_ImagesAPI")


@pytest.mark.parametrize("node", OTHERS)
def test_the_other_nodes_keep_their_names(host, node):
    """Saved graphs hold on to them: a name here is never changed, a new one goes to the end."""
    told = host.server.object_info(node)[node]
    inputs = [*told["input"].get("required", {}), *told["input"].get("optional", {})]
    assert (sorted(inputs), told["output"]) == (sorted(OTHERS[node][0]), OTHERS[node][1])


def test_combos_and_defaults(declared):
    combos = {
        "model": ["gpt-4o-image-vip", "gpt-4o-image"],
        "aspect_ratio": ["auto", "1:1", "2:3", "3:2"],
        "background": ["auto", "transparent", "opaque"],
        "count": ["auto", "1", "2", "4"],
        "gateway": ["default", "aihubmix", "without_key", "simulator"],
        "artist_names": ["stop", "warn", "allow"],
        "on_failure": ["stop", "skip"],
    }
    for name, choices in combos.items():
        assert options(declared, name)["options"] == choices
        assert options(declared, name).get("default", choices[0]) == choices[0]
    seed = options(declared, "seed")
    assert (seed["default"], seed["min"], seed["max"]) == (0, -(2**63), 2**64 - 1)
    assert seed["control_after_generate"]
    assert options(declared, "prompt")["multiline"]
    assert not options(declared, "prompt").get("dynamicPrompts")


@pytest.mark.parametrize("node", PAID)
def test_what_is_seldom_changed_is_folded_away(host, node):
    inputs = host.server.object_info(node)[node]["input"]
    folded = {name for group in inputs.values() for name, spec in group.items() if spec[1:] and spec[1].get("advanced")}
    assert folded == {"gateway", "artist_names", "on_failure"}


def test_every_node_is_found_by_other_words(host):
    """From 0.11.0 on; before, ComfyUI's nodes have no such words."""
    ours = {name: node for name, node in host.server.object_info().items() if name.startswith("GPT4oImage_")}
    if not any("search_aliases" in node for node in ours.values()):
        assert host.version.startswith("0.10.")
        return
    for name, node in ours.items():
        assert {"openai", "chatgpt", "dall-e", "sticker", "aihubmix"} <= set(node["search_aliases"]), name


def test_every_input_has_a_tooltip(declared):
    for name in [*declared["input"].get("required", {}), *declared["input"].get("optional", {})]:
        assert options(declared, name).get("tooltip"), name


def test_the_key_is_nowhere(host, key, gateway_home, generate, all_outputs):
    """Not in what any browser may ask for, not in the log, not in a file ComfyUI or the pack has written."""
    good = host.run(all_outputs(generate("keeps a secret")))
    bad = host.run(all_outputs(generate("[[fail_en]] keeps it too")))
    assert good.failure is None
    assert bad.error is not None
    assert key not in json.dumps(host.server.object_info())
    assert key not in json.dumps([good.entry, bad.entry])
    assert key not in host.server.log()
    for folder in (host.server.base_directory, gateway_home):
        files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        assert [path for path in files if key.encode() in path.read_bytes()] == []
