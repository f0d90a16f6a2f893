"""References and the Images API through the real client: what is sent, what comes back, what it costs."""

import io
import json

import numpy as np
import pytest
from fake_gateway import reply
from PIL import Image

from gpt4o_image.pictures.frames import Frame
from gpt4o_image.pictures.references import Policy, prepare


def parts_of(*colours, **policy):
    frames = [
        Frame(f"image_{number:02}", np.full((40, 60, len(colour)), colour, np.uint8))
        for number, colour in enumerate(colours, 1)
    ]
    return tuple(prepare(frames, Policy(**policy), cancelled=lambda: False))


RED, GREEN_GLASS = (255, 0, 0), (0, 255, 0, 128)


def test_references_follow_the_text_in_order(run, simulator):
    parts = parts_of(RED, GREEN_GLASS)
    outcome = run("a fox [[one_chunk]]", references=parts)
    assert outcome.error is None
    (post,) = [record for record in simulator.requests() if record["method"] == "POST"]
    assert [part["type"] for part in post["body"]["messages"][0]["content"]] == ["text", "image_url", "image_url"]
    assert post["references"] == [{"mime": part.mime, "bytes": len(part.data)} for part in parts]
    assert [told["name"] for told in outcome.report()["references"]] == ["image_01", "image_02"]


def test_other_references_buy_another_picture(run, simulator):
    run("a fox", references=parts_of(RED))
    assert run("a fox", references=parts_of(RED)).reused
    assert not run("a fox", references=parts_of(GREEN_GLASS)).reused
    assert not run("a fox", references=parts_of(RED, GREEN_GLASS)).reused
    assert simulator.posts() == 3


def test_413_names_the_largest_input_first(run):
    parts = parts_of(RED, RED, format="png")
    large = Frame("big one", np.random.default_rng(1).integers(0, 255, (300, 300, 3), np.uint8))
    parts += tuple(prepare([large], Policy(format="png"), cancelled=lambda: False))
    error = run("a fox [[http_413]]", references=parts).error
    assert (error.kind, error.billed) == ("reference", "no")
    assert error.message.index("big one") < error.message.index("image_01")
    assert run.vault.results(1)[0].error == error.as_json()


def test_the_images_api_takes_no_references(run, simulator):
    error = run("a fox", references=parts_of(RED), endpoint="images").error
    assert (error.kind, error.billed) == ("bad_request", "no")
    assert simulator.posts() == 0


def test_a_reference_that_comes_back_is_told(ask, fake_gateway):
    """Some gateways hand the first reference back when they fail."""

    def echo(exchange):
        url = exchange.request.json()["messages"][0]["content"][1]["image_url"]["url"]
        exchange.answer(reply({"choices": [{"message": {"content": f"![it]({url})"}, "finish_reason": "stop"}]}))

    fake_gateway.post(echo)
    outcome = ask("a fox", references=parts_of(RED))
    assert len(outcome.pictures) == 1
    assert "Picture 1 is the reference image_01, unchanged" in outcome.warnings[0]


# The Images API


@pytest.mark.parametrize(("name", "has_url"), [("images_b64", False), ("images_url", True)])
def test_pictures_of_the_images_api(name, has_url, run, simulator):
    outcome = run(f"a fox [[{name}]]", endpoint="images", n=3, size="1536x1024")
    assert outcome.error is None
    assert [(p.decoded.width, p.decoded.height) for p in outcome.pictures] == [(1536, 1024)] * 3
    assert [picture.url is not None for picture in outcome.pictures] == [has_url] * 3
    kept = run.vault.result(outcome.result_id)
    assert [file.path.read_bytes() for file in kept.files] == [picture.data for picture in outcome.pictures]
    assert kept.cost_usd == 0.009
    assert run(f"a fox [[{name}]]", endpoint="images", n=3, size="1536x1024").reused
    assert simulator.posts() == 1


def test_size_and_n_are_part_of_the_request(run, simulator):
    run("a fox", endpoint="images", n=1)
    assert not run("a fox", endpoint="images", n=2).reused
    assert not run("a fox", endpoint="images", size="1024x1024").reused
    assert not run("a fox").reused
    assert simulator.posts() == 4


def test_fewer_than_asked_is_a_warning(run):
    outcome = run("a fox [[images_fewer_than_n]]", endpoint="images", n=3)
    assert len(outcome.pictures) == 2
    assert "3 pictures were asked for, 2 came" in outcome.warnings[0]


@pytest.mark.parametrize(
    ("name", "kind", "billed"),
    [
        ("images_both_null", "no_image", "yes"),
        ("images_data_null", "no_image", "yes"),
        ("http200_html", "config", "unknown"),
        ("http200_empty", "upstream", "yes"),
        ("http200_json_error", "upstream", "yes"),
        ("http_400_moderation", "moderation_input", "unknown"),
        ("http_429", "rate_limited", "no"),
        ("http_500", "upstream", "unknown"),
        ("http_307", "upstream", "no"),
        ("drop_before_headers", "upstream", "unknown"),
        ("drop_after_headers", "truncated", "yes"),
        ("hang_before_headers", "timeout", "unknown"),
    ],
)
def test_failures_of_the_images_api(name, kind, billed, run, simulator):
    error = run(f"a fox [[{name}]]", endpoint="images", timeout_s=1.5).error
    assert (error.kind, error.billed) == (kind, billed)
    assert simulator.posts() == 1


# The command


@pytest.fixture
def told_by(shell):
    def run(*arguments):
        status, out, _ = shell("generate", *arguments, "--json")
        return status, json.loads(out)

    return run


def test_files_as_references(told_by, simulator, tmp_path):
    Image.new("RGB", (30, 20), "red").save(tmp_path / "a.png")
    Image.new("P", (30, 20)).save(tmp_path / "b.gif")
    status, told = told_by("a fox", "--reference", "a.png", "--reference", "b.gif")
    assert (status, [part["name"] for part in told["references"]]) == (0, ["a.png", "b.gif"])
    (post,) = [record for record in simulator.requests() if record["method"] == "POST"]
    assert [part["mime"] for part in post["references"]] == ["image/jpeg"] * 2


def test_frames_that_are_left_out_are_a_warning(told_by, tmp_path):
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    status, told = told_by("a fox", "--reference", "two.gif")
    assert (status, told["warnings"]) == (0, ["two.gif: It has several frames; the first frame is used."])


@pytest.mark.parametrize(
    ("name", "data"), [("missing.png", None), ("page.png", b"<html>"), ("cut.png", "cut"), ("empty.png", b"")]
)
def test_a_file_that_is_no_picture_stops_everything(name, data, told_by, simulator, tmp_path):
    if data == "cut":
        file = io.BytesIO()
        Image.new("RGB", (300, 200), "red").save(file, "PNG")
        data = file.getvalue()[:200]
    if data is not None:
        (tmp_path / name).write_bytes(data)
    status, told = told_by("a fox", "--reference", name)
    assert (status, told["error"]["kind"], told["error"]["billed"]) == (1, "reference", "no")
    assert name in told["error"]["message"]
    assert simulator.posts() == 0


def test_the_images_api_by_command(told_by, simulator):
    status, told = told_by("a fox", "--api", "images", "--size", "1024x1024", "--n", "2")
    assert (status, len(told["images"])) == (0, 2)
    (post,) = [record for record in simulator.requests() if record["method"] == "POST"]
    assert post["path"] == "/v1/images/generations"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["--size", "1024x1024"], 1), (["--api", "images", "--size", "9x9"], 2), (["--api", "images", "--n", "11"], 2),
     (["--api", "images", "--ratio", "1:1"], 1)],
)  # fmt: skip
def test_options_of_the_other_endpoint(arguments, expected, told_by, simulator):
    status, told = told_by("a fox", *arguments)
    assert (status, told["error"]["kind"]) == (expected, "bad_request")
    assert simulator.posts() == 0
