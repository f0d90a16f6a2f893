"""Every template runs in this ComfyUI as it is, but for the gateway: the tests' simulator is quicker."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpt4o_image.workflow import to_prompt

TEMPLATES = sorted((Path(__file__).parents[2] / "example_workflows").glob("*.json"))
UPSCALER = "RealESRGAN_x4plus.pth"
NEEDS_A_CHECKPOINT = "upscale_and_refine"


def named(templates):
    return pytest.mark.parametrize("template", templates, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def with_upscaler(host, comfyui):
    folder = host.server.base_directory / "models" / "upscale_models"
    folder.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("make_upscaler.py")
    subprocess.run([comfyui.python, script, folder / UPSCALER], check=True, capture_output=True, cwd=comfyui.path)


@pytest.fixture
def graph_of(host):
    def graph(template):
        nodes = to_prompt(json.loads(template.read_text("utf-8")), host.server.object_info())
        for node in nodes.values():
            assert node["inputs"].get("gateway", "simulator") == "simulator"
            if "gateway" in node["inputs"]:
                node["inputs"]["gateway"] = "aihubmix"
        return nodes

    return graph


@named(TEMPLATES)
def test_it_has_only_what_this_comfyui_has(graph_of, template):
    assert any(node["class_type"].startswith("GPT4oImage_") for node in graph_of(template).values())


@named(TEMPLATES)
def test_it_has_a_small_thumbnail_and_no_path(template):
    text = template.read_text("utf-8")
    assert template.stem.isascii()
    assert not any(mark in text for mark in ("sk-", "/home/", "/root/", "C:\\\\", "/tmp/"))
    thumbnail = template.with_suffix(".jpg")
    assert 0 < thumbnail.stat().st_size <= 200 * 1024
    with Image.open(thumbnail) as picture:
        assert picture.format == "JPEG"


@pytest.mark.usefixtures("with_upscaler")
@named([template for template in TEMPLATES if template.stem != NEEDS_A_CHECKPOINT])
def test_it_runs(host, graph_of, template, generate, all_outputs):
    if template.stem == "load_paid_result":  # it goes on from what was paid for before
        assert host.run(all_outputs(generate("paid before", count="1", background="transparent"))).failure is None
    graph = graph_of(template)
    run = host.run(graph, timeout_s=240)
    assert run.failure is None
    savers = [node for node in graph if graph[node]["class_type"] == "SaveImage"]
    assert savers
    for node in savers:
        assert run.images(node)


@pytest.mark.usefixtures("with_upscaler")
@named([template for template in TEMPLATES if template.stem == "transparent_upscale_model"])
def test_an_upscaled_picture_keeps_its_transparency(host, graph_of, template):
    graph = graph_of(template)
    run = host.run(graph, timeout_s=240)
    (saver,) = [node for node in graph if graph[node]["class_type"] == "SaveImage"]
    (large,) = run.images(saver)
    assert (large.mode, large.size) == ("RGBA", (4096, 4096))
    alpha = np.asarray(large)[..., 3]
    assert (alpha.min(), alpha.max()) == (0, 255)
    assert ((alpha > 0) & (alpha < 255)).mean() > 0.01
