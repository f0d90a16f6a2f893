"""The words of the nodes against the nodes that this ComfyUI has: nothing untranslated, nothing left over."""

import json
import re
from pathlib import Path

import pytest

LOCALES = Path(__file__).parents[2] / "locales"
LANGUAGES = ("en", "ja", "zh", "zh-TW", "ko")
AUTOGROW = "COMFY_AUTOGROW_V3"
# Names of models, gateways and formats, numbers, ratios and sizes are the same in every language.
NO_WORD = re.compile(r"gpt-4o-.*|aihubmix|without_key|jpeg|webp|png|[\d:x]+")
ENTRY = re.compile(r"\d{8}-.*")  # a result of the vault


@pytest.fixture(scope="module")
def nodes(host):
    everything = host.server.object_info()
    ours = {name: node for name, node in everything.items() if node["python_module"].endswith("gpt4o-image")}
    assert len(ours) == 5
    return ours


@pytest.fixture(scope="module", params=LANGUAGES)
def words(request):
    return json.loads((LOCALES / request.param / "nodeDefs.json").read_text("utf-8"))


def inputs_of(node):
    return {**node["input"].get("required", {}), **node["input"].get("optional", {})}


def slots_of(name, declared):
    """The growing sockets of an input, as the front end asks for them: "." in a key is written "_"."""
    kind, options = declared
    return [f"{name}_{slot}" for slot in options["template"]["names"]] if kind == AUTOGROW else []


def choices_of(declared):
    kind, options = declared
    found = options.get("options") if kind == "COMBO" else kind if isinstance(kind, list) else []
    return {choice for choice in found or [] if not NO_WORD.fullmatch(choice) and not ENTRY.match(choice)}


def test_every_node_input_and_output_is_named_and_explained(nodes, words):
    assert set(words) == set(nodes)
    for name, node in nodes.items():
        said = words[name]
        assert said["display_name"]
        assert said["description"]
        for entry in (*(said["inputs"][one] for one in inputs_of(node)), *said["outputs"].values()):
            assert entry["name"]
            assert entry["tooltip"]
        assert list(said["outputs"]) == [str(index) for index, _ in enumerate(node["output"])]


def test_every_growing_socket_has_the_tooltip_of_its_input_and_no_name(nodes, words):
    """The front end labels them image_01, image_02, ...; a name would only hide the tooltip from Nodes 2.0."""
    seen = 0
    for node, name, declared in each_input(nodes):
        for slot in slots_of(name, declared):
            assert words[node]["inputs"][slot] == {"tooltip": words[node]["inputs"][name]["tooltip"]}
            seen += 1
    assert seen == 32


def test_nothing_is_translated_that_is_not_there(nodes, words):
    for node, said in words.items():
        known = set(inputs_of(nodes[node]))
        for name, declared in inputs_of(nodes[node]).items():
            known.update(slots_of(name, declared))
            known.add(said["inputs"][name]["name"])  # see the aliases in tests/unit/test_locales.py
        assert set(said["inputs"]) <= known, node


def test_a_socket_is_also_found_by_its_translated_name(nodes, words):
    prepared = words["GPT4oImage_Generate"]["inputs"]["prepared"]
    found = words["GPT4oImage_Generate"]["inputs"][prepared["name"]]
    assert found["tooltip"] == prepared["tooltip"]


def test_every_choice_that_is_a_word_has_a_label(nodes, words):
    seen = 0
    for node, name, declared in each_input(nodes):
        labels = words[node]["inputs"][name].get("options", {})
        assert set(labels) == choices_of(declared), (node, name)
        seen += len(labels)
    assert seen > 20


def test_english_says_what_the_nodes_say(nodes):
    """So that a tooltip cannot be changed in one place only."""
    english = json.loads((LOCALES / "en" / "nodeDefs.json").read_text("utf-8"))
    for name, node in nodes.items():
        said = english[name]
        assert (said["display_name"], said["description"]) == (node["display_name"], node["description"])
        outputs = zip(node["output_name"], node["output_tooltips"], strict=True)
        assert [(entry["name"], entry["tooltip"]) for entry in said["outputs"].values()] == list(outputs)
    for node, name, (_, options) in each_input(nodes):
        said = english[node]["inputs"][name]
        assert (said["name"], said["tooltip"]) == (name, options["tooltip"])
        assert all(choice == label for choice, label in said.get("options", {}).items())


@pytest.mark.parametrize("language", LANGUAGES)
def test_comfyui_serves_the_words(host, language):
    served = json.loads(host.server.request("/i18n"))[language]
    assert served["nodeDefs"] == json.loads((LOCALES / language / "nodeDefs.json").read_text("utf-8"))


def each_input(nodes):
    return [(node, name, declared) for node, said in nodes.items() for name, declared in inputs_of(said).items()]
