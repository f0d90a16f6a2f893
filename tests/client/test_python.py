"""`from gpt4o_image import generate`, against the simulator."""

import asyncio
import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gpt4o_image
from gpt4o_image import Generated, GPT4oImageError, generate
from gpt4o_image.simulator import Simulator
from gpt4o_image.vault.vault import Vault


@pytest.fixture(autouse=True)
def gateway(command_environment, monkeypatch):
    for name in ("AIHUBMIX_API_KEY", "GPT4O_IMAGE_BASE_URL", "GPT4O_IMAGE_HOME"):
        monkeypatch.setenv(name, command_environment[name])


def png(pixels):
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def test_a_picture_and_all_that_is_known_of_it(simulator):
    made = generate("a paper boat, transparent background", ratio="3:2", count=1)
    assert isinstance(made, Generated)
    (image,) = made.images
    assert (image.width, image.height, image.has_alpha, image.mime) == (1536, 1024, True, "image/png")
    assert hashlib.sha256(image.bytes).hexdigest() == image.sha256
    assert image.url.startswith(simulator.origin)
    assert (made.cost_usd, made.reused, made.warnings, made.model) == (0.009, False, (), "gpt-4o-image-vip")
    assert made.progress[-1] == 100
    report = made.report()
    assert (report["status"], report["result_id"], report["cost_usd"]) == ("ok", made.result_id, 0.009)
    again = generate("a paper boat, transparent background", ratio="3:2", count="1")
    assert (again.reused, again.cost_usd, again.result_id) == (True, 0.0, made.result_id)
    assert again.images[0].bytes == image.bytes
    assert simulator.posts() == 1
    anew = generate("a paper boat, transparent background", ratio="3:2", count=1, reuse=False)
    assert (anew.reused, simulator.posts()) == (False, 2)


@pytest.mark.parametrize("prompt", ["a fox", "a fox, transparent background"])
def test_pixels_as_pillow_and_as_an_array(prompt):
    image = generate(prompt, count=1).images[0]
    channels = 4 if image.has_alpha else 3
    array = image.array()
    assert (array.shape, array.dtype) == ((image.height, image.width, channels), np.uint8)
    assert np.array_equal(np.asarray(image.pil()), array)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(image.bytes)).convert(image.pil().mode)), array)
    array[:] = 0  # the caller's own
    assert image.array().any()


def test_files_keep_the_gateways_bytes(tmp_path):
    image = generate("a fox [[ok_jpeg_named_png]]").images[0]
    folder = tmp_path / "out"
    folder.mkdir()
    assert image.save(folder).name == "gpt4o-image-0001.jpg"
    assert image.save(folder).name == "gpt4o-image-0002.jpg"
    named = image.save(str(folder / "new" / "boat.jpg"))
    assert named == folder / "new" / "boat.jpg"
    assert [path.read_bytes() for path in folder.rglob("*.jpg")] == [image.bytes] * 3


def test_every_kind_of_reference_is_sent_as_the_same_picture(fake_gateway, monkeypatch, tmp_path):
    monkeypatch.setenv("GPT4O_IMAGE_BASE_URL", fake_gateway.base_url)
    pixels = np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    file = tmp_path / "boat.png"
    file.write_bytes(png(pixels))
    picture = Image.fromarray(pixels)
    kinds = [str(file), file, file.read_bytes(), picture, pixels, pixels / 255, np.float32(pixels) / 255]
    for kind in kinds:
        assert generate("a boat", references=kind, reuse=False).report()["references"][0]["source"] == [60, 40]
    contents = [request.json()["messages"][0]["content"] for request in fake_gateway.requests if request.body]
    assert len({content[1]["image_url"]["url"] for content in contents}) == 1
    assert generate("a boat", references=[pixels]).reused
    generate("a boat", references=[*kinds, np.stack([pixels] * 3)])
    content = fake_gateway.requests[-2].json()["messages"][0]["content"]
    assert len(content) == 1 + len(kinds) + 3


@pytest.mark.parametrize(
    "image",
    [
        Image.new("L", (30, 20), 90),
        Image.new("1", (30, 20), 1),
        Image.new("LA", (30, 20), (90, 40)),
        Image.new("P", (30, 20), 3),
        Image.new("CMYK", (30, 20), (1, 2, 3, 4)),
        Image.new("F", (30, 20), 0.5),
        Image.new("I;16", (30, 20), 9),
        Image.new("RGBa", (30, 20), (1, 2, 3, 4)),
        np.zeros((20, 30), np.uint8),
        np.zeros((20, 30, 1), np.float16),
        np.zeros((20, 30, 4), np.float64),
    ],
)
def test_unusual_pictures_are_references_too(image):
    assert generate("x", references=[image]).report()["references"][0]["source"] == [30, 20]


@pytest.mark.parametrize(
    "nothing",
    ["missing.png", b"no picture", np.zeros((4, 4, 2), np.uint8), np.zeros((4, 4, 3), np.int64), [3], object()],
)
def test_what_is_no_picture_is_said_before_anything_is_sent(nothing, simulator):
    with pytest.raises(GPT4oImageError) as caught:
        generate("x", references=[nothing])
    assert (caught.value.kind, caught.value.billed) == ("reference", "no")
    assert simulator.posts() == 0


def test_the_images_endpoint(simulator):
    made = generate("a fox", api="images", size="1024x1536", n=2)
    assert [(image.width, image.height) for image in made.images] == [(1024, 1536)] * 2
    assert simulator.requests()[0]["path"] == "/v1/images/generations"


def test_failures_are_raised():
    with pytest.raises(GPT4oImageError) as caught:
        generate("a fox [[fail_input_moderation_zh]]")
    assert (caught.value.kind, caught.value.billed) == ("moderation_input", "yes")
    with pytest.raises(GPT4oImageError, match="16:9"):
        generate("a fox", ratio="16:9")
    with pytest.raises(TypeError):
        generate("a fox", seed=1.5)


@pytest.mark.slow
def test_without_a_key_nothing_is_drawn(monkeypatch, simulator):
    monkeypatch.delenv("AIHUBMIX_API_KEY")
    with pytest.raises(GPT4oImageError, match="key set") as caught:
        generate("a fox")
    assert (caught.value.kind, simulator.posts()) == ("config", 0)
    assert generate("a fox [[one_chunk]]", gateway="simulator").cost_usd == 0.0


def test_progress_and_cancel():
    steps = []
    assert generate("a fox", on_progress=lambda *step: steps.append(step)).progress
    assert ("sending", None) in steps
    assert ("painting", 100) in steps
    assert steps[-1] == ("downloading 2/2", None)
    with pytest.raises(GPT4oImageError) as caught:
        generate("another fox", cancelled=lambda: True)
    assert caught.value.kind == "cancelled"


def test_a_fault_of_the_caller_costs_no_picture(caplog, simulator):
    def fail(*_):
        raise RuntimeError("mine")

    assert generate("a fox", on_progress=fail, cancelled=fail).images
    assert simulator.posts() == 1
    assert "RuntimeError: mine" in caplog.text


def test_many_threads_at_once(simulator):
    prompts, before = [f"fox {number % 6}" for number in range(12)], threading.active_count()
    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(lambda prompt: generate(prompt, count=1), prompts))
    assert simulator.posts() == 6
    assert [m.images[0].sha256 for m in made[:6]] == [m.images[0].sha256 for m in made[6:]]
    assert sum(m.cost_usd for m in made) == pytest.approx(6 * 0.009)
    assert threading.active_count() - before < 12  # fewer than one a call are left


def test_inside_an_event_loop_as_in_a_notebook():
    async def cell():
        return generate("a fox [[one_chunk]]").images

    assert asyncio.run(cell())


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_closes_the_connection_first(command_environment):
    # Whoever started the tests in the background may have had SIGINT ignored, and processes inherit that.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from gpt4o_image import generate; generate('a fox')"
    with Simulator(speed=1) as simulator:
        environ = command_environment | {"GPT4O_IMAGE_BASE_URL": simulator.base_url}
        process = subprocess.Popen([sys.executable, "-c", code], env=environ, stderr=subprocess.PIPE)
        while not simulator.posts():
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=20)[1]
    assert b"KeyboardInterrupt" in err
    listed = subprocess.run(
        [sys.executable, "-m", "gpt4o_image", "results"], env=environ, capture_output=True, text=True, check=True
    )
    assert "cancelled" in listed.stdout


README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


@pytest.mark.parametrize("lines", re.findall(r"```python\n(from gpt4o_image .*?)```", README, re.DOTALL))
def test_what_the_readme_shows_runs_as_it_stands(lines, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    exec(compile(lines, "README.md", "exec"), {})
    (saved,) = tmp_path.glob("*.png")
    assert saved.read_bytes().startswith(b"\x89PNG")
    (result,) = Vault(Path(os.environ["GPT4O_IMAGE_HOME"]) / "vault").results()
    assert (result.gateway, result.state) == ("simulator", "saved")


def test_importing_it_loads_nothing(pack_root):
    code = (
        "import sys; before = set(sys.modules); import gpt4o_image; "
        "print(sorted(m for m in set(sys.modules) - before if 'gpt4o' in m)); dir(gpt4o_image); "
        "from gpt4o_image import generate; print(generate.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=pack_root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['gpt4o_image']", "gpt4o_image.interface"]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gpt4o_image.nothing  # noqa: B018
    assert (pack_root / "gpt4o_image" / "py.typed").exists()
