"""Which calls of a waiting prompt can be sent ahead, without ComfyUI."""

import importlib
import sys
import types

import pytest


@pytest.fixture(scope="module")
def pending(pack_root):
    """The module, loaded inside a package of its own, as its relative imports need."""
    package = types.ModuleType("pack_of_calls")
    package.__path__ = [str(pack_root)]
    sys.modules["pack_of_calls"] = package
    yield importlib.import_module("pack_of_calls.nodes.pending_calls")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pack_of_calls"]:
        del sys.modules[name]


@pytest.fixture
def request_of(pending):
    return importlib.import_module("pack_of_calls.gpt4o_image.request").Request


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def generate(prompt="a boat", **inputs):
    return node("GPT4oImage_Generate", prompt=prompt, model="gpt-4o-image-vip", **inputs)


SAVED = node("SaveImage", images=["1", 0], filename_prefix="x")
LAZY = {"SaveImage": set(), "GPT4oImage_Generate": set(), "GPT4oImage_ImagesAPI": set(), "Upscale": set()}
LAZY["Switch"] = {"on_true", "on_false"}


@pytest.fixture
def calls(pending):
    def of(graph, outputs=("save",), holders=None):
        prompt = pending.WaitingPrompt("p", graph, outputs, None)
        return pending.calls_of(prompt, LAZY.get, {**pending.HOLDERS, **(holders or {})})

    return of


def test_a_node_of_values_is_a_call(calls, pending, request_of):
    graph = {"1": generate(seed=3, gateway="simulator", on_failure="skip", aspect_ratio="3:2"), "save": SAVED}
    request = request_of("a boat", "gpt-4o-image-vip", aspect_ratio="3:2", seed=3)
    assert calls(graph) == [pending.PendingCall(pending.Place("p", "1", 0), request, "simulator")]


def test_the_images_api_has_its_own_endpoint(calls, request_of):
    graph = {"1": node("GPT4oImage_ImagesAPI", prompt="a boat", size="1024x1536", n=2), "save": SAVED}
    (call,) = calls(graph)
    assert call.request == request_of("a boat", endpoint="images", size="1024x1536", n=2)
    assert call.gateway == "default"


def test_values_come_from_primitives_also_from_chains_of_them(calls):
    graph = {
        "text": node("PrimitiveString", value="a boat"),
        "again": node("PrimitiveStringMultiline", value=["text", 0]),
        "seed": node("PrimitiveInt", value=2**64 - 1),
        "1": generate(["again", 0], seed=["seed", 0]),
        "save": SAVED,
    }
    (call,) = calls(graph)
    assert (call.request.prompt, call.request.seed) == ("a boat", 2**64 - 1)


def test_a_list_is_a_call_for_each_and_shorter_lists_repeat_their_last(calls, pending):
    def prompts(inputs):
        lines = inputs["text"].splitlines()
        return [lines, [5, 6], []]

    graph = {
        "list": node("Prompts", text="a\nb\nc"),
        "1": generate(["list", 0], seed=["list", 1], aspect_ratio="2:3"),
        "save": SAVED,
    }
    found = calls(graph, holders={"Prompts": prompts})
    assert [call.place for call in found] == [pending.Place("p", "1", index) for index in range(3)]
    assert [(call.request.prompt, call.request.seed) for call in found] == [("a", 5), ("b", 6), ("c", 6)]
    graph["1"]["inputs"]["model"] = ["list", 2]  # an empty list
    assert calls(graph, holders={"Prompts": prompts}) == []
    graph["1"]["inputs"]["model"] = ["list", 3]
    assert calls(graph, holders={"Prompts": prompts}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("references.image_01", ["picture", 0]),
        ("prepared", ["picture", 0]),
        ("seed", ["picture", 0]),
        ("seed", ["nowhere", 0]),
        ("prompt", ["1", 3]),
        ("prompt", {"a": 1}),
        ("prompt", None),
        ("misspelt", 1),
    ],
)
def test_what_only_a_run_can_know_is_left_to_it(calls, name, value):
    graph = {"picture": node("LoadImage", image="a.png"), "1": generate(), "save": SAVED}
    graph["1"]["inputs"][name] = value
    assert calls(graph) == []


def test_a_circle_of_primitives_is_no_value(calls):
    graph = {
        "a": node("PrimitiveString", value=["b", 0]),
        "b": node("PrimitiveString", value=["a", 0]),
        "1": generate(["a", 0]),
        "save": SAVED,
    }
    assert calls(graph) == []


def test_names_that_front_ends_keep_for_themselves_do_not_count(calls):
    graph = {"1": generate(), "save": SAVED}
    graph["1"]["inputs"]["$$preview"] = ["save", 0]
    assert len(calls(graph)) == 1


def test_only_what_the_valid_outputs_hang_on_is_sent(calls):
    graph = {"1": generate(), "save": SAVED, "2": generate("a fox"), "other": node("SaveImage", images=["2", 0])}
    assert [call.request.prompt for call in calls(graph)] == ["a boat"]
    assert [call.request.prompt for call in calls(graph, ("other", "save", "gone"))] == ["a boat", "a fox"]


@pytest.mark.parametrize("class_type", ["Switch", "OfAnotherPack"])
def test_what_a_node_may_never_ask_for_is_not_sent(calls, class_type):
    graph = {
        "1": generate(),
        "switch": node(class_type, on_true=["1", 0], switch=True),
        "save": node("SaveImage", images=["switch", 0]),
    }
    assert calls(graph) == []
    graph["switch"] = node("Upscale", image=["1", 0])
    assert len(calls(graph)) == 1


def test_the_queue_is_read_in_the_order_of_its_turns(pending):
    def item(number, prompt_id):
        return (number, prompt_id, {}, {"extra_pnginfo": {"workflow": number}}, ["save"], {})

    items = [item(3, "third"), item(-1, "first"), item(2.0, "second")]
    assert [prompt.id for prompt in pending.waiting_prompts(items)] == ["first", "second", "third"]
    assert pending.waiting_prompts(items)[2].extra_pnginfo == {"workflow": 3}
    assert pending.prompt_ids(items) == {"first", "second", "third"}


@pytest.mark.parametrize(
    "item",
    [None, (), (1, "id", {}, {}), ("1", "id", {}, {}, []), (1, 2, {}, {}, []), (1, "id", {}, {}, None), {"id": "id"}],
)
def test_a_queue_of_another_shape_is_refused(pending, item):
    with pytest.raises(pending.UnknownQueue):
        pending.waiting_prompts([item])
    with pytest.raises(pending.UnknownQueue):
        pending.prompt_ids([item])
