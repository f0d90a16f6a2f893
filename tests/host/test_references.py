"""References in a real ComfyUI: every frame, in order, as the gateway gets it; bad ones cost nothing."""

import json

import numpy as np
import pytest

FOUR = ["red then blue", "green with soft alpha", "fp16 grey"]
# The third is seen through its alpha over a checker.
TILES = [(255, 0, 0), (0, 0, 255), (70, 220, 70), (128, 128, 128)]


def tensor(kind):
    return {"class_type": "GPT4oImageTest_Tensor", "inputs": {"kind": kind}}


def sockets(group, kinds):
    """Tensor nodes t1, t2, ... and the inputs that connect them to the sockets 01, 03, 05, ... of a group."""
    nodes = {f"t{number}": tensor(kind) for number, kind in enumerate(kinds, 1)}
    return nodes, {f"{group}.image_{2 * number - 1:02}": [f"t{number}", 0] for number in range(1, len(kinds) + 1)}


def prepare(links, **inputs):
    defaults = {"max_side": 1536, "format": "auto", "quality": 92, "budget_kib": 1024}
    return {"class_type": "GPT4oImage_References", "inputs": {**defaults, **links, **inputs}}


@pytest.fixture(scope="module")
def four(host, generate, all_outputs):
    nodes, links = sockets("references", FOUR)
    graph = nodes | all_outputs(generate("four friends", count="1", background="opaque", **links))
    return graph, host.run(graph)


def test_every_frame_is_sent_in_order(host, four):
    graph, run = four
    assert run.failure is None
    (post,) = host.posts(graph)
    assert [part["mime"] for part in post["references"]] == ["image/jpeg", "image/jpeg", "image/webp", "image/jpeg"]
    told = json.loads(run.text_output("report"))["references"]
    assert [part["name"] for part in told] == ["image_01, frame 1", "image_01, frame 2", "image_03", "image_05"]
    assert [part["sent"] for part in told] == [[96, 64], [96, 64], [120, 80], [70, 70]]
    assert [part["bytes"] for part in told] == [part["bytes"] for part in post["references"]]


def test_the_text_comes_before_the_pictures(host, four):
    (post,) = host.posts(four[0])
    assert [part["type"] for part in post["body"]["messages"][0]["content"]] == ["text", *["image_url"] * 4]


def test_the_simulators_picture_shows_them_all(four):
    """Thumbnails from left to right, in the order in which they were sent."""
    (picture,) = four[1].images("save_image")
    shown = np.asarray(picture.convert("RGB")).astype(int)
    places = []
    for colour in TILES:
        rows, columns = np.nonzero((abs(shown - colour) <= (60 if colour == TILES[2] else 6)).all(axis=2))
        assert len(columns) > 200, colour
        places.append(np.median(columns + 10_000 * (rows // 400)))
    assert len(set(places)) == 4


@pytest.mark.parametrize(
    ("kind", "said"),
    [("nothing", "empty batch"), ("not a number", "image_01"), ("seventeen", "at most 16")],
)
def test_bad_references_cost_nothing(host, generate, save, kind, said):
    nodes, links = sockets("references", [kind])
    graph = nodes | {"1": generate("never sent", **links), "2": save("1")}
    run = host.run(graph)
    assert said in run.error["exception_message"]
    assert "Nothing was billed. (reference)" in run.error["exception_message"]
    assert host.posts(graph) == []


def test_prepared_ones_are_sent_as_they_were_shown(host, generate, save):
    nodes, links = sockets("images", [*FOUR, "one without a batch"])
    graph = nodes | {
        "p": prepare(links, format="png", max_side=512),
        "shown": save("p", 1),
        "told": {"class_type": "PreviewAny", "inputs": {"source": ["p", 2]}},
        "1": generate("five friends", prepared=["p", 0]),
        "2": save("1"),
    }
    run = host.run(graph)
    assert run.failure is None
    (post,) = host.posts(graph)
    told = json.loads(run.text_output("told"))
    assert [part["mime"] for part in post["references"]] == ["image/png"] * 5
    assert [part["bytes"] for part in told] == [part["bytes"] for part in post["references"]]
    assert len(run.images("shown")) == 5
    assert len(run.entry["outputs"]["p"]["text"]) == 5


def test_preparing_alone_needs_no_paid_node(host):
    nodes, links = sockets("images", ["fp16 grey"])
    graph = nodes | {"p": prepare(links)}
    run = host.run(graph)
    assert run.failure is None
    shown = run.entry["outputs"]["p"]
    assert shown["text"][0].startswith("image_01: 70 x 70 -> 70 x 70, jpeg")
    assert len(shown["images"]) == 1
    assert run.texts("p") == shown["text"]


def test_preparing_nothing_says_what_to_connect(host):
    run = host.run({"p": prepare({})})
    assert "No picture is connected" in run.error["exception_message"]


def test_values_outside_the_range_are_clamped(host, save):
    nodes, links = sockets("images", ["outside 0..1"])
    graph = nodes | {"p": prepare(links, format="png"), "shown": save("p", 1)}
    (shown,) = host.run(graph).images("shown")
    expected = np.rint(np.clip(np.linspace(-0.01, 1.4, 64), 0, 1) * 255).reshape(8, 8)
    assert abs(np.asarray(shown)[..., 0].astype(int) - expected).max() <= 1


def test_cancel_while_preparing_is_no_error(host):
    """Noise as PNG shrinks again and again before it fits: long enough to be cancelled."""
    nodes, links = sockets("images", ["sixteen large"])
    run = host.start(nodes | {"p": prepare(links, format="png", budget_kib=200)})
    run.wait_for("executing", node="p")
    host.server.interrupt()
    run.finish()
    assert run.failure == "interrupted"
    assert run.error is None
