"""GPT4oImage_ImagesAPI and GPT4oImage_LoadResult in a real ComfyUI."""

import io
import json
import uuid

import pytest
from PIL import Image

from gpt4o_image.vault.vault import NewResult, Vault


def images_node(words, **inputs):
    defaults = {
        "prompt": f"{words} {uuid.uuid4().hex[:12]}",
        "model": "gpt-4o-image",
        "size": "auto",
        "n": 1,
        "background": "auto",
        "seed": 0,
        "gateway": "aihubmix",
        "artist_names": "stop",
    }
    return {"class_type": "GPT4oImage_ImagesAPI", "inputs": {**defaults, **inputs}}


def load(result):
    return {"class_type": "GPT4oImage_LoadResult", "inputs": {"result": result}}


@pytest.fixture(scope="module")
def three(host, all_outputs):
    graph = all_outputs(images_node("three ships", n=3, size="1536x1024", background="transparent"))
    return graph, host.run(graph)


def test_pictures_of_the_size_that_was_asked_for(host, three):
    graph, run = three
    assert run.failure is None
    assert [(picture.size, picture.mode) for picture in run.images("save_image")] == [((1536, 1024), "RGBA")] * 3
    assert [picture.mode for picture in run.images("save_rgb")] == ["RGB"] * 3
    (post,) = host.posts(graph)
    assert post["body"].keys() == {"model", "prompt", "n", "size"}
    assert "Aspect ratio: 3:2" in post["body"]["prompt"]
    assert "Transparent background" in post["body"]["prompt"]


def test_the_report_has_the_price(three):
    report = json.loads(three[1].text_output("report"))
    assert (report["cost_usd"], report["model"], len(report["images"])) == (0.005, "gpt-4o-image", 3)


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [("images_data_null", "no_image"), ("images_both_null", "no_image"), ("http_429", "rate_limited")],
)
def test_failures(host, save, scenario, kind):
    run = host.run({"1": images_node(f"[[{scenario}]]"), "2": save("1")})
    assert f"({kind})" in run.error["exception_message"]


def test_a_paid_result_is_loaded_again(host, three, all_outputs):
    report = json.loads(three[1].text_output("report"))
    choices = host.server.object_info("GPT4oImage_LoadResult")["GPT4oImage_LoadResult"]["input"]["required"]["result"]
    options = choices[1]["options"] if isinstance(choices[0], str) else choices[0]
    assert options[0] == "latest"
    chosen = next(option for option in options if option.startswith(report["result_id"]))
    posts = host.simulator.posts()
    run = host.run(all_outputs(load(chosen)))
    assert run.failure is None
    assert host.simulator.posts() == posts
    again = json.loads(run.text_output("report"))
    assert again["reused"]
    assert [image["sha256"] for image in again["images"]] == [image["sha256"] for image in report["images"]]
    assert [picture.tobytes() for picture in run.images("save_image")] == [
        picture.tobytes() for picture in three[1].images("save_image")
    ]


def test_latest_follows_what_is_made(host, all_outputs):
    ids = []
    for words in ("first", "second"):
        made = host.run(all_outputs(images_node(words)))
        loaded = host.run(all_outputs(load("latest")))
        ids.append(json.loads(loaded.text_output("report"))["result_id"])
        assert ids[-1] == json.loads(made.text_output("report"))["result_id"]
    assert len(set(ids)) == 2


def test_pictures_of_different_sizes_are_centred_on_one_canvas(host, gateway_home, all_outputs):
    """The simulator paints one size a call, so this result is put into the vault by hand."""
    vault = Vault(gateway_home / "vault")
    entry = vault.claim(NewResult("mixed", "aihubmix", "m", "mixed", 0.0), reuse=False, daily_budget_usd=None).result
    for index, (size, colour) in enumerate([((64, 32), "red"), ((32, 64), "blue")]):
        file = io.BytesIO()
        Image.new("RGB", size, colour).save(file, "PNG")
        vault.add_file(entry.id, index, file.getvalue(), None)
    vault.finish(entry.id, billed="yes", cost_usd=0.0, error=None, details={})

    run = host.run(all_outputs(load(entry.id)))
    red, blue = run.images("save_image")
    assert (red.size, blue.size) == ((64, 64), (64, 64))
    assert red.getchannel("A").getbbox() == (0, 16, 64, 48)
    assert blue.getchannel("A").getbbox() == (16, 0, 48, 64)
    assert red.getpixel((0, 16)) == (255, 0, 0, 255)
    assert "64x64" in json.loads(run.text_output("report"))["warnings"][0]


def test_an_unknown_result_says_where_to_look(host, save):
    run = host.run({"1": load("20200101-000000-aaaaaa"), "2": save("1")})
    assert "no paid result" in run.error["exception_message"]
