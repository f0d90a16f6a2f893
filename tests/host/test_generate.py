"""GPT4oImage_Generate in a real ComfyUI, with the simulator as AiHubMix."""

import json
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from gpt4o_image.command.workflow import to_prompt
from gpt4o_image.errors import GPT4oImageError

IMAGE, RGB, MASK, REPORT = range(4)


def pixels(image):
    return np.asarray(image, dtype=np.int16)


def furthest(left, right):
    """The largest difference of any channel of any pixel, in levels of 256."""
    return int(np.abs(pixels(left) - pixels(right)).max())


def plain(colour, batch):
    inputs = {"width": 64, "height": 64, "batch_size": batch, "color": colour}
    return {"class_type": "EmptyImage", "inputs": inputs}


def report_of(run):
    return json.loads(run.text_output("report"))


@pytest.fixture
def wait_when_limited(gateway_home):
    config = gateway_home / "config.toml"
    before = config.read_text()
    config.write_text(f"wait_when_limited = true\n{before}")
    yield
    config.write_text(before)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The pictures that the gateway serves at the links of a report, as they are."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def fetch(run):
        pictures = []
        for image in report_of(run)["images"]:
            path = tmp_path_factory.mktemp("served") / "picture"
            with opener.open(image["url"], timeout=30) as response:
                path.write_bytes(response.read())
            with Image.open(path) as picture:
                picture.load()
                pictures.append(picture)
        return pictures

    return fetch


@pytest.fixture(scope="module")
def opaque(host, generate, all_outputs):
    """A finished run of two opaque pictures."""
    return host.run(all_outputs(generate("a lighthouse in the fog", count="2", background="opaque")))


@pytest.fixture(scope="module")
def transparent(host, generate, all_outputs):
    """A finished run of one picture that is transparent around its subject."""
    return host.run(all_outputs(generate("a sticker of a fox", count="1", background="transparent")))


# -- what is seen while it runs -----------------------------------------------------------------------


def test_the_streams_percentages_are_the_nodes_bar(opaque):
    """In order and all of them; ComfyUI's own first word on a node is 0 of 1."""
    shown = opaque.percents("1")
    streamed = report_of(opaque)["progress"]
    assert streamed[0] == 11
    assert streamed[-1] == 100
    assert len(streamed) >= 5
    assert [percent for percent in shown if percent] == streamed


def test_no_other_node_shows_the_percentages(opaque):
    for node in ("save_image", "save_rgb", "mask", "save_mask", "report"):
        assert set(opaque.percents(node)) <= {0, 100}


def test_the_node_says_what_is_going_on(opaque):
    """queued, generating, percentages, downloads, saved: in that order, and on no other node."""
    texts = opaque.texts("1")
    lowered = [text.lower() for text in texts]
    places = [
        next((i for i, text in enumerate(lowered) if word in text), None)
        for word in ("queued", "generating", "11 %", "100 %", "downloading 2/2", "saved")
    ]
    assert None not in places, texts
    assert places == sorted(places), texts
    assert {e.data["node"] for e in opaque.events if e.type == "text"} == {"1"}


@pytest.mark.parametrize("name", ["opaque", "transparent"])
def test_a_preview_of_the_first_picture_arrives_as_rgb(opaque, transparent, name):
    """RGBA would take the whole HTTP server down."""
    run = {"opaque": opaque, "transparent": transparent}[name]
    previews = run.previews("1")
    assert previews
    assert {preview.mode for preview in previews} == {"RGB"}
    wide, high = run.images("save_image")[0].size
    assert previews[0].width / previews[0].height == pytest.approx(wide / high, rel=0.02)
    preview_at = next(e.at for e in run.events if e.type == "preview")
    done_at = next(e.at for e in run.events if e.type == "executed")
    assert preview_at < done_at


# -- what comes out -----------------------------------------------------------------------------------


def test_two_pictures_come_as_a_batch_of_two(opaque, served):
    saved = opaque.images("save_image")
    originals = served(opaque)
    assert len(saved) == len(originals) == 2
    for mine, original in zip(saved, originals, strict=True):
        assert mine.mode == "RGB"
        assert furthest(mine, original.convert("RGB")) <= 1


def test_transparency_is_kept_to_within_one_level(transparent, served):
    (saved,) = transparent.images("save_image")
    (original,) = served(transparent)
    assert saved.mode == original.mode == "RGBA"
    assert saved.size == original.size
    assert pixels(original)[..., 3].min() == 0
    assert furthest(saved, original) <= 1


def test_the_mask_is_one_where_the_picture_is_transparent(transparent, served):
    (mask,) = transparent.images("save_mask")
    (original,) = served(transparent)
    alpha = original.getchannel("A")
    assert furthest(mask.convert("L"), Image.fromarray(255 - np.asarray(alpha))) <= 1


def test_an_opaque_picture_has_a_mask_of_zeros(opaque):
    masks = opaque.images("save_mask")
    assert len(masks) == 2
    assert all(mask.convert("L").getextrema() == (0, 0) for mask in masks)
    assert [mask.size for mask in masks] == [image.size for image in opaque.images("save_image")]


def test_rgb_has_three_channels_and_the_pictures_own_colours(transparent, served):
    (rgb,) = transparent.images("save_rgb")
    (original,) = served(transparent)
    assert rgb.mode == "RGB"
    opaque_part = np.asarray(original)[..., 3] == 255
    difference = np.abs(pixels(rgb) - pixels(original)[..., :3])
    assert difference[opaque_part].max() <= 1


def test_rgb_of_an_opaque_picture_is_the_picture(opaque):
    for rgb, image in zip(opaque.images("save_rgb"), opaque.images("save_image"), strict=True):
        assert furthest(rgb, image) == 0


def test_the_report_is_the_json_of_the_command_line(opaque):
    report = report_of(opaque)
    assert report["status"] == "ok"
    assert report["error"] is None
    assert report["model"] == "gpt-4o-image-vip"
    assert report["cost_usd"] == pytest.approx(0.009)
    assert [(image["mode"], image["mime"]) for image in report["images"]] == [("RGB", "image/png")] * 2


# -- what goes in -------------------------------------------------------------------------------------


def test_a_workflow_saved_by_the_browser_runs(host, generate):
    """`to_prompt` reads what this ComfyUI says of its nodes."""
    prompt = generate("from a file")["inputs"]["prompt"]
    values = [prompt, "gpt-4o-image", "2:3", "auto", "1", 7, "randomize", "aihubmix", "stop"]
    images = {"name": "images", "type": "IMAGE", "link": 1}
    workflow = {
        "version": 0.4,
        "nodes": [
            {"id": 4, "type": "GPT4oImage_Generate", "mode": 0, "inputs": [], "widgets_values": values},
            {"id": 9, "type": "SaveImage", "mode": 0, "inputs": [images], "widgets_values": ["file"]},
        ],
        "links": [[1, 4, 0, 9, 0, "IMAGE"]],
    }
    graph = to_prompt(workflow, host.server.object_info())
    assert graph["4"]["inputs"]["seed"] == 7
    assert graph["4"]["inputs"]["gateway"] == "aihubmix"
    (image,) = host.run(graph).images("9")
    assert image.width * 3 == image.height * 2


def test_an_unchanged_prompt_is_paid_for_once(host, generate, save):
    graph = {"1": generate("paid once"), "2": save("1")}
    assert host.run(graph).failure is None
    assert host.run(graph).failure is None
    assert len(host.posts(graph)) == 1


def test_a_new_seed_buys_a_new_picture(host, generate, save):
    node = generate("paid twice")
    graph = {"1": node, "2": save("1")}
    assert host.run(graph).failure is None
    node["inputs"]["seed"] += 1
    assert host.run(graph).failure is None
    assert len(host.posts(graph)) == 2


def test_two_nodes_of_one_prompt_run_at_the_same_time(host, generate, save):
    graph = {"1": generate("left"), "2": generate("right"), "3": save("1"), "4": save("2")}
    run = host.start(graph)
    records = host.wait_for_posts(graph, 2)
    assert not any(record["finished"] for record in records)
    run.finish()
    assert run.failure is None
    assert len(host.posts(graph)) == 2


# -- failures -----------------------------------------------------------------------------------------


def test_a_failure_is_told_in_the_gateways_own_words(host, generate, save):
    graph = {"1": generate("[[fail_en]] a film"), "2": save("1")}
    run = host.run(graph)
    message = run.error["exception_message"]
    assert run.error["node_id"] == "1"
    assert "Generation failed" in message
    assert "input_moderation" in message
    assert "billed" in message
    assert "2" not in run.entry["outputs"]
    assert len(host.posts(graph)) == 1


def test_an_empty_prompt_is_refused_before_anything_is_sent(host, generate, save):
    before = host.simulator.posts()
    graph = {"1": generate("", prompt="  \n"), "2": save("1")}
    try:
        message = host.run(graph).error["exception_message"]
    except GPT4oImageError as error:  # HTTP 400
        message = error.message
    assert "prompt is empty" in message.lower()
    assert host.simulator.posts() == before


def test_a_missing_key_is_told_with_the_way_to_set_one(host, generate, save):
    before = host.simulator.posts()
    run = host.run({"1": generate("no key", gateway="without_key"), "2": save("1")})
    message = run.error["exception_message"]
    assert "gpt4o-image key set --gateway without_key" in message
    assert "open the tab GPT-4o Image in the sidebar" in message
    assert "simulator" in message
    assert host.simulator.posts() == before


def test_the_queue_goes_on_after_a_failure(host, generate, save):
    assert host.run({"1": generate("[[fail_en]]"), "2": save("1")}).failure != "interrupted"
    assert host.run({"1": generate("after a failure"), "2": save("1")}).failure is None


# -- cancel -------------------------------------------------------------------------------------------


def closed_after_interrupt_s(host, graph, asked_at):
    """Seconds from the POST /interrupt to the moment the gateway saw the connection closed."""
    (record,) = host.posts(graph)
    assert record["closed_by_client"], record
    return record["time"] + record["closed_after_s"] - asked_at


def interrupt(host):
    asked_at = time.time()
    host.server.interrupt()
    return asked_at


def is_finished(event, node):
    return event.data["nodes"].get(node, {}).get("state") == "finished"


def wait_until_closed(host, graph):
    deadline = time.monotonic() + 15
    while not host.posts(graph)[0]["closed_by_client"] and time.monotonic() < deadline:
        time.sleep(0.05)


def test_cancel_closes_the_connection_within_a_second(host, generate, save):
    graph = {"1": generate("to be cancelled [[slow]]"), "2": save("1")}
    run = host.start(graph)
    run.wait_for("text", "1", text="11 %")
    asked_at = interrupt(host)
    run.finish()
    assert run.failure == "interrupted"
    assert [e.type for e in run.events if e.type in ("execution_interrupted", "execution_error")] == [
        "execution_interrupted"
    ]
    wait_until_closed(host, graph)
    assert closed_after_interrupt_s(host, graph, asked_at) < 1.0
    assert len(host.posts(graph)) == 1
    assert host.run({"1": generate("after a cancel"), "2": save("1")}).failure is None


@pytest.mark.parametrize("polls", [True, False], ids=["a sampler", "a node that asks nobody"])
def test_cancel_is_as_fast_while_another_node_blocks_the_loop(host, generate, save, polls):
    """A sampler clears the interrupt flag when it sees it; the other never looks and holds the loop to its end."""
    inputs = {"image": ["empty", 0], "seconds": 8.0, "polls": polls, "seed": time.time_ns() % 2**31}
    graph = {
        "1": generate("behind a sampler [[stall]]"),
        "2": save("1"),
        "empty": plain(0, 1),
        "block": {"class_type": "GPT4oImageTest_Block", "inputs": inputs},
        "save_block": save("block"),
    }
    logged = len(host.server.log())
    run = host.start(graph)
    run.wait_for("executing", "block")
    run.wait_for("text", "1", text="11 %")  # what the node shows does not wait for the loop either
    asked_at = interrupt(host)
    assert not any(e.type == "progress_state" and is_finished(e, "block") for e in run.events)
    run.finish()
    assert run.failure == "interrupted"
    wait_until_closed(host, graph)
    assert closed_after_interrupt_s(host, graph, asked_at) < 1.0
    assert host.run({"1": generate("after the sampler"), "2": save("1")}).failure is None
    assert "Traceback" not in host.server.log()[logged:]


@pytest.mark.usefixtures("wait_when_limited")
def test_at_a_limit_the_node_counts_down_until_it_asks_again(host, generate, all_outputs):
    run = host.run(all_outputs(generate("[[http_429_once]] a kettle")))
    assert "limited: retries in 1 s" in run.texts("1")
    assert report_of(run)["status"] == "ok"
