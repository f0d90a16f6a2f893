"""Inputs that a node does not have: ComfyUI drops them in silence, so the node refuses them before money is spent."""

import json
from pathlib import Path

import pytest

EMPTY = {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}}
LINK = ["empty", 0]
RIGHT_SOCKETS = "references.image_01 up to references.image_16"


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"references": {"image_01": LINK}}, RIGHT_SOCKETS),
        ({"references": "x"}, RIGHT_SOCKETS),
        ({"references": LINK}, RIGHT_SOCKETS),
        ({"image_01": LINK}, RIGHT_SOCKETS),
        ({"references.image_17": LINK}, RIGHT_SOCKETS),
        ({"references.image_1": LINK}, RIGHT_SOCKETS),
        ({"aspect": "3:2"}, 'no input "aspect"'),
        ({"backgroud": "transparent"}, 'Did you mean "background"?'),
        ({"quality": "high"}, "Remove it."),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_name_that_the_node_does_not_have_is_an_error(host, generate, save, inputs, words):
    before = host.simulator.posts()
    run = host.run({"1": generate("misspelt", **inputs), "2": save("1"), "empty": EMPTY})
    message = run.error["exception_message"]
    assert words in message
    assert "bad_request" in message
    assert "Nothing was sent." in message
    assert run.error["exception_type"] == "gpt4o_image.GPT4oImageError"
    assert host.simulator.posts() == before


@pytest.mark.parametrize("socket", ["references.image_01", "references.image_16"])
def test_the_right_names_are_taken(host, generate, save, socket):
    graph = {"1": generate("spelt right", **{socket: LINK}), "2": save("1"), "empty": EMPTY}
    assert host.run(graph).failure is None
    assert len(host.posts(graph)[0]["references"]) == 1


def test_the_other_nodes_refuse_them_too(host, save):
    images_api = {"prompt": "x", "model": "gpt-4o-image", "size": "auto", "n": 1, "background": "auto", "seed": 0}
    images_api |= {"gateway": "aihubmix", "artist_names": "stop", "count": "2"}
    prepare = {"max_side": 1536, "format": "auto", "quality": 92, "budget_kib": 1024, "images": {"image_01": LINK}}
    for class_type, inputs in (
        ("GPT4oImage_ImagesAPI", images_api),
        ("GPT4oImage_References", prepare),
        ("GPT4oImage_LoadResult", {"result": "latest", "id": "x"}),
    ):
        node = {"class_type": class_type, "inputs": inputs}
        output = 1 if class_type == "GPT4oImage_References" else 0
        run = host.run({"1": node, "2": save("1", output), "empty": EMPTY})
        assert "has no input" in run.error["exception_message"], class_type


@pytest.mark.parametrize("seed", [-(2**63), -1, 2**50, 2**64 - 1])
def test_every_64_bit_seed_is_taken(host, generate, save, seed):
    graph = {"1": generate("a seed of another node", seed=seed, count="1"), "2": save("1")}
    assert host.run(graph).failure is None
    assert len(host.posts(graph)) == 1


EVIL = "<img src=x onerror=window.pwned=1>"


def test_foreign_text_never_reaches_a_front_end_as_markup(host, generate, all_outputs):
    """Older front ends read node text and the labels of choices as HTML."""
    run = host.run(all_outputs(generate(f"{EVIL} a fox")))
    missing = host.run({"1": {"class_type": "GPT4oImage_LoadResult", "inputs": {"result": EVIL}}, **_shown("1")})
    texts = [*run.texts("1"), *missing.texts("1")]
    assert any("id" in text or "result" in text for text in texts)
    assert [text for text in texts if "<" in text] == []
    choices = host.server.object_info("GPT4oImage_LoadResult")["GPT4oImage_LoadResult"]["input"]
    assert "onerror" in json.dumps(choices)
    assert "<" not in json.dumps(choices)


def _shown(source):
    return {"2": {"class_type": "PreviewImage", "inputs": {"images": [source, 0]}}}


# -- what callers of the API find in the history ---------------------------------------------------------


def outcome_of(run, node="1"):
    (outcome,) = run.entry["outputs"][node]["gpt4o_image"]
    return outcome


def test_the_history_has_id_cost_billed_and_reused(host, generate, all_outputs):
    graph = all_outputs(generate("for the history", count="2"))
    run = host.run(graph)
    paid = outcome_of(run)
    assert paid["id"] == json.loads(run.text_output("report"))["result_id"]
    assert (paid["status"], paid["cost_usd"], paid["billed"], paid["reused"]) == ("ok", 0.009, "yes", False)
    load = all_outputs({"class_type": "GPT4oImage_LoadResult", "inputs": {"result": paid["id"]}})
    again = outcome_of(host.run(load))
    assert (again["id"], again["cost_usd"], again["billed"], again["reused"]) == (paid["id"], 0.0, "no", True)


def test_all_pictures_of_a_run_are_shown_on_the_node(host, generate, all_outputs):
    run = host.run(all_outputs(generate("two to show", count="2", background="transparent")))
    files = run.entry["outputs"]["1"]["images"]
    assert len(files) == 2
    report = json.loads(run.text_output("report"))
    for file, image in zip(files, report["images"], strict=True):
        assert file["type"] == "temp"
        data = host.server.view(file["filename"], file["subfolder"], file["type"])
        assert data == Path(image["path"]).read_bytes()
        assert image["mode"] == "RGBA"


def test_the_page_is_told_how_the_run_of_a_node_began_and_ended(host, generate, save):
    graph = {"1": generate("for the page"), "2": save("1")}
    run = host.run(graph, workflow={"id": "a-graph", "nodes": []})
    told = [event.data for event in run.browser.events() if event.type == "gpt4o_image.outcome"]
    assert [each["outcome"] and each["outcome"]["status"] for each in told] == [None, "ok"]
    assert {(each["node"], each["item"], each["graph"], each["prompt"]) for each in told} == {
        ("1", 0, "a-graph", run.prompt_id)
    }
    failed = host.run({"1": generate("[[fail_en]] for the page"), "2": save("1")})
    end = [event.data for event in failed.browser.events() if event.type == "gpt4o_image.outcome"][-1]["outcome"]
    assert (end["status"], end["billed"], end["error"]["kind"]) == ("error", "yes", "moderation_input")
    assert end["error"]["gateway_text"]
